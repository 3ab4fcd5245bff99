//! The test users. Every bank of the sandbox knows all of them.

use flinks_connect::code::{self, FlinksCode};

/// One test user.
#[derive(Debug)]
pub struct TestUser {
    /// The user name; case does not count.
    pub name: &'static str,
    /// What happens at sign-in.
    pub behaviour: Behaviour,
}

/// What a bank does when a user signs in.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    /// Asks the three questions.
    Asks,
    /// Lets the user in at once.
    LetsIn,
    /// Refuses with this code, whatever the password.
    Refuses(FlinksCode),
    /// Lets the user in, but so slowly that Flinks goes on in the background (`OPERATION_DISPATCHED`).
    Dawdles,
}

/// The password of every user who has one.
pub const PASSWORD: &str = "Everyday";

/// The user whom an OAuth bank vouches for.
pub const WITHOUT_QUESTIONS: &str = "greatday_nomfa";

/// Every test user.
pub static ALL: [TestUser; 5] = [
    TestUser { name: "Greatday", behaviour: Behaviour::Asks },
    TestUser { name: "greatday_nomfa", behaviour: Behaviour::LetsIn },
    TestUser { name: "test_disabled_account", behaviour: Behaviour::Refuses(code::DISABLED_LOGIN) },
    TestUser { name: "test_service_unavailable", behaviour: Behaviour::Refuses(code::RETRY_LATER) },
    TestUser { name: "test_dispatched", behaviour: Behaviour::Dawdles },
];

/// The user of that name, `None` when the bank knows nobody of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static TestUser> {
    let wanted = name.trim();
    ALL.iter().find(|user| user.name.eq_ignore_ascii_case(wanted))
}

/// Whether the bank takes this password; a user it refuses anyway may give any.
#[must_use]
pub fn accepts(user: &TestUser, password: &str) -> bool {
    matches!(user.behaviour, Behaviour::Refuses(_)) || password == PASSWORD
}
