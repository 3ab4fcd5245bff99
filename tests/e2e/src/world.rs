//! One demo with everything around it, and what a person does in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flinks_host::{Config as HostConfig, DemoFiles, Host};
use flinks_sandbox::Config as SandboxConfig;
use thirtyfour::{By, WebDriver, WebElement};

use crate::browser::in_own_window;
use crate::engine::{Engine, Network, Wishes};
use crate::frame::{connect_frame, count_frames};
use crate::running::Running;
use crate::wait::eventually;
use crate::{dist, repository};

/// What a step of a test yields.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The questions of the sandbox's test bank, in their order, and their answers.
pub const CHALLENGES: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
];

/// The demo in a browser, with its own sandbox and host.
pub struct World {
    /// The local Flinks.
    pub sandbox: Running,
    /// The reference backend.
    pub host: Host,
    /// The browser.
    pub browser: WebDriver,
}

impl World {
    /// Runs a test in a world of its own, in a browser that nobody has visited it with.
    pub async fn run(test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        in_own_window(Engine::from_env()?, Network::Real, Wishes::Usual, async |browser| {
            let world = Self::start(browser.client.clone(), repository().join("www/demo")).await?;
            // Cookies are for a host name, whatever its port: the test before this one has left its own.
            world.browser.goto(format!("{}/healthz", world.host.url())).await?;
            world.forget_cookies().await?;
            world.visit().await?;
            test(&world).await
        })
        .await
    }

    /// A new sandbox and a new host, which serves the site in this folder instead of the demo, around the same browser.
    pub async fn anew(&self, site_dir: &Path) -> Result<Self> {
        Self::start(self.browser.clone(), site_dir.to_owned()).await
    }

    async fn start(browser: WebDriver, site_dir: PathBuf) -> Result<Self> {
        let keys = SandboxConfig::local();
        let sandbox = Running::start(keys.clone()).await?;
        let host = Host::start(HostConfig {
            addr: ([127, 0, 0, 1], 0).into(),
            flinks_api_url: sandbox.api_url(),
            flinks_connect_url: sandbox.connect_url(),
            customer_id: keys.customer_id.clone(),
            secret_key: keys.secret_key.clone(),
            api_key: keys.api_key.clone(),
            database_url: "sqlite::memory:".to_owned(),
            poll_interval: Duration::from_millis(100),
            demo: Some(DemoFiles { site_dir, sdk_dir: dist() }),
            ..HostConfig::default()
        })
        .await?;
        Ok(Self { sandbox, host, browser })
    }

    /// Deletes every cookie, and waits until they are gone: `WebKit` answers before that, and would take the next page's cookie with them.
    pub async fn forget_cookies(&self) -> Result<()> {
        self.browser.delete_all_cookies().await?;
        eventually("no cookie is left", async || Ok(self.browser.get_all_cookies().await?.is_empty().then_some(())))
            .await
    }

    /// Opens the demo, or opens it again.
    pub async fn visit(&self) -> Result<()> {
        self.browser.goto(self.host.url()).await?;
        self.find(&test_id("connection-nightly")).await.map(drop)
    }

