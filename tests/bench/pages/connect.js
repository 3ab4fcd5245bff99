// Connect's stand-in, and the stranger: posts what it is told, as often as it is told, in one go. The last message tells when that was done.
const query = new URLSearchParams(location.search);

addEventListener("message", ({ data }) => {
  if (typeof data?.count !== "number") return;
  for (let number = 1; number < data.count; number++) parent.postMessage(data.message, "*");
  parent.postMessage({ ...data.message, postedAt: performance.timeOrigin + performance.now() }, "*");
});

// A result, with the time at which it was posted where a bank's name would stand.
addEventListener("message", ({ data }) => {
  if (data !== "succeed") return;
  const institution = String(performance.timeOrigin + performance.now());
  parent.postMessage({ step: "REDIRECT", loginId: "login-of-the-bench-0001", requestId: query.get("requestId"), institution }, "*");
});

if (location.pathname === "/v2/") for (const step of ["APP_MOUNTED", "COMPONENT_LOAD_MFA"]) parent.postMessage({ step }, "*");
