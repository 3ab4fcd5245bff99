// R37: the script tag, whole and damaged, with integrity and without. It runs or it does not: the element and the global tell.

const query = new URLSearchParams(location.search);
const isDamaged = query.has("damaged");
const isPinned = query.has("integrity");
const shouldRun = !isDamaged || !isPinned;

const hash = document.querySelector("script[crossorigin]").integrity;
const complaints = [];
if (isPinned && !/^sha384-.{64}$/.test(hash)) complaints.push(`no published hash: ${hash}`);

const runs = Boolean(window.FlinksReconnect?.reconnect) && Boolean(customElements.get("flinks-reconnect"));
if (runs !== shouldRun) complaints.push(runs ? "it runs" : "it does not run");
if (runs && !isDamaged) {
  const element = document.createElement("flinks-reconnect");
  element.setAttribute("instance", "toolbox");
  element.setAttribute("request-id", "request-of-the-host-0001");
  const phases = new Promise((resolve) =>
    element.addEventListener("phasechange", ({ detail }) => detail.phase === "active" && resolve(true)),
  );
  document.body.append(element);
  await phases;
  element.remove();
}

document.documentElement.setAttribute(
  "data-report",
  JSON.stringify({
    rows: [
      {
        attack: `the script tag${isDamaged ? " with one bit changed" : ""}${isPinned ? " and integrity" : ""}`,
        outcome: runs ? "runs" : "does not run",
        twin: isDamaged ? (isPinned ? "without integrity it runs" : "it is the twin") : "it is the twin",
        complaints,
      },
    ],
  }),
);
