//! The host as a service: tokens of the application's users, the application's own calls, and what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flinks_host::{Auth, AuthKey, Config, Events, Host};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::net::TcpListener;

use crate::common::{Answer, Bench, Database, LOGINS, delivery, flinks::Session, postgres::Postgres, print_row, send};

pub(crate) const SECRET: &str = "the-application's-secret-of-the-test";
pub(crate) const ADMIN_KEY: &str = "the-key-of-the-application-itself";

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn claims(user: &str) -> Value {
    json!({"sub": user, "aud": "flinks-host", "exp": now() + 600})
}

pub(crate) fn signed(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// A host without the demo, as an application has it.
pub(crate) async fn service(database: &Database, key: AuthKey, change: impl FnOnce(&mut Config)) -> Bench {
    let mut bench = Bench::with(database, |_| {}).await;
    bench.config = Config {
        demo: None,
        auth: Some(Auth::new(key)),
        admin_key: Some(ADMIN_KEY.to_owned()),
        ..bench.config.clone()
    };
    change(&mut bench.config);
    bench.restart().await;
    bench
}

async fn service_alone() -> (Bench, Database) {
    let database = Database::sqlite();
    (service(&database, AuthKey::Secret(SECRET.to_owned()), |_| {}).await, database)
}

pub(crate) trait AsApplication {
    fn as_user(&self, token: &str) -> RequestBuilder;
    fn admin(&self, method: Method, path: &str) -> RequestBuilder;
}

impl AsApplication for Bench {
    fn as_user(&self, token: &str) -> RequestBuilder {
        self.browser.get(format!("{}/api/connections", self.base)).bearer_auth(token)
    }

    fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.browser.request(method, format!("{}/admin/users/{path}", self.base)).bearer_auth(ADMIN_KEY)
    }
}

#[tokio::test]
async fn a_token_of_the_application_names_the_user_and_no_cookie_does() {
    let (bench, _database) = service_alone().await;
    send(bench.as_user(&signed(&claims("demo")))).await.expect(200);
    let mut earlier = claims("demo");
    earlier["exp"] = json!(now() - 50);
    send(bench.as_user(&signed(&earlier))).await.expect(200);
    // The cookie is a good one: the demo ran on this database before.
    send(bench.get("/api/connections")).await.refused(401, "UNAUTHENTICATED");
    let both = bench.as_user(&signed(&claims("demo"))).header("authorization", "Bearer another");
    send(both).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_refused_token_is_told_by_the_claims_name() {
    let (bench, _database) = service_alone().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims("hush");
        claims[name] = value;
        signed(&claims)
    };
    let encoded = |header: Value, claims: &Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&header), part(claims))
    };
    let other_key =
        encode(&Header::new(Algorithm::HS256), &claims("hush"), &EncodingKey::from_secret(b"hush")).unwrap();
    let other_algorithm =
        encode(&Header::new(Algorithm::HS512), &claims("hush"), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    for (token, word) in [
        (with("aud", json!("hush")), " aud "),
        (with("exp", json!(now() - 100)), " exp "),
        (with("exp", json!(now() + 4000)), " exp "),
        (with("exp", Value::Null), " exp "),
        (with("nbf", json!(now() + 100)), " nbf "),
        (with("sub", json!("")), " sub "),
        (other_key, " signed"),
        (other_algorithm, " alg "),
        (encoded(json!({"alg": "none", "typ": "JWT"}), &claims("hush")), " alg "),
        (encoded(json!({"alg": "None"}), &claims("hush")), " alg "),
        (encoded(json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "aHVzaA"}}), &claims("hush")), " signed"),
        ("hush".to_owned(), " alg "),
    ] {
        let answer = send(bench.as_user(&token)).await.refused(401, "UNAUTHENTICATED");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(word) && !detail.contains("hush"), "{token}: {detail}");
    }
    let detail = send(bench.browser.get(format!("{}/api/connections", bench.base))).await.body["detail"].to_string();
    assert!(detail.contains("Authorization"), "{detail}");
}

/// An identity provider: its keys, and how often they were asked for.
struct Provider {
    url: String,
    asked: Arc<AtomicUsize>,
}

