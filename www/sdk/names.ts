// Made from the Rust tables by `UPDATE=1 cargo test --test core names`, which also says when it is out of date.

/** Where a session stands. */
export type Phase =
  | "starting"
  | "loading"
  | "active"
  | "delivering"
  | "done"
  | "failed"
  | "closed";

export const PHASES: readonly Phase[] = [
  "starting",
  "loading",
  "active",
  "delivering",
  "done",
  "failed",
  "closed",
];

/** What really happened. */
export type Mode =
  | "resume"
  | "refresh"
  | "connect";

export const MODES: readonly Mode[] = [
  "resume",
  "refresh",
  "connect",
];

/** The `code` of a `ReconnectError`. */
export type ErrorCode =
  | "INVALID_OPTIONS"
  | "UNSUPPORTED"
  | "START_FAILED"
  | "LOAD_TIMEOUT"
  | "SESSION_EXPIRED"
  | "TOKEN_INVALID"
  | "FULL_FLOW"
  | "FLINKS"
  | "CONFLICT"
  | "SIGNED_OUT"
  | "REJECTED"
  | "LOGIN_MISMATCH"
  | "UNDELIVERED"
  | "BUSY"
  | "CANCELLED"
  | "CLOSED"
  | "INTERNAL";

export const ERROR_CODES: readonly ErrorCode[] = [
  "INVALID_OPTIONS",
  "UNSUPPORTED",
  "START_FAILED",
  "LOAD_TIMEOUT",
  "SESSION_EXPIRED",
  "TOKEN_INVALID",
  "FULL_FLOW",
  "FLINKS",
  "CONFLICT",
  "SIGNED_OUT",
  "REJECTED",
  "LOGIN_MISMATCH",
  "UNDELIVERED",
  "BUSY",
  "CANCELLED",
  "CLOSED",
  "INTERNAL",
];

/** Why Connect did not load. */
export type LoadProblem =
  | "unknown"
  | "policy"
  | "isolation"
  | "offline"
  | "redirected";

export const LOAD_PROBLEMS: readonly LoadProblem[] = [
  "unknown",
  "policy",
  "isolation",
  "offline",
  "redirected",
];

/** What the user can be shown. */
export type ViewName =
  | "loading"
  | "slow"
  | "connect"
  | "popupBlocked"
  | "expiring"
  | "replaceable"
  | "overdue"
  | "overdueReplaceable"
  | "renewing"
  | "offline"
  | "delivering"
  | "retrying"
  | "leaving"
  | "bankSlow"
  | "notStarted"
  | "signedOut"
  | "busy"
  | "loadTimeout"
  | "blocked"
  | "expired"
  | "undelivered"
  | "mismatch"
  | "unconfirmed"
  | "failed";

export const VIEW_NAMES: readonly ViewName[] = [
  "loading",
  "slow",
  "connect",
  "popupBlocked",
  "expiring",
  "replaceable",
  "overdue",
  "overdueReplaceable",
  "renewing",
  "offline",
  "delivering",
  "retrying",
  "leaving",
  "bankSlow",
  "notStarted",
  "signedOut",
  "busy",
  "loadTimeout",
  "blocked",
  "expired",
  "undelivered",
  "mismatch",
  "unconfirmed",
  "failed",
];

/** Every option. */
export type OptionName =
  | "instance"
  | "connectUrl"
  | "container"
  | "requestId"
  | "start"
  | "authorizeToken"
  | "resumeSelectedAccounts"
  | "deliver"
  | "onFailure"
  | "allow"
  | "headers"
  | "credentials"
  | "language"
  | "params"
  | "fullFlow"
  | "labels"
  | "loadTimeoutMs"
  | "deliverTimeoutMs"
  | "sandbox"
  | "signal";

export const OPTION_NAMES: readonly OptionName[] = [
  "instance",
  "connectUrl",
  "container",
  "requestId",
  "start",
  "authorizeToken",
  "resumeSelectedAccounts",
  "deliver",
  "onFailure",
  "allow",
  "headers",
  "credentials",
  "language",
  "params",
  "fullFlow",
  "labels",
  "loadTimeoutMs",
  "deliverTimeoutMs",
  "sandbox",
  "signal",
];

/** Every event of a session. */
export type EventName =
  | "phasechange"
  | "step"
  | "flinkscode"
  | "fullflow"
  | "expiring"
  | "retrying"
  | "attemptfailed";

export const EVENT_NAMES: readonly EventName[] = [
  "phasechange",
  "step",
  "flinkscode",
  "fullflow",
  "expiring",
  "retrying",
  "attemptfailed",
];

