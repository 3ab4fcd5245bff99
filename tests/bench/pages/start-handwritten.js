// What it can be at best: a page that inserts the frame and does nothing else.
import { address, begins } from "../begin.js";

begins(() => {
  const frame = document.createElement("iframe");
  frame.src = address();
  document.querySelector("#place").append(frame);
  return () => frame.remove();
});
