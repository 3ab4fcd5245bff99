// Connect's stand-in of the fault table: says what the parameter `theme` names, and from then on what the host's page orders it to say.

const LOGIN = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";
const say = (message) => parent.postMessage(message, "*");
const redirect = { step: "REDIRECT", institution: "FlinksCapital", loginId: LOGIN };

const themes = {
  redirect: () => say(redirect),
  silent: () => {},
  mounted: () => {},
  "bank-list": () => (say({ step: "COMPONENT_LOAD_INSTITUTION_SELECTOR", cached: false }), say({ step: "SUBMIT_CREDENTIAL" }), say(redirect)),
  repeated: () => Array.from({ length: 500 }, () => say(redirect)),
  contradicted: () => (say(redirect), say({ ...redirect, loginId: "another-login-0001" })),
  "token-refused": () => say({ step: "TOKEN_INVALID" }),
  "session-over": () => say({ step: "SESSION_EXPIRED" }),
  answering: () => (say({ step: "COMPONENT_LOAD_MFA" }), say({ step: "SUBMIT_MFA" })),
};

const theme = new URLSearchParams(location.search).get("theme") ?? "redirect";
if (theme !== "silent") say({ step: "APP_MOUNTED" });
themes[theme]();
addEventListener("message", ({ data }) => say(data.says === "REDIRECT" ? redirect : { step: data.says }));
