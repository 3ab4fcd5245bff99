//! https to Flinks: the program trusts the machine's root certificates, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::generate_simple_self_signed;
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

const ANSWER: &str = "{\"HttpStatusCode\":200,\"IneligibleCards\":[]}";

/// A Flinks behind https: how often a handshake failed, and how often the nightly status was asked for.
#[derive(Default)]
struct Heard {
    refused: AtomicUsize,
    asked: AtomicUsize,
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, heard: Arc<Heard>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = tls.accept(stream).await else {
            heard.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => break,
            }
        }
        if String::from_utf8_lossy(&request).starts_with("GET /v3/a-customer/BankingServices/GetNightlyRefreshStatus ")
        {
            heard.asked.fetch_add(1, Ordering::SeqCst);
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
        let _ = stream.write_all(format!("{answer} {}\r\n\r\n{ANSWER}", ANSWER.len()).as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

fn host(port: u16, roots: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_flinks-host"))
        .env("HOST_ADDR", "127.0.0.1:0")
        .env("FLINKS_API_URL", format!("https://localhost:{port}"))
        .env("FLINKS_CONNECT_URL", format!("https://localhost:{port}/v2/"))
        .env("FLINKS_CUSTOMER_ID", "a-customer")
        .env("FLINKS_SECRET_KEY", "a-secret")
        .env("FLINKS_API_KEY", "an-api-key")
        .env("AUTH_JWT_SECRET", "of-the-application-32-characters")
        .env("DATABASE_URL", "sqlite::memory:")
        .env("NIGHTLY_INTERVAL_MS", "20")
        .env("RUST_LOG", "off")
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .env_remove("FLINKS_INSTANCE")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn until(count: &AtomicUsize) {
    timeout(Duration::from_secs(20), async {
        while count.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("within 20 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_is_spoken_with_servers_the_machine_trusts_only() {
    let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Heard::default());
    let server = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&heard)));

    let roots = TempDir::new().unwrap();
    let (trusting, other) = (roots.path().join("trusting.pem"), roots.path().join("other.pem"));
    std::fs::write(&trusting, own.cert.pem()).unwrap();
    std::fs::write(&other, generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();

    let stranger = host(port, &other);
    until(&heard.refused).await;
    assert_eq!(heard.asked.load(Ordering::SeqCst), 0, "nothing is asked of a server nobody vouches for");
    drop(stranger);
    let trusting = host(port, &trusting);
    until(&heard.asked).await;
    drop(trusting);
    server.abort();
}
