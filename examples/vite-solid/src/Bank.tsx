import { createSignal } from "solid-js";
import "flinks-reconnect/element";
import type {} from "flinks-reconnect/types/solid";

export function Bank(props: { id: string }) {
  const [outcome, setOutcome] = createSignal("");
  return (
    <>
      <flinks-reconnect
        start={`/api/connections/${props.id}/reconnect`}
        deliver="/api/reconnects"
        on:reconnected={(event) => setOutcome(event.detail.status)}
        on:failed={(event) => setOutcome(event.detail.code)}
      />
      <output>{outcome()}</output>
    </>
  );
}
