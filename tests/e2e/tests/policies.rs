//! The platform around the widget: the frame's rights, the page's policies, the script tag, and what stands in the shipped JavaScript.

use flinks_e2e::{HOST, Lab, Result, Row, dist, eventually};

async fn plays(lab: &Lab, id: &str, page: &str) -> Result<()> {
    plays_at(lab, id, &format!("{HOST}{page}")).await
}

async fn plays_at(lab: &Lab, id: &str, address: &str) -> Result<()> {
    lab.open(address).await?;
    lab.conclude(id, &lab.report().await?)
}

/// An attacker's page around the host's: leads every window that it finds in there, and passes the host's report on.
fn framing(policy: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Framing</title>
        <iframe src=\"{HOST}/lab?run=foreign.framed{policy}\" style=\"width: 900px; height: 700px\"></iframe>
        <script>
          document.querySelector('iframe').addEventListener('load', ({{ target }}) => (target.dataset.loaded = 'yes'));
          addEventListener('message', ({{ data, source }}) => {{
            if (data.report) document.documentElement.setAttribute('data-report', data.report);
            if (!data.lead) return;
            const {{ length }} = source;
            for (let at = 0; at < length; at += 1) source[at].location = data.lead;
            source.postMessage({{ led: length }}, '*');
          }});
        </script></html>"
    )
}

#[tokio::test]
async fn r29_the_pages_address_begins_nothing() -> Result<()> {
    Lab::run(async |lab| {
        let offer = "requestId=request-of-the-attacker&request-id=request-of-the-attacker&loginId=login-of-the-attacker\
            &authorizeToken=token-of-the-attacker&instance=attacker&tag=attacker";
        plays(lab, "R29", &format!("/lab?run=frame.address&{offer}#{offer}")).await
    })
    .await
}

#[tokio::test]
async fn r33_both_strict_policies_are_kept_to_the_end() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R33", "/lab?run=policies.strict&csp=strict").await).await
}

#[tokio::test]
async fn r33_without_leave_for_webassembly_the_widget_says_so() -> Result<()> {
    Lab::run(async |lab| plays(lab, "F25 R33", "/lab?run=policies.noWasm&csp=no-wasm").await).await
}

#[tokio::test]
async fn r35_the_shipped_javascript_has_no_dangerous_sink() -> Result<()> {
    let forbidden = [
        "eval(",
        "new Function",
        "innerHTML",
        "outerHTML",
        "srcdoc",
        "document.write",
        "insertAdjacentHTML",
        "createContextualFragment",
        "javascript:",
        "postMessage(",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.cookie",
        "sendBeacon",
    ];
    let mut files = 0;
    for entry in std::fs::read_dir(dist())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            files += 1;
            let script = std::fs::read_to_string(&path)?;
            // What the module's own generated code may say is looked at, too: nothing here is exempt.
            let found: Vec<&str> = forbidden.iter().copied().filter(|sink| script.contains(sink)).collect();
            assert!(found.is_empty(), "{} has {found:?}", path.display());
        }
    }
    assert_eq!(files, 5, "index, element, react, testing and the script tag");
    Ok(())
}

#[tokio::test]
async fn r37_the_script_tag_runs_whole_or_not_at_all() -> Result<()> {
    Lab::run(async |lab| {
        for query in ["integrity", "integrity&damaged", "damaged", ""] {
            plays(lab, "R37", &format!("/script-tag?{query}")).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn r38_a_page_that_cannot_show_connect_hears_so_in_time() -> Result<()> {
    Lab::run(async |lab| {
        plays(lab, "R38", "/lab?run=policies.coep&coep=require-corp").await?;
        plays(lab, "R38", "/lab?run=policies.coep&coep=require-corp&coop=same-origin").await?;
        plays(lab, "R42", "/lab?run=policies.noFrame&csp=no-frame").await
    })
    .await
}

#[tokio::test]
async fn r39_the_pages_opener_policy_decides_about_pop_ups() -> Result<()> {
    Lab::run(async |lab| plays(lab, "F24 R39", "/lab?run=policies.coop&coop=same-origin").await).await?;
    Lab::run(async |lab| plays(lab, "F24 R39", "/lab?run=policies.coop&coop=same-origin-allow-popups").await).await
}

#[tokio::test]
async fn r40_the_frame_cannot_lead_the_page_away() -> Result<()> {
    Lab::run(async |lab| {
        plays(lab, "R40", "/lab?run=frame.top").await?;
        lab.open(&format!("{HOST}/lab?run=frame.topWithoutSandbox")).await?;
        lab.oblige().await?;
        eventually("the page is led away", async || {
            Ok((lab.browser.current_url().await?.as_str() == "https://evil.test/away").then_some(()))
        })
        .await?;
        lab.conclude(
            "R40",
            &[Row::proved("the same without sandbox", "the page is at the attacker's", "it is the twin")],
        )
    })
    .await
}

#[tokio::test]
async fn r40_a_banks_pop_up_works() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R40", "/lab?run=frame.popup").await).await
}

#[tokio::test]
async fn r41_the_frame_has_its_rights_before_its_address_and_leaves_the_history_alone() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R41", "/lab?run=frame.attributes").await).await
}

#[tokio::test]
async fn r41_a_page_that_frames_ours_cannot_lead_connect_to_its_own_session() -> Result<()> {
    Lab::run(async |lab| {
        lab.internet.offer_page("/framing", &framing(""));
        plays_at(lab, "R41", "https://evil.test/framing").await
    })
    .await
}

#[tokio::test]
async fn r41_frame_ancestors_keeps_framing_pages_out() -> Result<()> {
    Lab::run(async |lab| {
        for (policy, is_shown) in [("&csp=ancestors", false), ("", true)] {
            lab.internet.offer_page("/framing", &framing(policy));
            lab.internet.forget();
            lab.open("https://evil.test/framing").await?;
            let script = "return document.querySelector('iframe').dataset.loaded === 'yes'";
            eventually("the frame has loaded something", async || {
                Ok((lab.browser.execute(script, vec![]).await?.json().as_bool() == Some(true)).then_some(()))
            })
            .await?;
            // A page that is shown has asked for its scripts by the time it has loaded.
            let asked = |path: &str| lab.internet.log().iter().any(|request| request.path == path);
            assert!(asked("/lab"), "the host's page was asked for");
            assert_eq!(asked("/lab/lab.js"), is_shown, "with {policy:?}");
        }
        let outcome = "the host's page is not shown, and nothing in it runs";
        lab.conclude(
            "R41",
            &[Row::proved("a page that frames ours, under frame-ancestors 'none'", outcome, "without it, it is")],
        )
    })
    .await
}

#[tokio::test]
async fn r31_markup_in_texts_is_text() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R31", "/lab?run=policies.markup").await).await
}

#[tokio::test]
async fn r42_only_the_browsers_word_about_connects_own_frame_ends_a_load() -> Result<()> {
    Lab::run(async |lab| {
        plays(lab, "R42", "/lab?run=policies.otherReports&csp=strict").await?;
        plays(lab, "R42", "/lab?run=policies.watched&csp=watching").await
    })
    .await
}

#[tokio::test]
async fn r42_a_frame_that_has_loaded_is_not_up() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R42", "/lab?run=policies.silent").await).await
}

#[tokio::test]
async fn r43_nothing_listens_to_the_pages_end() -> Result<()> {
    Lab::run(async |lab| plays(lab, "R43", "/lab?run=policies.pagesEnd").await).await
}
