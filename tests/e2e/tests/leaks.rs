//! Nothing secret goes where it should not: console, errors, page, storage, and every request but the delivery and the frame's own address.

use flinks_e2e::{HOST, Lab, Received, Result, Row};
use serde_json::Value;

const CANARY: &str = include_str!("../pages/canary.json");

/// What the session may ask for: everything else is a leak, or somebody else's.
const EXPECTED: [(&str, &str, &str); 5] = [
    ("GET", "host.test", "/lab"),
    ("GET", "host.test", "/sdk/index.js"),
    ("POST", "host.test", "/start"),
    ("POST", "host.test", "/deliver"),
    ("GET", "toolbox-iframe.private.fin.ag", "/v2/"),
];

fn id(path: &str) -> Result<String> {
    let canary: Value = serde_json::from_str(CANARY)?;
    canary.pointer(path).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no canary {path}").into())
}

/// The laboratory's own scripts, and what browsers ask for by themselves.
fn is_ours(request: &Received) -> bool {
    let by_itself = ["mozilla", "firefox", "google", "gstatic"];
    !(request.path.starts_with("/lab/")
        || request.path == "/favicon.ico"
        || by_itself.iter().any(|name| request.host.contains(name)))
}

#[tokio::test]
async fn r47_a_redirected_delivery_goes_nowhere() -> Result<()> {
    Lab::run(async |lab| {
        lab.internet.forget();
        lab.play("R47", &["leaks.redirected"]).await?;
        let log = lab.internet.log();
        let taken = |by: &str| {
            log.iter()
                .filter(|request| request.query.contains(&format!("by={by}")) && request.path == "/taken")
                .cloned()
                .collect::<Vec<_>>()
        };
        let by_widget = taken("widget");
        assert!(by_widget.is_empty(), "the attacker was asked: {by_widget:?}");
        let bytes: usize = taken("twin").iter().map(|request| request.body.len()).sum();
        assert!(bytes > 0, "the twin does not work");
        let outcome = "bytes at the other origin: 0";
        lab.conclude(
            "R47",
            &[Row::proved("five redirects to another origin", outcome, &format!("a careless fetch sends {bytes}"))],
        )
    })
    .await
}

#[tokio::test]
async fn r60_canaries_sing_nowhere() -> Result<()> {
    Lab::run(async |lab| lab.play("R60", &["leaks.canaries"]).await).await
}

#[tokio::test]
async fn r61_nobody_else_is_asked_and_ids_travel_only_where_they_must() -> Result<()> {
    Lab::run(async |lab| {
        // A page of the same site first, so that what a browser asks for when it starts is over.
        lab.open(&format!("{HOST}/away")).await?;
        lab.internet.forget();
        lab.play("R61", &["leaks.requests"]).await?;
        let log: Vec<Received> = lab.internet.log().into_iter().filter(is_ours).collect();

        let asked: Vec<(&str, &str, &str)> =
            log.iter().map(|request| (request.method.as_str(), request.host.as_str(), request.path.as_str())).collect();
        let unexpected: Vec<_> = asked.iter().filter(|request| !EXPECTED.contains(request)).collect();
        assert!(unexpected.is_empty(), "also asked for: {unexpected:?}");
        for expected in EXPECTED {
            assert_eq!(asked.iter().filter(|request| **request == expected).count(), 1, "{expected:?} once");
        }

        for (name, pointer, places) in [
            ("loginId", "/loginId", &["/deliver body"][..]),
            ("accountId", "/accountId", &["/deliver body"]),
            ("requestId", "/start/requestId", &["/deliver body", "/v2/ query"]),
            ("authorizeToken", "/start/authorizeToken", &["/v2/ query"]),
            ("launched account", "/start/resumeSelectedAccounts/0", &["/v2/ query"]),
            ("tag", "/start/tag", &["/deliver body", "/v2/ query"]),
            ("attemptId", "/start/attemptId", &["/deliver body", "/deliver idempotency-key"]),
        ] {
            let found = places_of(&id(pointer)?, &log);
            assert_eq!(found, places, "{name}");
        }

        let one = |path: &str| log.iter().find(|request| request.path == path).ok_or(format!("no request to {path}"));
        let header = |request: &Received, name: &str| request.headers.get(name).cloned().unwrap_or_default();
        let (frame, delivery, start) = (one("/v2/")?, one("/deliver")?, one("/start")?);
        assert_eq!(header(frame, "referer"), "https://host.test/", "the frame learns the origin and no more");
        for request in [delivery, start] {
            assert_eq!(header(request, "referer"), "", "the backend is told no referrer");
            assert_eq!(header(request, "content-type"), "application/json");
        }
        assert_eq!(header(delivery, "idempotency-key"), format!("\"{}\"", id("/start/attemptId")?));
        assert_eq!(start.body, "{}");
        lab.conclude(
            "R61",
            &[Row::proved(
                "every request of a session",
                "page, script, start, frame, deliver: once each",
                "each id is found where it must travel",
            )],
        )
    })
    .await
}

/// Where an id occurs in what was sent, each place once and in order.
fn places_of(id: &str, log: &[Received]) -> Vec<String> {
    let mut places = Vec::new();
    for request in log {
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value));
        for (place, text) in headers.chain([("query", &request.query), ("body", &request.body)]) {
            if text.contains(id) {
                places.push(format!("{} {place}", request.path));
            }
        }
    }
    places.sort();
    places.dedup();
    places
}
