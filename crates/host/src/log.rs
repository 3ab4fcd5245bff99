//! The log: lines for people or JSON, and what says which lines belong together.
//!
//! Every line of a running host names the host; one about a request names the request, one about a reconnect the attempt, one about an event the
//! event. These names are [correlators](correlator): the same for the same attempt on every host, and of no use for anything else.
//!
//! Invariant: no line has an id, a token, a secret or anything of Flinks' data.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use tracing::Subscriber;
use tracing_subscriber::{Layer, fmt::MakeWriter, registry::LookupSpan};

use crate::random;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object each: `timestamp`, `level`, `message`, `target`, further fields, and `spans` with what the line is about.
    Json,
}

/// Writes lines of this format, in colours or without.
pub fn layer<S, W>(format: Format, writer: W, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    match format {
        Format::Text => layer.boxed(),
        Format::Json => layer.with_ansi(false).json().flatten_event(true).with_current_span(false).boxed(),
    }
}

/// What stands in the log for a value of 160 random bits that opens something: twelve digits of its fingerprint. Nobody gets from them to the value.
pub(crate) fn correlator(secret: &str) -> String {
    let digest = Sha256::digest(format!("flinks-host log {secret}"));
    let mut text = String::with_capacity(12);
    for byte in digest.iter().take(6) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// For what has no name of its own: a request, a host.
pub(crate) fn fresh_correlator() -> String {
    random::token().map_or_else(|_| "unknown".to_owned(), |token| correlator(&token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlator_is_the_same_for_the_same_value_and_has_nothing_of_it() {
        let attempt = random::token().unwrap();
        let shown = correlator(&attempt);
        assert_eq!(shown, correlator(&attempt));
        assert_ne!(shown, correlator(&random::token().unwrap()));
        assert!(shown.len() == 12 && !attempt.contains(&shown), "{shown}");
    }
}
