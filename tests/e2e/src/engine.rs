//! The browser engines and their `WebDriver` programs.

use std::future::poll_fn;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::{Capabilities, WebDriver};
use tokio::time::timeout;

use crate::wait::eventually;
use crate::world::Result;

/// What the browser takes for the internet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    /// This machine's.
    Real,
    /// The SOCKS proxy on this loopback port, whatever its certificates say: every name leads where the proxy wants.
    Proxied(u16),
}

/// A browser engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Blink, by chromedriver.
    Chromium,
    /// Gecko, by geckodriver.
    Firefox,
    /// `WebKitGTK`'s `MiniBrowser`, by `WebKitWebDriver`; it has no headless mode and wants a display.
    WebKit,
}

/// What a person has told their browser, or their system, about how pages should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wishes {
    /// Nothing.
    Usual,
    /// Dark, and nothing that moves.
    DarkAndStill,
    /// Their own few colours, in place of the page's. `WebKitGTK` has no such setting.
    OwnColours,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        })
    }
}

impl Engine {
    /// The engine that `E2E_ENGINE` names.
    pub fn from_env() -> Result<Self> {
        match std::env::var("E2E_ENGINE").as_deref() {
            Ok("chromium") | Err(_) => Ok(Self::Chromium),
            Ok("firefox") => Ok(Self::Firefox),
            Ok("webkit") => Ok(Self::WebKit),
            Ok(other) => Err(format!("E2E_ENGINE: expected chromium, firefox or webkit, got {other}").into()),
        }
    }

    fn program(self) -> String {
        std::env::var("E2E_DRIVER").unwrap_or_else(|_| {
            match self {
                Self::Chromium => "chromedriver",
                Self::Firefox => "geckodriver",
                Self::WebKit => "WebKitWebDriver",
            }
            .to_owned()
        })
    }

    fn port_argument(self, port: u16) -> Vec<String> {
        match self {
            Self::Chromium | Self::WebKit => vec![format!("--port={port}")],
            Self::Firefox => vec!["--port".to_owned(), port.to_string()],
        }
    }

    fn capabilities(self, network: Network, wishes: Wishes) -> Vec<(&'static str, Value)> {
        let mut capabilities = match self {
            Self::Chromium => vec![
                ("browserName", json!("chrome")),
                (
                    "goog:chromeOptions",
                    json!({"args": [
                        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync",
                        "--window-size=1200,900",
                    ]}),
                ),
            ],
            Self::Firefox => {
                let preferences = match wishes {
                    Wishes::Usual => json!({}),
                    // 0 is dark.
                    Wishes::DarkAndStill => {
                        json!({"layout.css.prefers-color-scheme.content-override": 0, "ui.prefersReducedMotion": 1})
                    }
                    // 2 is always.
                    Wishes::OwnColours => json!({"browser.display.document_color_use": 2}),
                };
                let options = json!({"args": ["-headless"], "prefs": preferences});
                vec![("browserName", json!("firefox")), ("moz:firefoxOptions", options)]
            }
            Self::WebKit => {
                let mut arguments = vec!["--automation".to_owned()];
                if let Network::Proxied(port) = network {
                    // Given as a capability, it would look the names up itself.
                    arguments.extend([format!("--proxy=socks5://127.0.0.1:{port}"), "--ignore-tls-errors".to_owned()]);
                }
                vec![
                    ("browserName", json!("MiniBrowser")),
                    ("webkitgtk:browserOptions", json!({"binary": webkit_browser(), "args": arguments})),
                ]
            }
        };
        if let (Self::Chromium | Self::Firefox, Network::Proxied(port)) = (self, network) {
            let address = format!("127.0.0.1:{port}");
            capabilities.push(("acceptInsecureCerts", json!(true)));
            capabilities.push(("proxy", json!({"proxyType": "manual", "socksProxy": address, "socksVersion": 5})));
        }
        capabilities
    }
}

/// Debian puts the browser into the library's folder of the machine's architecture.
fn webkit_browser() -> String {
    let candidates = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
    candidates
        .iter()
        .map(|machine| format!("/usr/lib/{machine}/webkit2gtk-4.1/MiniBrowser"))
        .find(|path| std::path::Path::new(path).exists())
        .unwrap_or_else(|| "MiniBrowser".to_owned())
}

/// A running `WebDriver` program; it ends with this value, and so do its settings.
pub(crate) struct DriverProcess {
    child: Child,
    settings: Option<PathBuf>,
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if let Some(settings) = &self.settings {
            std::fs::remove_dir_all(settings).ok();
        }
    }
}

/// `WebKitGTK` asks the desktop: a folder of settings that say dark and still.
fn desktop_settings(port: u16) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("flinks-e2e-{port}"));
    std::fs::create_dir_all(folder.join("gtk-3.0"))?;
    let settings = "[Settings]\ngtk-application-prefer-dark-theme=1\ngtk-enable-animations=0\n";
    std::fs::write(folder.join("gtk-3.0/settings.ini"), settings)?;
    Ok(folder)
}

/// How long a browser may take to start. One that hangs here has not seen a test yet.
const START_LIMIT: Duration = Duration::from_secs(45);

/// Starts the engine's `WebDriver` program and a browser in it; again, and says so, when the browser hangs before it has started.
pub(crate) async fn launch(engine: Engine, network: Network, wishes: Wishes) -> Result<(DriverProcess, WebDriver)> {
    for _ in 0..2 {
        match timeout(START_LIMIT, launch_once(engine, network, wishes)).await {
            Ok(launched) => return launched,
            Err(_) => println!("{engine} did not start within {START_LIMIT:?}; another one is started"),
        }
    }
    launch_once(engine, network, wishes).await
}

async fn launch_once(engine: Engine, network: Network, wishes: Wishes) -> Result<(DriverProcess, WebDriver)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let program = engine.program();
    let settings = match (engine, wishes) {
        (Engine::WebKit, Wishes::DarkAndStill) => Some(desktop_settings(port)?),
        _ => None,
    };
    let child = Command::new(&program)
        .args(engine.port_argument(port))
        .envs(
            settings
                .iter()
                .flat_map(|folder| [("XDG_CONFIG_HOME", folder.as_path()), ("GTK_THEME", Path::new("Adwaita:dark"))]),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}; `npm run setup -- test` installs it"))?;
    let process = DriverProcess { child, settings };

    let mut capabilities = Capabilities::new();
    for (key, value) in engine.capabilities(network, wishes) {
        capabilities.set(key, value)?;
    }
    let address = format!("http://127.0.0.1:{port}");
    eventually(&format!("{program} accepts a session"), async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(Some).map_err(Into::into)
    })
    .await?;
    let browser = WebDriver::new(address, capabilities).await?;
    if engine == Engine::Chromium {
        let features = match wishes {
            Wishes::Usual => json!([]),
            Wishes::DarkAndStill => json!([
                {"name": "prefers-color-scheme", "value": "dark"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]),
            Wishes::OwnColours => json!([{"name": "forced-colors", "value": "active"}]),
        };
        browser.cdp().send_raw("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
    }
    Ok((process, browser))
}

/// Runs a test to its end, be it an assertion that fails, and then ends its browser: one that is merely dropped waits for its driver for ever.
pub(crate) async fn and_quit(browser: WebDriver, test: impl Future<Output = Result<()>>) -> Result<()> {
    let mut test = pin!(test);
    let outcome = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let outcome = outcome.await;
    let quit = browser.quit().await;
    match outcome {
        Ok(outcome) => outcome.and(quit.map_err(Into::into)),
        Err(panic) => resume_unwind(panic),
    }
}
