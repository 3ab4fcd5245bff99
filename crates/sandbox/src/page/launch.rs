//! What a Connect page was opened with: its path and parameters.
//!
//! Invariants: names are case sensitive and the first of a name counts, as in the real page; reading never fails, because a page has to
//! show something whatever its address.

use flinks_connect::id::AccountId;
use flinks_connect::parameters::{self, Language};
use flinks_connect::redirect::Shape;
use url::Url;

use crate::bank::institution::{self, Institution};
use crate::faults::{self, PageFault, RedirectFault};
use crate::log::{HIDDEN, Parameter};

/// Only here: the layout of REDIRECT, for this page alone.
pub const SHAPE: &str = "_shape";
/// Only here: what is wrong with REDIRECT, for this page alone.
pub const REDIRECT_FAULT: &str = "_redirect";
/// Only here: how the page behaves, for this page alone.
pub const PAGE_FAULT: &str = "_page";

/// The OAuth demo: a bank that asks in a window of its own.
pub const DEMO_OUTBOUND: &str = "demoOutbound";
/// The bank's own page takes the place of Connect's instead of opening in a window.
pub const OAUTH_WINDOW_REDIRECT: &str = "oauthWindowRedirect";
/// Finishes inside the frame.
pub const INNER_REDIRECT: &str = "innerRedirect";
/// Finishes by the event alone.
pub const JS_REDIRECT: &str = "jsRedirect";
/// Where the terms can be read.
pub const TERMS_URL: &str = "termsUrl";
/// The terms have no box to tick.
pub const TERMS_NO_CHECKBOX: &str = "termsNoCheckbox";

/// The address of one page.
#[derive(Clone)]
pub struct Launch {
    path: String,
    query: Vec<(String, String)>,
    origin: Option<Url>,
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Launch").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Launch {
    /// Reads the path and the raw query, with or without its question mark.
    #[must_use]
    pub fn read(path: &str, query: &str) -> Self {
        let query = query.strip_prefix('?').unwrap_or(query);
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { path: path.to_owned(), query, origin: None }
    }

    /// The same of a page at this origin, as its browser says it.
    #[must_use]
    pub fn at(self, origin: Option<&str>) -> Self {
        let origin =
            origin.and_then(|origin| Url::parse(origin).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
        Self { origin, ..self }
    }

    /// An address of Connect's own; only its path, where the page did not say where it is.
    #[must_use]
    pub fn own_address(&self, path: &str) -> String {
        let address = self.origin.as_ref().and_then(|origin| origin.join(path).ok());
        address.map_or_else(|| path.to_owned(), String::from)
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters as they may be logged.
    #[must_use]
    pub fn parameters_without_secrets(&self) -> Vec<Parameter> {
        let visible = |(name, value): &(String, String)| Parameter {
            name: name.clone(),
            value: if name == parameters::AUTHORIZE_TOKEN { HIDDEN.to_owned() } else { value.clone() },
        };
        self.query.iter().map(visible).collect()
    }

    /// Whether a boolean parameter is `true`.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.first(name) == Some("true")
    }

    /// The session to come back to, whatever it looks like.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.first(parameters::REQUEST_ID)
    }

