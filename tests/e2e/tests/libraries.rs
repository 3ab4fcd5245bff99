//! Pages with other people's libraries in them, at the versions that `tests/foreign/package.json` pins. Their pages stand in `tests/foreign`.

use std::process::Command;

use flinks_e2e::{Lab, Result, repository};

fn foreign() -> std::path::PathBuf {
    repository().join("tests/foreign")
}

/// A file of `tests/foreign` with the libraries that it imports inside.
fn bundle(name: &str) -> Result<Vec<u8>> {
    if !foreign().join("node_modules").is_dir() {
        return Err("the libraries are missing: `npm ci` in tests/foreign, or `npm test -- e2e-chromium`".into());
    }
    let output = Command::new(repository().join("node_modules/.bin/esbuild"))
        .arg(foreign().join(format!("{name}.js")))
        .args([
            "--bundle",
            "--format=esm",
            "--charset=utf8",
            "--external:/lab/*",
            "--external:/sdk/*",
            "--log-level=error",
        ])
        .arg("--define:process.env.NODE_ENV=\"production\"")
        .output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

async fn plays(name: &str, scenarios: &[&str], libraries: &[(&str, &str)]) -> Result<()> {
    let script = bundle(name)?;
    Lab::run(async |lab| {
        lab.internet.offer(&format!("/lab/{name}.js"), script);
        for (path, file) in libraries {
            lab.internet.offer(&format!("/lib/{path}.js"), std::fs::read(foreign().join("node_modules").join(file))?);
        }
        for page in ["two", "permanent-1", "permanent-2"] {
            lab.internet.offer_page(&format!("/lib/{page}"), &html(page));
        }
        let scenarios: Vec<String> = scenarios.iter().map(|scenario| format!("{name}.{scenario}")).collect();
        let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
        lab.play("library:", &scenarios).await
    })
    .await
}

/// A page that a library swaps in.
fn html(page: &str) -> String {
    let (title, content) = match page {
        "two" => ("Two", ""),
        "permanent-1" => ("Permanent 1", PERMANENT),
        _ => ("Permanent 2", PERMANENT),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><main><h1>{title}</h1><button id=\"act\">Act</button>{content}</main></body></html>"
    )
}

const PERMANENT: &str = "<flinks-reconnect id=\"bank\" data-turbo-permanent instance=\"toolbox\" manual deliver=\"/deliver\"></flinks-reconnect>";

#[tokio::test]
async fn the_dialog_works_above_other_peoples_modals() -> Result<()> {
    plays("modals", &["radix", "aria", "headless", "mui", "bootstrap", "focusTrap", "strictTrap"], &[]).await
}

/// What is alike in every engine is played in one.
mod alike {
    use super::*;

    #[tokio::test]
    async fn pages_that_are_swapped_morphed_or_recorded_keep_nothing_of_ours() -> Result<()> {
        let libraries = [("turbo", "@hotwired/turbo/dist/turbo.es2017-umd.js"), ("rrweb", "rrweb/dist/rrweb.umd.cjs")];
        plays("swaps", &["turbo", "morph", "recorded"], &libraries).await
    }

    /// (In Firefox htmx does not bring the lab's page back, with the widget or without.)
    #[tokio::test]
    async fn htmx_keeps_nothing_of_ours() -> Result<()> {
        let libraries = [("htmx.org", "htmx.org/dist/htmx.js"), ("htmx.org-1", "htmx.org-1/dist/htmx.js")];
        plays("swaps", &["htmx2", "htmx1"], &libraries).await
    }

    #[tokio::test]
    async fn under_every_zone_js_sessions_are_heard_and_the_pages_listeners_survive() -> Result<()> {
        let libraries = [
            ("zone.js-0.11", "zone.js-0.11/bundles/zone.umd.js"),
            ("zone.js-0.12", "zone.js-0.12/bundles/zone.umd.js"),
            ("zone.js-0.13", "zone.js-0.13/bundles/zone.umd.js"),
            ("zone.js-0.14", "zone.js-0.14/bundles/zone.umd.js"),
            ("zone.js-0.15", "zone.js-0.15/bundles/zone.umd.js"),
            ("zone.js-0.16", "zone.js-0.16/bundles/zone.umd.js"),
        ];
        plays("swaps", &["zone11", "zone12", "zone13", "zone14", "zone15", "zone16"], &libraries).await
    }
}
