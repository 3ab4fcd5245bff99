//! The banks on the list.

use serde::Serialize;

/// One bank.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Institution {
    /// `InstitutionId` of the API.
    pub id: u32,
    /// `Institution` of the API and of Connect's messages.
    pub name: &'static str,
    /// The three digits before a Canadian account number; none of these belongs to a real bank.
    #[serde(skip)]
    pub number: &'static str,
    /// Whether it asks its users in a window of its own (OAuth) and takes no credentials from anybody else.
    #[serde(skip)]
    pub is_oauth: bool,
}

/// Flinks' test bank, on the list with `demo=true` only.
pub const FLINKS_CAPITAL: Institution = Institution { id: 14, name: "FlinksCapital", number: "777", is_oauth: false };

/// The bank that signs its users in itself, on the list with `demoOutbound=true` only.
pub const OAUTH_BANK: Institution =
    Institution { id: 9100, name: "Lighthouse Open Bank", number: "910", is_oauth: true };

/// Every bank of the sandbox. Invented, but for [`FLINKS_CAPITAL`].
pub static ALL: [Institution; 8] = [
    FLINKS_CAPITAL,
    Institution { id: 9001, name: "Maple Harbour Bank", number: "901", is_oauth: false },
    Institution { id: 9002, name: "Northern Pines Credit Union", number: "902", is_oauth: false },
    Institution { id: 9003, name: "Caisse des Trois Collines", number: "903", is_oauth: false },
    Institution { id: 9004, name: "Prairie Lantern Credit Union", number: "904", is_oauth: false },
    Institution { id: 9005, name: "Banque du Vieux Phare", number: "905", is_oauth: false },
    Institution { id: 9006, name: "Cedar Strait Savings", number: "906", is_oauth: false },
    OAUTH_BANK,
];

/// The bank of that id or name, as both the API and Connect's path take it; case does not count.
#[must_use]
pub fn find(name_or_id: &str) -> Option<&'static Institution> {
    let wanted = name_or_id.trim();
    ALL.iter().find(|bank| bank.name.eq_ignore_ascii_case(wanted) || wanted.parse() == Ok(bank.id))
}

/// The bank of that id.
#[must_use]
pub fn by_id(id: u32) -> Option<&'static Institution> {
    ALL.iter().find(|bank| bank.id == id)
}

/// The bank of that institution number, with or without leading zeros.
#[must_use]
pub fn by_number(number: &str) -> Option<&'static Institution> {
    let wanted = number.trim_start_matches('0');
    ALL.iter().find(|bank| bank.number == wanted)
}
