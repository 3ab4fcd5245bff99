// Style sheets that a strict Content-Security-Policy allows.

/** A constructed style sheet; it can be adopted in that document only. */
export function styleSheet(page: Document, css: string): CSSStyleSheet {
  const sheet = new (page.defaultView ?? globalThis).CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
