//! The widget for everybody: by keyboard, by screen reader, on a small or enlarged screen, in their own colours, beside whatever else the page does.
//!
//! axe-core looks at every view; what it cannot judge is asserted by hand in `pages/people.js`. Every row is printed.

use std::io::Write as _;

use flinks_e2e::{CHALLENGES, Engine, Lab, Result, Wishes, World, connect_frame, eventually, repository};
use thirtyfour::Key;

async fn plays(wishes: Wishes, scenarios: &[&str]) -> Result<()> {
    Lab::run_for(wishes, async |lab| lab.play("people:", scenarios).await).await
}

#[tokio::test]
async fn axe_has_nothing_to_say_about_any_view_in_a_dialog() -> Result<()> {
    plays(Wishes::Usual, &["people.dialogViews"]).await
}

#[tokio::test]
async fn axe_has_nothing_to_say_about_any_view_in_a_container() -> Result<()> {
    plays(Wishes::Usual, &["people.containerViews"]).await
}

#[tokio::test]
async fn dark_and_still_is_dark_and_still() -> Result<()> {
    plays(Wishes::DarkAndStill, &["people.darkAndStill", "people.dialogViews"]).await
}

#[tokio::test]
async fn a_persons_own_colours_keep_borders_and_focus_visible() -> Result<()> {
    plays(Wishes::OwnColours, &["people.ownColours"]).await
}

#[tokio::test]
async fn the_focus_moves_in_and_back_and_the_page_behind_is_inert() -> Result<()> {
    plays(Wishes::Usual, &["people.focus", "people.focusInFrame", "people.inert"]).await
}

#[tokio::test]
async fn closing_asks_once_an_answer_was_submitted() -> Result<()> {
    plays(Wishes::Usual, &["people.leavingByEscape", "people.leavingByButton"]).await
}

#[tokio::test]
async fn a_host_page_with_a_modal_of_its_own_is_no_rival() -> Result<()> {
    plays(Wishes::Usual, &["people.aboveAnother", "people.belowAnother", "people.focusTrap"]).await
}

#[tokio::test]
async fn the_page_behind_stays_where_it_is() -> Result<()> {
    plays(Wishes::Usual, &["people.scrolling"]).await
}

#[tokio::test]
async fn nothing_scrolls_sideways_at_320_pixels_and_at_400_percent() -> Result<()> {
    plays(Wishes::Usual, &["people.narrow"]).await
}

#[tokio::test]
async fn styles_leak_neither_in_nor_out_and_what_is_offered_works() -> Result<()> {
    plays(Wishes::Usual, &["people.hostile", "people.noLeak", "people.styled"]).await
}

#[tokio::test]
async fn connect_gets_the_height_it_asks_for_within_bounds() -> Result<()> {
    plays(Wishes::Usual, &["people.resized"]).await
}

#[tokio::test]
async fn every_status_is_announced_once_in_a_region_that_was_there_before() -> Result<()> {
    plays(Wishes::Usual, &["people.announced"]).await
}

/// Runs axe-core over the demo as it is; resolves with what is wrong and with what axe-core cannot judge, beside the inside of Connect's frame.
const AXE: &str = "
    const done = arguments[0];
    // What changes its colour is judged when it has them.
    const changes = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity);
    Promise.allSettled(changes.map(({ finished }) => finished)).then(() => axe.run({ resultTypes: ['violations', 'incomplete'], pingWaitTime: 50 })).then(({ violations, incomplete }) => {
      const list = (results) => results.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
        `${id} at ${target.flat().join(' ')}: ${failureSummary}`));
      const isOfFrame = (line) => /^frame-tested at .*iframe/.test(line);
      done([...list(violations), ...list(incomplete).filter((line) => !isOfFrame(line)).map((line) => `unsure: ${line}`)]);
    }, (error) => done([String(error)]));";

