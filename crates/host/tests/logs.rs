//! Nothing that opens anything stands in a log line, whatever happens and however much is logged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{
    Bench, Database, LOGINS, WEBHOOK_SECRET, delivery,
    flinks::{API_KEY, Live, SECRET, Session},
    scenarios,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_line_has_an_id_a_token_or_a_secret() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace"))
        .with_ansi(false)
        .with_writer(lines.clone())
        .init();

    // Every way to end that has a line of its own.
    scenarios::another_login_changes_nothing(&Database::sqlite()).await;
    scenarios::a_signed_webhook_is_a_delivery(&Database::sqlite()).await;
    scenarios::flinks_down_is_try_again(&Database::sqlite()).await;
    scenarios::flinks_busy_is_try_again_later(&Database::sqlite()).await;
    scenarios::other_codes_are_refusals(&Database::sqlite()).await;
    scenarios::refused_data_is_a_problem_of_the_connection(&Database::sqlite()).await;
    scenarios::data_that_takes_long_is_polled_for(&Database::sqlite()).await;
    scenarios::a_session_that_is_used_up_is_replaced_by_the_cached_one(&Database::sqlite()).await;
    scenarios::the_full_flow_picks_accounts_anew(&Database::sqlite()).await;
    scenarios::a_failed_nightly_refresh_wants_the_user(&Database::sqlite()).await;
    scenarios::flinks_down_for_too_long_is_the_end(&Database::sqlite()).await;
    scenarios::limited_requests_are_a_problem_and_a_rest(&Database::sqlite()).await;
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| config.reconcile_after = Duration::from_millis(20)).await;
    bench.flinks.live(LOGINS[1], Live::Authorized);
    bench.start("ondemand").await.expect(200);
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.until_status("nightly", "up-to-date").await;
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "result accepted",
        "data stored",
        "asking Flinks failed",
        "nothing was changed",
        "nightly refresh status",
        "work postponed",
        "an attempt has ended without data",
        "work pauses",
        "route=\"/api/reconnects\"",
    ] {
        assert!(text.contains(expected), "the log has no line {expected:?}: is it captured?");
    }
    let cookie = bench.cookie.split_once('=').unwrap().1;
    let given = ["attemptId", "requestId", "authorizeToken", "tag"].map(|name| reply[name].as_str().unwrap());
    let secrets = [
        SECRET,
        API_KEY,
        WEBHOOK_SECRET,
        cookie,
        "acc00000-",
        "request-for-test",
        "request-of-",
        "token-for-test",
        "0d5a3c10-",
    ];
    for secret in secrets.into_iter().chain(given) {
        let leak = text.lines().find(|line| line.contains(secret));
        assert!(leak.is_none(), "{}", leak.unwrap());
    }
}
