//! The description of the control interface is true. (`npm test -- openapi` fuzzes the interface along it.)

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use crate::common::Bench;
use flinks_connect::redirect::Shape;
use flinks_sandbox::Faults;
use flinks_sandbox::bank::question::Challenges;
use flinks_sandbox::faults::{
    ContentLength, ExpiredSession, OauthConsent, PageToken, Questions, RedirectFault, RefusedLogin, SessionToken,
};
use flinks_sandbox::{Mishap, PageFault, scenario};
use reqwest::Method;
use serde_json::{Value, json};

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn listed(value: &Value) -> Vec<&str> {
    value["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn known<T>(all: &'static [(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(name, _)| *name).collect()
}

#[tokio::test]
async fn the_description_is_true() {
    let bench = Bench::start().await;
    let document = bench.control("openapi.json", Value::Null).await.body;
    let schemas = &document["components"]["schemas"];
    let faults = &schemas["Faults"]["properties"];
    assert_eq!(names(faults), names(&json!(Faults::default())));
    assert_eq!(listed(&faults["redirectFault"]), known(RedirectFault::ALL));
    assert_eq!(listed(&faults["bankQuestions"]), known(Questions::ALL));
    assert_eq!(listed(&faults["challenges"]), known(Challenges::ALL));
    assert_eq!(listed(&faults["oauthConsent"]), known(OauthConsent::ALL));
    assert_eq!(listed(&faults["sessionToken"]), known(SessionToken::ALL));
    assert_eq!(listed(&faults["pageToken"]), known(PageToken::ALL));
    assert_eq!(listed(&faults["expiredSession"]), known(ExpiredSession::ALL));
    assert_eq!(listed(&faults["refusedLogin"]), known(RefusedLogin::ALL));
    assert_eq!(listed(&faults["contentLength"]), known(ContentLength::ALL));
    assert_eq!(listed(&faults["redirectShape"]), known(Shape::ALL));
    assert_eq!(listed(&faults["page"]), known(PageFault::ALL));
    assert_eq!(listed(&schemas["ApiMishap"]["properties"]["kind"]), known(Mishap::ALL));
    let scenarios: Vec<_> = scenario::ALL.iter().map(|scenario| scenario.name).collect();
    assert_eq!(listed(&schemas["Wanted"]["properties"]["name"]), scenarios);
    for code in listed(&faults["bankCode"]["anyOf"][0]) {
        assert_eq!(bench.control("faults", json!({ "bankCode": code })).await.status, 200, "{code}");
    }

    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = bench.http.request(method, format!("{}{path}", bench.sandbox.api_url()));
            if let Some(content) = operation.pointer("/requestBody/content/application~1json") {
                request = request.json(&content["example"]);
            }
            let answer = bench.send(request).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            if let Some(schema) = name.map(|name| &schemas[name]) {
                let (said, described) = (names(&answer.body), names(&schema["properties"]));
                assert!(said.is_subset(&described), "{path}: {said:?} {described:?}");
            }
        }
    }
}
