//! The demo, as a person uses it, in a real browser with a genuinely cross-origin Connect.

use flinks_e2e::{CHALLENGES, Result, World};

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
        world.expect_widget_button("retry", "Continue here").await?;
        world.expect_launches(1).await?;
        world.press_widget_button("retry").await?;
        world.enter_connect().await?;
        world.answer(second.0, second.1).await?;
        world.leave_connect().await?;

        // The first tab lost it, says so, and can take it back.
        world.browser.switch_to_window(first_tab).await?;
        world.expect_widget_button("retry", "Continue here").await?;
        world.press_widget_button("retry").await?;
        world.enter_connect().await?;
        world.answer(third.0, third.1).await?;
        world.leave_connect().await?;
        world.expect_status("nightly", "up-to-date").await
    })
    .await
}
