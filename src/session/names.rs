//! Enums whose values have names outside: in JavaScript, in the backend's JSON, in the docs.
//!
//! The tables here are the only place where these names are written in Rust; `www/sdk/names.ts` is made from them (`tests/names.rs`).

/// An enum with `ALL` its values in their order, and `as_str()`, the name outside.
macro_rules! named_enum {
    ($(#[$about:meta])* pub enum $Enum:ident { $($(#[$of_value:meta])* $Value:ident = $name:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Enum {
            $($(#[$of_value])* $Value),*
        }

        impl $Enum {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$Value),*];

            /// The name outside.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Value => $name),* }
            }
        }
    };
}

pub(super) use named_enum;
