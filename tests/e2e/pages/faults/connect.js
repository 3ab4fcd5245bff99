// Connect's stand-in of the fault table: says what the parameter `theme` names.

const LOGIN = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";
const say = (message) => parent.postMessage(message, "*");
const redirect = { step: "REDIRECT", institution: "FlinksCapital", loginId: LOGIN };

const part = new URLSearchParams(location.search).get("theme") ?? "redirect";
if (part !== "silent") {
  say({ step: "APP_MOUNTED" });
  if (part === "bank-list") say({ step: "COMPONENT_LOAD_INSTITUTION_SELECTOR", cached: false });
  if (part === "repeated") for (let count = 0; count < 500; count++) say(redirect);
  if (part !== "mounted") say(redirect);
  if (part === "contradicted") say({ ...redirect, loginId: "another-login-0001" });
}
