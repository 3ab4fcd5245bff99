// Next calls this once, when its server starts. `tick` looks after results that a browser lost, data and events; where nothing runs between requests, a cron job
// asks a route that calls it instead.

export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { theApplication } = await import("./server/application");
  setInterval(theApplication().bank.tick, Number(process.env.TICK_MS ?? 5_000));
}