    /// The token, when there is one; `false` is the documented way to have none.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.first(parameters::AUTHORIZE_TOKEN).filter(|token| *token != "false")
    }

    /// The host's mark.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.first(parameters::TAG)
    }

    /// Where the user is led to afterwards. Any scheme an app may have registered, but none that is a script or a document itself.
    #[must_use]
    pub fn redirect_url(&self) -> Option<Url> {
        let url = Url::parse(self.first(parameters::REDIRECT_URL)?).ok()?;
        let is_place = !matches!(url.scheme(), "javascript" | "data" | "blob" | "vbscript" | "about" | "file");
        is_place.then_some(url)
    }

    /// Where the terms can be read.
    #[must_use]
    pub fn terms_url(&self) -> Option<Url> {
        let url = Url::parse(self.first(TERMS_URL)?).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// The name on the consent page.
    #[must_use]
    pub fn customer_name(&self) -> Option<&str> {
        self.first(parameters::CUSTOMER_NAME)
    }

    /// The page's language.
    #[must_use]
    pub fn language(&self) -> Language {
        if self.first(parameters::LANGUAGE) == Some("fr") { Language::Fr } else { Language::En }
    }

    /// The accounts picked in the original session. The syntax is not documented: a comma list, a JSON array and repeated parameters
    /// all count.
    #[must_use]
    pub fn resumed_accounts(&self) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for (_, value) in self.query.iter().filter(|(name, _)| name == parameters::RESUME_SELECTED_ACCOUNTS) {
            let listed = value.trim_start_matches('[').trim_end_matches(']').split(',');
            for id in listed.filter_map(|text| AccountId::parse(text.trim().trim_matches('"'))) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        ids
    }

    /// The bank in a path as `/v2/Credential/{name or id}/`.
    #[must_use]
    pub fn preselected(&self) -> Option<&'static Institution> {
        self.bank_behind("Credential")
    }

    /// The bank in a path as `/v2/Result/{name}`: the page `innerRedirect` ends on.
    #[must_use]
    pub fn result_of(&self) -> Option<&'static Institution> {
        self.bank_behind("Result")
    }

    fn bank_behind(&self, place: &str) -> Option<&'static Institution> {
        let mut parts = self.path.split('/').skip_while(|part| !part.eq_ignore_ascii_case(place));
        let name = parts.nth(1)?;
        let decoded = url::form_urlencoded::parse(name.replace('+', "%2B").as_bytes()).next()?.0.into_owned();
        institution::find(&decoded)
    }

    /// The layout of REDIRECT asked for in the address.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        self.first(SHAPE).and_then(faults::shape)
    }

    /// The fault of REDIRECT asked for in the address.
    #[must_use]
    pub fn redirect_fault(&self) -> Option<RedirectFault> {
        self.first(REDIRECT_FAULT).and_then(faults::redirect_fault)
    }

    /// How the page is to behave, as asked for in the address.
    #[must_use]
    pub fn page_fault(&self) -> Option<PageFault> {
        self.first(PAGE_FAULT).and_then(faults::page_fault)
    }

    fn first(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(query: &str) -> Vec<String> {
        Launch::read("/v2/", query).resumed_accounts().iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn accounts_come_as_list_array_or_repeated() {
        for query in [
            "?resumeSelectedAccounts=account-1,account-2",
            "?resumeSelectedAccounts=account-1%2Caccount-2%2Caccount-1",
            "?resumeSelectedAccounts=%5B%22account-1%22%2C%20%22account-2%22%5D",
            "?resumeSelectedAccounts=account-1&resumeSelectedAccounts=account-2",
        ] {
            assert_eq!(accounts(query), ["account-1", "account-2"], "{query}");
        }
        assert!(accounts("?resumeSelectedAccounts=").is_empty());
        assert!(accounts("?resumeselectedaccounts=account-1").is_empty(), "names are case sensitive");
    }

    #[test]
    fn a_path_preselects_a_bank_by_name_or_id() {
        let name = |path: &str| Launch::read(path, "").preselected().map(|bank| bank.name);
        assert_eq!(name("/v2/Credential/14/"), Some("FlinksCapital"));
        assert_eq!(name("/v2/Credential/Maple%20Harbour%20Bank/"), Some("Maple Harbour Bank"));
        assert_eq!(name("/v2/credential/flinkscapital"), Some("FlinksCapital"));
        for path in ["/v2/", "/", "/v2/Credential/", "/v2/Credential/Nobody/", "/v2/Credential"] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn the_first_of_a_name_counts() {
        let launch = Launch::read("/v2/", "?language=fr&language=en&authorizeToken=false&demo=true&demo=false");
        assert_eq!(launch.language(), Language::Fr);
        assert_eq!(launch.token(), None);
        assert!(launch.is_on(parameters::DEMO));
    }
}