/** The parameters of Connect's address that Flinks documents. */
export type ConnectParameter =
  | "accountSelectorCurrency"
  | "accountSelectorEnable"
  | "accountSelectorMultiple"
  | "accountSelectorNoTitle"
  | "backEnable"
  | "backgroundColor"
  | "boxLayout"
  | "closeEnable"
  | "consentEnable"
  | "customerId"
  | "customerName"
  | "daysOfTransactions"
  | "demo"
  | "demoOutbound"
  | "desktopLayout"
  | "detailsAndStatementEnable"
  | "eftEligibleRatio"
  | "enhancedMFA"
  | "features"
  | "fetchAllAccounts"
  | "fixedHeightEnable"
  | "foregroundColor1"
  | "foregroundColor2"
  | "headerEnable"
  | "headerImgEnable"
  | "innerRedirect"
  | "institutionFilterEnable"
  | "institutionsLocation"
  | "jsRedirect"
  | "loadingType"
  | "maximumRetry"
  | "monthsOfStatements"
  | "oauthWindowRedirect"
  | "productType"
  | "redirectUrl"
  | "removePadding"
  | "scheduleRefresh"
  | "showAllAccounts"
  | "showAllOperationsAccounts"
  | "skipEnhancedMFA"
  | "statement"
  | "staticLoadingEnable"
  | "tag"
  | "termsNoCheckbox"
  | "termsUrl"
  | "theme"
  | "waitSummary"
  | "withMFAQuestions"
  | "withTransactions";

export const CONNECT_PARAMETERS: readonly ConnectParameter[] = [
  "accountSelectorCurrency",
  "accountSelectorEnable",
  "accountSelectorMultiple",
  "accountSelectorNoTitle",
  "backEnable",
  "backgroundColor",
  "boxLayout",
  "closeEnable",
  "consentEnable",
  "customerId",
  "customerName",
  "daysOfTransactions",
  "demo",
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
  "innerRedirect",
  "institutionFilterEnable",
  "institutionsLocation",
  "jsRedirect",
  "loadingType",
  "maximumRetry",
  "monthsOfStatements",
  "oauthWindowRedirect",
  "productType",
  "redirectUrl",
  "removePadding",
  "scheduleRefresh",
  "showAllAccounts",
  "showAllOperationsAccounts",
  "skipEnhancedMFA",
  "statement",
  "staticLoadingEnable",
  "tag",
  "termsNoCheckbox",
  "termsUrl",
  "theme",
  "waitSummary",
  "withMFAQuestions",
  "withTransactions",
];

/** Those that the widget sets itself. */
export type ReservedParameter =
  | "requestId"
  | "authorizeToken"
  | "resumeSelectedAccounts"
  | "language"
  | "webview"
  | "stringify";

export const RESERVED_PARAMETERS: readonly ReservedParameter[] = [
  "requestId",
  "authorizeToken",
  "resumeSelectedAccounts",
  "language",
  "webview",
  "stringify",
];

/** The steps that Flinks documents, in the order a session may show them. It adds names, and they are passed on: any other text may
 * come. docs/vocabulary.md says what each means. */
export type FlinksStep =
  | "APP_MOUNTED"
  | "APP_OFFLINE"
  | "APP_RESIZE"
  | "COMPONENT_LOAD_CONSENT"
  | "COMPONENT_DENY_CONSENT"
  | "COMPONENT_LOAD_INSTITUTION_SELECTOR"
  | "COMPONENT_LOAD_CREDENTIAL"
  | "SUBMIT_CREDENTIAL"
  | "COMPONENT_LOAD_CREDENTIAL_RETRY"
  | "COMPONENT_LOAD_MFA"
  | "SUBMIT_MFA"
  | "COMPONENT_LOAD_MFA_RETRY"
  | "COMPONENT_LOAD_ACCOUNT_SELECTION"
  | "POPUP_OPENED"
  | "POPUP_BLOCKED"
  | "TOKEN_INVALID"
  | "COMPONENT_CLOSE_SESSION"
  | "REDIRECT"
  | "APP_ONLINE"
  | "COMPONENT_ACCEPT_CONSENT"
  | "COMPONENT_ACCEPT_PROVIDER_CONSENT"
  | "COMPONENT_ACCEPT_TERMS"
  | "COMPONENT_DENY_TERMS"
  | "COMPONENT_CLICK_TERMS_URL"
  | "COMPONENT_CLICK_RESET_PASSWORD"
  | "INSTITUTION_SELECTED"
  | "COMPONENT_HELP2FA_INFO"
  | "COMPONENT_HELP2FA_TROUBLESHOOTING"
  | "ENHANCED_MFA_HAS_QUESTIONS"
  | "ENHANCED_MFA_NO_QUESTIONS"
  | "ACCOUNT_SELECTED"
  | (string & {});

