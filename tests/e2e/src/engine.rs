//! The browser engines and their `WebDriver` programs.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::{Capabilities, WebDriver};
use tokio::time::timeout;

use crate::wait::eventually;
use crate::world::Result;

/// What the browser takes for the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// This machine's.
    Real,
    /// A SOCKS proxy on a loopback port, whatever its certificates say: every name leads where the proxy wants.
    Proxied,
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

    /// The wishes that this browser must be started with: Chromium hears them later, and `WebKitGTK` has not all of them.
    pub(crate) fn started_with(self, wishes: Wishes) -> Wishes {
        match (self, wishes) {
            (Self::Chromium, _) | (Self::WebKit, Wishes::OwnColours) => Wishes::Usual,
            _ => wishes,
        }
    }

    fn capabilities(self, proxy: Option<u16>, wishes: Wishes) -> Vec<(&'static str, Value)> {
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
                if let Some(port) = proxy {
                    // Given as a capability, it would look the names up itself.
                    arguments.extend([format!("--proxy=socks5://127.0.0.1:{port}"), "--ignore-tls-errors".to_owned()]);
                }
                vec![
                    ("browserName", json!("MiniBrowser")),
                    ("webkitgtk:browserOptions", json!({"binary": webkit_browser(), "args": arguments})),
                ]
            }
        };
        if let (Self::Chromium | Self::Firefox, Some(port)) = (self, proxy) {
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

/// A running `WebDriver` program with its browser and their files; all of it ends with this value, and with this program.
pub(crate) struct DriverProcess(Child);

/// Runs a program and waits for the end of its own input, which comes when whoever started it lets go or is gone, be it killed. Then it ends the
/// program, all that the program started, and the folder of their temporary files.
const KEEPER: &str =
    r#""$@" & read -r _; trap '' TERM; kill -TERM 0; kill -KILL $!; wait; rm -rf "$TMPDIR"; kill -KILL 0"#;

impl DriverProcess {
    fn start(program: &str, arguments: Vec<String>, folder: &Path, desktop: Desktop) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", program]).args(arguments).env("TMPDIR", folder);
        if desktop == Desktop::DarkAndStill {
            // `WebKitGTK` asks the desktop.
            std::fs::create_dir_all(folder.join("gtk-3.0"))?;
            let settings = "[Settings]\ngtk-application-prefer-dark-theme=1\ngtk-enable-animations=0\n";
            std::fs::write(folder.join("gtk-3.0/settings.ini"), settings)?;
            command.env("XDG_CONFIG_HOME", folder).env("GTK_THEME", "Adwaita:dark");
        }
        // A process group of its own, which can be ended as a whole.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        self.0.stdin.take();
        self.0.wait().ok();
    }
}

/// What the desktop says about how everything should look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Desktop {
    Usual,
    DarkAndStill,
}

/// How long a browser may take to start. One that hangs here has not seen a test yet.
const START_LIMIT: Duration = Duration::from_secs(45);

/// How long a browser may take for one command.
const COMMAND_LIMIT: Duration = Duration::from_mins(2);

/// Starts the engine's `WebDriver` program and a browser in it, behind the proxy on this port; again, and says so, when the browser hangs before
/// it has started.
pub(crate) async fn launch(engine: Engine, proxy: Option<u16>, wishes: Wishes) -> Result<(DriverProcess, WebDriver)> {
    for _ in 0..2 {
        match timeout(START_LIMIT, launch_once(engine, proxy, wishes)).await {
            Ok(launched) => return launched,
            Err(_) => println!("{engine} did not start within {START_LIMIT:?}; another one is started"),
        }
    }
    launch_once(engine, proxy, wishes).await
}

async fn launch_once(engine: Engine, proxy: Option<u16>, wishes: Wishes) -> Result<(DriverProcess, WebDriver)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let program = find(&engine.program())?;
    let folder = std::env::temp_dir().join(format!("flinks-e2e-{port}"));
    let desktop = match (engine, wishes) {
        (Engine::WebKit, Wishes::DarkAndStill) => Desktop::DarkAndStill,
        _ => Desktop::Usual,
    };
    let process = DriverProcess::start(&program, engine.port_argument(port), &folder, desktop)?;

    let mut capabilities = Capabilities::new();
    for (key, value) in engine.capabilities(proxy, wishes) {
        capabilities.set(key, value)?;
    }
    let address = format!("http://127.0.0.1:{port}");
    eventually(&format!("{program} accepts a session"), async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(Some).map_err(Into::into)
    })
    .await?;
    // A connection belongs to the runtime of the test that opened it, and the browser is there for other tests, too: so none is kept.
    let client = reqwest::Client::builder().timeout(COMMAND_LIMIT).pool_max_idle_per_host(0).build()?;
    let browser = WebDriver::builder(address, capabilities).client(client).await?;
    Ok((process, browser))
}

/// The path of a program: the shell that starts it would only say that it is not there.
fn find(program: &str) -> Result<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&folders).map(|folder| folder.join(program));
    let found = candidates.find(|path| path.is_file());
    let found = found.ok_or_else(|| format!("{program} is not there; `npm run setup -- test` installs it"))?;
    Ok(found.to_string_lossy().into_owned())
}
