// The bank's own window in the OAuth demo. It asks once and tells the sandbox; the Connect page hears of it from there.

import { wordsIn } from "./words.js";

const [visit, language] = location.hash.slice(1).split("/");
const words = wordsIn(language);
const main = document.getElementById("main");

function text(tag, content, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: content, ...properties });
}

async function decide(decision) {
  for (const one of main.querySelectorAll("button")) one.disabled = true;
  try {
    const response = await fetch("/_page/decide", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ visit, decision }),
    });
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
    const { url } = await response.json();
    if (url) return location.assign(url);
    main.replaceChildren(text("h1", decision === "approve" ? words.oauthApproved : words.oauthDeclined));
    main.dataset.screen = "done";
    // Only a window that a script opened may close itself.
    window.close();
  } catch {
    const alarm = text("p", words.oauthLost, { className: "alarm" });
    alarm.setAttribute("role", "alert");
    main.append(alarm);
  }
}

function choice(label, decision, className) {
  const button = text("button", label, { type: "button", className, onclick: () => decide(decision) });
  button.dataset.testid = decision;
  return button;
}

document.documentElement.lang = words === wordsIn("fr") ? "fr" : "en";
document.title = words.title;
document.getElementById("banner").textContent = words.banner;
const stack = text("div", "", { className: "stack" });
stack.append(choice(words.oauthApprove, "approve", ""), choice(words.oauthDecline, "decline", "plain"));
main.replaceChildren(text("h1", words.oauthBankTitle), text("p", words.oauthBank), stack);
