//! What goes into Connect's address: the documented parameters, and the frame's URL made of them.
//!
//! Source: Flinks' widget, parameter and authentication pages, and parameters integrators send. Booleans are the words `true` and
//! `false`; colours are hexadecimal without `#`; names are case sensitive.
//!
//! Invariants: every value survives percent-encoding unchanged, the query begins once, no name appears twice, and the names the
//! widget owns cannot come from anyone else.

use super::address::ConnectUrl;
use super::id::{AuthorizeToken, RequestId, Tag};

/// The live session to come back to.
pub const REQUEST_ID: &str = "requestId";
/// The single-use token that lets the page load.
pub const AUTHORIZE_TOKEN: &str = "authorizeToken";
/// The account ids picked in the original session, separated by commas.
pub const RESUME_SELECTED_ACCOUNTS: &str = "resumeSelectedAccounts";
/// `en` or `fr`.
pub const LANGUAGE: &str = "language";
/// The host's mark, echoed in REDIRECT.
pub const TAG: &str = "tag";
/// Where Flinks would lead the user after success; REDIRECT's `url` is built on it.
pub const REDIRECT_URL: &str = "redirectUrl";
/// Ends inside the frame instead of leading the page to [`REDIRECT_URL`].
pub const INNER_REDIRECT: &str = "innerRedirect";
/// Moves the events to a native bridge, so that the page hears nothing.
pub const WEBVIEW: &str = "webview";
/// Sends every event as JSON text.
pub const STRINGIFY: &str = "stringify";

/// Shows the account selector after sign-in.
pub const ACCOUNT_SELECTOR_ENABLE: &str = "accountSelectorEnable";
/// Lets the user pick several accounts.
pub const ACCOUNT_SELECTOR_MULTIPLE: &str = "accountSelectorMultiple";
/// Shows Connect's own X, which only posts `COMPONENT_CLOSE_SESSION`.
pub const CLOSE_ENABLE: &str = "closeEnable";
/// Shows the consent page first.
pub const CONSENT_ENABLE: &str = "consentEnable";
/// The name on the consent page.
pub const CUSTOMER_NAME: &str = "customerName";
/// Lists `FlinksCapital`, the test bank.
pub const DEMO: &str = "demo";
/// Shows a search box above the bank list.
pub const INSTITUTION_FILTER_ENABLE: &str = "institutionFilterEnable";
/// Switches Nightly Refresh on for the new login.
pub const SCHEDULE_REFRESH: &str = "scheduleRefresh";

/// Names the widget owns: refused in `params`, because two sources for one of them is how a stranger's session gets in.
pub const RESERVED: &[&str] = &[REQUEST_ID, AUTHORIZE_TOKEN, RESUME_SELECTED_ACCOUNTS, LANGUAGE, WEBVIEW, STRINGIFY];

/// Whether the widget owns this name, in whatever case.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// The value of the first parameter of that name.
#[must_use]
pub fn value_of<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// The documented names a host may set through `params`.
pub const DOCUMENTED: &[&str] = &[
    "accountSelectorCurrency",
    ACCOUNT_SELECTOR_ENABLE,
    ACCOUNT_SELECTOR_MULTIPLE,
    "accountSelectorNoTitle",
    "backEnable",
    "backgroundColor",
    "boxLayout",
    CLOSE_ENABLE,
    CONSENT_ENABLE,
    "customerId",
    CUSTOMER_NAME,
    "daysOfTransactions",
    DEMO,
    "demoOutbound",
    "desktopLayout",
    "detailsAndStatementEnable",
    "eftEligibleRatio",
    "enhancedMFA",
    "features",
    "fetchAllAccounts",
    "fixedHeightEnable",
    "foregroundColor1",
    "foregroundColor2",
    "headerEnable",
    "headerImgEnable",
    INNER_REDIRECT,
    INSTITUTION_FILTER_ENABLE,
    "institutionsLocation",
    "jsRedirect",
    "loadingType",
    "maximumRetry",
    "monthsOfStatements",
    "oauthWindowRedirect",
    "productType",
    REDIRECT_URL,
    "removePadding",
    SCHEDULE_REFRESH,
    "showAllAccounts",
    "showAllOperationsAccounts",
    "skipEnhancedMFA",
    "statement",
    "staticLoadingEnable",
    TAG,
    "termsNoCheckbox",
    "termsUrl",
    "theme",
    "waitSummary",
    "withMFAQuestions",
    "withTransactions",
];

/// The language of Connect and of the widget's own texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Canadian French.
    Fr,
}

impl Language {
    /// The value of the `language` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

/// One Connect page to open.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// Where Connect lives.
    pub connect: &'a ConnectUrl,
    /// The session to come back to; none is the full flow.
    pub request_id: Option<&'a RequestId>,
    /// The token, when the instance wants one.
    pub authorize_token: Option<&'a AuthorizeToken>,
    /// The accounts picked in the original session, as they travel.
    pub accounts: Option<&'a str>,
    /// The page's language.
    pub language: Language,
    /// The host's mark for this attempt.
    pub tag: Option<&'a Tag>,
    /// Further parameters, names already proved not to be [`RESERVED`]; a `tag` yields to the field.
    pub others: &'a [(String, String)],
}

impl Launch<'_> {
    /// The frame's URL. It carries secrets: never log it.
    #[must_use]
    pub fn url(&self) -> String {
        let mut query = Query(self.connect.base().to_owned(), "?");
        query.push(REQUEST_ID, self.request_id.map(RequestId::as_str));
        query.push(AUTHORIZE_TOKEN, self.authorize_token.map(AuthorizeToken::as_str));
        query.push(RESUME_SELECTED_ACCOUNTS, self.accounts);
        query.push(TAG, self.tag.map(Tag::as_str));
        for (name, value) in self.others.iter().filter(|(name, _)| self.tag.is_none() || name != TAG) {
            query.push(name, Some(value));
        }
        query.push(LANGUAGE, Some(self.language.as_str()));
        query.0
    }
}

/// A URL that grows a query, and what separates its next pair.
struct Query(String, &'static str);

impl Query {
    fn push(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.0.push_str(std::mem::replace(&mut self.1, "&"));
        percent_encode(name, &mut self.0);
        self.0.push('=');
        percent_encode(value, &mut self.0);
    }
}

/// RFC 3986: everything but unreserved characters is escaped, so any query parser reads the same value back.
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 15] {
                into.push(char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase());
            }
        }
    }
}
