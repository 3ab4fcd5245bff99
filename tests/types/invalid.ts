// Every line under a `@ts-expect-error` must not compile; the compiler complains about one that does.

import { ReconnectError, reconnect } from "flinks-reconnect";
import "flinks-reconnect/element";
import { sessions } from "flinks-reconnect/testing";

// @ts-expect-error neither start nor requestId
reconnect({ instance: "toolbox" });
// @ts-expect-error a requestId without an address of Connect
reconnect({ requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10" });
// @ts-expect-error two addresses of Connect
reconnect({ instance: "toolbox", connectUrl: "https://toolbox-iframe.private.fin.ag/v2/", start: "/start" });
// @ts-expect-error a text that does not exist
reconnect({ start: "/start", labels: { titel: "Hello" } });
// @ts-expect-error both start and requestId
reconnect({ start: "/start", requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10" });
// @ts-expect-error a token goes with a requestId only
reconnect({ start: "/start", authorizeToken: "d65f1adb-8ebc-48dc-be8b-20c773ba1565" });
// @ts-expect-error unknown option
reconnect({ start: "/start", instanceName: "toolbox" });
// @ts-expect-error reserved parameter
reconnect({ start: "/start", params: { requestId: "x" } });
// @ts-expect-error reserved parameter
reconnect({ start: "/start", params: { webview: true } });
// @ts-expect-error documented parameter of another type
reconnect({ start: "/start", params: { demo: "yes" } });
// @ts-expect-error unknown policy
reconnect({ start: "/start", fullFlow: "ask" });
// @ts-expect-error unknown language
reconnect({ start: "/start", language: "de" });
// @ts-expect-error a start function must answer with a start reply
reconnect({ start: () => ({ status: "challenge" }) });
// @ts-expect-error an error has a code
new ReconnectError();
// @ts-expect-error of those that exist
new ReconnectError({ code: "LOST" });

// @ts-expect-error what ends a session of a test has a method of its own
sessions[0]?.enter("done");
// @ts-expect-error an event's detail is typed
sessions[0]?.emit("step", { name: "COMPONENT_LOAD_MFA" });

const session = reconnect({ start: "/start" });
// @ts-expect-error read-only
session.phase = "done";
// @ts-expect-error an event's detail is typed
session.addEventListener("step", ({ detail }) => detail.name);
session.result.then((result) => {
  // @ts-expect-error a result that needed nobody has no login
  result.loginId;
});

const element = document.createElement("flinks-reconnect");
// @ts-expect-error a policy that does not exist
element.fullFlow = "ask";
// @ts-expect-error a start function must answer with a start reply
element.start = async () => ({ status: "started" });
// @ts-expect-error the session is the element's to set
element.session = session;
// @ts-expect-error what the element tells is typed
element.addEventListener("reconnected", ({ detail }) => detail.login);
