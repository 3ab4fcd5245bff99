// What a page's bundler is asked for: each of our entries, and what a user would pick instead.
//
// `not` says what a package leaves to the page or fetches while the page runs. Each such statement stands on `proof`: a file of the installed package,
// a pattern, and whether the pattern is there. `npm run size` looks it up in the version it installed; a statement that no longer holds fails.

/** Ours. The names are those of budget.json. */
export const own = {
  "flinks-reconnect": { consumer: 'export { reconnect, ReconnectError } from "flinks-reconnect";' },
  // esbuild by itself writes ASCII and escapes the module's text; Vite, webpack, Rollup and Parcel leave it as it is.
  "flinks-reconnect, ASCII only": { consumer: 'export { reconnect, ReconnectError } from "flinks-reconnect";', charset: "ascii" },
  "flinks-reconnect/element": { consumer: 'import "flinks-reconnect/element";' },
  "flinks-reconnect/react": { consumer: 'export { FlinksReconnect, useReconnect } from "flinks-reconnect/react";' },
  "flinks-reconnect/testing": { consumer: 'export { reconnect, sessions } from "flinks-reconnect/testing";' },
  // Nobody bundles the script tag's file: it is loaded as it is.
  "flinks-reconnect/global": { file: "dist/flinks-reconnect.global.js" },
};

const REQUEST = /\bfetch\(|XMLHttpRequest|sendBeacon/;
const TIMER = /set(Timeout|Interval)\(/;
const FRAME = /["']iframe["']/;

/** Theirs. */
export const rivals = {
  "@rizwannur/flinks": {
    consumer: 'export { useFlinksConnect } from "@rizwannur/flinks/react";',
    not: "the frame (it is given an address), delivery, clock",
    proof: [
      ["dist/react.js", FRAME, false],
      // The one request is for a token.
      ["dist/react.js", /fetch\(tokenEndpoint, \{ method: "POST" \}\)/, true],
      ["dist/react.js", /onSuccess\?\.\(data\)/, true],
      ["dist/react.js", TIMER, false],
    ],
  },
  "react-plaid-link": {
    consumer: 'export { usePlaidLink } from "react-plaid-link";',
    not: "the widget itself (a script of the vendor's, loaded at run time), delivery, clock",
    proof: [
      ["dist/index.esm.js", /https:\/\/cdn\.plaid\.com\/link\/v2\/stable\/link-initialize\.js/, true],
      ["dist/index.esm.js", REQUEST, false],
      ["dist/index.esm.js", TIMER, false],
    ],
  },
  "@mxenabled/web-widget-sdk": {
    consumer: 'export { ConnectWidget } from "@mxenabled/web-widget-sdk";',
    not: "delivery (it requests its own start address), clock",
    proof: [
      ["dist/esm/index.js", FRAME, true],
      ["dist/esm/index.js", /fetch\(req\.url, req\.options\)/, true],
      ["dist/esm/index.js", TIMER, false],
    ],
  },
  "connect-web-sdk": {
    consumer: 'export { Connect } from "connect-web-sdk";',
    not: "delivery, clock (its timer says hello to the frame once a second)",
    proof: [
      ["src/index.ts", FRAME, true],
      ["dist/mastercard-connect-esm.min.js", REQUEST, false],
      ["src/index.ts", /NOTE: ping connect until it responds\s+const intervalId = setInterval\(/, true],
      ["src/index.ts", /setTimeout\(/, false],
    ],
  },
  "@quiltt/react": {
    consumer: 'export { useQuilttConnector } from "@quiltt/react";',
    not: "the widget itself (a script of the vendor's, loaded at run time), delivery, clock (its timer ends a token of the vendor's)",
    proof: [
      ["dist/hooks/useQuilttConnector-12s-DXtPsF-J.js", /useScript\(`\$\{cdnBase\}\/v1\/connector\.js/, true],
      ["dist/hooks/useSession-12s-BNPsfKY-.js", /sessionTimer\.set\(expire, /, true],
      ["dist/hooks/useQuilttConnector-12s-DXtPsF-J.js", REQUEST, false],
      ["dist/hooks/useQuilttConnector-12s-DXtPsF-J.js", TIMER, false],
    ],
  },
  "pluggy-connect-sdk": {
    consumer: 'export { PluggyConnect } from "pluggy-connect-sdk";',
    not: "delivery, clock",
    proof: [
      ["dist/module/pluggy-connect.js", /from 'zoid\/dist\/zoid\.frameworks\.frame'/, true],
      ["dist/module/pluggy-connect.js", REQUEST, false],
      ["dist/module/pluggy-connect.js", TIMER, false],
    ],
  },
  "snaptrade-react": {
    consumer: 'export { SnapTradeReact } from "snaptrade-react";',
    not: "delivery, clock",
    proof: [
      ["dist/components/SnapTradeReact.js", FRAME, true],
      ["dist/index.esm.js", REQUEST, false],
      ["dist/index.esm.js", TIMER, false],
    ],
  },
  penpal: {
    consumer: 'export { connect, WindowMessenger } from "penpal";',
    not: "the frame, Flinks, delivery, clock of a session (it has time-outs for handshake and calls): it is messages alone",
    proof: [
      ["dist/penpal.mjs", /createElement\(/, false],
      ["dist/penpal.mjs", REQUEST, false],
      ["dist/penpal.mjs", /window\.setTimeout|setTimeout\(/, true],
    ],
  },
};
