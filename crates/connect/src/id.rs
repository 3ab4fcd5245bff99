//! Identifiers that Flinks or the host mints.
//!
//! Invariants: a value that exists has passed its grammar, and it never shows in `Debug` output, because a `loginId` never
//! expires and a `requestId` opens a live bank session.

use std::fmt;

/// The longest identifier accepted, in bytes.
pub const MAX_ID_LEN: usize = 128;

/// The longest tag accepted, in bytes.
pub const MAX_TAG_LEN: usize = 256;

/// `^[A-Za-z0-9._-]{8,128}$`: Flinks' ids are UUIDs, but one of its help pages prints one with a dotted suffix.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 8..=MAX_ID_LEN)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// A tag travels in a query string and comes back in logs and dashboards: printable ASCII only, and not empty.
fn is_tag(text: &str) -> bool {
    matches!(text.len(), 1..=MAX_TAG_LEN) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $grammar:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The identifier, or `None` when `text` does not match its grammar.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $grammar(text).then(|| Self(text.into()))
            }

            /// The identifier itself. Keep it out of logs and messages.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                // The error names the kind of id, never the text.
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("expected a ", stringify!($name))))
            }
        }
    };
}

identifier! {
    /// A stored connection: permanent until deleted, bound to institution, username and language.
    LoginId, is_id
}
identifier! {
    /// A session at Flinks: dies after eight minutes without activity.
    RequestId, is_id
}
identifier! {
    /// One account of a connection (`Accounts[].Id` of the API).
    AccountId, is_id
}
identifier! {
    /// Lets one Connect page load once, within fifteen minutes.
    AuthorizeToken, is_id
}
identifier! {
    /// One try of one user to reconnect one connection, minted by the host; also the delivery's idempotency key.
    AttemptId, is_id
}
identifier! {
    /// The host's own opaque mark, returned by Flinks in REDIRECT, API replies and webhooks.
    Tag, is_tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_eight_to_128_safe_characters() {
        for good in ["8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31", "abcd1234", "a.b_c-d.1529418524", &"x".repeat(128)] {
            assert!(LoginId::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "short77",
            &"x".repeat(129),
            "8b35f6c8 e7b6",
            "8b35f6c8\u{0}e7b6",
            "8b35f6c8\r\ne7b6",
            "8b35f6c8\u{fffd}e7b6",
            "８b35f6c8-e7b6",
            "8b35f6c8%20e7b6",
            "8b35f6c8,e7b6aaaa",
            "8b35f6c8/../e7b6",
        ] {
            assert!(LoginId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_hides_the_value() {
        let id = LoginId::parse("8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31").unwrap();
        assert_eq!(format!("{id:?}"), "LoginId(***)");
    }

    #[test]
    fn a_tag_is_short_printable_ascii() {
        assert!(Tag::parse("attempt 42 / a").is_some());
        for bad in ["", "a\nb", "é", &"x".repeat(257)] {
            assert!(Tag::parse(bad).is_none(), "{bad:?}");
        }
    }
}
