//! A host's backend and a Connect that fail as they are told: what the fault table is played on.
//!
//! HTTP is written by hand here, because a server that is any good will not reset a connection in the middle of an answer. The host answers on
//! `localhost`, Connect on `127.0.0.1`.
//!
//! Invariants: a request is in the log before it is answered; what the plan does not say is answered 200, but for a start, which is answered 500.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::{By, Key, WebDriver, WebElement};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::browser::in_own_window;
use crate::engine::{Engine, Network, Wishes};
use crate::frame::count_frames;
use crate::wait::eventually;
use crate::world::Result;
use crate::{dist, repository};

/// How the host answers one delivery.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status, further header lines, a body.
    Status(u16, &'static str, &'static str),
    /// The connection is reset before anything is answered.
    Reset,
    /// The result is taken, and the connection reset before the answer.
    TakeAndReset,
    /// The head of a 200, half its body, then a reset.
    HalfAnswer,
    /// Nothing, for as long as the client waits.
    Hang,
    /// A redirect with the request's method and body to Connect's origin.
    RedirectElsewhere,
}

impl Answer {
    /// A bare status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, "", "{}")
    }
}

/// One delivery as the host received it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// When.
    pub at: Instant,
    /// The headers as they came, one a line.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Delivered {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// How Connect's page is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectPage {
    /// As it should be.
    #[default]
    Good,
    /// HTTP 500.
    Broken,
    /// With `X-Frame-Options: DENY`.
    NotFramed,
}

/// What the host's page is served with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostPolicy {
    /// Nothing.
    #[default]
    None,
    /// A Content-Security-Policy that allows no frames.
    NoFrames,
    /// Cross-origin isolation.
    Isolated,
    /// Leave to keep the page, so that it can come back as it was left.
    Kept,
}

#[derive(Default)]
struct Plan {
    answers: VecDeque<Answer>,
    delivered: Vec<Delivered>,
    effects: usize,
    elsewhere: usize,
    preflights: usize,
    starts: VecDeque<Value>,
    start_calls: usize,
    frame_loads: usize,
    connect_page: ConnectPage,
    host_policy: HostPolicy,
}

/// The stage: a browser, a host and a Connect.
pub struct Faulty {
    /// The browser.
    pub browser: WebDriver,
    plan: Arc<Mutex<Plan>>,
    host: String,
    connect: String,
    _servers: Servers,
}

/// The running servers; they end with this value.
struct Servers([JoinHandle<()>; 2]);

impl Drop for Servers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Faulty {
    /// Runs a test on a stage of its own.
    pub async fn run(test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (host_listener, connect_listener) =
            (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let host = format!("http://localhost:{}", host_listener.local_addr()?.port());
        let connect = format!("http://127.0.0.1:{}", connect_listener.local_addr()?.port());
        let servers = Servers([
            tokio::spawn(serve(host_listener, Arc::clone(&plan), connect.clone())),
            tokio::spawn(serve(connect_listener, Arc::clone(&plan), connect.clone())),
        ]);
        in_own_window(Engine::from_env()?, Network::Real, Wishes::Usual, async |browser| {
            let stage = Self { browser: browser.client.clone(), plan, host, connect, _servers: servers };
            test(&stage).await
        })
        .await
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how the next deliveries are answered, and forgets what was.
    pub fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.plan() = Plan { answers: answers.into_iter().collect(), ..Plan::default() };
    }

    /// Sets how the start endpoint answers: each time another challenge, in which Connect has this `theme`.
    pub fn starts(&self, themes: impl IntoIterator<Item = &'static str>) {
        let reply = |(number, theme)| {
            json!({
                "status": "challenge", "mode": "refresh", "attemptId": format!("attempt-of-the-host-{number}"),
                "requestId": format!("request-of-the-host-{number}"), "params": { "theme": theme },
            })
        };
        self.plan().starts = themes.into_iter().enumerate().map(reply).collect();
    }

    /// How often the start endpoint was asked.
    #[must_use]
    pub fn start_calls(&self) -> usize {
        self.plan().start_calls
    }

    /// How often Connect's page was loaded.
    #[must_use]
    pub fn frame_loads(&self) -> usize {
        self.plan().frame_loads
    }

    /// How often a browser asked whether it may deliver to another origin.
    #[must_use]
    pub fn preflights(&self) -> usize {
        self.plan().preflights
    }

    /// The deliver endpoint under another origin than the page's.
    #[must_use]
    pub fn deliver_elsewhere(&self) -> String {
        format!("{}/deliver", self.connect)
    }

    /// Sets how the pages are served.
    pub fn serves(&self, connect_page: ConnectPage, host_policy: HostPolicy) {
        let mut plan = self.plan();
        plan.connect_page = connect_page;
        plan.host_policy = host_policy;
    }

    /// What the host received.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.plan().delivered.clone()
    }

