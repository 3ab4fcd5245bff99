//! Pages that we did not write: what they do to the widget, and what it does to them.

use flinks_e2e::{Engine, HOST, Lab, Result, Row, eventually};
use serde_json::json;
use thirtyfour::By;

#[tokio::test]
async fn what_the_page_takes_away_ends_and_what_it_moves_goes_on() -> Result<()> {
    Lab::run(async |lab| lab.play("page:", &["foreign.taken", "foreign.moved", "foreign.adopted"]).await).await
}

#[tokio::test]
async fn copies_of_the_page_have_nothing_of_ours() -> Result<()> {
    Lab::run(async |lab| lab.play("R41", &["foreign.copied"]).await).await
}

#[tokio::test]
async fn locks_and_modals_of_others_are_left_alone() -> Result<()> {
    Lab::run(async |lab| lab.play("page:", &["foreign.scrollLocks", "foreign.hidden"]).await).await
}

#[tokio::test]
async fn patched_built_ins_and_other_windows_change_nothing() -> Result<()> {
    Lab::run(async |lab| lab.play("R12", &["foreign.poisoned", "foreign.others", "foreign.pages"]).await).await
}

#[tokio::test]
async fn nothing_begins_in_a_page_that_nobody_sees_and_everything_looks_right_in_one_that_is() -> Result<()> {
    Lab::run(async |lab| lab.play("page:", &["foreign.prerendered", "foreign.looks"]).await).await
}

#[tokio::test]
async fn a_call_from_the_head_waits_for_the_body() -> Result<()> {
    Lab::run(async |lab| {
        lab.internet.offer_page(
            "/head",
            "<!doctype html><html lang=\"en\"><head><script src=\"/sdk/flinks-reconnect.global.js\"></script><script>\
             had = document.body; session = FlinksReconnect.reconnect({ start: '/start', instance: 'toolbox' });\
             </script></head><body><h1>Host</h1></body></html>",
        );
        lab.open(&format!("{HOST}/head")).await?;
        let script = "return [had === null, session.phase, document.querySelector('.flinks-reconnect') !== null]";
        eventually("it is open", async || {
            let seen = lab.browser.execute(script, vec![]).await?;
            Ok((seen.json() == &json!([true, "active", true])).then_some(()))
        })
        .await?;
        lab.conclude("page:", &[Row::proved("reconnect() in a script of <head>", "active", "there was no body yet")])
    })
    .await
}

/// The browser itself prerenders the page. Only Chromium does.
#[tokio::test]
async fn a_page_that_chromium_prerenders_begins_when_it_is_shown() -> Result<()> {
    if Engine::from_env()? != Engine::Chromium {
        return Ok(());
    }
    Lab::run(async |lab| {
        lab.internet.offer_page(
            "/before",
            "<!doctype html><html lang=\"en\"><title>Before</title><a href=\"/prerendered\">Next</a><script type=\"speculationrules\">\
             {\"prerender\": [{\"source\": \"list\", \"urls\": [\"/prerendered\"]}]}</script></html>",
        );
        lab.internet.offer_page(
            "/prerendered",
            "<!doctype html><html lang=\"en\"><title>Prerendered</title><body><script src=\"/sdk/flinks-reconnect.global.js\"></script>\
             <script>was = document.prerendering; session = FlinksReconnect.reconnect({ start: '/start', instance: 'toolbox' });\
             addEventListener('load', () => fetch('/loaded'));</script></body></html>",
        );
        let asked = |path: &str| lab.internet.log().iter().any(|request| request.path == path);
        lab.open(&format!("{HOST}/before")).await?;
        eventually("the page is prerendered", async || Ok(asked("/loaded").then_some(()))).await?;
        let before = [asked("/start"), asked("/v2/")];
        lab.browser.find(By::Css("a")).await?.click().await?;
        let script = "return [window.was, window.session?.phase]";
        eventually("the shown page is open", async || {
            let seen = lab.browser.execute(script, vec![]).await?;
            Ok((seen.json() == &json!([true, "active"])).then_some(()))
        })
        .await?;
        assert_eq!(before, [false, false], "neither a start nor a frame before it was shown");
        let outcome = "no request until it is shown, then it is open";
        lab.conclude("page:", &[Row::proved("a page that the browser prerenders", outcome, "it had run its scripts before")])
    })
    .await
}
