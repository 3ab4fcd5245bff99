//! A browser in an [`Internet`] of its own, and the scenarios its pages play.
//!
//! The attacks themselves stand in `pages/`, because they are JavaScript by nature; a test here names them, does what only a person can do,
//! and looks at what the network saw. Every row that was proved is printed, past the test runner's capture: the table of attacks.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::{By, Key, WebDriver};

use crate::browser::in_own_window;
use crate::engine::{Engine, Network, Wishes};
use crate::frame::connect_frame;
use crate::internet::Internet;
use crate::wait::eventually;
use crate::world::Result;

/// The host's site.
pub const HOST: &str = "https://host.test";

/// How long a whole scenario may take: some open dozens of sessions.
const SCENARIO: Duration = Duration::from_mins(2);

/// A browser in its own internet.
pub struct Lab {
    /// The browser.
    pub browser: WebDriver,
    /// The internet.
    pub internet: Internet,
    /// Which browser it is.
    pub engine: Engine,
}

/// Where a person clicks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the host's page.
    Page,
    /// In the first frame on it.
    Connect,
}

/// What a page in motion says.
enum Look {
    /// The scenario is over.
    Report(String),
    /// It wants a person's click or key: a number, where, on what.
    Click(String),
}

/// One line of the table of attacks.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was tried.
    pub attack: String,
    /// What became of it.
    pub outcome: String,
    /// What shows that it would have worked without the check.
    pub twin: String,
    /// Why it is not proved; empty when it is.
    pub complaints: Vec<String>,
}

impl Row {
    fn read(row: &Value) -> Self {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let complaints = row.get("complaints").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut complaints: Vec<String> = complaints.iter().map(text_of).collect();
        if text("attack").is_empty() || text("outcome").is_empty() || text("twin").is_empty() {
            complaints.push(format!("an incomplete row: {row}"));
        }
        Self { attack: text("attack"), outcome: text("outcome"), twin: text("twin"), complaints }
    }

