// Everything here must compile: the package as its users write it, resolved through the `exports` of package.json.

import { EVENTS, ReconnectError, reconnect, version } from "flinks-reconnect";
import type { ConnectParams, Delivery, ErrorCode, FlinksCode, FlinksStep, Phase, ReconnectOptions, ReconnectResult, StartReply } from "flinks-reconnect";
import { useRef } from "react";
import { FlinksReconnect, type FlinksReconnectHandle, useReconnect } from "flinks-reconnect/react";
import { FlinksReconnectElement } from "flinks-reconnect/element";
import "flinks-reconnect/global";
import { ReconnectError as TestError, reconnect as reconnectInTest, sessions } from "flinks-reconnect/testing";

const session = reconnect({
  instance: "toolbox",
  start: "/api/connections/42/reconnect",
  deliver: "/api/reconnects",
});

// The same call, and a session that a component test drives.
const tested: ReturnType<typeof reconnect> = reconnectInTest({ start: "/start" });
sessions.at(-1)?.enter("active").emit("step", { step: "COMPONENT_LOAD_MFA", institution: null }).succeed({ loginId: "login-0001" });
sessions.at(-1)?.fail("LOAD_TIMEOUT", { retryable: true });
tested.result.catch((error) => error instanceof TestError && error.code === "LOAD_TIMEOUT");

session.addEventListener("phasechange", ({ detail }) => {
  const phase: Phase = detail.phase;
  console.log(phase, detail.previous);
});
session.addEventListener("step", ({ detail }) => console.log(detail.step, detail.institution?.length));
session.addEventListener("flinkscode", ({ detail }) => console.log(detail.flinksCode));
session.addEventListener("expiring", ({ detail }) => console.log(detail.remainingMs + 1), { once: true });
session.addEventListener("retrying", ({ detail }) => console.log(detail.attempt, detail.delayMs));
session.addEventListener("fullflow", () => session.close());

export async function finish(): Promise<string> {
  try {
    const result: ReconnectResult = await session.result;
    if (result.status === "upToDate") return "fresh";
    const ids: readonly string[] = result.accountIds;
    return `${result.mode} ${result.loginId} ${ids.length} ${result.requestId ?? ""} ${String(result.reply)}`;
  } catch (error) {
    if (error instanceof ReconnectError) {
      const code: ErrorCode = error.code;
      if (error.retryable) session.retry();
      return `${code} ${error.flinksCode ?? ""} ${error.httpStatus ?? 0} ${error.phase}`;
    }
    throw error;
  }
}

// A test of the application makes errors of its own.
export const error = new ReconnectError({ code: "BUSY", retryable: true, phase: "starting" });

// What an application leaves out by `undefined`.
declare const maybe: { text?: string; ids?: string[]; signal?: AbortSignal; number?: number; isOn?: boolean };
export const partial: ReconnectOptions = {
  start: "/start", instance: undefined, connectUrl: undefined, requestId: undefined, authorizeToken: undefined, container: maybe.text, resumeSelectedAccounts: maybe.ids,
  deliver: maybe.text, onFailure: undefined, allow: maybe.text, headers: undefined, credentials: undefined, language: undefined, fullFlow: undefined, labels: { title: maybe.text },
  loadTimeoutMs: maybe.number, deliverTimeoutMs: maybe.number, sandbox: maybe.text, signal: maybe.signal, params: { demo: maybe.isOn, requestId: undefined },
};
export const byRequestId: ReconnectOptions = { instance: "toolbox", connectUrl: undefined, requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10", authorizeToken: maybe.text, start: undefined };
export const partialReply: StartReply = { status: "challenge", mode: "resume", attemptId: "a", requestId: "r", authorizeToken: maybe.text, tag: maybe.text, language: undefined };

// What is documented, and what Flinks may add.
export const steps: FlinksStep[] = ["COMPONENT_LOAD_MFA", "SOMETHING_NEW"];
export const codes: FlinksCode[] = ["DISABLED_LOGIN", "SOMETHING_NEW"];
export const newValues: ConnectParams = { daysOfTransactions: "Days30", loadingType: "spinner", monthsOfStatements: "Months24" };

const params: ConnectParams = { demo: true, daysOfTransactions: "Days90", theme: "light", somethingNew: 1 };

export const interrupted: ReconnectOptions = {
  connectUrl: "http://127.0.0.1:4201/v2/",
  requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10",
  authorizeToken: "d65f1adb-8ebc-48dc-be8b-20c773ba1565",
  resumeSelectedAccounts: ["ae1dac72-70da-4626-fed8-08d682e1ff4a"],
  container: document.body,
  deliver: async (delivery: Delivery, { attemptId, signal }) => {
    const response = await fetch("/graphql", { method: "POST", body: JSON.stringify({ delivery, attemptId }), signal });
    return response.json();
  },
  headers: () => ({ "X-CSRF-Token": "…" }),
  credentials: "include",
  language: "fr",
  params,
  fullFlow: "stop",
  labels: { title: "Reconnect", takeOver: "Use this tab" },
  loadTimeoutMs: 10_000,
  deliverTimeoutMs: 60_000,
  sandbox: null,
  signal: AbortSignal.timeout(600_000),
};

const reply: StartReply = { status: "challenge", mode: "refresh", attemptId: "a", requestId: "r", tag: null };
export const withFunction: ReconnectOptions = { start: async (signal) => (signal.aborted ? { status: "upToDate" } : reply) };

export function Row() {
  const { open, close, phase } = useReconnect();
  const handle = useRef<FlinksReconnectHandle>(null);
  return (
    <>
      <button onClick={() => open(withFunction)} onBlur={close}>
        {phase ?? "idle"}
      </button>
      <FlinksReconnect
        ref={handle}
        options={{ ...interrupted, container: undefined }}
        className="frame"
        onClick={() => handle.current?.retry() || handle.current?.close()}
        onResult={(result) => console.log(result.status)}
        onError={(error) => console.log(error.code)}
        onEvent={(event) => console.log(event.type)}
      />
      <flinks-reconnect instance="toolbox" start={withFunction.start} modal onreconnected={({ detail }) => console.log(detail.status)} />
    </>
  );
}

const element = document.createElement("flinks-reconnect");
element.start = async () => reply;
element.addEventListener("reconnected", ({ detail }) => console.log(detail.status));
element.addEventListener("failed", ({ detail }) => console.log(detail.code));
element.addEventListener("click", ({ clientX }) => console.log(clientX));
element.instance = "toolbox";
element.loadTimeoutMs = null;
element.params = "theme=light";
element.resumeSelectedAccounts = ["ae1dac72-70da-4626-fed8-08d682e1ff4a"];
element.modal = true;
const isOurs: boolean = element instanceof FlinksReconnectElement;
console.log(isOurs, element.open()?.phase, EVENTS.length, version, window.FlinksReconnect.version);