    /// How many results the host took; the same key twice is one.
    #[must_use]
    pub fn effects(&self) -> usize {
        self.plan().effects
    }

    /// How many requests of a delivery reached another origin.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.plan().elsewhere
    }

    /// Opens the host's page with a session in it.
    pub async fn open(&self, options: Value, page: &Value) -> Result<()> {
        let address = self.address(options, page);
        // A change of the fragment alone would not load the page again.
        self.browser.goto("about:blank").await?;
        Ok(self.browser.goto(address).await?)
    }

    /// The address of the host's page with a session in it.
    #[must_use]
    pub fn address(&self, mut options: Value, page: &Value) -> String {
        if let Some(options) = options.as_object_mut() {
            options.entry("connectUrl").or_insert_with(|| json!(format!("{}/v2/", self.connect)));
        }
        let fragment = json!({ "options": options, "page": page }).to_string();
        let mut address = format!("{}/host#", self.host);
        for byte in fragment.bytes() {
            // Writing into a string cannot fail.
            write!(address, "%{byte:02X}").ok();
        }
        address
    }

    /// The host's origin.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What the page reports in the end: its outcome, what it heard, how long it took.
    pub async fn report(&self) -> Result<Value> {
        eventually("the session has ended", async || {
            let root = self.browser.find(By::Css("html")).await?;
            let Some(report) = root.attr("data-report").await? else { return Ok(None) };
            Ok(Some(serde_json::from_str(&report)?))
        })
        .await
    }

    /// What a script on the page returns.
    pub async fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.browser.execute(script, vec![]).await?.json().clone())
    }

    /// Waits until a script on the page returns this.
    pub async fn expect(&self, script: &str, expected: impl Into<Value>) -> Result<()> {
        let expected = expected.into();
        eventually(&format!("{script} is {expected}"), async || {
            let found = self.ask(script).await?;
            if found == expected { Ok(Some(())) } else { Err(format!("it is {found}").into()) }
        })
        .await
    }

    /// Waits until the session is in this phase.
    pub async fn expect_phase(&self, phase: &str) -> Result<()> {
        self.expect("return window.page?.session.phase", phase).await
    }

    /// Waits until the dialog shows this view.
    pub async fn expect_view(&self, view: &str) -> Result<()> {
        self.expect("return document.querySelector('.flinks-reconnect.modal')?.getAttribute('data-view')", view).await
    }

    /// Waits until Connect's frame is gone.
    pub async fn expect_no_frame(&self) -> Result<()> {
        eventually("no frame is left", async || Ok((count_frames(&self.browser).await? == 0).then_some(()))).await
    }

    /// Has Connect say this step.
    pub async fn connect_says(&self, step: &str) -> Result<()> {
        self.browser.execute("window.page.says(arguments[0])", vec![json!(step)]).await.map(drop).map_err(Into::into)
    }

    /// Sets the wall clock, as the page sees it.
    pub async fn step_clock(&self, ms: i64) -> Result<()> {
        self.browser.execute("window.page.step(arguments[0])", vec![json!(ms)]).await.map(drop).map_err(Into::into)
    }

    /// Presses the dialog's button of that part, as a person does.
    pub async fn press(&self, part: &str) -> Result<()> {
        eventually(&format!("the dialog's {part} button is pressed"), async || {
            self.dialog_button(part).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Presses Esc in the dialog.
    pub async fn press_escape(&self) -> Result<()> {
        let close = self.dialog_button("close").await?;
        self.browser.execute("arguments[0].focus()", vec![close.to_json()?]).await?;
        Ok(self.browser.action_chain().send_keys(Key::Escape).perform().await?)
    }

    async fn dialog_button(&self, part: &str) -> Result<WebElement> {
        let root = "document.querySelector('.flinks-reconnect.modal').shadowRoot";
        Ok(self.browser.execute(format!("return {root}.querySelector('[part={part}]')"), vec![]).await?.element()?)
    }

    /// Opens the address in a window of its own, as a person's click does, and stays in this one.
    pub async fn open_window(&self, address: &str) -> Result<()> {
        self.browser.goto(format!("{}/opener", self.host)).await?;
        let script =
            "const [address] = arguments; document.querySelector('button').onclick = () => window.open(address)";
        self.browser.execute(script, vec![json!(address)]).await?;
        Ok(self.browser.find(By::Css("button")).await?.click().await?)
    }

    /// Waits until so many windows are open.
    pub async fn expect_windows(&self, count: usize) -> Result<()> {
        eventually(&format!("{count} windows are open"), async || {
            Ok((self.browser.windows().await?.len() == count).then_some(()))
        })
        .await
    }

    /// Takes the browser's network away, or gives it back. Chromium only: no other driver can.
    pub async fn set_offline(&self, is_offline: bool) -> Result<()> {
        let conditions =
            json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.browser.cdp().send_raw("Network.enable", json!({})).await?;
        self.browser.cdp().send_raw("Network.emulateNetworkConditions", conditions).await?;
        Ok(())
    }

    /// Waits until the host received so many deliveries.
    pub async fn expect_delivered(&self, count: usize) -> Result<()> {
        eventually(&format!("the host has {count} deliveries"), async || {
            Ok((self.delivered().len() >= count).then_some(()))
        })
        .await
    }
}

async fn serve(listener: TcpListener, plan: Arc<Mutex<Plan>>, connect: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (plan, connect) = (Arc::clone(&plan), connect.clone());
        tokio::spawn(async move {
            // A browser that hangs up is part of the play.
            handle(stream, &plan, &connect).await.ok();
        });
    }
}

async fn handle(stream: TcpStream, plan: &Mutex<Plan>, connect: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 {}
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = target.split('?').next().unwrap_or_default();
    let mut stream = stream.into_inner();
    let answered = {
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        match path {
            "/deliver" if head.starts_with("OPTIONS") => {
                plan.preflights += 1;
                let allowed = "Access-Control-Allow-Headers: content-type, idempotency-key\r\n";
                Some(reply(204, &[ANY_ORIGIN, allowed].concat(), ""))
            }
            "/deliver" | "/hang" => None,
            "/start" => {
                plan.start_calls += 1;
                let answer = plan.starts.pop_front();
                Some(answer.map_or_else(|| reply(500, "", "{}"), |answer| reply(200, "", &answer.to_string())))
            }
            "/elsewhere" => {
                plan.elsewhere += 1;
                Some(reply(200, ANY_ORIGIN, "{}"))
            }
            _ => {
                plan.frame_loads += usize::from(path == "/v2/");
                Some(page(path, plan.connect_page, plan.host_policy))
            }
        }
    };
    match answered {
        Some(answer) => stream.write_all(answer.as_bytes()).await,
        None if path == "/hang" => hang(stream).await,
        None => {
            let delivered = Delivered { at: Instant::now(), head, body: String::from_utf8_lossy(&body).into_owned() };
            deliver(stream, delivered, plan, connect).await
        }
    }
}

async fn deliver(
    mut stream: TcpStream,
    delivered: Delivered,
    plan: &Mutex<Plan>,
    connect: &str,
) -> std::io::Result<()> {
    let answer = {
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = plan.answers.pop_front().unwrap_or_else(|| Answer::status(200));
        let takes = matches!(answer, Answer::Status(200..=299, ..) | Answer::TakeAndReset | Answer::HalfAnswer);
        let key = delivered.header("idempotency-key").map(str::to_owned);
        let is_known = plan.effects > 0
            && plan.delivered.iter().any(|earlier| earlier.header("idempotency-key") == key.as_deref());
        if takes && !is_known {
            plan.effects += 1;
        }
        plan.delivered.push(delivered);
        answer
    };
    match answer {
        Answer::Status(status, headers, body) => {
            stream.write_all(reply(status, &[ANY_ORIGIN, headers].concat(), body).as_bytes()).await
        }
        Answer::Reset | Answer::TakeAndReset => stream.set_zero_linger(),
        Answer::HalfAnswer => {
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half\":",
                )
                .await?;
            stream.flush().await?;
            // Without a linger of zero: the head must arrive before the end does.
            stream.shutdown().await
        }
        Answer::Hang => hang(stream).await,
        Answer::RedirectElsewhere => {
            let location = format!("Location: {connect}/elsewhere\r\n");
            stream.write_all(reply(307, &location, "").as_bytes()).await
        }
    }
}

