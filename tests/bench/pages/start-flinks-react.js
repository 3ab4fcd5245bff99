// @rizwannur/flinks/react: the hook makes the address, the page's own React shows the frame.
import { useFlinksConnect } from "@rizwannur/flinks/react";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { CONNECT, begins, parameters, requestId } from "../begin.js";

function Connect({ params }) {
  const { iframeUrl } = useFlinksConnect({ instance: "toolbox", requestId, params });
  // The hook knows Flinks' own hosts only.
  return createElement("iframe", { src: iframeUrl.replace(/^[^?]*/, CONNECT) });
}

begins(() => {
  const root = createRoot(document.querySelector("#place"));
  root.render(createElement(Connect, { params: parameters() }));
  return () => root.unmount();
});
