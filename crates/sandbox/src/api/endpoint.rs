//! The endpoints: names, methods, keys.

use axum::http::Method;

use crate::state::data::Product;

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Mints an authorize token.
    GenerateAuthorizeToken,
    /// Opens a session, answers for it, asks how it stands.
    Authorize,
    /// The same without waiting.
    AuthorizeAsync,
    /// Starts fetching, or fetches.
    Order(Product),
    /// Fetches what was started.
    Poll(Product),
    /// Switches Nightly Refresh.
    SetScheduledRefresh,
    /// Lists the logins Nightly Refresh passes over.
    GetNightlyRefreshStatus,
    /// Deletes a login.
    DeleteCard,
    /// Tells which security questions a login's bank may ask.
    GetMfaQuestions,
    /// Stores answers to them.
    AnswerMfaQuestions,
    /// Lists the banks, or finds one by its number.
    Institutions,
}

/// What an endpoint wants to see in the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The secret in `flinks-auth-key`.
    Secret,
    /// An authorize token in `flinks-auth-key`.
    Token,
    /// The api key in `x-api-key`.
    Api,
    /// The api key or the secret: the reference does not say which.
    Either,
}

impl Endpoint {
    const ALL: [Self; 15] = [
        Self::GenerateAuthorizeToken,
        Self::Authorize,
        Self::AuthorizeAsync,
        Self::Order(Product::Detail),
        Self::Poll(Product::Detail),
        Self::Order(Product::Summary),
        Self::Poll(Product::Summary),
        Self::Order(Product::Statements),
        Self::Poll(Product::Statements),
        Self::SetScheduledRefresh,
        Self::GetNightlyRefreshStatus,
        Self::DeleteCard,
        Self::GetMfaQuestions,
        Self::AnswerMfaQuestions,
        Self::Institutions,
    ];

    /// The endpoint of that name; case does not count.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name().eq_ignore_ascii_case(name))
    }

    /// Its name in the path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GenerateAuthorizeToken => "GenerateAuthorizeToken",
            Self::Authorize => "Authorize",
            Self::AuthorizeAsync => "AuthorizeAsync",
            Self::Order(Product::Detail) => "GetAccountsDetail",
            Self::Poll(Product::Detail) => "GetAccountsDetailAsync",
            Self::Order(Product::Summary) => "GetAccountsSummary",
            Self::Poll(Product::Summary) => "GetAccountsSummaryAsync",
            Self::Order(Product::Statements) => "GetStatements",
            Self::Poll(Product::Statements) => "GetStatementsAsync",
            Self::SetScheduledRefresh => "SetScheduledRefresh",
            Self::GetNightlyRefreshStatus => "GetNightlyRefreshStatus",
            Self::DeleteCard => "DeleteCard",
            Self::GetMfaQuestions => "GetMFAQuestions",
            Self::AnswerMfaQuestions => "AnswerMFAQuestions",
            Self::Institutions => "Institutions",
        }
    }

    /// Whether it takes that method.
    #[must_use]
    pub fn accepts(self, method: &Method) -> bool {
        match self {
            Self::GenerateAuthorizeToken | Self::Authorize | Self::Order(_) => *method == Method::POST,
            // Documented as GET; node-flinks sends POST.
            Self::AuthorizeAsync | Self::Poll(_) => *method == Method::GET || *method == Method::POST,
            Self::SetScheduledRefresh | Self::AnswerMfaQuestions => *method == Method::PATCH,
            Self::GetNightlyRefreshStatus | Self::GetMfaQuestions | Self::Institutions => *method == Method::GET,
            Self::DeleteCard => *method == Method::DELETE,
        }
    }

    /// What it wants to see in the headers.
    #[must_use]
    pub fn key(self) -> Key {
        match self {
            Self::GenerateAuthorizeToken => Key::Secret,
            Self::Authorize | Self::AuthorizeAsync => Key::Token,
            Self::Order(_) | Self::Poll(_) => Key::Api,
            Self::SetScheduledRefresh
            | Self::GetNightlyRefreshStatus
            | Self::DeleteCard
            | Self::GetMfaQuestions
            | Self::AnswerMfaQuestions
            | Self::Institutions => Key::Either,
        }
    }
}