    /// The first element that matches, once it is there.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        eventually(css, async || Ok(Some(self.browser.find(By::Css(css)).await?))).await
    }

    /// Presses the connection's button, once it can be pressed.
    pub async fn press_reconnect(&self, id: &str) -> Result<()> {
        let css = test_id(&format!("reconnect-{id}"));
        eventually(&format!("{css} is pressed"), async || {
            let button = self.browser.find(By::Css(&*css)).await?;
            button.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Presses a control of the page by its test id.
    pub async fn press(&self, id: &str) -> Result<()> {
        let css = test_id(id);
        eventually(&format!("{css} is pressed"), async || {
            self.browser.find(By::Css(&*css)).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits until the element of that test id says something with `part` in it.
    pub async fn expect_text(&self, id: &str, part: &str) -> Result<()> {
        let css = test_id(id);
        eventually(&format!("{css} says {part}"), async || {
            let said = self.browser.find(By::Css(&*css)).await?.text().await?;
            Ok(said.contains(part).then_some(()))
        })
        .await
    }

    /// Waits until so many elements that can be seen match.
    pub async fn expect_visible(&self, css: &str, count: usize) -> Result<()> {
        eventually(&format!("{count} of {css} can be seen"), async || {
            let mut visible = 0;
            for element in self.browser.find_all(By::Css(css)).await? {
                visible += usize::from(element.is_displayed().await?);
            }
            Ok((visible == count).then_some(()))
        })
        .await
    }

    /// Waits until the panel's switch of that name is as told.
    pub async fn expect_twist(&self, name: &str, pressed: &str) -> Result<()> {
        self.find(&format!("[data-testid='twist-{name}'][aria-pressed='{pressed}']")).await.map(drop)
    }

    /// Switches on what goes differently in the next reconnect.
    pub async fn choose_twist(&self, name: &str) -> Result<()> {
        self.expect_twist(name, "false").await?;
        self.press(&format!("twist-{name}")).await?;
        self.expect_twist(name, "true").await
    }

    /// Waits for the connection's `data-status`.
    pub async fn expect_status(&self, id: &str, status: &str) -> Result<()> {
        let css = test_id(&format!("status-{id}"));
        eventually(&format!("{css} is {status}"), async || {
            let shown = self.browser.find(By::Css(&*css)).await?.attr("data-status").await?;
            Ok((shown.as_deref() == Some(status)).then_some(()))
        })
        .await
    }

    /// The accounts the connection shows, once it shows `count` of them.
    pub async fn expect_accounts(&self, id: &str, count: usize) -> Result<Vec<String>> {
        let css = format!("{} [data-account]", test_id(&format!("accounts-{id}")));
        eventually(&format!("{css} are {count}"), async || {
            let mut accounts = Vec::new();
            for element in self.browser.find_all(By::Css(&*css)).await? {
                accounts.extend(element.attr("data-account").await?);
            }
            Ok((accounts.len() == count).then_some(accounts))
        })
        .await
    }

    /// Steps into Connect's frame.
    pub async fn enter_connect(&self) -> Result<()> {
        connect_frame(&self.browser).await?.enter_frame().await.map_err(Into::into)
    }

    /// Steps back to the page.
    pub async fn leave_connect(&self) -> Result<()> {
        Ok(self.browser.enter_default_frame().await?)
    }

    /// In Connect: waits for the question.
    pub async fn expect_question(&self, question: &str) -> Result<()> {
        eventually(&format!("Connect asks: {question}"), async || {
            let form = self.browser.find(By::Css("form:has(input[name='answer'])")).await?;
            Ok(form.text().await?.contains(question).then_some(()))
        })
        .await
    }

    /// In Connect: waits for the question and answers it.
    pub async fn answer(&self, question: &str, answer: &str) -> Result<()> {
        self.expect_question(question).await?;
        // As a person does: clicked first, because WebKit types only where the focus is.
        let input = self.find("input[name='answer']").await?;
        input.click().await?;
        input.send_keys(answer).await?;
        self.press_submit().await
    }

    /// In Connect: presses the form's button.
    pub async fn press_submit(&self) -> Result<()> {
        Ok(self.find("button[type='submit']").await?.click().await?)
    }

    /// In Connect: answers all three questions.
    pub async fn answer_all(&self) -> Result<()> {
        for (question, answer) in CHALLENGES {
            self.answer(question, answer).await?;
        }
        Ok(())
    }

    /// The sessions that were opened in Connect so far, by their `requestId`.
    #[must_use]
    pub fn launched_request_ids(&self) -> Vec<String> {
        let log = self.sandbox.log();
        let opened = log.iter().filter(|entry| entry["kind"] == "pageOpened");
        let parameters = opened.filter_map(|entry| entry["parameters"].as_array()).flatten();
        let ids = parameters
            .filter(|parameter| parameter["name"] == "requestId")
            .filter_map(|parameter| parameter["value"].as_str());
        ids.map(str::to_owned).collect()
    }

    /// Waits until Connect was opened `count` times.
    pub async fn expect_launches(&self, count: usize) -> Result<()> {
        eventually(&format!("Connect is opened {count} times"), async || {
            Ok((self.launched_request_ids().len() == count).then_some(()))
        })
        .await
    }

    /// Lets the sandbox's clock run past the eight idle minutes of a session.
    pub fn outlive_session(&self) -> Result<()> {
        Ok(self.sandbox.advance_ms(8 * 60_000 + 1)?)
    }

    /// Presses Esc in the widget's dialog.
    pub async fn press_escape_in_dialog(&self) -> Result<()> {
        let surface = self.find(".flinks-reconnect.modal").await?.to_json()?;
        self.browser.execute("arguments[0].shadowRoot.querySelector('[part=close]').focus()", vec![surface]).await?;
        self.browser.action_chain().send_keys(thirtyfour::Key::Escape).perform().await?;
        Ok(())
    }

    /// Leaves in the middle of an answer as a keyboard user does: Esc, and Esc again when asked.
    pub async fn leave_by_escape(&self) -> Result<()> {
        self.press_escape_in_dialog().await?;
        self.expect_widget_part("leave", "Leave").await?;
        Ok(self.browser.action_chain().send_keys(thirtyfour::Key::Escape).perform().await?)
    }

    /// Waits until the widget's part says `text`.
    pub async fn expect_widget_part(&self, part: &str, text: &str) -> Result<()> {
        eventually(&format!("the widget's {part} says {text}"), async || {
            let said = self.widget_part(part, "return part?.textContent ?? ''").await?;
            Ok((said == text).then_some(()))
        })
        .await
    }

    /// Presses the widget's button of that part.
    pub async fn press_widget_button(&self, part: &str) -> Result<()> {
        self.widget_part(part, "part.click(); return ''").await.map(drop)
    }

    /// The widget's own parts stand in a shadow tree, where drivers differ in what they find.
    async fn widget_part(&self, part: &str, script: &str) -> Result<String> {
        let surface = self.browser.find(By::Css(".flinks-reconnect.modal")).await?.to_json()?;
        let script = format!("const part = arguments[0].shadowRoot.querySelector('[part={part}]'); {script}");
        Ok(self.browser.execute(&script, vec![surface]).await?.convert()?)
    }

    /// Waits until nothing of the widget is on the page.
    pub async fn expect_no_dialog(&self) -> Result<()> {
        eventually("the dialog and its frame are gone", async || {
            let left =
                self.browser.find_all(By::Css(".flinks-reconnect")).await?.len() + count_frames(&self.browser).await?;
            Ok((left == 0).then_some(()))
        })
        .await
    }
}

fn test_id(id: &str) -> String {
    format!("[data-testid='{id}']")
}
