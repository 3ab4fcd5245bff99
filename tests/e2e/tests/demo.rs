//! The demo, as a person uses it, in a real browser with a genuinely cross-origin Connect.

use flinks_e2e::{CHALLENGES, Result, World, repository};
use flinks_host::demo_login_ids;

async fn reconnects(world: &World, id: &str) -> Result<()> {
    world.expect_status(id, "needs-attention").await?;
    world.press_reconnect(id).await?;
    world.enter_connect().await?;
    world.answer_all().await?;
    world.leave_connect().await?;
    world.expect_status(id, "up-to-date").await?;
    world.expect_no_dialog().await
}

#[tokio::test]
async fn a_connection_whose_nightly_refresh_failed_is_reconnected() -> Result<()> {
    World::run(async |world| {
        reconnects(world, "nightly").await?;
        world.expect_accounts("nightly", 4).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn transactions_are_updated_on_demand() -> Result<()> {
    World::run(async |world| {
        reconnects(world, "ondemand").await?;
        world.expect_accounts("ondemand", 4).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_connection_whose_mfa_answers_changed_is_reconnected() -> Result<()> {
    World::run(async |world| {
        reconnects(world, "mfachanged").await?;
        world.expect_accounts("mfachanged", 4).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_connection_with_picked_accounts_shows_only_those() -> Result<()> {
    World::run(async |world| {
        reconnects(world, "selected").await?;
        let accounts = world.expect_accounts("selected", 2).await?;
        assert_eq!(accounts, ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_interrupted_mfa_is_resumed_at_the_same_prompt() -> Result<()> {
    World::run(async |world| {
        let [first, second, third] = CHALLENGES;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer(first.0, first.1).await?;
        world.expect_question(second.0).await?;
        world.leave_connect().await?;
        let request_ids = world.launched_request_ids();

        world.leave_by_escape().await?;
        world.expect_no_dialog().await?;
        world.expect_status("nightly", "in-progress").await?;

        // A reload forgets everything the page knew: only the host can still know.
        world.visit().await?;
        world.expect_status("nightly", "in-progress").await?;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer(second.0, second.1).await?;
        world.answer(third.0, third.1).await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_accounts("nightly", 4).await?;

        let all = world.launched_request_ids();
        assert_eq!(request_ids.len(), 1);
        assert_eq!(all, [request_ids[0].clone(), request_ids[0].clone()], "the same session was opened twice");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn after_eight_idle_minutes_the_user_starts_anew_and_succeeds() -> Result<()> {
    World::run(async |world| {
        let [(question, answer), ..] = CHALLENGES;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.expect_question(question).await?;

        world.outlive_session()?;
        world.answer(question, answer).await?;
        world.leave_connect().await?;

        // The widget asks the host for another session and puts up a fresh frame.
        world.expect_launches(2).await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_accounts("nightly", 4).await?;
        let request_ids = world.launched_request_ids();
        assert_ne!(request_ids[0], request_ids[1], "a dead session is never opened again");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_session_that_died_while_nobody_looked_is_replaced_by_a_new_one() -> Result<()> {
    World::run(async |world| {
        let [first, second, _] = CHALLENGES;
        world.press_reconnect("ondemand").await?;
        world.enter_connect().await?;
        world.answer(first.0, first.1).await?;
        world.expect_question(second.0).await?;
        world.leave_connect().await?;
        world.leave_by_escape().await?;
        world.expect_no_dialog().await?;
        world.outlive_session()?;

        world.press_reconnect("ondemand").await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_status("ondemand", "up-to-date").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wrong_answer_can_be_corrected() -> Result<()> {
    World::run(async |world| {
        let [first, second, third] = CHALLENGES;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer(first.0, "Toronto").await?;
        world.find("[data-testid='try-again']").await?.click().await?;
        world.answer(first.0, first.1).await?;
        world.answer(second.0, second.1).await?;
        world.answer(third.0, third.1).await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_second_tab_is_told_and_may_take_over() -> Result<()> {
    World::run(async |world| {
        let [first, second, third] = CHALLENGES;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer(first.0, first.1).await?;
        world.expect_question(second.0).await?;
        world.leave_connect().await?;

        let first_tab = world.browser.window().await?;
        let second_tab = world.browser.new_tab().await?;
        world.browser.switch_to_window(second_tab.clone()).await?;
        world.visit().await?;
        world.press_reconnect("nightly").await?;
        world.expect_widget_part("retry", "Continue here").await?;
        world.expect_launches(1).await?;
        world.press_widget_button("retry").await?;
        world.enter_connect().await?;
        world.answer(second.0, second.1).await?;
        world.leave_connect().await?;

        // The first tab lost it, says so, and can take it back.
        world.browser.switch_to_window(first_tab).await?;
        world.expect_widget_part("retry", "Continue here").await?;
        world.press_widget_button("retry").await?;
        world.enter_connect().await?;
        world.answer(third.0, third.1).await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await
    })
    .await
}

#[tokio::test]
async fn what_the_app_had_is_followed_by_what_is_new() -> Result<()> {
    World::run(async |world| {
        world.expect_visible("[data-testid='before-nightly'] dd", 4).await?;
        world.expect_visible("[data-testid='before-selected'] dd", 2).await?;
        world.expect_visible("[data-testid='accounts-nightly']", 0).await?;
        reconnects(world, "mfachanged").await?;
        world.expect_accounts("mfachanged", 4).await?;
        // In twelve days something moves, whatever the day.
        world.expect_text("new-mfachanged", "new transactions since").await?;
        world.expect_visible("[data-testid='new-mfachanged'] li", 5).await?;
        world.expect_text("news-mfachanged", "4 accounts are up to date, with").await?;
        world.expect_visible("[data-testid='before-mfachanged']", 0).await?;
        world.expect_visible("[data-testid='before-nightly'] dd", 4).await?;

        // In the accounts the same ones are marked.
        let marked = "return document.querySelectorAll(\"[data-testid='accounts-mfachanged'] tr.is-new\").length";
        let marked: u64 = world.browser.execute(marked, Vec::new()).await?.convert()?;
        world.expect_text("new-mfachanged", &format!("{marked} new transactions")).await
    })
    .await
}

#[tokio::test]
async fn a_delivery_that_the_network_loses_is_sent_again() -> Result<()> {
    World::run(async |world| {
        world.choose_twist("network").await?;
        world.expect_text("sandbox-status", "is set up").await?;
        reconnects(world, "nightly").await?;
        world.expect_accounts("nightly", 4).await?;
        for tried in ["attempt: 2", "attempt: 3", "attempt: 4", "attempt: 5"] {
            world.expect_text("event-log", tried).await?;
        }
        world.expect_text("event-log", "The app’s server has the result.").await?;
        world.expect_twist("network", "false").await?;
        world.expect_text("sandbox-status", "as usual").await
    })
    .await
}

#[tokio::test]
async fn a_token_that_is_too_old_is_replaced_unseen() -> Result<()> {
    World::run(async |world| {
        world.choose_twist("token").await?;
        world.press_reconnect("nightly").await?;
        world.expect_launches(2).await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_text("event-log", "Flinks refuses the token.").await?;
        let request_ids = world.launched_request_ids();
        assert_eq!(request_ids[0], request_ids[1], "the session itself is still good");
        world.expect_twist("token", "false").await
    })
    .await
}

#[tokio::test]
async fn another_login_is_refused_and_changes_nothing() -> Result<()> {
    World::run(async |world| {
        world.choose_twist("login").await?;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_widget_part("close", "Close").await?;
        world.expect_text("alert-nightly", "another sign-in").await?;
        world.expect_text("event-log", "LOGIN_MISMATCH").await?;
        world.expect_visible("[data-testid='accounts-nightly']", 0).await?;
        world.press_widget_button("close").await?;
        world.expect_no_dialog().await?;

        // The true login has been verified at the bank: its data is fetched without asking again.
        world.expect_twist("login", "false").await?;
        world.press_reconnect("nightly").await?;
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_text("news-nightly", "needed nothing from you").await
    })
    .await
}

#[tokio::test]
async fn a_bank_that_asks_nothing_needs_nobody_and_one_that_is_down_is_told() -> Result<()> {
    World::run(async |world| {
        world.choose_twist("questions").await?;
        world.press_reconnect("ondemand").await?;
        world.expect_status("ondemand", "up-to-date").await?;
        world.expect_text("news-ondemand", "needed nothing from you").await?;
        world.expect_text("event-log", "Nobody was needed.").await?;
        world.expect_accounts("ondemand", 4).await?;
        world.expect_no_dialog().await?;
        world.expect_twist("questions", "false").await?;

        world.choose_twist("bank").await?;
        world.press_reconnect("nightly").await?;
        world.expect_widget_part("alert", "This could not be started just now. Please try again.").await?;
        world.press_widget_button("close").await?;
        world.expect_no_dialog().await?;
        world.expect_text("alert-nightly", "couldn't start a session").await?;
        assert!(world.launched_request_ids().is_empty(), "Connect was never opened");
        world.expect_twist("bank", "false").await?;
        reconnects(world, "nightly").await?;
        world.expect_visible("[data-testid='alert-nightly']:not(:empty)", 0).await
    })
    .await
}

#[tokio::test]
async fn a_switch_survives_a_reload_and_can_be_taken_back() -> Result<()> {
    World::run(async |world| {
        world.choose_twist("network").await?;
        world.choose_twist("login").await?;
        world.visit().await?;
        world.expect_twist("network", "true").await?;
        world.expect_twist("login", "true").await?;
        world.press("twist-network").await?;
        world.expect_twist("network", "false").await?;
        world.expect_text("sandbox-status", "is off again").await?;
        world.expect_twist("login", "true").await
    })
    .await
}

#[tokio::test]
async fn time_can_be_skipped_and_begun_anew() -> Result<()> {
    World::run(async |world| {
        reconnects(world, "nightly").await?;
        world.press("sandbox-advance-week").await?;
        world.expect_text("sandbox-status", "A week has passed.").await?;
        world.expect_text("connection-nightly", "(7 days ago)").await?;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.expect_question(CHALLENGES[0].0).await?;
        world.leave_connect().await?;
        world.press_escape_in_dialog().await?;
        world.expect_no_dialog().await?;
        world.expect_status("nightly", "in-progress").await?;

        world.press("sandbox-advance").await?;
        world.expect_text("sandbox-status", "8 minutes have passed.").await?;
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_text("new-nightly", "new transaction").await?;
        let request_ids = world.launched_request_ids();
        assert_ne!(request_ids[1], request_ids[2], "a dead session is never opened again");

        world.choose_twist("bank").await?;
        world.press("sandbox-reset").await?;
        world.expect_text("sandbox-status", "back to the beginning").await?;
        world.expect_status("nightly", "needs-attention").await?;
        world.expect_visible("[data-testid='accounts-nightly']", 0).await?;
        world.expect_visible("[data-testid='before-nightly'] dd", 4).await?;
        world.expect_text("connection-nightly", "(5 days ago)").await?;
        world.expect_twist("bank", "false").await
    })
    .await
}

#[tokio::test]
async fn the_log_tells_everything_but_ids_and_the_page_speaks_french() -> Result<()> {
    World::run(async |world| {
        world.expect_visible("[data-testid='event-log']", 0).await?;
        reconnects(world, "mfachanged").await?;
        world.expect_text("event-log", "The bank asks a question.").await?;
        world.expect_text("event-log", "loginId: ••••0003").await?;
        let said = world.find("[data-testid='event-log']").await?.text().await?;
        for id in [demo_login_ids()[2], &world.launched_request_ids()[0]] {
            assert!(!said.contains(id), "{said}");
        }

        world.choose_twist("network").await?;
        world.find("[data-language='fr']").await?.click().await?;
        world.find("html[lang='fr']").await?;
        world.expect_text("connection-mfachanged", "À jour").await?;
        world.expect_text("connection-nightly", "Reconnecter").await?;
        world.expect_text("before-nightly", "Ce que l’application sait").await?;
        world.expect_text("new-mfachanged", "nouvelles opérations depuis le").await?;
        world.expect_text("news-mfachanged", "4 comptes sont à jour").await?;
        world.expect_text("event-log", "La banque pose une question.").await?;
        world.expect_text("twist-network", "le réseau était coupé").await?;
        world.expect_text("sandbox-status", "C’est prêt.").await?;

        // Every word there is, is there in both languages.
        let left = "const visible = document.body.innerText; \
            return [...visible.matchAll(/\\b(the|bank|your|with|account|accounts|since|undefined|null)\\b/gi)].map(([word]) => word).join()";
        let left: String = world.browser.execute(left, Vec::new()).await?.convert()?;
        // Names of banks and accounts are names: one of the banks is called so.
        assert_eq!(left, "Bank");
        world.press("clear-log").await?;
        world.expect_visible("[data-testid='event-log'], [data-testid='clear-log']", 0).await
    })
    .await
}

#[tokio::test]
async fn a_visitor_who_is_signed_out_is_told_and_comes_back_in_place() -> Result<()> {
    World::run(async |world| {
        world.forget_cookies().await?;
        world.browser.execute("document.dispatchEvent(new Event('visibilitychange'))", Vec::new()).await?;
        world.expect_text("trouble", "You are signed out.").await?;

        // Signs in, as opening the page in another tab does.
        let sign_in = "const done = arguments[0]; fetch('/').then(() => done(null))";
        world.browser.execute_async(sign_in, Vec::new()).await?;
        world.press("reload").await?;
        world.expect_visible("[data-testid='trouble']:not(:empty), [data-testid='reload']", 0).await?;
        world.expect_status("nightly", "needs-attention").await
    })
    .await
}

/// For the page's head: what was known before comes late, and every button that moves by itself is noted.
const SLOW: &str = r#"
const { fetch } = window;
window.fetch = async (path, options) => {
  if (String(path).endsWith("/before")) await new Promise((resolve) => setTimeout(resolve, 500));
  return fetch(path, options);
};
window.moved = [];
const places = new Map();
(function look() {
  for (const button of document.querySelectorAll("[data-testid^=reconnect-]")) {
    const top = button.getBoundingClientRect().top + scrollY;
    if (Math.abs((places.get(button) ?? top) - top) > 1) window.moved.push(button.dataset.testid);
    places.set(button, top);
  }
  requestAnimationFrame(look);
})();
"#;

/// A press that was aimed at a button must not meet what has pushed it away.
#[tokio::test]
async fn no_button_moves_while_the_list_is_still_coming() -> Result<()> {
    let site = std::env::temp_dir().join(format!("flinks-e2e-slow-{}", std::process::id()));
    std::fs::create_dir_all(&site)?;
    for file in std::fs::read_dir(repository().join("www/demo"))? {
        let file = file?;
        std::fs::copy(file.path(), site.join(file.file_name()))?;
    }
    let page = std::fs::read_to_string(site.join("index.html"))?;
    std::fs::write(site.join("index.html"), page.replacen("<head>", "<head><script src=\"slow.js\"></script>", 1))?;
    std::fs::write(site.join("slow.js"), SLOW)?;
    let ended = World::run(async |world| {
        let slow = world.anew(&site).await?;
        slow.visit().await?;
        for id in ["nightly", "ondemand", "mfachanged", "selected"] {
            slow.expect_visible(&format!("[data-testid='before-{id}']"), 1).await?;
        }
        let moved: Vec<String> = slow.browser.execute("return window.moved", vec![]).await?.convert()?;
        assert!(moved.is_empty(), "{moved:?}");
        Ok(())
    })
    .await;
    std::fs::remove_dir_all(&site)?;
    ended
}
