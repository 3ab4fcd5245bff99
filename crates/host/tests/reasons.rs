//! Why the application is told something, in stable words, and what cures it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use flinks_host::{AuthKey, Events};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        Bench, Database, LOGINS, delivery,
        flinks::{Live, Session},
        send,
    },
    service::{AsApplication as _, NEW_SECRET, OLD_SECRET, Receiver, SECRET, claims, service, signed},
};

async fn start(bench: &Bench) -> Value {
    let url = format!("{}/api/connections/bank/reconnect", bench.base);
    send(bench.browser.post(url).bearer_auth(signed(&claims("anna"))).json(&json!({}))).await.expect(200).body
}

/// The user has another user name at the bank now, so Connect comes back with another login.
#[tokio::test]
async fn a_changed_login_is_told_and_putting_the_new_one_is_its_cure() {
    let receiver = Receiver::default();
    let events = Some(Events { url: receiver.start().await, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    let database = Database::sqlite();
    let bench = service(&database, AuthKey::Secret(SECRET.to_owned()), |config| config.events = events).await;
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    bench.flinks.live(LOGINS[0], Live::Code(401, "INVALID_USERNAME"));
    let reply = start(&bench).await;
    assert_eq!(reply["status"], "connect", "{reply}");
    bench.flinks.add_session("request-of-connect", LOGINS[1], Session::Finished);
    let mut body = delivery(&reply, LOGINS[1]);
    body["requestId"] = json!("request-of-connect");
    let deliver = |body: &Value| {
        let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
        let post = bench.browser.post(format!("{}/api/reconnects", bench.base)).bearer_auth(signed(&claims("anna")));
        send(post.header("idempotency-key", key).json(body))
    };
    deliver(&body).await.refused(409, "LOGIN_MISMATCH");
    let told = receiver.until(2).await[1].2.clone();
    assert_eq!(told["type"], "connection.needs_attention");
    assert_eq!(
        (&told["data"]["reason"], &told["data"]["attempt"], &told["data"]["loginId"]),
        (&json!("login_changed"), &reply["attemptId"], &json!(LOGINS[0]))
    );

    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[1]}))).await.expect(200);
    let reply = start(&bench).await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    deliver(&delivery(&reply, LOGINS[1])).await.expect(200);
    let told = receiver.until(3).await[2].2.clone();
    assert_eq!((&told["type"], &told["data"]["loginId"]), (&json!("connection.refreshed"), &json!(LOGINS[1])));
}

#[tokio::test]
async fn every_word_is_described() {
    let bench = Bench::alone().await;
    let document = send(bench.get("/openapi.json")).await.expect(200).body;
    let schema = &document["components"]["schemas"]["ReasonWord"];
    let words: Vec<_> = flinks_backend::reason::TABLE.iter().map(|(_, word, _)| *word).collect();
    assert_eq!(schema["enum"], json!(words));
    let readme = include_str!("../README.md");
    for word in words {
        let described = schema["description"].as_str().unwrap().contains(&format!("`{word}`"));
        assert!(described && readme.contains(&format!("| `{word}` |")), "{word}");
    }
}
