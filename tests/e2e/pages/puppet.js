// A page that does whatever it is told: Connect's stand-in, or an attacker. Orders and answers travel by a message port, so that they are
// no message events of the page around it.
addEventListener("message", async ({ data, ports: [port] }) => {
  if (typeof data?.puppet !== "string" || !port) return;
  try {
    const order = new Function("given", `return (async () => { ${data.puppet} })()`);
    port.postMessage({ answer: await order(data.given) });
  } catch (error) {
    port.postMessage({ error: `${error.name}: ${error.message}` });
  }
});

const query = new URLSearchParams(location.search);
// As the real Connect does, on its own path.
if (location.pathname === "/v2/" && query.get("theme") !== "silent") parent.postMessage({ step: "APP_MOUNTED" }, "*");

// For a person's click.
const actions = {
  lead() {
    try {
      top.location = "https://evil.test/away";
    } catch {
      // Blocked; some browsers throw and some do not.
    }
    parent.postMessage({ step: "LEAD_CLICKED" }, "*");
  },
  // With `?attacks&opens=…` an attacker, who opens the victim's page and talks to it until it goes away.
  open() {
    window.opened = open(query.get("opens") ?? "/puppet");
    const success = { step: "REDIRECT", loginId: "login-of-the-attacker-0001", opener: true };
    if (query.has("attacks")) setInterval(() => window.opened?.postMessage(success, "*"), 20);
  },
  bank() {
    const bank = open("https://bank.test/puppet?bank");
    // What Connect reports when the browser gives it no window.
    parent.postMessage({ step: bank ? "POPUP_OPENED" : "POPUP_BLOCKED" }, "*");
  },
};
for (const [id, action] of Object.entries(actions)) document.getElementById(id).addEventListener("click", action);

// A bank's pop-up tells its opener, as OAuth's landing page does, and the opener tells the page.
if (query.has("bank")) opener?.postMessage({ bank: window.origin, escaped: canStore() }, "*");
addEventListener("message", ({ data, origin }) => {
  if (data?.bank) parent.postMessage({ step: `BANK_${origin === "https://bank.test" && data.escaped ? "ANSWERED" : "LOST"}` }, "*");
});

function canStore() {
  try {
    return Boolean(localStorage) && window.origin !== "null";
  } catch {
    return false;
  }
}
