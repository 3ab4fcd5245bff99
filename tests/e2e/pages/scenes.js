// How each view of the widget comes about: with which options, and after what. The tests in browsers and `npm run screens` play the same scenes; a
// test holds their names against the views in `www/sdk/views.ts`.
//
// Invariant: the widget is brought there by what Connect, the host, the network or the user does, never by reaching into it.

/** A page of Connect's that never speaks: the lab's, and the sandbox's. */
const SILENT = { params: { theme: "silent", _page: "silent" } };

const REDIRECT = { step: "REDIRECT", institution: "FlinksCapital", loginId: "login-of-the-user-0001" };
const SESSION_EXPIRED = { flinksCode: "SESSION_EXPIRED" };
const MINUTE_MS = 60_000;

const never = () => new Promise(() => {});
const refuse = (status, code) => async () => {
  throw Object.assign(new Error("refused"), { status, code });
};

/** A start function that offers this session once and then leaves the widget waiting. */
function once(requestId) {
  const replies = [{ status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId }];
  return async () => replies.pop() ?? never();
}

/** What the network is told to be. The widget asks for nothing else than these events. */
const offline = () => dispatchEvent(new Event("offline"));

/**
 * By the view's name. `options(requestId)` are the session's options; `then(stage)` is what happens once Connect is there, or at once when `isSilent`.
 * `isModal` is what only a dialog has.
 */
export const SCENES = {
  loading: { isSilent: true },
  slow: { isSilent: true, then: ({ sleep }) => sleep(5_000) },
  connect: {},
  popupBlocked: { then: ({ says }) => says({ step: "POPUP_BLOCKED" }) },
  expiring: { then: ({ sleep }) => sleep(7 * MINUTE_MS) },
  replaceable: { view: "expiring", options: (requestId) => ({ start: once(requestId) }), then: ({ sleep }) => sleep(7 * MINUTE_MS) },
  overdue: { then: ({ sleep }) => sleep(9 * MINUTE_MS) },
  overdueReplaceable: { view: "overdue", options: (requestId) => ({ start: once(requestId) }), then: ({ sleep }) => sleep(9 * MINUTE_MS) },
  renewing: { options: (requestId) => ({ start: once(requestId) }), then: ({ says }) => says(SESSION_EXPIRED) },
  offline: { then: offline },
  delivering: { options: () => ({ deliver: never }), then: ({ says }) => says(REDIRECT) },
  retrying: { options: () => ({ deliver: refuse(503) }), then: ({ says }) => says(REDIRECT) },
  leaving: {
    isModal: true,
    then: async ({ says, until, session, close }) => {
      let isSubmitted = false;
      session.addEventListener("step", () => (isSubmitted = true), { once: true });
      await says({ step: "SUBMIT_MFA" });
      await until("an answer is submitted", () => isSubmitted);
      close();
    },
  },
  bankSlow: {
    isSilent: true,
    options: () => ({ start: async () => new Response('{"code":"BANK_SLOW"}', { status: 503, headers: { "Retry-After": "60" } }) }),
  },
  notStarted: { isSilent: true, options: () => ({ start: refuse(500) }) },
  signedOut: { options: () => ({ deliver: refuse(401) }), then: ({ says }) => says(REDIRECT) },
  busy: { isSilent: true, isHeld: true },
  loadTimeout: { isSilent: true, options: () => ({ loadTimeoutMs: 1 }) },
  blocked: { isSilent: true, isForbidden: true },
  expired: {
    options: (requestId) => ({ start: once(requestId) }),
    then: ({ sleep, says }) => {
      // Later than a renewal would be silent.
      sleep(2 * MINUTE_MS);
      return says(SESSION_EXPIRED);
    },
  },
  undelivered: { options: () => ({ deliver: refuse(503), deliverTimeoutMs: 1 }), then: ({ says }) => says(REDIRECT) },
  mismatch: { options: () => ({ deliver: refuse(409, "LOGIN_MISMATCH") }), then: ({ says }) => says(REDIRECT) },
  unconfirmed: { options: () => ({ deliver: refuse(422) }), then: ({ says }) => says(REDIRECT) },
  failed: { then: ({ says }) => says({ ...REDIRECT, LoginId: "login-of-another-0001" }) },
};

const Clock = Date.now;

/** A scene that is on: its session, and where it is to be seen. */
class Stage {
  #held;

  constructor(session, surface, held) {
    this.session = session;
    this.find = surface;
    this.#held = held;
  }

  /** The element around everything of the widget's. */
  get surface() {
    return this.find();
  }

  /** The dialog in there; a container has none. */
  get dialog() {
    return this.surface?.shadowRoot.querySelector("dialog") ?? null;
  }

  /** Connect's frame. */
  get frame() {
    return this.surface?.shadowRoot.querySelector("iframe") ?? null;
  }

  part(name) {
    return this.surface?.shadowRoot.querySelector(`[part=${name}]`);
  }

  /** What the user reads, in whichever of the two regions it stands. */
  get said() {
    return this.surface ? this.part("status").textContent + this.part("alert").textContent : "";
  }

  close() {
    Date.now = Clock;
    this.session.close();
    this.#held?.close();
  }
}

/**
 * Plays a scene and resolves when its view is on. `says(frame, message)` has Connect post that message; `ready(frame)` waits until Connect has nothing more
 * to say by itself.
 * `options` are the session's beside those of the scene: `connectUrl` or `instance`, `requestId`, and more.
 */
export async function play(name, { reconnect, options: { requestId, ...options }, says, until, ready }) {
  const { view = name, isSilent, isHeld, isForbidden, options: more, then } = SCENES[name];
  const held = isHeld ? reconnect({ ...options, ...SILENT, requestId, container: document.createElement("div") }) : undefined;
  if (held) await until("another session holds it", () => held.phase === "loading");
  if (isForbidden) forbidFrames();

  const own = more?.(requestId) ?? {};
  const session = reconnect({ ...options, ...(isSilent ? SILENT : {}), ...("start" in own ? {} : { requestId }), ...own });
  const find = () => document.querySelector(options.container ? `${options.container} > .flinks-reconnect` : ".flinks-reconnect.modal");
  const stage = new Stage(session, find, held);
  const reach = (what, probe) =>
    until(what, probe).catch(({ message }) => {
      throw new Error(`${message}; the phase is ${session.phase}, the view ${stage.surface?.dataset.view}, which says “${stage.said}”`);
    });
  await reach("it says something", () => stage.said);
  if (!isSilent) {
    await reach("Connect is there", () => session.phase === "active");
    await ready?.(stage.frame);
  }
  await then?.({
    session,
    until,
    says: (message) => says(stage.frame, message),
    close: () => stage.part("close").click(),
    sleep: sleepFor,
  });
  await reach(`the view is ${view}`, () => stage.surface?.dataset.view === view && stage.said);
  return stage;
}

/** The computer sleeps for so long: only its wall clock knows, and the page hears that it is back. */
function sleepFor(ms) {
  Date.now = () => Clock() + ms;
  dispatchEvent(new Event("pageshow"));
}

/** From here on the page shows no frame of anybody's. */
function forbidFrames() {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "frame-src 'none'";
  document.head.append(policy);
}
