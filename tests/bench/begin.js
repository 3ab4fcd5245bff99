// How the pages that open a frame begin: at once when they are loaded, or when they are told, and again when they are told.
//
// The frame's address tells when the call was made, so that the server which gets the request knows how long ago that was.

const query = new URLSearchParams(location.search);

export const requestId = "request-of-the-bench-0001";
export const connectOrigin = query.get("connect");
export const CONNECT = `${connectOrigin}/v2/`;

/** What the frame's address must carry; `called` is now. */
export const parameters = () => ({ run: query.get("run"), called: String(performance.timeOrigin + performance.now()) });

export const address = () => `${CONNECT}?${new URLSearchParams({ requestId, ...parameters() })}`;

/** `open` opens a frame and yields how to close it: at once, or with `waits` in the query not before `window.again()`. */
export function begins(open) {
  let close = query.has("waits") ? () => {} : open();
  window.again = () => {
    close();
    close = open();
  };
}

/** `window.ask()` is the click: it opens Connect by way of the backend, and resolves with the milliseconds until the bank's question is there. */
export function asks(open) {
  window.ask = () =>
    new Promise((resolve, reject) => {
      const clickedAt = performance.now();
      addEventListener("message", ({ data }) => data?.step === "COMPONENT_LOAD_MFA" && resolve(performance.now() - clickedAt));
      Promise.resolve(open()).catch(reject);
    });
}
