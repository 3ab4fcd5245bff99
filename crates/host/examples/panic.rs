//! What a panic in a handler costs, in the profile that the servers ship with: `cargo run --profile server -p flinks-host --example panic`.
//!
//! Serves a route that panics and one that waits, once as the host serves its own routes and once as the sandbox does. While a request waits, another one
//! makes its handler panic. Ends with status 0 when the panic was one answer of 500, and the waiting request and the next one were answered as usual.
//! A test cannot show this: cargo builds tests so that they unwind, whatever the profile says.
#![allow(clippy::panic)]

use std::{error::Error, sync::Arc};

use axum::{Router, routing::get};
use reqwest::StatusCode;
use tokio::{net::TcpListener, sync::Notify};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    check("flinks-host", flinks_host::served).await?;
    check("flinks-sandbox", flinks_sandbox::served).await
}

async fn check(name: &str, served: fn(Router) -> Router) -> Result<(), Box<dyn Error>> {
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (arrived, release) = (Arc::clone(&arrived), Arc::clone(&release));
        move || async move {
            arrived.notify_one();
            release.notified().await;
        }
    };
    let routes = Router::new().route("/wait", get(wait)).route("/panic", get(panics)).route("/", get(async || {}));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, served(routes)).await });

    let waiting = tokio::spawn(reqwest::get(format!("{base}/wait")));
    arrived.notified().await;
    let panicked = reqwest::get(format!("{base}/panic")).await?.status();
    release.notify_one();
    let waited = waiting.await??.status();
    let next = reqwest::get(&base).await?.status();
    println!(
        "{name} | the handler that panicked answered {panicked}, the request beside it {waited}, the next one {next}"
    );
    if (panicked, waited, next) == (StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK, StatusCode::OK) {
        Ok(())
    } else {
        Err(format!("{name}: expected 500, 200 and 200").into())
    }
}

async fn panics() {
    panic!("this handler panics on purpose");
}