async fn provider(status: StatusCode, keys: Value) -> Provider {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = get(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        (status, Json(json!({"keys": keys})))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", answer)).await.unwrap() });
    Provider { url, asked }
}

fn signed_by(key: &KeyPair, algorithm: Algorithm, id: Option<&str>) -> String {
    let der = key.serialize_der();
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(&der),
        _ => EncodingKey::from_ed_der(&der),
    };
    let mut claims = claims("demo");
    // With published keys a token may last a day.
    claims["exp"] = json!(now() + 80_000);
    encode(&Header { kid: id.map(str::to_owned), ..Header::new(algorithm) }, &claims, &key).unwrap()
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_no_token_chooses_its_algorithm() {
    let (edwards, curve, stranger) = (
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
    );
    let x = URL_SAFE_NO_PAD.encode(edwards.public_key_raw());
    let point = curve.public_key_raw();
    let keys = json!([
        {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one", "use": "sig", "alg": "EdDSA"},
        {"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]), "kid": "two"},
        {"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET), "kid": "three"},
    ]);
    let provider = provider(StatusCode::OK, keys).await;
    let database = Database::sqlite();
    let bench = service(&database, AuthKey::Jwks(provider.url.clone()), |_| {}).await;
    send(bench.as_user(&signed_by(&edwards, Algorithm::EdDSA, Some("one")))).await.expect(200);
    send(bench.as_user(&signed_by(&curve, Algorithm::ES256, Some("two")))).await.expect(200);
    // The only one of its algorithm needs no name.
    send(bench.as_user(&signed_by(&edwards, Algorithm::EdDSA, None))).await.expect(200);
    assert!(bench.browser.get(format!("{}/readyz", bench.base)).send().await.unwrap().status().is_success());

    send(bench.as_user(&signed_by(&stranger, Algorithm::EdDSA, Some("one")))).await.refused(401, "UNAUTHENTICATED");
    send(bench.as_user(&signed_by(&edwards, Algorithm::EdDSA, Some("two")))).await.refused(401, "UNAUTHENTICATED");
    send(bench.as_user(&signed(&claims("demo")))).await.refused(401, "UNAUTHENTICATED");
    // The public key as an HMAC secret.
    let confused = EncodingKey::from_secret(edwards.public_key_raw());
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&header, &claims("demo"), &confused).unwrap();
    send(bench.as_user(&confused)).await.refused(401, "UNAUTHENTICATED");
    for number in 0..100 {
        let token = signed_by(&stranger, Algorithm::EdDSA, Some(&format!("invented-{number}")));
        send(bench.as_user(&token)).await.refused(401, "UNAUTHENTICATED");
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1, "strangers make nobody ask");
}

#[tokio::test]
async fn without_keys_nobody_is_let_in_and_the_host_says_that_it_is_not_ready() {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let provider = provider(StatusCode::INTERNAL_SERVER_ERROR, json!([])).await;
    let database = Database::sqlite();
    let bench = service(&database, AuthKey::Jwks(provider.url), |_| {}).await;
    let answer = send(bench.as_user(&signed_by(&key, Algorithm::EdDSA, Some("one")))).await.refused(503, "NO_KEYS");
    assert!(answer.retry_after.is_some());
    send(bench.browser.get(format!("{}/readyz", bench.base))).await.refused(503, "NO_KEYS");
    assert!(bench.browser.get(format!("{}/healthz", bench.base)).send().await.unwrap().status().is_success());
}

/// What the application does with one of its users, on any database.
async fn application(database: &Database) {
    let mut bench = service(database, AuthKey::Secret(SECRET.to_owned()), |_| {}).await;
    let anna = signed(&claims("anna"));
    let put = |bench: &Bench, path: &str, body: Value| bench.admin(Method::PUT, path).json(&body);
    let body = json!({"loginId": "login-of-anna", "institution": "Bank", "language": "fr",
        "selectedAccounts": ["account-1", "account-1", "account-2"]});
    let added = send(put(&bench, "anna/connections/bank%2F42", body.clone())).await.expect(201).body;
    assert_eq!(
        added,
        json!({"id": "bank/42", "user": "anna", "loginId": "login-of-anna", "institution": "Bank", "language": "fr",
            "selectedAccounts": ["account-1", "account-2"], "status": "up-to-date", "problem": null, "lastRefresh": null})
    );
    let again = send(put(&bench, "anna/connections/bank%2F42", body)).await.expect(200).body;
    assert_eq!(again, added, "every change may be repeated");
    assert_eq!(send(bench.admin(Method::GET, "anna/connections/bank%2F42")).await.expect(200).body, added);
    let listed = send(bench.as_user(&anna)).await.expect(200).body;
    assert_eq!(listed["connections"][0]["id"], "bank/42");

    let taken = json!({"loginId": "login-of-berta"});
    send(put(&bench, "berta/connections/bank%2F42", taken.clone())).await.refused(409, "CONNECTION_TAKEN");
    send(bench.admin(Method::GET, "berta/connections/bank%2F42")).await.refused(404, "NO_SUCH_CONNECTION");
    let nothing = json!({"connections": 0, "attempts": 0, "accounts": 0, "answers": 0});
    assert_eq!(send(bench.admin(Method::DELETE, "berta/connections/bank%2F42")).await.expect(200).body, nothing);
    assert_eq!(send(bench.admin(Method::GET, "anna/connections/bank%2F42")).await.expect(200).body, added);

    // A whole repair with the token in the place of the cookie.
    send(put(&bench, "anna/connections/bank", json!({"loginId": LOGINS[0]}))).await.expect(201);
    let start = |bench: &Bench| {
        let url = format!("{}/api/connections/bank/reconnect", bench.base);
        bench.browser.post(url).bearer_auth(&anna).json(&json!({}))
    };
    let reply = send(start(&bench)).await.expect(200).body;
    assert_eq!(reply["status"], "challenge", "{reply}");
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let result = delivery(&reply, LOGINS[0]);
    let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
    let url = format!("{}/api/reconnects", bench.base);
    send(bench.browser.post(url).bearer_auth(&anna).header("idempotency-key", key).json(&result)).await.expect(200);
    let read = until(&bench, "anna/connections/bank", |read| read["status"] == "up-to-date").await;
    assert!(read["lastRefresh"].is_string(), "{read}");
    let attempts = send(bench.admin(Method::GET, "anna/attempts")).await.expect(200).body;
    assert_eq!(attempts["attempts"][0]["id"], reply["attemptId"]);
    assert_eq!(attempts["attempts"][0]["state"], "finished");
    assert_eq!(attempts["attempts"].as_array().unwrap().len(), 1);

    // Another login: nothing of the old one is left.
    let moved = send(put(&bench, "anna/connections/bank", json!({"loginId": LOGINS[1]}))).await.expect(200).body;
    assert_eq!((&moved["loginId"], &moved["lastRefresh"]), (&json!(LOGINS[1]), &Value::Null));
    assert_eq!(send(bench.admin(Method::GET, "anna/attempts")).await.expect(200).body, json!({"attempts": []}));

    let deleted = send(bench.admin(Method::DELETE, "anna")).await.expect(200).body;
    assert_eq!(deleted, json!({"connections": 2, "attempts": 0, "accounts": 0, "answers": 0}));
    assert_eq!(send(bench.admin(Method::DELETE, "anna")).await.expect(200).body, nothing);
    assert_eq!(send(bench.as_user(&anna)).await.expect(200).body, json!({"connections": []}));
    // What others have is still there.
    let demo = signed(&claims("demo"));
    assert_eq!(send(bench.as_user(&demo)).await.expect(200).body["connections"].as_array().unwrap().len(), 4);
    drop(bench.host.take());
}

async fn until(bench: &Bench, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1500 {
        let read = send(bench.admin(Method::GET, path)).await.expect(200).body;
        if is_so(&read) && read["lastRefresh"].is_string() {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 15 s");
}

#[tokio::test]
async fn the_application_adds_reads_repairs_and_deletes_on_sqlite() {
    application(&Database::sqlite()).await;
}

#[tokio::test]
async fn the_application_adds_reads_repairs_and_deletes_on_postgres() {
    let postgres = Postgres::start();
    application(&Database::at(postgres.database("host_test_application").await)).await;
}

#[tokio::test]
async fn without_the_key_nothing_under_admin_answers() {
    let (bench, _database) = service_alone().await;
    let url = format!("{}/admin/users/demo", bench.base);
    let wrong = format!("{}x", &ADMIN_KEY[1..]);
    for request in [
        bench.browser.delete(&url),
        bench.browser.delete(&url).bearer_auth(wrong),
        bench.browser.delete(&url).bearer_auth(signed(&claims("demo"))),
        bench.browser.delete(&url).basic_auth("admin", Some(ADMIN_KEY)),
        bench.browser.get(format!("{url}/attempts")),
        bench.browser.put(format!("{url}/connections/nightly")).json(&json!({"loginId": "login-of-nobody"})),
    ] {
        send(request).await.refused(401, "UNAUTHENTICATED");
    }
    let demo = signed(&claims("demo"));
    assert_eq!(send(bench.as_user(&demo)).await.body["connections"].as_array().unwrap().len(), 4);
    // Nor does the application's own key open what is the users'.
    send(bench.as_user(ADMIN_KEY)).await.refused(401, "UNAUTHENTICATED");
    send(bench.admin(Method::DELETE, "demo")).await.expect(200);

    let bodies = [
        json!([]),
        json!({}),
        json!({"loginId": "no"}),
        json!({"loginId": "login-1234", "language": "de"}),
        json!({"loginId": "login-1234", "hush": 1}),
        json!({"loginId": "login-1234", "institution": "a\nb"}),
        json!({"loginId": "login-1234", "selectedAccounts": ["no"]}),
        json!({"loginId": "login-1234", "selectedAccounts": vec!["account-1"; 101]}),
    ];
    for body in bodies {
        let answer =
            send(bench.admin(Method::PUT, "anna/connections/bank").json(&body)).await.refused(400, "MALFORMED");
        assert!(!answer.body.to_string().contains("hush"), "{}", answer.body);
    }
    send(bench.admin(Method::PUT, "anna/connections/a%0Ab").json(&json!({"loginId": "login-1234"})))
        .await
        .refused(400, "MALFORMED");
    send(bench.admin(Method::PUT, "anna/connections/bank").body("{}")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn admin_may_have_a_port_of_its_own() {
    let database = Database::sqlite();
    let own = |config: &mut Config| config.admin_addr = Some("127.0.0.1:0".parse().unwrap());
    let bench = service(&database, AuthKey::Secret(SECRET.to_owned()), own).await;
    send(bench.admin(Method::GET, "demo/attempts")).await.refused(404, "NOT_FOUND");
    let admin = format!("http://{}", bench.host.as_ref().unwrap().admin_addr().unwrap());
    let http = Client::new();
    let attempts = |key: &str| http.get(format!("{admin}/admin/users/demo/attempts")).bearer_auth(key);
    let answer: Answer = send(attempts(ADMIN_KEY)).await;
    assert_eq!(answer.expect(200).body, json!({"attempts": []}));
    send(attempts("another")).await.refused(401, "UNAUTHENTICATED");
    send(http.get(format!("{admin}/api/connections"))).await.refused(404, "NOT_FOUND");
}

/// The application's side of events: what came, in order, and what is answered.
#[derive(Clone, Default)]
pub(crate) struct Receiver(pub(crate) Arc<Mutex<Received>>);

#[derive(Default)]
pub(crate) struct Received {
    /// Answers to the next events, before 204 is answered to all.
    pub(crate) answers: VecDeque<u16>,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` and body.
    pub(crate) events: Vec<(String, String, String, String)>,
}

pub(crate) const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const NEW_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Receiver {
    pub(crate) async fn start(&self) -> String {
        let this = self.clone();
        let answer = post(async move |headers: HeaderMap, body: String| {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            let mut received = this.0.lock().unwrap();
            let head = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
            received.events.push((head.0, head.1, head.2, body));
            StatusCode::from_u16(received.answers.pop_front().unwrap_or(204)).unwrap()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/events", answer)).await.unwrap() });
        url
    }

    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.0.lock().unwrap().answers.extend(statuses);
    }

    /// Waits for so many posts; returns id, signature and event of each.
    pub(crate) async fn until(&self, count: usize) -> Vec<(String, String, Value)> {
        for _ in 0..1500 {
            if self.0.lock().unwrap().events.len() >= count {
                let received = self.0.lock().unwrap();
                assert_eq!(received.events.len(), count, "{:?}", received.events);
                let read = |(id, seconds, signatures, body): &(String, String, String, String)| {
                    assert!(now().abs_diff(seconds.parse().unwrap()) < 60, "{seconds}");
                    let signed = format!("{id}.{seconds}.{body}");
                    let expected = [OLD_SECRET, NEW_SECRET].map(|secret| {
                        let key = STANDARD.decode(&secret[6..]).unwrap();
                        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&signed);
                        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
                    });
                    assert_eq!(*signatures, expected.join(" "), "both secrets sign");
                    (id.clone(), signatures.clone(), serde_json::from_str(body).unwrap())
                };
                return received.events.iter().map(read).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} events within 15 s", self.0.lock().unwrap().events.len());
    }
}

/// What the application is told, on any database.
async fn told(database: &Database) {
    let receiver = Receiver::default();
    let url = receiver.start().await;
    let events = Some(Events { url, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    let change = |config: &mut Config| {
        config.events = events;
        // What the dead host was posting is posted again after eight seconds.
        config.events_timeout = Duration::from_secs(2);
    };
    let mut bench = service(database, AuthKey::Secret(SECRET.to_owned()), change).await;
    let anna = signed(&claims("anna"));
    let repair = async |bench: &Bench| {
        let url = format!("{}/api/connections/bank/reconnect", bench.base);
        let reply = send(bench.browser.post(url).bearer_auth(&anna).json(&json!({}))).await.expect(200).body;
        bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
        let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
        let post = bench.browser.post(format!("{}/api/reconnects", bench.base)).bearer_auth(&anna);
        send(post.header("idempotency-key", key).json(&delivery(&reply, LOGINS[0]))).await.expect(200);
        reply
    };
    // What is behind a refused event waits for it.
    receiver.answer(&[500]);
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    let reply = repair(&bench).await;
    until(&bench, "anna/connections/bank", |read| read["status"] == "up-to-date").await;
    let posts = receiver.until(3).await;
    let kinds: Vec<_> = posts.iter().map(|(_, _, event)| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connection.added", "connection.added", "connection.refreshed"]);
    assert_eq!(posts[0].0, posts[1].0, "a repetition has the same id");
    assert_ne!(posts[0].0, posts[2].0);
    let refreshed = &posts[2].2;
    assert!(refreshed["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        refreshed["data"],
        json!({"user": "anna", "connection": "bank", "attempt": reply["attemptId"], "loginId": LOGINS[0],
            "accountIds": refreshed["data"]["accountIds"], "refreshedAt": "2026-01-21T20:47:47.145Z",
            "requestId": null, "reason": null})
    );
    assert_eq!(refreshed["data"]["accountIds"].as_array().unwrap().len(), 4);

    // An event that nobody wants (410) is parked, and the next one of its connection is posted.
    receiver.answer(&[410]);
    send(bench.admin(Method::PUT, "berta/connections/other").json(&json!({"loginId": LOGINS[1]}))).await.expect(201);
    let parked_id = receiver.until(4).await[3].0.clone();
    let parked = async |bench: &Bench| {
        let url = format!("{}/admin/events", bench.base);
        send(bench.browser.get(url).bearer_auth(ADMIN_KEY)).await.expect(200).body["parked"].clone()
    };
    let mut listed = parked(&bench).await;
    while listed.as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
        listed = parked(&bench).await;
    }
    assert_eq!((&listed[0]["id"], &listed[0]["tries"]), (&json!(parked_id), &json!(1)));
    assert_eq!(listed[0]["event"]["data"]["connection"], "other");
    let again = |id: &str| bench.browser.post(format!("{}/admin/events/{id}/again", bench.base)).bearer_auth(ADMIN_KEY);
    send(again("evt_unknown")).await.refused(404, "NO_SUCH_EVENT");
    send(again(&parked_id)).await.expect(202);
    assert_eq!(receiver.until(5).await[4].0, parked_id, "the same event");

    // The host dies while an event waits; its successor posts it.
    receiver.answer(&[503]);
    send(bench.admin(Method::PUT, "anna/connections/third").json(&json!({"loginId": LOGINS[2]}))).await.expect(201);
    let waiting = receiver.until(6).await[5].0.clone();
    bench.restart().await;
    assert_eq!(receiver.until(7).await[6].0, waiting);
    assert_eq!(parked(&bench).await, json!([]));
}

#[tokio::test]
async fn the_application_is_told_in_order_and_at_least_once_on_sqlite() {
    told(&Database::sqlite()).await;
}

#[tokio::test]
async fn the_application_is_told_in_order_and_at_least_once_on_postgres() {
    let postgres = Postgres::start();
    told(&Database::at(postgres.database("host_test_events").await)).await;
}

#[tokio::test]
async fn a_failed_nightly_refresh_is_told() {
    let receiver = Receiver::default();
    let events = Some(Events { url: receiver.start().await, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    let database = Database::sqlite();
    let change = |config: &mut Config| {
        config.events = events;
        config.nightly_interval = Duration::from_millis(20);
    };
    let bench = service(&database, AuthKey::Secret(SECRET.to_owned()), change).await;
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": "login-of-anna"})))
        .await
        .expect(201);
    receiver.until(1).await;
    bench.flinks.bank().ineligible =
        vec![json!({"LoginId": "login-of-anna", "LastRefresh": "2026-01-21T20:47:47.145999"})];
    let told = receiver.until(2).await[1].2.clone();
    assert_eq!(told["type"], "connection.needs_attention");
    assert_eq!((&told["data"]["user"], &told["data"]["reason"]), (&json!("anna"), &json!("nightly_failed")));
}

/// Two hosts on one Postgres post what is there, one of them is killed again and again, and the application refuses some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_neither_lost_nor_reordered_by_two_hosts_under_kills() {
    const LANES: usize = 12;
    const EACH: usize = 12;
    const KILLS: usize = 8;
    let postgres = Postgres::start();
    let database = Database::at(postgres.database("host_test_two_posters").await);
    let receiver = Receiver::default();
    let events = Some(Events { url: receiver.start().await, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    receiver.answer(&[204, 500, 204, 302, 204, 204, 429, 204, 204, 204, 204, 503]);
    let mut bench = service(&database, AuthKey::Secret(SECRET.to_owned()), |_| {}).await;
    for lane in 0..LANES {
        let path = format!("anna/connections/lane-{lane}");
        send(bench.admin(Method::PUT, &path).json(&json!({"loginId": "login-of-anna"}))).await.expect(201);
    }
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    for number in 0..EACH {
        for lane in 0..LANES {
            let add = sqlx::query(
                "INSERT INTO events (id, connection_id, number, body, created_at, due_at, tried_until) \
                 VALUES ($1, $2, $3, $4, 0, 0, 9000000000000)",
            );
            let body = json!({"lane": lane, "number": number}).to_string();
            let number = i64::try_from(number).unwrap();
            let add = add.bind(format!("evt_{lane}_{number}")).bind(format!("lane-{lane}")).bind(number).bind(body);
            add.execute(&mut connection).await.unwrap();
        }
    }
    bench.config.events = events;
    // What a dead host had claimed is posted when its claim has run out, after a second.
    bench.config.events_timeout = Duration::from_millis(250);
    let steady = Host::start(bench.config.clone()).await.unwrap();
    let posted = || receiver.0.lock().unwrap().events.len();
    for kill in 1..=KILLS {
        bench.restart().await;
        // Some more have come before the next one dies; dropping a host cuts its posts.
        let enough = kill * LANES * EACH / (KILLS + 2);
        let end = tokio::time::Instant::now() + Duration::from_mins(1);
        while posted() < enough {
            assert!(tokio::time::Instant::now() < end, "{} of {enough} posts within a minute", posted());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    drop(bench.host.take());
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        let left = sqlx::query("SELECT COUNT(*) AS events FROM events").fetch_one(&mut connection).await.unwrap();
        if left.get::<i64, _>("events") == 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "not everything was posted within a minute");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    steady.stop().await;
    let came = receiver.0.lock().unwrap();
    let mut taken = vec![0_u64; LANES];
    let mut repeated = 0;
    for (.., body) in &came.events {
        let event: Value = serde_json::from_str(body).unwrap();
        let lane = usize::try_from(event["lane"].as_u64().unwrap()).unwrap();
        let number = event["number"].as_u64().unwrap();
        if number == taken[lane] {
            taken[lane] += 1;
        } else {
            // Only what came last may come again: it was refused, or its host died before it wrote down that it was taken.
            assert_eq!(number + 1, taken[lane], "out of order");
            repeated += 1;
        }
    }
    assert_eq!(taken, vec![u64::try_from(EACH).unwrap(); LANES], "lost");
    print_row(&format!(
        "events by two hosts on Postgres, {KILLS} killed | {} posted, {repeated} of them again | 0 lost, 0 out of order",
        came.events.len()
    ));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_start_and_deliver_and_no_others() {
    let database = Database::sqlite();
    let change = |config: &mut Config| config.allowed_origins = vec!["https://app.example".to_owned()];
    let bench = service(&database, AuthKey::Secret(SECRET.to_owned()), change).await;
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    let anna = signed(&claims("anna"));
    let preflight = async |path: &str, origin: &str| {
        let request = bench.browser.request(Method::OPTIONS, format!("{}{path}", bench.base)).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let asked = "authorization,content-type,idempotency-key,x-csrf-token";
        request.header("access-control-request-headers", asked).send().await.unwrap().headers().clone()
    };
    for path in ["/api/connections/bank/reconnect", "/api/reconnects"] {
        let headers = preflight(path, "https://app.example").await;
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("access-control-allow-origin").unwrap(), "https://app.example");
        assert_eq!(header("access-control-allow-methods").unwrap(), "POST");
        assert_eq!(header("access-control-max-age").unwrap(), "7200");
        for name in ["authorization", "content-type", "idempotency-key", "x-csrf-token"] {
            assert!(header("access-control-allow-headers").unwrap().contains(name), "{name}");
        }
        assert!(!preflight(path, "https://evil.example").await.contains_key("access-control-allow-origin"));
    }
    let headers = preflight("/admin/users/anna", "https://app.example").await;
    assert!(!headers.contains_key("access-control-allow-origin"), "only the widget's routes");

    let start = |origin: &str| {
        let request = bench.browser.post(format!("{}/api/connections/bank/reconnect", bench.base)).bearer_auth(&anna);
        request.header("origin", origin).header("sec-fetch-site", "cross-site").json(&json!({}))
    };
    let answer = start("https://app.example").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(answer.headers()["access-control-expose-headers"], "retry-after");
    for other in ["https://evil.example", "http://app.example", "https://app.example.evil.example", "null"] {
        send(start(other)).await.refused(403, "CROSS_ORIGIN");
    }
    // A refusal is readable, too.
    let stranger = bench.browser.post(format!("{}/api/reconnects", bench.base)).header("origin", "https://app.example");
    assert!(stranger.json(&json!({})).send().await.unwrap().headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn behind_a_proxy_that_changes_the_host_the_public_origin_is_the_pages() {
    let database = Database::sqlite();
    let change = |config: &mut Config| config.public_origin = Some("https://app.example:8443".to_owned());
    let bench = service(&database, AuthKey::Secret(SECRET.to_owned()), change).await;
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    let anna = signed(&claims("anna"));
    let start = |origin: &str| {
        let request = bench.browser.post(format!("{}/api/connections/bank/reconnect", bench.base)).bearer_auth(&anna);
        request.header("origin", origin).header("sec-fetch-site", "same-origin").json(&json!({}))
    };
    send(start("https://app.example:8443")).await.expect(200);
    // What the proxy calls this host is nobody's origin.
    for other in [bench.base.as_str(), "https://app.example", "null"] {
        send(start(other)).await.refused(403, "CROSS_ORIGIN");
    }
}