/// Says nothing until the client has gone.
async fn hang(mut stream: TcpStream) -> std::io::Result<()> {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut rest)).await.map(drop).ok();
    Ok(())
}

const ANY_ORIGIN: &str = "Access-Control-Allow-Origin: *\r\n";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";

fn page(path: &str, connect_page: ConnectPage, host_policy: HostPolicy) -> String {
    match (path, connect_page) {
        ("/host", _) => {
            let policy = match host_policy {
                HostPolicy::None => "",
                HostPolicy::NoFrames => "Content-Security-Policy: frame-src 'none'\r\n",
                HostPolicy::Isolated => {
                    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n"
                }
                HostPolicy::Kept => "Cache-Control: no-cache\r\n",
            };
            let page =
                "<!doctype html><html lang=en><title>Host</title><script type=module src=/pages/host.js></script>";
            reply(200, &[HTML, policy].concat(), page)
        }
        ("/v2/", ConnectPage::Broken) => reply(500, HTML, "<!doctype html><title>Broken</title>"),
        ("/v2/", _) => {
            let policy = if connect_page == ConnectPage::NotFramed { "X-Frame-Options: DENY\r\n" } else { "" };
            let page = "<!doctype html><html lang=en><title>Connect</title><script src=/pages/connect.js></script>";
            reply(200, &[HTML, policy].concat(), page)
        }
        ("/away", _) => reply(200, HTML, "<!doctype html><html lang=en><title>Away</title>"),
        ("/opener", _) => reply(200, HTML, "<!doctype html><html lang=en><title>Opener</title><button>Open</button>"),
        _ => file(path),
    }
}

/// Scripts of the play, and the package.
fn file(path: &str) -> String {
    let found = match path.split_once("/pages/").map(|(_, name)| name) {
        Some(name @ ("host.js" | "connect.js")) => {
            std::fs::read_to_string(repository().join("tests/e2e/pages/faults").join(name))
        }
        _ if path == "/dist/index.js" => std::fs::read_to_string(dist().join("index.js")),
        _ => return reply(404, "", ""),
    };
    match found {
        Ok(text) => reply(200, "Content-Type: text/javascript; charset=utf-8\r\n", &text),
        Err(_) => reply(500, "", "run `npm run build`"),
    }
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    let unkept = if headers.contains("Cache-Control") { "" } else { "Cache-Control: no-store\r\n" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As planned\r\n{headers}Content-Length: {length}\r\n{unkept}Connection: close\r\n\r\n{body}"
    )
}
