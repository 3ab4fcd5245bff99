//! Webhooks: what Flinks posts to the host once somebody got in.
//!
//! Invariants: a live session is announced once, by `KYC` and then `GetAccountsDetail`; a delivery is tried ten times, thirty minutes
//! apart on the sandbox's clock, always with the same bytes, until the host answers 200; the signature is base64 of HMAC-SHA256 over
//! exactly these bytes. No I/O here: who sends asks for the next try and reports how it went.

use axum::http::Uri;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flinks_connect::id::{LoginId, RequestId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::State;
use super::session::{Freshness, Phase};
use crate::api::reply;
use crate::clock::MINUTE_MS;
use crate::entropy;
use crate::faults::Invalid;
use crate::log::{Happening, WebhookOutcome};

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "flinks-authenticity-key";
/// How often a delivery is tried.
pub const MAX_TRIES: u8 = 10;
/// How long after a failed try the next one is due.
pub const RETRY_MS: u64 = 30 * MINUTE_MS;
/// The longest address taken.
const MAX_URL_LEN: usize = 2_000;
/// The longest secret taken.
const MAX_SECRET_LEN: usize = 1_000;

/// Where webhooks go, and what they are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The host's address: `http` or `https`.
    pub url: String,
    /// The HMAC secret.
    pub secret: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Refuses what nothing can be sent to or signed with.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.url.len() > MAX_URL_LEN || self.address().is_none() {
            return Err(Invalid(
                "the webhook's url must be an absolute http or https address without user and password".to_owned(),
            ));
        }
        if self.secret.is_empty() || self.secret.len() > MAX_SECRET_LEN {
            return Err(Invalid(format!("the webhook's secret must have 1 to {MAX_SECRET_LEN} bytes")));
        }
        Ok(())
    }

    /// The address as it is posted to.
    fn address(&self) -> Option<Uri> {
        let url = url::Url::parse(&self.url).ok()?;
        let is_place =
            matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        is_place.then(|| url.as_str().parse().ok())?
    }

    /// The signature of a body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes());
        // HMAC takes keys of any length.
        mac.map(|mac| BASE64_STANDARD.encode(mac.chain_update(body).finalize().into_bytes())).unwrap_or_default()
    }
}

/// What a webhook is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Who the holders are: early.
    #[serde(rename = "KYC")]
    Kyc,
    /// What `GetAccountsDetail` would answer: once the data is there.
    #[serde(rename = "GetAccountsDetail")]
    Detail,
}

impl Kind {
    /// `ResponseType`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kyc => "KYC",
            Self::Detail => "GetAccountsDetail",
        }
    }
}

/// One webhook that has not arrived yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its name in the log.
    pub id: Uuid,
    /// What it is about.
    pub kind: Kind,
    /// The session it is about.
    pub request_id: String,
    /// When its next try is due.
    pub due_ms: u64,
    /// How often it was tried.
    pub tries: u8,
    /// The bytes.
    body: String,
}

/// One try, ready to be sent.
#[derive(Clone, Debug)]
pub struct Try {
    /// Which delivery.
    pub delivery: Uuid,
    /// Where to.
    pub url: Uri,
    /// The value of [`SIGNATURE_HEADER`].
    pub signature: String,
    /// The raw body.
    pub body: String,
}

/// The webhooks on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    target: Option<Webhook>,
    waiting: Vec<Delivery>,
    has_news: bool,
}

impl Outbox {
    /// An outbox that sends to `target`.
    #[must_use]
    pub fn new(target: Option<Webhook>, waiting: Vec<Delivery>) -> Self {
        Self { target, waiting, has_news: true }
    }

    /// Where webhooks go.
    #[must_use]
    pub fn target(&self) -> Option<&Webhook> {
        self.target.as_ref()
    }

    /// Sends webhooks elsewhere from now on, or nowhere. What is waiting goes with it.
    pub fn set_target(&mut self, target: Option<Webhook>) {
        if target.is_none() {
            self.waiting.clear();
        }
        self.target = target;
        self.has_news = true;
    }

    /// What has not arrived yet.
    #[must_use]
    pub fn waiting(&self) -> &[Delivery] {
        &self.waiting
    }

