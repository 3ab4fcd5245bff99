//! Whether repairs work, in numbers for Prometheus: `GET /metrics`. `docs/metrics.md` says what each name counts.
//!
//! Invariants: a label takes its values from a fixed list, none of which a user can make longer, and no value is an id; what is read from
//! the database is read when it is asked for, so it is the same on every host.

use std::{fmt, sync::Arc, time::Duration};

use flinks_backend::{
    record::{State, Stored},
    step::{Change, Commit},
};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::storage::vitals::Vitals;

/// What the answer's media type is.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label and its value.
type Label = [(&'static str, &'static str); 1];
/// Two of them.
type Labels = [(&'static str, &'static str); 2];

const STARTS: [&str; 4] = ["resume", "refresh", "connect", "up_to_date"];
const WEBHOOKS: [&str; 4] = ["accepted", "unused", "other_login", "unsigned"];
const ENDS: [&str; 3] = ["finished", "failed", "superseded"];
const POSTS: [&str; 4] = ["taken", "refused", "gone", "unreachable"];
const TOKENS: [&str; 10] =
    ["missing", "algorithm", "unknown_key", "signature", "aud", "exp", "iss", "nbf", "sub", "no_keys"];
const RELOADS: [&str; 2] = ["taken", "refused"];
const ENDPOINTS: [&str; 5] =
    ["GenerateAuthorizeToken", "Authorize", "GetAccountsDetail", "GetAccountsDetailAsync", "GetNightlyRefreshStatus"];
const START_TO_DATA: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
const CALLS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0];

