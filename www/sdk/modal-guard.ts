// Keeps what a person does in our dialog from the page's own modals.
//
// Libraries for modals listen to the whole document. What happens outside theirs makes them close, and some stop it or move the focus back. Our
// dialog is above them and outside, so its events end at the window, before the document's listeners: what the browser does by itself (typing,
// moving the focus, scrolling, Esc) it does all the same. A click is repeated inside our shadow tree, where our buttons wait for it.

/** What libraries for modals, focus traps and scroll locks listen to. */
const EVENTS = [
  "pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchmove", "touchend", "click", "keydown", "keyup", "focus", "focusin",
  "focusout", "wheel",
];

/** Guards the dialog in this element's shadow tree; the function that is returned ends it. Added and removed as plain pairs, which patched `EventTarget`s know. */
export function guardModal(element: Element): () => void {
  const guard = (event: Event) => {
    const path = event.composedPath();
    if (!path.includes(element)) return;
    event.stopImmediatePropagation();
    // Out of the shadow tree this one does not come. (No `Event`: old libraries put something else in its place.)
    if (event.type === "click") path[0]?.dispatchEvent(new CustomEvent("click", { bubbles: true }));
  };
  for (const name of EVENTS) addEventListener(name, guard, true);
  return () => {
    for (const name of EVENTS) removeEventListener(name, guard, true);
  };
}
