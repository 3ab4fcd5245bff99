// The page of a signed-in user: how their bank is, and the button that repairs it.

const { reconnect } = window.FlinksReconnect;
const [form, main] = document.querySelectorAll("form, main");
let bank;

/** Shows what the application knows: it learns from the host's events when the bank is connected again. */
async function show() {
  const answer = await fetch("/bank");
  form.hidden = answer.ok;
  main.hidden = !answer.ok;
  if (!answer.ok) return;
  bank = await answer.json();
  main.querySelector("output").value = bank.status;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/sign-in", { method: "POST", body: JSON.stringify(Object.fromEntries(new FormData(form))) });
  form.querySelector("output").value = answer.ok ? "" : "Name or password is wrong.";
  show();
});

main.querySelector("button").addEventListener("click", async () => {
  const session = reconnect({
    start: `${bank.host}/api/connections/${bank.connection}/reconnect`,
    deliver: `${bank.host}/api/reconnects`,
    headers: async () => ({ Authorization: `Bearer ${await (await fetch("/token")).text()}` }),
  });
  await session.result.catch(() => {}); // The dialog has told the user.
});

show();
setInterval(show, 1_000);