export const FLINKS_STEPS: readonly FlinksStep[] = [
  "APP_MOUNTED",
  "APP_OFFLINE",
  "APP_RESIZE",
  "COMPONENT_LOAD_CONSENT",
  "COMPONENT_DENY_CONSENT",
  "COMPONENT_LOAD_INSTITUTION_SELECTOR",
  "COMPONENT_LOAD_CREDENTIAL",
  "SUBMIT_CREDENTIAL",
  "COMPONENT_LOAD_CREDENTIAL_RETRY",
  "COMPONENT_LOAD_MFA",
  "SUBMIT_MFA",
  "COMPONENT_LOAD_MFA_RETRY",
  "COMPONENT_LOAD_ACCOUNT_SELECTION",
  "POPUP_OPENED",
  "POPUP_BLOCKED",
  "TOKEN_INVALID",
  "COMPONENT_CLOSE_SESSION",
  "REDIRECT",
  "APP_ONLINE",
  "COMPONENT_ACCEPT_CONSENT",
  "COMPONENT_ACCEPT_PROVIDER_CONSENT",
  "COMPONENT_ACCEPT_TERMS",
  "COMPONENT_DENY_TERMS",
  "COMPONENT_CLICK_TERMS_URL",
  "COMPONENT_CLICK_RESET_PASSWORD",
  "INSTITUTION_SELECTED",
  "COMPONENT_HELP2FA_INFO",
  "COMPONENT_HELP2FA_TROUBLESHOOTING",
  "ENHANCED_MFA_HAS_QUESTIONS",
  "ENHANCED_MFA_NO_QUESTIONS",
  "ACCOUNT_SELECTED",
];

/** The codes that Flinks documents. It adds some, and they are passed on: any other text may come. docs/vocabulary.md says what each
 * means. */
export type FlinksCode =
  | "OK"
  | "CREATED"
  | "OPERATION_PENDING"
  | "OPERATION_DISPATCHED"
  | "CARD_IN_USE"
  | "SESSION_NONEXISTENT"
  | "ACCESS_DENIED"
  | "ALREADY_AUTHORIZED"
  | "CONCURRENT_SESSION"
  | "DISABLED_LOGIN"
  | "INVALID_LOGIN"
  | "INVALID_PASSWORD"
  | "INVALID_REQUEST"
  | "INVALID_SECURITY_RESPONSE"
  | "INVALID_SECURITY_RESPONSE_NO_RETRY"
  | "INVALID_USERNAME"
  | "NEW_ACCOUNT"
  | "QUESTION_NOT_FOUND"
  | "RETRY_LATER"
  | "SECURITYRESPONSES_INCOMPLETE"
  | "SESSION_EXPIRED"
  | "TOO_MANY_REQUESTS"
  | "UNAUTHORIZED"
  | "UNKNOWN_CHALLENGE_KEY"
  | "METHOD_NOT_AVAILABLE"
  | "NO_TRANSACTION"
  | "DISABLED_INSTITUTION"
  | "AGGREGATION_ERROR"
  | (string & {});

export const FLINKS_CODES: readonly FlinksCode[] = [
  "OK",
  "CREATED",
  "OPERATION_PENDING",
  "OPERATION_DISPATCHED",
  "CARD_IN_USE",
  "SESSION_NONEXISTENT",
  "ACCESS_DENIED",
  "ALREADY_AUTHORIZED",
  "CONCURRENT_SESSION",
  "DISABLED_LOGIN",
  "INVALID_LOGIN",
  "INVALID_PASSWORD",
  "INVALID_REQUEST",
  "INVALID_SECURITY_RESPONSE",
  "INVALID_SECURITY_RESPONSE_NO_RETRY",
  "INVALID_USERNAME",
  "NEW_ACCOUNT",
  "QUESTION_NOT_FOUND",
  "RETRY_LATER",
  "SECURITYRESPONSES_INCOMPLETE",
  "SESSION_EXPIRED",
  "TOO_MANY_REQUESTS",
  "UNAUTHORIZED",
  "UNKNOWN_CHALLENGE_KEY",
  "METHOD_NOT_AVAILABLE",
  "NO_TRANSACTION",
  "DISABLED_INSTITUTION",
  "AGGREGATION_ERROR",
];
