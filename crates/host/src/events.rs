//! Telling the application: events are posted to `EVENTS_URL`, at least once, in order per connection.
//!
//! Each is signed as Standard Webhooks 1.0 says: HMAC-SHA256 over id, dot, whole seconds of this try, dot, body as sent. The id stays through
//! retries. While the secret is being changed there are two, and a signature with each.
//!
//! Invariants: an event is forgotten only after a 2xx; a redirect is a failure; what the application answers is not read. No log line has an
//! event's body, the secret or the address.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::sleep,
};
use tracing::Instrument as _;
use url::Url;

use crate::{
    live::Live,
    log::correlator,
    metrics::Metrics,
    outbound::{self, NoRoots, Outbound, Verb},
    storage::{
        Storage, StorageError,
        events::{Next, PendingEvent},
    },
    time::Time,
};

/// How many times as long as the application may take to answer a host has for one event, before another one takes it.
const LEASE: u32 = 4;
/// The most bytes of its answer that are taken off the wire.
const MAX_ANSWER_LEN: usize = 20_000;
/// The most events that are posted at once.
const MOST_AT_ONCE: usize = 8;
/// How often it is looked for events: other hosts add some without notifying this one.
const LOOKING: Duration = Duration::from_secs(1);
/// The pauses after the first failures; then they double.
const FIRST_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What signs events.
#[derive(Clone)]
pub(crate) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// `whsec_` and 24 to 64 bytes in base64.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    fn signature(&self, id: &str, seconds: i64, body: &str) -> Option<String> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        let code = mac.chain_update(format!("{id}.{seconds}.{body}")).finalize().into_bytes();
        Some(format!("v1,{}", STANDARD.encode(code)))
    }
}

/// Posts events.
#[derive(Clone)]
pub(crate) struct Poster {
    http: Outbound,
    url: Url,
    /// How long the application may take to answer.
    patience: Duration,
    pub(crate) secrets: Live<Arc<[SigningSecret]>>,
}

/// No secret shows in a log.
impl std::fmt::Debug for Poster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Poster").finish_non_exhaustive()
    }
}

/// How the application took an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    /// It answered something else than 2xx.
    NotNow,
    /// It did not answer.
    Unreachable,
    /// 410: it never will.
    Never,
}

impl Poster {
    pub(crate) fn new(url: Url, secrets: Vec<SigningSecret>, patience: Duration) -> Result<Self, NoRoots> {
        Ok(Self { http: Outbound::to(&url)?, url, patience, secrets: Live::new(secrets.into()) })
    }

    async fn post(&self, event: &PendingEvent, now: Time) -> Taken {
        let seconds = now.millis() / 1000;
        let signatures: Vec<_> =
            self.secrets.get().iter().filter_map(|secret| secret.signature(&event.id, seconds, &event.body)).collect();
        let request = self
            .http
            .request(Verb::Post, self.url.clone(), Some(event.body.clone().into_bytes()))
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures.join(" "));
        match outbound::exchange(request, self.patience, MAX_ANSWER_LEN).await {
            Ok(answer) if answer.status.is_success() => Taken::Yes,
            Ok(answer) if answer.status == StatusCode::GONE => Taken::Never,
            Ok(answer) => {
                tracing::warn!(status = answer.status.as_u16(), "EVENTS_URL did not take an event");
                Taken::NotNow
            }
            Err(failure) => {
                tracing::warn!(?failure, "EVENTS_URL did not take an event");
                Taken::Unreachable
            }
        }
    }
}

/// The pause after the `tries`-th failure.
fn pause(tries: u32) -> Duration {
    let index = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(1);
    FIRST_PAUSES.get(index).copied().unwrap_or_else(|| {
        let [.., last] = FIRST_PAUSES;
        last.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(3).min(16))).min(LONGEST_PAUSE)
    })
}

/// Posts what is due until the host stops; then it returns as soon as the posts under way have ended.
pub(crate) async fn run(
    storage: Arc<Storage>,
    poster: Poster,
    metrics: Metrics,
    added: Arc<Notify>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut posts = JoinSet::new();
    loop {
        // An error means that the host was dropped, which is an order to stop as well.
        let is_stopping = stopping.has_changed().is_err() || *stopping.borrow_and_update();
        if is_stopping && posts.is_empty() {
            return;
        }
        let most = if is_stopping { 0 } else { MOST_AT_ONCE.saturating_sub(posts.len()) };
        if most > 0 {
            match storage.claim_events(most, poster.patience.saturating_mul(LEASE)).await {
                Ok(events) => {
                    for event in events {
                        let (storage, poster, metrics) = (Arc::clone(&storage), poster.clone(), metrics.clone());
                        let span = tracing::info_span!("event", id = correlator(&event.id));
                        posts.spawn(async move { post(&storage, &poster, &metrics, event).await }.instrument(span));
                    }
                }
                Err(error) => tracing::error!(%error, "storage failed; no event can be posted"),
            }
        }
        tokio::select! {
            () = added.notified() => {}
            () = sleep(LOOKING) => {}
            _ = stopping.changed(), if !is_stopping => {}
            Some(_) = posts.join_next() => {}
        }
    }
}

async fn post(storage: &Storage, poster: &Poster, metrics: &Metrics, event: PendingEvent) {
    let taken = poster.post(&event, storage.now()).await;
    metrics.posted(match taken {
        Taken::Yes => "taken",
        Taken::NotNow => "refused",
        Taken::Unreachable => "unreachable",
        Taken::Never => "gone",
    });
    if let Err(error) = settle(storage, &event, taken).await {
        tracing::error!(%error, "storage failed; an event is posted again");
    }
}

async fn settle(storage: &Storage, event: &PendingEvent, taken: Taken) -> Result<(), StorageError> {
    let again = storage.now().plus(pause(event.tries.saturating_add(1)));
    match taken {
        Taken::Yes => storage.forget_event(event).await,
        Taken::NotNow | Taken::Unreachable if again <= event.tried_until => {
            storage.postpone_event(event, Next::At(again)).await
        }
        Taken::NotNow | Taken::Unreachable | Taken::Never => {
            tracing::error!("an event is parked; GET /admin/events lists it");
            storage.postpone_event(event, Next::Parked).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_standard_webhooks_is_signed_as_its_libraries_do() {
        let secret = SigningSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            secret.signature("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap(),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        for bad in
            ["", "whsec_", "whsec_c2hvcnQ=", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_not base64 at all, is it?"]
        {
            assert!(SigningSecret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn pauses_are_one_five_and_thirty_seconds_and_then_double_up_to_an_hour() {
        let seconds: Vec<_> = (1..=12).map(|tries| pause(tries).as_secs()).collect();
        assert_eq!(seconds, [1, 5, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
