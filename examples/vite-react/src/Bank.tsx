import { useState } from "react";
import { FlinksReconnect } from "flinks-reconnect/react";

export function Bank({ id }: { id: string }) {
  const [outcome, setOutcome] = useState("");
  return (
    <>
      <FlinksReconnect
        key={id}
        options={{ start: `/api/connections/${id}/reconnect`, deliver: "/api/reconnects" }}
        onResult={(result) => setOutcome(result.status)}
        onError={(error) => setOutcome(error.code)}
      />
      <output>{outcome}</output>
    </>
  );
}
