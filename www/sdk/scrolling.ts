// The page behind a dialog does not scroll.

let locks = 0;
let restore = () => {};

/** Keeps the page from scrolling, where it stands and without a jump. The function that is returned undoes it; after the last, all is as it was. */
export function lockScrolling(): () => void {
  locks += 1;
  if (locks === 1) restore = lock(document.documentElement);
  return () => {
    locks -= 1;
    if (locks === 0) restore();
  };
}

function lock(root: HTMLElement): () => void {
  const hasScrollbar = innerWidth > root.clientWidth;
  const hadStyle = root.hasAttribute("style");
  const before = ["overflow", "scrollbar-gutter"].map((name) => [name, root.style.getPropertyValue(name), root.style.getPropertyPriority(name)] as const);
  root.style.setProperty("overflow", "hidden", "important");
  if (hasScrollbar) root.style.setProperty("scrollbar-gutter", "stable", "important");
  return () => {
    for (const [name, value, priority] of before) root.style.setProperty(name, value, priority);
    // Read first: Chromium writes the attribute only when somebody looks, and would put an empty one back.
    if (!hadStyle && root.getAttribute("style") === "") root.removeAttribute("style");
  };
}
