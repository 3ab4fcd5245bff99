//! What Flinks Connect understands and says.
//!
//! Everything Flinks fixed and we did not: where Connect lives ([`address`]), the parameters it takes ([`parameters`]), the
//! steps and codes it reports ([`step`], [`code`]), what its messages look like ([`message`], [`redirect`]) and what an
//! identifier of Flinks' may contain ([`id`]). The widget reads these shapes; the sandbox writes them; the host knows the
//! codes. One definition serves all three. [`demo`] is no word of Flinks': it has the ids that sandbox and host agree on.
//!
//! Invariants: pure functions over borrowed text, no clock, no I/O, no JavaScript type, no panic on any input.

pub mod address;
pub mod code;
pub mod demo;
pub mod id;
pub mod message;
pub mod parameters;
pub mod redirect;
pub mod step;
