//! What the host refuses before anything is done, and what it serves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::common::{Bench, Database, LOGINS, delivery, flinks::Session, send};
use flinks_host::{Auth, AuthKey, Config, Host};
use serde_json::json;

#[tokio::test]
async fn another_site_is_refused_and_changes_nothing() {
    let bench = Bench::alone().await;
    let start = || {
        bench
            .browser
            .post(format!("{}/api/connections/nightly/reconnect", bench.base))
            .header("cookie", &bench.cookie)
            .json(&json!({}))
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        send(start().header(name, value)).await.refused(403, "CROSS_ORIGIN");
    }
    let reset = bench
        .browser
        .post(format!("{}/demo/sandbox/reset", bench.base))
        .header("cookie", &bench.cookie)
        .json(&json!({}));
    send(reset.header("origin", "https://evil.example")).await.refused(403, "CROSS_ORIGIN");
    assert_eq!(bench.connection("nightly").await["status"], "needs-attention");
    assert!(bench.flinks.bank().asked.is_empty());
    // Programs send neither header.
    send(start()).await.expect(200);
}

#[tokio::test]
async fn strangers_are_refused() {
    let bench = Bench::alone().await;
    for path in [
        "/api/connections",
        "/api/connections/nightly/accounts",
        "/demo/connections/nightly/before",
        "/demo/sandbox/clock",
        "/demo/network",
    ] {
        send(bench.browser.get(format!("{}{path}", bench.base))).await.refused(401, "UNAUTHENTICATED");
        let forged =
            bench.browser.get(format!("{}{path}", bench.base)).header("cookie", "flinks_host_session=0123456789");
        send(forged).await.refused(401, "UNAUTHENTICATED");
    }
    for path in ["/api/connections/nightly/reconnect", "/api/reconnects", "/demo/sandbox/clock", "/demo/network"] {
        send(bench.browser.post(format!("{}{path}", bench.base)).json(&json!({})))
            .await
            .refused(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_without_quoting_them() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    let good = delivery(&reply, LOGINS[0]);
    let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
    let post = |body: String| bench.post("/api/reconnects", &json!({})).header("idempotency-key", &key).body(body);

    send(bench.post("/api/reconnects", &good)).await.refused(400, "MALFORMED");
    send(bench.post("/api/reconnects", &good).header("idempotency-key", key.trim_matches('"')))
        .await
        .refused(400, "MALFORMED");
    send(bench.post("/api/reconnects", &good).header("idempotency-key", "\"another-attempt\""))
        .await
        .refused(400, "MALFORMED");
    for (field, value) in [
        ("loginId", json!("hush hush")),
        ("loginId", json!(7)),
        ("requestId", json!("hush")),
        ("tag", json!("hush\u{e9}")),
        ("mode", json!("hush")),
        ("accountIds", json!(["hush"])),
        ("accountIds", json!("hush")),
        ("accountIds", json!(vec!["abcdefgh"; 101])),
        ("attemptId", json!("hush")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = send(post(body.to_string())).await.refused(400, "MALFORMED");
        assert!(!answer.body.to_string().contains("hush"), "{}", answer.body);
    }
    // The last one is a delivery as a struct of serde's, by position.
    for body in ["", "[]", "{", "null", r#"["abcdefgh","refresh","abcdefgh",null,null,[],null]"#] {
        send(post(body.to_owned())).await.refused(400, "MALFORMED");
        let start = bench.post("/api/connections/nightly/reconnect", &json!({})).body(body);
        send(start).await.refused(400, "MALFORMED");
    }
    send(post("x".repeat(16 * 1024 + 1))).await.refused(413, "TOO_LARGE");
    let typed = |media_type: &str| {
        bench
            .browser
            .post(format!("{}/api/reconnects", bench.base))
            .header("cookie", &bench.cookie)
            .header("idempotency-key", &key)
            .header("content-type", media_type)
            .body(good.to_string())
    };
    send(typed("text/plain")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    send(typed("application/x-www-form-urlencoded")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    send(typed("Application/JSON; charset=utf-8")).await.refused(409, "NOT_FINISHED");

    send(bench.get("/api/nothing")).await.refused(404, "NOT_FOUND");
    send(bench.post("/api/connections", &json!({}))).await.refused(405, "METHOD_NOT_ALLOWED");
    send(bench.get("/api/reconnects")).await.refused(405, "METHOD_NOT_ALLOWED");
    send(bench.get("/api/connections/nobodys/accounts")).await.refused(404, "NO_SUCH_CONNECTION");
}

#[tokio::test]
async fn the_demo_page_is_served_under_its_policy_on_both_addresses_of_localhost() {
    let bench = Bench::alone().await;
    let port = bench.host.as_ref().unwrap().addr().port();
    assert_eq!(bench.host.as_ref().unwrap().url(), format!("http://localhost:{port}"));
    for address in ["localhost", "127.0.0.1"] {
        for path in ["/", "/dist/index.js"] {
            let response = bench.browser.get(format!("http://{address}:{port}{path}")).send().await.unwrap();
            assert_eq!(response.status(), 200, "{address}{path}");
            let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(
                header("content-security-policy"),
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-src http://127.0.0.1:4201; \
                 style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                 require-trusted-types-for 'script'; trusted-types 'none'"
            );
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("cache-control"), "no-cache");
        }
    }
    // A visitor who is signed in stays who he is.
    assert!(bench.get("/").send().await.unwrap().headers().get("set-cookie").is_none());
    let response = bench.get("/api/connections").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn the_demo_controls_reach_the_sandbox_and_reset_begins_again() {
    let bench = Bench::alone().await;
    let answer = send(bench.post("/demo/sandbox/clock", &json!({"advanceMs": 5}))).await.expect(200);
    assert_eq!(answer.body, json!({"advanceMs": 5}));
    bench.challenge("nightly").await;
    send(bench.post("/demo/sandbox/reset", &json!({}))).await.expect(200);
    assert_eq!(bench.connection("nightly").await["status"], "needs-attention");
    send(bench.post("/demo/sandbox/log", &json!({}))).await.refused(404, "NOT_FOUND");
    assert_eq!(send(bench.get("/demo/sandbox/clock")).await.expect(200).body, json!({"advancedMs": 5}));
    send(bench.get("/demo/sandbox/log")).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_broken_network_loses_as_many_deliveries_as_it_was_told_and_nothing_else() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let left = async || send(bench.get("/demo/network")).await.expect(200).body;

    send(bench.post("/demo/network", &json!({"lostDeliveries": 2}))).await.expect(200);
    for lost in [2, 1] {
        assert_eq!(left().await, json!({ "lostDeliveries": lost }));
        bench.deliver(&delivery(&reply, LOGINS[0])).await.refused(503, "NETWORK_BROKEN");
        assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    }
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    assert_eq!(left().await, json!({"lostDeliveries": 0}));

    for body in [json!({}), json!({"lostDeliveries": 101}), json!({"lostDeliveries": -1}), json!([1])] {
        send(bench.post("/demo/network", &body)).await.refused(400, "MALFORMED");
    }
    send(bench.post("/demo/network", &json!({"lostDeliveries": 9}))).await.expect(200);
    send(bench.post("/demo/sandbox/reset", &json!({}))).await.expect(200);
    assert_eq!(left().await, json!({"lostDeliveries": 0}), "beginning again repairs it");
}

#[tokio::test]
async fn without_the_demo_there_is_no_page_and_no_control() {
    let bench = Bench::alone().await;
    let auth = Some(Auth::new(AuthKey::Secret("of-the-application-32-characters".to_owned())));
    let database_url = "sqlite::memory:".to_owned();
    let host = Host::start(Config { demo: None, auth, database_url, ..bench.config.clone() }).await.unwrap();
    let base = format!("http://{}", host.addr());
    send(bench.browser.get(format!("{base}/"))).await.refused(404, "NOT_FOUND");
    send(bench.browser.post(format!("{base}/demo/sandbox/reset")).json(&json!({}))).await.refused(404, "NOT_FOUND");
    assert_eq!(bench.browser.get(format!("{base}/healthz")).send().await.unwrap().status(), 200);
    host.stop().await;
    assert!(bench.browser.get(format!("{base}/healthz")).send().await.is_err());
}

#[tokio::test]
async fn the_openapi_document_names_every_route() {
    let bench = Bench::alone().await;
    let document = send(bench.get("/openapi.json")).await.expect(200).body;
    let mut routes: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    routes.sort();
    assert_eq!(
        routes,
        [
            "delete /admin/users/{user}",
            "delete /admin/users/{user}/connections/{id}",
            "get /admin/connections/{id}/data",
            "get /admin/events",
            "get /admin/users/{user}/attempts",
            "get /admin/users/{user}/connections/{id}",
            "get /api/connections",
            "get /api/connections/{id}/accounts",
            "get /healthz",
            "get /metrics",
            "get /openapi.json",
            "get /readyz",
            "post /admin/events/{id}/again",
            "post /api/connections/{id}/reconnect",
            "post /api/flinks/webhook",
            "post /api/reconnects",
            "put /admin/users/{user}/connections/{id}",
        ]
    );
    let schemas = document["components"]["schemas"].as_object().unwrap();
    // What start answers, as the design has it.
    let reply = bench.challenge("nightly").await;
    let described = schemas["StartReply"]["oneOf"][0]["properties"].as_object().unwrap();
    for name in reply.as_object().unwrap().keys() {
        assert!(described.contains_key(name), "{name}");
    }
    for name in ["StartReply", "DeliveryBody", "DeliveryReply", "ConnectionsBody", "AccountsBody", "ProblemBody"] {
        assert!(schemas.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_host_that_cannot_start_names_the_setting_in_one_line() {
    let bench = Bench::alone().await;
    let taken = bench.host.as_ref().unwrap().addr();
    for (config, start) in [
        (Config { addr: taken, ..bench.config.clone() }, "HOST_ADDR: "),
        (Config { database_url: "mysql://hush".to_owned(), ..bench.config.clone() }, "DATABASE_URL: "),
        (
            Config { database_url: "sqlite:///no/such/hush/folder.db".to_owned(), ..bench.config.clone() },
            "DATABASE_URL: ",
        ),
        (Config { secret_key: "hush hush".to_owned(), ..bench.config.clone() }, "FLINKS_SECRET_KEY: "),
    ] {
        let text = Host::start(config).await.unwrap_err().to_string();
        assert!(text.starts_with(start) && !text.contains('\n') && !text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn a_page_that_goes_away_in_the_middle_takes_nothing_with_it() {
    let bench = Bench::new(&Database::at("sqlite::memory:".to_owned())).await;
    let before = bench.connection("nightly").await;
    for moment in 0..300_u64 {
        let asked = bench.browser.get(format!("{}/api/connections", bench.base)).header("cookie", &bench.cookie).send();
        // Whatever the answer: it is the moment of going that varies.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(moment * 10), asked).await;
    }
    assert_eq!(bench.connection("nightly").await, before);
}
