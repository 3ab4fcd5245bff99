//! “Flinks may do X or Y”, as far as a browser decides about it: the demo, the reference host and the sandbox, in every engine. The whole
//! table is played natively, in `tests/core/either.rs`.

use flinks_e2e::{Engine, Result, World};
use flinks_sandbox::faults::{self, Faults, PageToken, RefusedLogin};

/// Prints a row of the table.
fn row(unsaid: &str, reading: &str, ending: &str) -> Result<()> {
    println!("\n| {unsaid} | {reading} | {:?} | {ending} |", Engine::from_env()?);
    Ok(())
}

fn set(world: &World, faults: &Faults) -> Result<()> {
    world.sandbox.set_faults(faults).map_err(Into::into)
}

/// Presses the connection's button; Connect is opened for the `launches`th time before it asks.
async fn reconnects(world: &World, id: &str, launches: usize) -> Result<()> {
    world.press_reconnect(id).await?;
    world.expect_launches(launches).await?;
    world.enter_connect().await?;
    world.answer_all().await?;
    world.leave_connect().await?;
    world.expect_status(id, "up-to-date").await?;
    world.expect_no_dialog().await
}

#[tokio::test]
async fn a_success_is_one_in_whatever_shape_it_comes() -> Result<()> {
    World::run(async |world| {
        for (launches, (id, reading, shape)) in (1..).zip([
            ("nightly", "a relative url", "relative"),
            ("ondemand", "a url at Connect's own result page", "result"),
            ("mfachanged", "keys in another case", "cased"),
            ("selected", "no login at all: the host asks Flinks for it", "idless"),
        ]) {
            let redirect_shape = faults::shape(shape).ok_or("no such shape")?;
            set(world, &Faults { redirect_shape, ..Faults::default() })?;
            reconnects(world, id, launches).await?;
            row("what REDIRECT looks like", reading, "up to date")?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_page_gets_the_token_it_wants_and_a_refusal_takes_nothing_away() -> Result<()> {
    World::run(async |world| {
        set(world, &Faults { page_token: PageToken::Own, ..Faults::default() })?;
        // The fresh one is refused; the widget asks the host for the other kind.
        reconnects(world, "nightly", 2).await?;
        row("which token a page wants", "the session's own", "one renewal, up to date")?;

        set(world, &Faults::default())?;
        world.press_reconnect("ondemand").await?;
        world.enter_connect().await?;
        let [(question, answer), ..] = flinks_e2e::CHALLENGES;
        world.expect_question(question).await?;
        let refusal = Some("DISABLED_INSTITUTION".to_owned());
        set(world, &Faults { bank_code: refusal, refused_login: RefusedLogin::GoesOn, ..Faults::default() })?;
        world.answer(question, answer).await?;
        world.find("[data-screen='banks']").await?;
        world.leave_connect().await?;
        row("what follows a refused login", "the bank list", "the frame stays, and the user is in it")
    })
    .await
}