/// What this host has counted since it started.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    starts: Family<Label, Counter>,
    deliveries: Family<Label, Counter>,
    webhooks: Family<Label, Counter>,
    ends: Family<Label, Counter>,
    start_to_data: Histogram,
    calls: Family<Labels, Counter>,
    call_seconds: Family<Label, Histogram, fn() -> Histogram>,
    posts: Family<Label, Counter>,
    tokens: Family<Label, Counter>,
    admin_keys: Counter,
    reloads: Family<Label, Counter>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            starts: counted("answer", &STARTS),
            deliveries: counted("answer", &["accepted"]),
            webhooks: counted("answer", &WEBHOOKS),
            ends: counted("end", &ENDS),
            start_to_data: Histogram::new(START_TO_DATA),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(|| Histogram::new(CALLS)),
            posts: counted("answer", &POSTS),
            tokens: counted("reason", &TOKENS),
            admin_keys: Counter::default(),
            reloads: counted("outcome", &RELOADS),
        };
        for endpoint in ENDPOINTS {
            drop(metrics.calls.get_or_create(&[("endpoint", endpoint), ("code", "OK")]));
            drop(metrics.call_seconds.get_or_create(&[("endpoint", endpoint)]));
        }
        let mut registry = Registry::with_prefix("reconnect");
        registry.register("starts", "Requests to start, by answer", metrics.starts.clone());
        registry.register("deliveries", "Results that pages delivered, by answer", metrics.deliveries.clone());
        registry.register("webhooks", "Webhooks of Flinks, by what came of them", metrics.webhooks.clone());
        registry.register("attempts_ended", "Attempts, by how they ended", metrics.ends.clone());
        let help = "From the start of an attempt to its stored data";
        registry.register("start_to_data_seconds", help, metrics.start_to_data.clone());
        registry.register("flinks_calls", "Calls to Flinks, by endpoint and code", metrics.calls.clone());
        registry.register("flinks_call_seconds", "How long calls to Flinks took", metrics.call_seconds.clone());
        registry.register("event_posts", "Posts to EVENTS_URL, by answer", metrics.posts.clone());
        registry.register("tokens_refused", "Requests of users without a good token", metrics.tokens.clone());
        let help = "Requests of the application without the right key";
        registry.register("admin_keys_refused", help, metrics.admin_keys.clone());
        registry.register("secrets_reloads", "Secret files that changed, by outcome", metrics.reloads.clone());
        Self { registry: Arc::new(registry), ..metrics }
    }

    /// A request to start was answered: one of [`STARTS`], or a refusal's code.
    pub(crate) fn started(&self, answer: &'static str) {
        self.starts.get_or_create(&[("answer", answer)]).inc();
    }

    /// A delivery was answered: `accepted`, or a refusal's code.
    pub(crate) fn delivered(&self, answer: &'static str) {
        self.deliveries.get_or_create(&[("answer", answer)]).inc();
    }

    /// A webhook came: one of [`WEBHOOKS`].
    pub(crate) fn webhook(&self, answer: &'static str) {
        self.webhooks.get_or_create(&[("answer", answer)]).inc();
    }

    /// A step was stored, decided on `before`: counts the attempts that ended with it.
    pub(crate) fn stored(&self, before: Option<&Stored>, commit: &Commit, now_ms: i64) {
        for change in &commit.changes {
            let Change::PutAttempt(attempt) = change else { continue };
            let old = before.and_then(|stored| stored.attempts.iter().find(|one| one.id == attempt.id));
            if old.is_none_or(|old| old.state == attempt.state) {
                continue;
            }
            let end = match attempt.state {
                State::Open | State::Accepted => continue,
                State::Superseded => "superseded",
                State::Failed => "failed",
                State::Finished => "finished",
            };
            self.ends.get_or_create(&[("end", end)]).inc();
            if attempt.state == State::Finished {
                let took = u64::try_from(now_ms.saturating_sub(attempt.created_at_ms)).unwrap_or(0);
                self.start_to_data.observe(Duration::from_millis(took).as_secs_f64());
            }
        }
    }

    /// A call to Flinks was answered, or not, with that code; or was not even sent, when it took no time.
    pub(crate) fn called(&self, endpoint: &'static str, code: &'static str, took: Option<Duration>) {
        self.calls.get_or_create(&[("endpoint", endpoint), ("code", code)]).inc();
        if let Some(took) = took {
            self.call_seconds.get_or_create(&[("endpoint", endpoint)]).observe(took.as_secs_f64());
        }
    }

    /// An event was posted: one of [`POSTS`].
    pub(crate) fn posted(&self, answer: &'static str) {
        self.posts.get_or_create(&[("answer", answer)]).inc();
    }

    /// A user's token was refused: one of [`TOKENS`].
    pub(crate) fn token_refused(&self, reason: &'static str) {
        self.tokens.get_or_create(&[("reason", reason)]).inc();
    }

    /// Somebody did not have the application's key.
    pub(crate) fn admin_key_refused(&self) {
        self.admin_keys.inc();
    }

    /// Secret files were changed: one of [`RELOADS`].
    pub(crate) fn reloaded(&self, outcome: &'static str) {
        self.reloads.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// All of it as text, and what the database says.
    pub(crate) fn text(&self, vitals: &Vitals) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &gauges(vitals))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// A counter for each value of a label, all of them at zero.
fn counted(label: &'static str, values: &[&'static str]) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    for value in values {
        drop(family.get_or_create(&[(label, *value)]));
    }
    family
}

fn gauges(vitals: &Vitals) -> Registry {
    let mut registry = Registry::with_prefix("reconnect");
    let open = Family::<Labels, Gauge>::default();
    for count in &vitals.open {
        open.get_or_create(&[("state", count.state), ("age", count.age)]).set(count.attempts);
    }
    registry.register("attempts_open", "Attempts that are not at their end, by state and age", open);
    let mut add = |name, help, value| {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    add("events_waiting", "Events that the application has not taken yet", vitals.events_waiting);
    add("event_lag_seconds", "Age of the oldest of them", vitals.event_lag_ms / 1000);
    add("events_parked", "Events that were given up", vitals.events_parked);
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_beforehand_is_there_from_the_start() {
        let text = Metrics::new().text(&Vitals::default()).unwrap();
        for line in [
            "reconnect_starts_total{answer=\"resume\"} 0",
            "reconnect_deliveries_total{answer=\"accepted\"} 0",
            "reconnect_tokens_refused_total{reason=\"no_keys\"} 0",
            "reconnect_flinks_calls_total{endpoint=\"GetAccountsDetail\",code=\"OK\"} 0",
            "reconnect_start_to_data_seconds_bucket{le=\"+Inf\"} 0",
            "reconnect_admin_keys_refused_total 0",
            "reconnect_event_lag_seconds 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
