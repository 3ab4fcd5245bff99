//! Connect's frame. It stands in a shadow tree of the widget's, where drivers' selectors do not look.

use thirtyfour::{WebDriver, WebElement};

use crate::wait::eventually;
use crate::world::Result;

/// A function `frames(root)` that gives the frames in there, in shadow trees too.
const FRAMES: &str = "const frames = (root) => [...root.querySelectorAll('iframe'), \
                      ...[...root.querySelectorAll('*')].flatMap(({ shadowRoot }) => (shadowRoot ? frames(shadowRoot) : []))];";

/// Connect's frame, once it is there.
pub async fn connect_frame(browser: &WebDriver) -> Result<WebElement> {
    let script = format!("{FRAMES} return frames(document)[0]");
    eventually("Connect's frame is there", async || Ok(browser.execute(&script, vec![]).await?.element().ok())).await
}

/// How many frames the page has.
pub async fn count_frames(browser: &WebDriver) -> Result<usize> {
    let script = format!("{FRAMES} return frames(document).length");
    Ok(browser.execute(&script, vec![]).await?.convert()?)
}