async fn axe(world: &World, state: &str) -> Result<Vec<String>> {
    let is_there = world.browser.execute("return 'axe' in window", vec![]).await?.convert::<bool>()?;
    if !is_there {
        let script = std::fs::read_to_string(repository().join("node_modules/axe-core/axe.min.js"))?;
        world.browser.execute(&script, vec![]).await?;
    }
    let found: Vec<String> = world.browser.execute_async(AXE, vec![]).await?.convert()?;
    // Not by `println!`, which the test runner keeps to itself when a test passes.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| people: demo, {state} | {} | {} findings of axe-core |", Engine::from_env()?, found.len())?;
    Ok(found.into_iter().map(|line| format!("{state}: {line}")).collect())
}

#[tokio::test]
async fn axe_has_nothing_to_say_about_the_demo() -> Result<()> {
    World::run(async |world| {
        let mut found = Vec::new();
        for (language, connection) in [("en", "mfachanged"), ("fr", "ondemand")] {
            // The English page is open already, and navigating away from one that still loads proves nothing here.
            if language == "fr" {
                world.browser.goto(format!("{}?lang=fr", world.host.url())).await?;
            }
            if let Err(error) = world.expect_status(connection, "needs-attention").await {
                return Err(format!("{error}; the page is {}", world.browser.source().await?).into());
            }
            found.extend(axe(world, &format!("{language}, list")).await?);
            world.press_reconnect(connection).await?;
            world.enter_connect().await?;
            world.expect_question(CHALLENGES[0].0).await?;
            world.leave_connect().await?;
            found.extend(axe(world, &format!("{language}, dialog")).await?);
            world.press_escape_in_dialog().await?;
            world.expect_no_dialog().await?;
            found.extend(axe(world, &format!("{language}, closed")).await?);
        }
        world.press_reconnect("nightly").await?;
        world.enter_connect().await?;
        world.answer_all().await?;
        world.leave_connect().await?;
        world.expect_accounts("nightly", 4).await?;
        found.extend(axe(world, "fr, accounts").await?);

        // The twin: axe-core finds what is wrong.
        let broken = "document.querySelector('main').append(document.createElement('button'))";
        world.browser.execute(broken, vec![]).await?;
        let twin = axe(world, "fr, broken on purpose").await?;
        assert!(twin.iter().any(|line| line.contains("button-name")), "{twin:?}");
        if found.is_empty() { Ok(()) } else { Err(found.join("\n").into()) }
    })
    .await
}

/// Presses Tab until the focus is where it should be; `script` answers whether it is.
async fn tab_to(world: &World, what: &str, script: &str) -> Result<()> {
    for _ in 0..60 {
        if world.browser.execute(script, vec![]).await?.convert::<bool>()? {
            return Ok(());
        }
        world.browser.action_chain().send_keys(Key::Tab).perform().await?;
    }
    Err(format!("60 times Tab did not lead to {what}").into())
}

#[tokio::test]
async fn a_whole_reconnect_by_keyboard_alone() -> Result<()> {
    World::run(async |world| {
        const ON_OPENER: &str = "return document.activeElement?.dataset.testid === 'reconnect-nightly'";
        world.expect_status("nightly", "needs-attention").await?;
        tab_to(world, "the connection's button", ON_OPENER).await?;
        world.browser.action_chain().send_keys(Key::Enter).perform().await?;
        world.find(".flinks-reconnect.modal").await?;
        connect_frame(&world.browser).await?;
        for (question, answer) in CHALLENGES {
            world.enter_connect().await?;
            world.expect_question(question).await?;
            world.leave_connect().await?;
            tab_to(
                world,
                "Connect's frame",
                "return document.activeElement?.shadowRoot?.activeElement?.localName === 'iframe'",
            )
            .await?;
            world.enter_connect().await?;
            tab_to(world, "the question's field", "return document.activeElement?.name === 'answer'").await?;
            world.browser.action_chain().send_keys(answer).send_keys(Key::Enter).perform().await?;
            world.leave_connect().await?;
        }
        world.expect_status("nightly", "up-to-date").await?;
        world.expect_no_dialog().await?;
        eventually("the focus is on the card it came from", async || {
            let script = "return document.activeElement?.closest('[data-testid=connection-nightly]') !== null";
            Ok(world.browser.execute(script, vec![]).await?.convert::<bool>()?.then_some(()))
        })
        .await
    })
    .await
}
