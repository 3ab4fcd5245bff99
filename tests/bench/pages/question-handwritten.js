// The same steps by hand: ask the backend, then insert the frame.
import { CONNECT, asks } from "../begin.js";

asks(async () => {
  const response = await fetch("/start", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  const { requestId } = await response.json();
  const frame = document.createElement("iframe");
  frame.src = `${CONNECT}?${new URLSearchParams({ requestId })}`;
  document.querySelector("#place").append(frame);
});
