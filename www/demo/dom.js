// The page's markup lives in index.html: in plain sight, and in <template>s where it repeats. Nothing here parses HTML, so the
// page works under `require-trusted-types-for 'script'`.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A copy of a template's one element. */
export function copyOf(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

/** The element inside `root` that its template calls `name`. */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** Sets the text only when it changes, so a live region does not repeat itself and a selection survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
