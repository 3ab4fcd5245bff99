//! The banks behind the sandbox: who they are ([`institution`]), who can sign in ([`user`]), what they ask ([`question`]) and
//! what is on the accounts ([`ledger`], [`account`]).
//!
//! Invariants: everything here is a pure function of constants, a seed and a date. FlinksCapital is Flinks' own test bank;
//! every other name is invented.

pub mod account;
pub mod institution;
pub mod ledger;
pub mod question;
pub mod user;
