//! What Flinks Connect understands and says.
//!
//! Everything Flinks fixed and we did not: where Connect lives ([`address`]), the parameters it takes ([`parameters`]), the
//! steps and codes it reports ([`step`], [`code`]), what its messages look like ([`message`], [`redirect`]) and what an
//! identifier of Flinks' may contain ([`id`]). The widget reads these shapes; the sandbox writes them; the host knows the
//! codes. One definition serves all three.
//!
//! Invariants: pure functions over borrowed text, no clock, no I/O, no JavaScript type, no panic on any input.

pub mod address;
pub mod code;
pub mod id;
pub mod message;
pub mod parameters;
pub mod redirect;
pub mod step;

/// The parts one behind the other: `concat` and `join` of slices, each in a form of its own per type, cost a kilobyte of the module.
pub(crate) fn joined(parts: &[&str]) -> String {
    let mut whole = String::new();
    for part in parts {
        whole.push_str(part);
    }
    whole
}

/// Whether every byte is one of these: not generic, because each closure would bring its own loop.
pub(crate) fn is_all(text: &str, accepts: fn(u8) -> bool) -> bool {
    for byte in text.bytes() {
        if !accepts(byte) {
            return false;
        }
    }
    true
}

/// Whether the name is one of these.
pub(crate) fn is_one_of(name: &str, names: &[&str]) -> bool {
    for known in names {
        if *known == name {
            return true;
        }
    }
    false
}

/// The value of the first pair with this name.
pub(crate) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    for (given, value) in pairs {
        if given == name {
            return Some(value);
        }
    }
    None
}
