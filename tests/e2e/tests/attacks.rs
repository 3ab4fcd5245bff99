//! Every attack in a real browser, each with a positive twin: what shows on the same page that the attack would have worked without the
//! check. The ids are those of the checklist; the scenarios stand in `pages/`.

use flinks_e2e::{HOST, Lab, Place, Result};

#[tokio::test]
async fn r01_what_a_script_made_is_dropped() -> Result<()> {
    Lab::run(async |lab| lab.play("R01", &["gate.synthetic"]).await).await
}

#[tokio::test]
async fn r02_what_another_window_posts_is_dropped_whatever_its_origin() -> Result<()> {
    Lab::run(async |lab| lab.play("R02", &["gate.nested"]).await).await
}

#[tokio::test]
async fn r03_our_frame_gone_elsewhere_is_not_heard_until_it_is_back() -> Result<()> {
    Lab::run(async |lab| {
        lab.play("R03", &["gate.elsewhere"]).await?;
        lab.play("R06", &["gate.moved"]).await?;
        lab.play("R05", &["gate.opaque"]).await?;
        lab.open(&format!("{}/lab?run=gate.plain", HOST.replace("https:", "http:"))).await?;
        lab.conclude("R05", &lab.report().await?)
    })
    .await
}

#[tokio::test]
async fn r04_a_sender_that_is_gone_is_nobody() -> Result<()> {
    Lab::run(async |lab| lab.play("R04", &["gate.vanished"]).await).await
}

#[tokio::test]
async fn r07_what_is_refused_is_not_read() -> Result<()> {
    Lab::run(async |lab| lab.play("R07", &["gate.unread"]).await).await
}

#[tokio::test]
async fn r08_windows_that_were_opened_or_did_the_opening_are_dropped() -> Result<()> {
    Lab::run(async |lab| {
        lab.play("R08", &["gate.popups"]).await?;
        let attacker =
            format!("https://toolbox-iframe.private.fin.ag/puppet?attacks&opens={HOST}/lab%3Frun%3Dgate.opened");
        lab.open(&attacker).await?;
        lab.click(Place::Page, "#open").await?;
        lab.switch_to_opened().await?;
        lab.conclude("R08", &lab.report().await?)
    })
    .await
}

#[tokio::test]
async fn r09_two_widgets_on_one_page_hear_each_their_own() -> Result<()> {
    Lab::run(async |lab| lab.play("R09", &["gate.neighbours"]).await).await
}

#[tokio::test]
async fn r10_nothing_of_ours_is_left() -> Result<()> {
    Lab::run(async |lab| {
        lab.play("R10", &["gate.traces", "gate.memory", "gate.forgettable"]).await?;
        lab.expect_forgotten("R10").await
    })
    .await
}

#[tokio::test]
async fn r11_noise_of_every_kind_breaks_nothing() -> Result<()> {
    Lab::run(async |lab| lab.play("F27 R11", &["decoder.noise", "decoder.odd", "decoder.heights"]).await).await
}

#[tokio::test]
async fn r12_what_is_inherited_does_not_count() -> Result<()> {
    Lab::run(async |lab| lab.play("R12", &["decoder.inherited"]).await).await
}

#[tokio::test]
async fn r12_inherited_options_do_not_count() -> Result<()> {
    Lab::run(async |lab| lab.play("R12", &["decoder.inheritedOptions"]).await).await
}

#[tokio::test]
async fn r13_an_own_proto_changes_no_prototype() -> Result<()> {
    Lab::run(async |lab| lab.play("R13", &["decoder.ownProto"]).await).await
}

#[tokio::test]
async fn r15_every_shape_of_redirect_is_read_and_every_contradiction_refused() -> Result<()> {
    Lab::run(async |lab| lab.play("R15", &["decoder.shapes", "decoder.contradictions"]).await).await
}

#[tokio::test]
async fn r20_a_flood_of_foreign_messages_costs_next_to_nothing() -> Result<()> {
    Lab::run(async |lab| lab.play("R20", &["decoder.flood"]).await).await
}

#[tokio::test]
async fn r21_the_first_success_is_the_result() -> Result<()> {
    Lab::run(async |lab| {
        lab.play("R21", &["decoder.repeated"]).await?;
        lab.internet.forget();
        lab.play("R21", &["decoder.repeatedByUrl"]).await?;
        let deliveries = lab.internet.log().iter().filter(|request| request.path == "/deliver").count();
        assert_eq!(deliveries, 1, "the endpoint was asked {deliveries} times");
        Ok(())
    })
    .await
}
