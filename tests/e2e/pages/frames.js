/** The frames in here, in shadow trees too: the widget's stand in one, where `window.frames` and selectors do not look. */
export function frames(root = document) {
  const inShadow = [...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot ? frames(shadowRoot) : []));
  return [...root.querySelectorAll("iframe"), ...inShadow];
}
