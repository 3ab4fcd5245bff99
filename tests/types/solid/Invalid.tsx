// The line after each "wrong:" must not compile, and no other.

import type {} from "flinks-reconnect/types/solid";

// wrong: an unknown attribute
const unknown = () => <flinks-reconnect loginId="login-0001" />;
// wrong: a policy that does not exist
const policy = () => <flinks-reconnect full-flow="ask" />;
// wrong: a start function must answer with a start reply
const start = () => <flinks-reconnect start={async () => ({ status: "started" })} />;
// wrong: a parameter the widget owns
const owned = () => <flinks-reconnect prop:params={{ requestId: "request-0001" }} />;
// wrong: a detail is typed
const detail = () => <flinks-reconnect on:reconnected={({ detail }) => detail.login} />;

export const all = [unknown, policy, start, owned, detail];
