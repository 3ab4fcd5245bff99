// The page behind a dialog does not scroll.

import { styleSheet } from "./style-sheet.js";

/**
 * Keeps the page from scrolling, where it stands and without a jump. The function that is returned undoes it.
 *
 * By a style sheet, not in the page's own style attribute: locks overlap in any order, and who writes back what stood there before would undo what
 * somebody else has set since.
 */
export function lockScrolling(): () => void {
  const root = document.documentElement;
  const gutter = innerWidth > root.clientWidth ? "scrollbar-gutter:stable!important" : "";
  const sheet = styleSheet(document, `:root:root{overflow:hidden!important;${gutter}}`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    // Whoever has kept a list with it in may set that again.
    sheet.disabled = true;
  };
}
