import { reconnect, ReconnectError } from "flinks-reconnect";

const [button, output] = document.querySelectorAll("button, output");

button.addEventListener("click", async () => {
  const session = reconnect({
    // instance: "toolbox",                           // where Connect is, unless your start endpoint says it
    start: "/api/connections/nightly/reconnect",      // your endpoint that begins (or resumes) the session
    deliver: "/api/reconnects",                       // your endpoint that receives the result
  });
  try {
    const result = await session.result;
    output.value = result.status;                     // "reconnected": your backend has it; "upToDate": nobody was needed
  } catch (error) {
    if (!(error instanceof ReconnectError)) throw error;
    output.value = error.code;                        // "CANCELLED", "SESSION_EXPIRED" …
  }
});
