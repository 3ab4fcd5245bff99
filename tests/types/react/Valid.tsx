// Everything here must compile, in React 18 and 19.

import { useRef } from "react";
import type { FlinksReconnectElement } from "flinks-reconnect/element";
import { FlinksReconnect, useReconnect } from "flinks-reconnect/react";

const start = async () => ({ status: "upToDate" as const });

export function Inline({ id }: { id: string }) {
  return (
    <FlinksReconnect
      key={id}
      className="bank"
      aria-label="Your bank"
      options={{ start, deliver: "/api/reconnects", params: { theme: "light", somethingNew: 1 } }}
      onResult={(result) => result.status === "reconnected" && console.log(result.mode.toUpperCase(), result.accountIds.length)}
      onError={({ code, flinksCode, retryable }) => console.log(code === "CANCELLED", flinksCode === "DISABLED_LOGIN", retryable)}
      onEvent={(event) => console.log(event.type)}
    />
  );
}

export function Dialog() {
  const { open, close, phase } = useReconnect();
  return <button onClick={() => open({ start }).result.then(({ status }) => status)} onBlur={close}>{phase ?? "idle"}</button>;
}

export function Element() {
  const element = useRef<FlinksReconnectElement>(null);
  return (
    <>
      <flinks-reconnect instance="toolbox" request-id="request-0001" full-flow="stop" load-timeout-ms={5000} params="theme=light" />
      <flinks-reconnect
        ref={element}
        id="bank"
        className="bank"
        hidden={false}
        modal
        manual
        start={start}
        deliver={async (delivery, { attemptId, signal }) => console.log(delivery.loginId, attemptId, signal.aborted)}
        headers={() => ({ "X-Token": "…" })}
        labels={{ title: "Your bank" }}
        params={{ demo: true }}
        resumeSelectedAccounts={["account-one-0001"]}
        onreconnected={({ detail }) => console.log(detail.status)}
        onfailed={({ detail }) => console.log(detail.code)}
        onstep={({ detail }) => console.log(detail.step === "REDIRECT", detail.institution?.length)}
        onexpiring={({ detail }) => console.log(detail.remainingMs / 1000)}
      />
      <button onClick={() => element.current?.open()?.close()}>Reconnect</button>
    </>
  );
}
