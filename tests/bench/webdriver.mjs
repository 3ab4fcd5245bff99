// A browser to measure in, and for tests that are written in JavaScript: Chromium, Firefox or WebKit, by its own WebDriver program.
//
// A few requests of the W3C protocol are all that they need, and no time is measured through them.

import { existsSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, end, find, start } from "../../scripts/command.mjs";
import { freePort } from "../../scripts/ports.mjs";

/** WebKitGTK's browser, which Debian puts beside the library. */
const miniBrowser = () =>
  ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((machine) => `/usr/lib/${machine}/webkit2gtk-4.1/MiniBrowser`).find(existsSync);

const engines = {
  chromium: {
    needs: ["chromium"],
    command: (port) => [find("chromedriver"), `--port=${port}`],
    capabilities: () => ({
      browserName: "chrome",
      "goog:chromeOptions": {
        args: [
          "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--window-size=1200,900", "--js-flags=--expose-gc",
        ],
      },
    }),
  },
  firefox: {
    needs: ["firefox", "geckodriver"],
    command: (port) => [find("geckodriver"), "--port", `${port}`],
    capabilities: () => ({ browserName: "firefox", "moz:firefoxOptions": { args: ["-headless"] } }),
  },
  webkit: {
    needs: ["webkit"],
    // No headless mode of its own.
    command: (port) => [find("xvfb-run"), "--auto-servernum", find("WebKitWebDriver"), `--port=${port}`],
    capabilities: () => ({ browserName: "MiniBrowser", "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] } }),
  },
};

/** The steps of set-up for an engine. */
export const needsOf = (engine) => engines[engine].needs;

/** Does `work` with a browser of its own, and ends that. */
export async function withBrowser(engine, work) {
  const port = await freePort();
  const [program, ...args] = engines[engine].command(port);
  const driver = start(program, args, { stdio: "ignore" });
  const ended = once(driver, "exit").then(() => {
    throw new Failure(`${program} ended by itself`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([ended, listening(port)]);
    const browser = await Browser.open(`http://127.0.0.1:${port}`, engines[engine].capabilities());
    try {
      return await work(browser);
    } finally {
      await browser.quit();
    }
  } finally {
    end(driver);
  }
}

class Browser {
  #session;
  /** As it calls itself: `chrome 156.0.…`. */
  name;

  static async open(address, capabilities) {
    const browser = new Browser();
    const { sessionId, capabilities: given } = await ask("POST", `${address}/session`, { capabilities: { alwaysMatch: capabilities } });
    browser.#session = `${address}/session/${sessionId}`;
    browser.name = `${given.browserName} ${given.browserVersion}`;
    await browser.#command("timeouts", { script: 300_000, pageLoad: 60_000 });
    return browser;
  }

  goto(url) {
    return this.#command("url", { url });
  }

  /** What the page's function answers: `call("measure", { … })` is `await measure({ … })`. */
  async call(name, argument = null) {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => window[${JSON.stringify(name)}](arguments[0])).then((value) => done({ value }), (error) => done({ error: String(error?.stack ?? error) }));`;
    const { value, error } = await this.#command("execute/async", { script, args: [argument] });
    if (error) throw new Failure(`the page's ${name}() failed: ${error}`);
    return value;
  }

  /** What a script answers that needs no waiting. */
  evaluate(script) {
    return this.#command("execute/sync", { script, args: [] });
  }

  /** Waits until the page has set `window[name]`. */
  async until(name) {
    await this.eventually(`the page has set ${name}`, `return Boolean(window[${JSON.stringify(name)}])`);
  }

  /** Acts in the first frame of the page from now on, once it is there; its frames may stand in shadow trees. */
  async enterFrame() {
    const script = `const frames = (root) => [...root.querySelectorAll("iframe"), ...[...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot ? frames(shadowRoot) : []))];
      return frames(document)[0] ?? null`;
    await this.#command("frame", { id: await this.#eventually("a frame is there", () => this.evaluate(script)) });
  }

  /** Acts in the page itself again. */
  leaveFrame() {
    return this.#command("frame", { id: null });
  }

  /** Types into the first element that matches, once it is there. */
  async type(css, text) {
    await this.#command(`element/${await this.#find(css)}/value`, { text });
  }

  /** Clicks the first element that matches, once it is there. */
  async click(css) {
    await this.#command(`element/${await this.#find(css)}/click`, {});
  }

  /** What a script answers, once that is something. */
  eventually(what, script) {
    return this.#eventually(what, () => this.evaluate(script));
  }

  async #find(css) {
    return Object.values(await this.#eventually(css, () => this.#command("element", { using: "css selector", value: css }).catch(() => null)))[0];
  }

  async #eventually(what, ask) {
    const deadline = performance.now() + 30_000;
    while (performance.now() < deadline) {
      const found = await ask();
      if (found) return found;
      await sleep(20);
    }
    throw new Failure(`not so within 30 s: ${what}`);
  }

  /** A command of Chromium's own protocol. */
  cdp(cmd, params = {}) {
    return this.#command("goog/cdp/execute", { cmd, params });
  }

  quit() {
    return ask("DELETE", this.#session).catch(() => {});
  }

  #command(path, body) {
    return ask("POST", `${this.#session}/${path}`, body);
  }
}

async function ask(method, url, body) {
  const response = await fetch(url, { method, body: body && JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const { value } = await response.json();
  if (!response.ok) throw new Failure(`the browser refused ${url.replace(/.*\/session/, "session")}: ${value.error}: ${value.message}`);
  return value;
}

async function listening(port) {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined);
    if (response) return;
    await sleep(50);
  }
  throw new Failure(`the browser's driver does not answer on port ${port}`);
}
