//! `<flinks-reconnect>` in a real browser, and everything a page can get wrong.

use flinks_e2e::{Lab, Result};

#[tokio::test]
async fn attributes_are_the_options_and_wrong_ones_are_named() -> Result<()> {
    Lab::run(async |lab| lab.play("element:", &["element.attributes"]).await).await
}

#[tokio::test]
async fn properties_reflect_where_users_expect_it_and_survive_the_upgrade() -> Result<()> {
    Lab::run(async |lab| lab.play("element:", &["element.properties", "element.upgrade"]).await).await
}

#[tokio::test]
async fn moving_keeps_the_session_and_removing_ends_it() -> Result<()> {
    Lab::run(async |lab| lab.play("element:", &["element.moved", "element.removed", "element.children"]).await).await
}

#[tokio::test]
async fn several_live_on_a_page_and_in_shadow_trees() -> Result<()> {
    Lab::run(async |lab| lab.play("element:", &["element.several", "element.styled"]).await).await
}

#[tokio::test]
async fn it_opens_when_asked_and_tells_every_ending() -> Result<()> {
    Lab::run(async |lab| lab.play("element:", &["element.opened", "element.retried"]).await).await
}

#[tokio::test]
async fn wrong_options_and_containers_are_typed_errors() -> Result<()> {
    Lab::run(async |lab| lab.play("mistake:", &["mistakes.wrong"]).await).await
}

#[tokio::test]
async fn functions_and_listeners_may_throw_reject_or_never_settle() -> Result<()> {
    Lab::run(async |lab| lab.play("mistake:", &["mistakes.functions", "mistakes.listeners"]).await).await
}

#[tokio::test]
async fn a_page_may_close_at_any_moment() -> Result<()> {
    Lab::run(async |lab| lab.play("mistake:", &["mistakes.closings"]).await).await
}

#[tokio::test]
async fn twice_is_told_and_breaks_nothing() -> Result<()> {
    Lab::run(async |lab| lab.play("mistake:", &["mistakes.doubled", "mistakes.copies"]).await).await
}