    /// When the next try is due.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<u64> {
        self.waiting.iter().map(|delivery| delivery.due_ms).min()
    }

    /// Whether anything was added since the last call.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }
}

impl State {
    /// Flinks begins to aggregate what this live session is for, and will tell the host about it.
    pub fn announce(&mut self, now_ms: u64, id: &RequestId) {
        let ready_ms = now_ms + self.settings.processing_ms;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let is_live = session.freshness == Freshness::Live && matches!(session.phase, Phase::Authorized { .. });
        if !is_live || session.is_announced || self.outbox.target.is_none() {
            return;
        }
        session.is_announced = true;
        let session = session.clone();
        for (kind, due_ms) in [(Kind::Kyc, now_ms), (Kind::Detail, ready_ms)] {
            // Composed now: whatever becomes of the session, what was announced arrives.
            let body = reply::webhook(self, now_ms, kind, &session).to_string();
            let (id, request_id) = (entropy::uuid(), id.as_str().to_owned());
            self.outbox.waiting.push(Delivery { id, kind, request_id, due_ms, tries: 0, body });
        }
        self.outbox.has_news = true;
    }

    /// Nothing is told any more about a login that is being deleted.
    pub(super) fn keep_silent_about(&mut self, login: &LoginId) {
        let sessions = &self.sessions;
        let is_about = |delivery: &Delivery| {
            let session = RequestId::parse(&delivery.request_id).and_then(|id| sessions.get(&id));
            session.is_some_and(|session| session.identity.login_id == *login)
        };
        self.outbox.waiting.retain(|delivery| !is_about(delivery));
    }

    /// The try that is due next, if one is.
    #[must_use]
    pub fn next_webhook(&self, now_ms: u64) -> Option<Try> {
        let target = self.outbox.target.as_ref()?;
        let due = self.outbox.waiting.iter().filter(|delivery| delivery.due_ms <= now_ms);
        let Delivery { id, body, .. } = due.min_by_key(|delivery| delivery.due_ms)?;
        let signature = target.sign(body.as_bytes());
        Some(Try { delivery: *id, signature, url: target.address()?, body: body.clone() })
    }

    /// Notes how a try went: `status` is what the host answered, if it did.
    pub fn webhook_tried(&mut self, now_ms: u64, id: Uuid, status: Option<u16>) {
        // Gone when the sandbox was reset meanwhile.
        let Some(index) = self.outbox.waiting.iter().position(|delivery| delivery.id == id) else { return };
        let Some(delivery) = self.outbox.waiting.get_mut(index) else { return };
        delivery.tries += 1;
        // From when it was due, not from now: a leap of five hours makes all the tries due that lie in it.
        delivery.due_ms += RETRY_MS;
        let outcome = match status {
            Some(200) => WebhookOutcome::Delivered,
            _ if delivery.tries >= MAX_TRIES => WebhookOutcome::GivenUp,
            _ => WebhookOutcome::Failed,
        };
        let happening = Happening::Webhook {
            delivery: id.to_string(),
            response_type: delivery.kind.name(),
            request_id: delivery.request_id.clone(),
            attempt: delivery.tries,
            status,
            outcome,
            next_try_ms: (outcome == WebhookOutcome::Failed).then_some(delivery.due_ms),
        };
        if outcome != WebhookOutcome::Failed {
            self.outbox.waiting.remove(index);
        }
        self.log.write(now_ms, happening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_rfc_4231() {
        let webhook = Webhook { url: "http://host.example/".into(), secret: "Jefe".into() };
        let signature = webhook.sign(b"what do ya want for nothing?");
        assert_eq!(signature, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }

    #[test]
    fn an_address_that_cannot_be_posted_to_is_refused() {
        for url in
            ["", "host", "ftp://host.example/", "http://", "https://u:p@host.example/", "javascript:alert(1)", "/hook"]
        {
            assert!(Webhook { url: url.into(), secret: "s".into() }.check().is_err(), "{url}");
        }
        assert!(Webhook { url: "http://127.0.0.1:1/hook".into(), secret: String::new() }.check().is_err());
        for url in ["http://127.0.0.1:1/hook", "https://host.example/hook?a=b|c", "https://hôte.example/été#part"] {
            assert!(Webhook { url: url.into(), secret: "s".into() }.check().is_ok(), "{url}");
        }
    }
}
