//! `flinks-reconnect/react` in React 18 and 19, as it runs in development: under `StrictMode`, with effects twice.

use std::process::Command;

use flinks_e2e::{Lab, Result, dist, repository};

const SCENARIOS: [&str; 8] = ["strict", "latest", "forgotten", "handled", "keyed", "unmounted", "hooked", "hydrated"];

/// `pages/react.js` with a React of this version inside.
fn bundle(version: &str) -> Result<Vec<u8>> {
    // The repository's own React is the present one; the one before has another name.
    let suffix = if version == "18" { "-18" } else { "" };
    let output = Command::new(repository().join("node_modules/.bin/esbuild"))
        .arg(repository().join("tests/e2e/pages/react.js"))
        .args(["--bundle", "--format=esm", "--charset=utf8", "--external:/lab/*", "--log-level=error"])
        .arg("--define:process.env.NODE_ENV=\"development\"")
        .arg(format!("--alias:react=react{suffix}"))
        .arg(format!("--alias:react-dom=react-dom{suffix}"))
        .arg(format!("--alias:flinks-reconnect/react={}", dist().canonicalize()?.join("react.js").display()))
        .arg(format!("--alias:flinks-reconnect/element={}", dist().canonicalize()?.join("element.js").display()))
        .output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

async fn plays(version: &str) -> Result<()> {
    let script = bundle(version)?;
    Lab::run(async |lab| {
        lab.internet.offer(&format!("/lab/react-{version}.js"), script);
        let scenarios = SCENARIOS.map(|scenario| format!("react-{version}.{scenario}"));
        lab.play(&format!("React {version}:"), &scenarios.each_ref().map(String::as_str)).await
    })
    .await
}

#[tokio::test]
async fn react_18() -> Result<()> {
    plays("18").await
}

#[tokio::test]
async fn react_19() -> Result<()> {
    plays("19").await
}
