// The line after each "wrong:" must not compile, and no other.

import { FlinksReconnect, useReconnect } from "flinks-reconnect/react";

// wrong: neither start nor requestId
const options = <FlinksReconnect options={{}} />;
// wrong: no options
const none = <FlinksReconnect />;
// wrong: a component has no children
const children = <FlinksReconnect options={{ start: "/start" }}>Loading</FlinksReconnect>;
// wrong: an error has no message of its own kind
const error = <FlinksReconnect options={{ start: "/start" }} onError={(error) => error.reason} />;
// wrong: an unknown attribute
const unknown = <flinks-reconnect loginId="login-0001" />;
// wrong: a policy that does not exist
const policy = <flinks-reconnect full-flow="ask" />;
// wrong: a start function must answer with a start reply
const start = <flinks-reconnect start={async () => ({ status: "started" })} />;
// wrong: a parameter the widget owns
const owned = <flinks-reconnect params={{ requestId: "request-0001" }} />;
// wrong: a detail is typed
const detail = <flinks-reconnect onreconnected={({ detail }) => detail.login} />;
// wrong: open() needs options
const opened = () => useReconnect().open();

export const all = [options, none, children, error, unknown, policy, start, owned, detail, opened];