    /// A row that a test proved outside the page.
    #[must_use]
    pub fn proved(attack: &str, outcome: &str, twin: &str) -> Self {
        Self { attack: attack.into(), outcome: outcome.into(), twin: twin.into(), complaints: Vec::new() }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Lab {
    /// Runs a test in a lab of its own.
    pub async fn run(test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        Self::run_for(Wishes::Usual, test).await
    }

    /// The same for somebody who has told their browser how they want pages to look.
    pub async fn run_for(wishes: Wishes, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let engine = Engine::from_env()?;
        in_own_window(engine, Network::Proxied, wishes, async |browser| {
            let proxy = browser.proxy.as_ref().ok_or("this browser has no proxy")?;
            let internet = Internet::start(proxy.try_clone()?)?;
            test(&Self { browser: browser.client.clone(), internet, engine }).await
        })
        .await
    }

    /// Plays scenarios one after the other, each on a page of its own, and prints what they proved under the id of the requirement.
    pub async fn play(&self, id: &str, scenarios: &[&str]) -> Result<()> {
        let mut rows = Vec::new();
        for scenario in scenarios {
            self.open(&format!("{HOST}/lab?run={scenario}")).await?;
            rows.extend(self.report().await?);
        }
        self.conclude(id, &rows)
    }

    /// Opens a page that plays a scenario.
    pub async fn open(&self, address: &str) -> Result<()> {
        Ok(self.browser.goto(address).await?)
    }

    /// Clicks, on the page or in Connect's frame, as a person does.
    pub async fn click(&self, place: Place, css: &str) -> Result<()> {
        eventually(&format!("{css} is clicked"), async || {
            self.browser.enter_default_frame().await?;
            if place == Place::Connect {
                connect_frame(&self.browser).await?.enter_frame().await?;
            }
            self.browser.find(By::Css(css)).await?.click().await?;
            Ok(Some(()))
        })
        .await?;
        // The click may have led the page away, frame and all.
        self.browser.enter_default_frame().await.ok();
        Ok(())
    }

    /// Presses a key wherever the focus is, as a person does.
    async fn press(&self, key: &str) -> Result<()> {
        if key == "Shift+Tab" {
            let chain = self.browser.action_chain().key_down(Key::Shift).send_keys(Key::Tab).key_up(Key::Shift);
            return Ok(chain.perform().await?);
        }
        let key = match key {
            "Escape" => Key::Escape,
            "Tab" => Key::Tab,
            "Enter" => Key::Enter,
            other => return Err(format!("a page wants the key {other} pressed, which nobody knows here").into()),
        };
        Ok(self.browser.action_chain().send_keys(key).perform().await?)
    }

    /// Goes on in the window that the page opened.
    pub async fn switch_to_opened(&self) -> Result<()> {
        let present = self.browser.window().await?;
        eventually("another window is open", async || {
            let opened = self.browser.windows().await?.into_iter().find(|window| *window != present);
            match opened {
                Some(window) => Ok(Some(self.browser.switch_to_window(window).await?)),
                None => Ok(None),
            }
        })
        .await
    }

    /// The report of the scenario on the page, once it is there. Until then, clicks and presses what the page asks for.
    pub async fn report(&self) -> Result<Vec<Row>> {
        let started = Instant::now();
        let mut clicked = String::new();
        let report = loop {
            match self.look().await {
                Ok(Some(Look::Report(report))) => break report,
                Ok(Some(Look::Click(wish))) if wish != clicked => {
                    self.click_as_wished(&wish).await?;
                    let script = "document.documentElement.setAttribute('data-clicked', arguments[0])";
                    // The click may have led the page away.
                    self.browser.execute(script, vec![wish.clone().into()]).await.ok();
                    clicked = wish;
                }
                _ if started.elapsed() < SCENARIO => tokio::time::sleep(Duration::from_millis(40)).await,
                Err(error) => return Err(error),
                Ok(_) => {
                    return Err(
                        format!("the scenario did not end; the page is {}", self.browser.source().await?).into()
                    );
                }
            }
        };
        let report: Value = serde_json::from_str(&report)?;
        if let Some(failure) = report.get("failure") {
            return Err(format!("the scenario failed: {}", text_of(failure)).into());
        }
        let rows: Vec<Row> =
            report.get("rows").and_then(Value::as_array).into_iter().flatten().map(Row::read).collect();
        if rows.is_empty() { Err("the scenario proved nothing".into()) } else { Ok(rows) }
    }

    /// Waits for the first click that the page asks for, and does it.
    pub async fn oblige(&self) -> Result<()> {
        let wish = eventually("the page asks for a click", async || match self.look().await? {
            Some(Look::Click(wish)) => Ok(Some(wish)),
            _ => Ok(None),
        });
        self.click_as_wished(&wish.await?).await
    }

    async fn click_as_wished(&self, wish: &str) -> Result<()> {
        let mut words = wish.split(' ').skip(1);
        let (place, what) = (words.next(), words.next().unwrap_or_default());
        match place {
            Some("key") => self.press(what).await,
            Some("type") => self.type_in_connect(what).await,
            Some("part") => self.click_part(what).await,
            Some("connect") => self.click(Place::Connect, what).await,
            _ => self.click(Place::Page, what).await,
        }
    }

    /// Types a word in Connect's frame, where the focus is: drivers type into the frame that they are in.
    async fn type_in_connect(&self, word: &str) -> Result<()> {
        connect_frame(&self.browser).await?.enter_frame().await?;
        self.browser.action_chain().send_keys(word).perform().await?;
        Ok(self.browser.enter_default_frame().await?)
    }

    /// Clicks the part of that name in the widget's dialog, which stands in a shadow tree.
    async fn click_part(&self, part: &str) -> Result<()> {
        let root = "document.querySelector('.flinks-reconnect.modal').shadowRoot";
        let script = format!("return {root}.querySelector('[part={part}]')");
        Ok(self.browser.execute(script, vec![]).await?.element()?.click().await?)
    }

    async fn look(&self) -> Result<Option<Look>> {
        let root = self.browser.find(By::Css("html")).await?;
        if let Some(report) = root.attr("data-report").await? {
            return Ok(Some(Look::Report(report)));
        }
        Ok(root.attr("data-click").await?.map(Look::Click))
    }

    /// Of the sessions that the page holds weakly, the browser keeps only the one that the page holds on purpose. Chromium only: no other
    /// driver can have the garbage collected.
    pub async fn expect_forgotten(&self, id: &str) -> Result<()> {
        if self.engine != Engine::Chromium {
            return Ok(());
        }
        let alive = "return sessions.filter((session) => session.deref()).map((session) => session.deref() === kept)";
        eventually("the sessions that are over are forgotten", async || {
            self.browser.cdp().send_raw("HeapProfiler.collectGarbage", json!({})).await?;
            let found = self.browser.execute(alive, Vec::new()).await?;
            Ok((found.json() == &json!([true])).then_some(()))
        })
        .await?;
        writeln!(
            std::io::stdout().lock(),
            "| {id} sessions that are over | {} | forgotten | one that the page holds is there |",
            self.engine
        )?;
        Ok(())
    }

    /// Prints the rows and fails if one of them is not proved.
    pub fn conclude(&self, id: &str, rows: &[Row]) -> Result<()> {
        // Not by `println!`, which the test runner keeps to itself when a test passes.
        let mut out = std::io::stdout().lock();
        writeln!(out)?;
        for Row { attack, outcome, twin, complaints } in rows {
            let outcome = if complaints.is_empty() { outcome } else { "FAILED" };
            writeln!(out, "| {id} {attack} | {} | {outcome} | {twin} |", self.engine)?;
        }
        let failed: Vec<String> = rows
            .iter()
            .filter(|row| !row.complaints.is_empty())
            .map(|row| format!("{id} {}: {}", row.attack, row.complaints.join("; ")))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
    }
}
