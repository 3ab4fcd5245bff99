//! Connections of clients, each bounded: how many there are, how long a request's head may take and how large it may be.
//!
//! `axum::serve` has none of these bounds, so the loop that accepts connections stands here; hyper does the rest.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::sleep,
};

/// The most bytes of a request's head, and of what is read ahead of its body.
const MAX_HEAD_LEN: usize = 16 * 1024;
/// The pause when no connection can be accepted, as when the process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The bounds.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) head_timeout: Duration,
    /// A permit for each open connection, shared by all listeners.
    pub(crate) places: Arc<Semaphore>,
}

/// Serves `router` until `stopping` says so. Then it accepts nothing more, closes what is idle and returns when the requests that are under
/// way have been answered. Dropping this ends them at once.
pub(crate) async fn serve(listener: TcpListener, router: Router, bounds: Bounds, mut stopping: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            // An error means that the host was dropped, which is an order to stop as well.
            _ = stopping.wait_for(|is_stopping| *is_stopping) => break,
            accepted = accept(&listener, &bounds.places) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        // An error is no end: the client has gone, or there are too many files open.
        let Ok((stream, place)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head_timeout)
            .max_buf_size(MAX_HEAD_LEN)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A client that breaks off is no event.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, when there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| io::ErrorKind::Other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}
