//! `<flinks-reconnect>` in a real browser, and everything a page can get wrong.

use flinks_e2e::{Lab, Result};

#[tokio::test]
async fn options_are_attributes_and_properties() -> Result<()> {
    let scenarios = ["element.attributes", "element.properties", "element.upgrade"];
    Lab::run(async |lab| lab.play("element:", &scenarios).await).await
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_element_is_on_the_page() -> Result<()> {
    let scenarios = [
        "element.moved",
        "element.removed",
        "element.children",
        "element.several",
        "element.styled",
        "element.opened",
        "element.retried",
    ];
    Lab::run(async |lab| lab.play("element:", &scenarios).await).await
}

#[tokio::test]
async fn wrong_options_and_functions_are_typed_errors() -> Result<()> {
    let scenarios =
        ["mistakes.wrong", "mistakes.functions", "mistakes.listeners", "mistakes.broken", "mistakes.redirected"];
    Lab::run(async |lab| lab.play("mistake:", &scenarios).await).await
}

#[tokio::test]
async fn a_page_may_close_at_any_moment_and_do_everything_twice() -> Result<()> {
    let scenarios = [
        "mistakes.closings",
        "mistakes.doubled",
        "mistakes.taken",
        "mistakes.woken",
        "mistakes.offline",
        "mistakes.slowly",
        "mistakes.copies",
    ];
    Lab::run(async |lab| lab.play("mistake:", &scenarios).await).await
}
