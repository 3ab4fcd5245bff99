// Every ending of a session: where the widget itself offers "try again", one session has several.

/** Calls `onResult` or `onError` each time an attempt of the session ends. */
export function follow(session, onResult, onError) {
  let awaited;
  const wait = () => {
    // Another try has a promise of its own, from the moment it leaves the final phase.
    if (session.result === awaited) return;
    awaited = session.result;
    awaited.then(onResult, onError);
  };
  session.addEventListener("phasechange", wait);
  wait();
}
