// Everything here must compile in Solid.

import type { FlinksReconnectElement } from "flinks-reconnect/element";
import type {} from "flinks-reconnect/types/solid";

const start = async () => ({ status: "upToDate" as const });

export function All() {
  let element!: FlinksReconnectElement;
  return (
    <>
      <flinks-reconnect instance="toolbox" request-id="request-0001" full-flow="stop" load-timeout-ms={5000} params="theme=light" />
      <flinks-reconnect
        ref={element}
        id="bank"
        class="bank"
        modal
        manual
        start={start}
        prop:deliver={async (delivery, { attemptId }) => console.log(delivery.loginId, attemptId)}
        headers={() => ({ "X-Token": "…" })}
        params={{ demo: true }}
        on:reconnected={({ detail }) => console.log(detail.status)}
        on:failed={({ detail }) => console.log(detail.code)}
        on:step={({ detail }) => console.log(detail.step === "REDIRECT")}
      />
      <button onClick={() => element.open()?.close()}>Reconnect</button>
    </>
  );
}
