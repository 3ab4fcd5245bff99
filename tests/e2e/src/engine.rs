//! The browser engines and their `WebDriver` programs.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
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

    fn capabilities(self, network: Network) -> Vec<(&'static str, Value)> {
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
                vec![("browserName", json!("firefox")), ("moz:firefoxOptions", json!({"args": ["-headless"]}))]
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

/// A running `WebDriver` program; it ends with this value.
pub(crate) struct DriverProcess(Child);

impl Drop for DriverProcess {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// How long a browser may take to start. One that hangs here has not seen a test yet.
const START_LIMIT: Duration = Duration::from_secs(45);

/// Starts the engine's `WebDriver` program and a browser in it; again, and says so, when the browser hangs before it has started.
pub(crate) async fn launch(engine: Engine, network: Network) -> Result<(DriverProcess, WebDriver)> {
    for _ in 0..2 {
        match timeout(START_LIMIT, launch_once(engine, network)).await {
            Ok(launched) => return launched,
            Err(_) => println!("{engine} did not start within {START_LIMIT:?}; another one is started"),
        }
    }
    launch_once(engine, network).await
}

async fn launch_once(engine: Engine, network: Network) -> Result<(DriverProcess, WebDriver)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let program = engine.program();
    let child = Command::new(&program)
        .args(engine.port_argument(port))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}; `npm run setup -- test` installs it"))?;
    let process = DriverProcess(child);

    let mut capabilities = Capabilities::new();
    for (key, value) in engine.capabilities(network) {
        capabilities.set(key, value)?;
    }
    let address = format!("http://127.0.0.1:{port}");
    eventually(&format!("{program} accepts a session"), async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(Some).map_err(Into::into)
    })
    .await?;
    Ok((process, WebDriver::new(address, capabilities).await?))
}
