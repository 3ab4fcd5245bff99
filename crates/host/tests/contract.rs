//! docs/openapi.json: the part of the host's OpenAPI document that any backend has to keep, as it goes with the npm package.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Bench, send};

/// What the widget asks for. The rest of the document is the demo's and the host's own.
const ROUTES: [&str; 3] = ["/api/connections/{id}/reconnect", "/api/reconnects", "/api/flinks/webhook"];

#[tokio::test]
async fn the_published_contract_is_the_hosts_own() {
    let bench = Bench::alone().await;
    let document = send(bench.get("/openapi.json")).await.expect(200).body;
    let contract = contract_of(&document);

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, format!("{}\n", serde_json::to_string_pretty(&contract).unwrap())).unwrap();
    }
    let published: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let hint = "docs/openapi.json is not what the host does: UPDATE=1 cargo test --workspace --test host contract::";
    assert!(published == contract, "{hint}");
}

/// The widget's routes, and every schema that they refer to.
fn contract_of(document: &Value) -> Value {
    let paths: serde_json::Map<_, _> =
        ROUTES.iter().map(|route| ((*route).to_owned(), document["paths"][route].clone())).collect();
    assert!(paths.values().all(Value::is_object), "the host's document lacks a route of the contract");
    let mut wanted = BTreeSet::new();
    collect_schemas(&json!(paths), document, &mut wanted);
    let schemas: serde_json::Map<_, _> =
        wanted.into_iter().map(|name| (name.clone(), document["components"]["schemas"][&name].clone())).collect();
    json!({
        "openapi": document["openapi"],
        "info": {
            "title": "What flinks-reconnect asks of a backend",
            "description": "Where the widget starts, where it delivers, and where Flinks' webhooks arrive. How the user is known is yours; the addresses are too. docs/backend.md has the rules behind it.",
            "version": document["info"]["version"],
            "license": document["info"]["license"],
        },
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": document["components"]["securitySchemes"] },
    })
}

/// Adds the schemas that a part of the document refers to, and those that they refer to.
fn collect_schemas(part: &Value, document: &Value, wanted: &mut BTreeSet<String>) {
    match part {
        Value::Object(fields) => {
            let named =
                fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/components/schemas/"));
            if let Some(name) = named
                && wanted.insert(name.to_owned())
            {
                collect_schemas(&document["components"]["schemas"][name], document, wanted);
            }
            fields.values().for_each(|field| collect_schemas(field, document, wanted));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_schemas(item, document, wanted)),
        _ => {}
    }
}
