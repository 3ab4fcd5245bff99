//! Drives the built examples, one after the other in one browser, each through a whole reconnect against a sandbox and a host of its own:
//!
//! `consumers PLAN.json`, where the plan is what `scripts/consumers.mjs` wrote: `[{"name", "folder", "served", "bytes"}]`.
//!
//! `served` says how the page gets to the browser: `host`, by the reference host under its strict policy; `beside`, by a server of its own with the
//! host as its backend; `itself`, by `next start` in that folder, which is its backend, too.
//!
//! Prints a row for each, whatever became of the others; fails if one failed.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use flinks_e2e::{Engine, Frontend, Result, World, connect_frame, eventually, repository};
use serde_json::Value;
use thirtyfour::By;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("consumers: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let path = std::env::args().nth(1).ok_or("expected the path of a plan")?;
    let plan: Vec<Value> = serde_json::from_slice(&std::fs::read(path)?)?;
    let engine = Engine::from_env()?;
    World::run(async |browser| {
        let mut failed = Vec::new();
        for consumer in plan.iter().map(Consumer::read) {
            let consumer = consumer?;
            let outcome = consumer.reconnects(browser).await;
            let result = outcome.as_ref().map_or_else(|_| "FAILED", |()| "reconnected");
            let mut out = std::io::stdout().lock();
            writeln!(out, "| {} | {engine} | {} | {result} |", consumer.name, consumer.bytes)?;
            if let Err(error) = outcome {
                failed.push(format!("{}: {error}", consumer.name));
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
    })
    .await
}

/// One built example.
struct Consumer<'a> {
    name: &'a str,
    folder: &'a Path,
    served: &'a str,
    bytes: u64,
}

impl<'a> Consumer<'a> {
    fn read(given: &'a Value) -> Result<Self> {
        let text =
            |name: &str| given.get(name).and_then(Value::as_str).ok_or(format!("the plan lacks {name}: {given}"));
        let bytes = given.get("bytes").and_then(Value::as_u64).ok_or("the plan lacks bytes")?;
        Ok(Self { name: text("name")?, folder: Path::new(text("folder")?), served: text("served")?, bytes })
    }

    async fn reconnects(&self, browser: &World) -> Result<()> {
        match self.served {
            "host" => {
                let world = browser.anew(self.folder).await?;
                drive(&world, &world.host.url()).await
            }
            "beside" => {
                let world = signed_in(browser).await?;
                let site = Frontend::start(self.folder, &world.host.url(), &world.sandbox.connect_url()).await?;
                drive(&world, site.url()).await
            }
            "itself" => {
                let world = browser.anew(&repository().join("www/demo")).await?;
                let site = Server::start(self.folder, &world).await?;
                drive_application(&world, &site.url).await
            }
            other => Err(format!("served: expected host, beside or itself, got {other}").into()),
        }
    }
}

/// A world whose demo was visited: that signs in, and a cookie is for a host name, whatever the port.
async fn signed_in(browser: &World) -> Result<World> {
    let world = browser.anew(&repository().join("www/demo")).await?;
    world.visit().await?;
    Ok(world)
}

/// What a person does on the page. Where it has a button, as README's first example, the person is signed out at first, signs in, and tries again.
async fn drive(world: &World, url: &str) -> Result<()> {
    world.browser.goto(url).await?;
    world.find("output").await?;
    if let Ok(button) = world.browser.find(By::Css("button")).await {
        let cookies = world.browser.get_all_cookies().await?;
        world.forget_cookies().await?;
        button.click().await?;
        world.expect_widget_part("retry", "Try again").await?;
        let said = world.browser.find(By::Css("output")).await?.text().await?;
        if !said.is_empty() {
            return Err(format!("the page says {said}, although the user can try again").into());
        }
        for cookie in cookies {
            world.browser.add_cookie(cookie).await?;
        }
        world.press_widget_button("retry").await?;
    }
    answer_bank(world).await?;
    // Not by the page, which may have no other request than the widget's.
    let connections = format!("{}/api/connections", world.host.url());
    eventually("the host has the result", async || {
        world.browser.goto(&connections).await?;
        let source = world.browser.source().await?;
        Ok(source.matches("up-to-date").next().map(drop))
    })
    .await
}

/// What a person does in an application that has a sign-in and a backend of its own; its page says how old the bank's data is.
async fn drive_application(world: &World, url: &str) -> Result<()> {
    world.browser.goto(url).await?;
    world.forget_cookies().await?;
    world.browser.goto(url).await?;
    world.find("input[name=name]").await?.send_keys("bob").await?;
    world.find("input[name=password]").await?.send_keys("bob's").await?;
    world.find("button").await?.click().await?;
    answer_bank(world).await?;
    let session = world.browser.get_named_cookie("session").await?.value;
    let client = reqwest::Client::new();
    // As the server renders it: the page in a browser would begin once more.
    eventually("the application has the data", async || {
        let page = client.get(url).header("Cookie", format!("session={session}")).send().await?.text().await?;
        if !page.contains("<output>") {
            return Err(format!("the server did not render the page: {page}").into());
        }
        Ok(page.contains("data is of").then_some(()))
    })
    .await
}

/// Answers the bank's questions in Connect, until the page tells the outcome.
async fn answer_bank(world: &World) -> Result<()> {
    connect_frame(&world.browser).await?.enter_frame().await?;
    world.answer_all().await?;
    world.leave_connect().await?;
    let outcome = eventually("the page tells the outcome", async || {
        let said = world.browser.find(By::Css("output")).await?.text().await?;
        Ok((!said.is_empty()).then_some(said))
    })
    .await?;
    if outcome != "reconnected" {
        return Err(format!("the page says {outcome}").into());
    }
    let launched = world.launched_request_ids().len();
    if launched != 1 {
        return Err(format!("Connect was opened {launched} times").into());
    }
    Ok(())
}

/// A site that comes with its own server; it ends with this value.
struct Server {
    url: String,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// Its Flinks is this world's sandbox.
    async fn start(folder: &Path, World { sandbox, .. }: &World) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let keys = sandbox.config();
        // Not by npm, which would not pass on the order to end.
        let child = Command::new("node")
            .args(["node_modules/next/dist/bin/next", "start", "--hostname", "localhost", "--port", &port.to_string()])
            .env("FLINKS_API_URL", sandbox.api_url())
            .env("FLINKS_CONNECT_URL", sandbox.connect_url())
            .env("FLINKS_CUSTOMER_ID", &keys.customer_id)
            .env("FLINKS_SECRET_KEY", &keys.secret_key)
            .env("FLINKS_API_KEY", &keys.api_key)
            .env("TICK_MS", "100")
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { url: format!("http://localhost:{port}/"), child };
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        eventually("next start answers", async || Ok(client.get(&server.url).send().await.ok())).await?;
        Ok(server)
    }
}
