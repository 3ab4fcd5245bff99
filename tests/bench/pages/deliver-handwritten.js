// The shortest way from a success to the host: a listener of three lines and a fetch.
import { address, connectOrigin } from "../begin.js";

const frame = document.createElement("iframe");
frame.src = address();
document.querySelector("#place").append(frame);

addEventListener("message", (event) => {
  if (event.origin !== connectOrigin || event.source !== frame.contentWindow) return;
  if (event.data.step === "APP_MOUNTED") window.succeed = () => frame.contentWindow.postMessage("succeed", "*");
  if (event.data.step === "REDIRECT") {
    const { loginId, requestId, institution } = event.data;
    fetch("/deliver", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ loginId, requestId, institution }) });
  }
});
