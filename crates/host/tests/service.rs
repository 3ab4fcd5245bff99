//! The host as a service: tokens of the application's users, and the application's own calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, Router, http::StatusCode, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flinks_host::{Auth, AuthKey, Config};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::common::{Answer, Bench, Database, LOGINS, delivery, flinks::Session, postgres::Postgres, send};

const SECRET: &str = "the-application's-secret-of-the-test";
const ADMIN_KEY: &str = "the-key-of-the-application-itself";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(user: &str) -> Value {
    json!({"sub": user, "aud": "flinks-host", "exp": now() + 600})
}

fn signed(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// A host without the demo, as an application has it.
async fn service(database: &Database, key: AuthKey, change: impl FnOnce(&mut Config)) -> Bench {
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

trait AsApplication {
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
    let nothing = json!({"connections": 0, "attempts": 0, "accounts": 0});
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
    assert_eq!(deleted, json!({"connections": 2, "attempts": 0, "accounts": 0}));
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
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
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
