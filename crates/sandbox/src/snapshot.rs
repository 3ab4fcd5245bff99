//! What a sandbox knows, as text: what `--state FILE` keeps over restarts.
//!
//! It is JSON: clock, tokens, logins, sessions, faults, webhooks. Not in it: keys and addresses (they are flags), the log, open pages,
//! and what data was ordered (asking again orders it again).
//!
//! Invariants: what has not changed reads the same; text that names anything unknown makes no world.

use flinks_connect::code;
use flinks_connect::id::{AccountId, RequestId};
use flinks_connect::parameters::Language;
use serde::{Deserialize, Serialize};

use crate::bank::question::Challenges;
use crate::bank::{institution, user};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::state::login::{Identity, Login};
use crate::state::session::{Background, Ending, Freshness, Phase, Saving, Session, Wants};
use crate::state::token::Kept as KeptToken;
use crate::state::webhook::{Delivery, Outbox, Webhook};
use crate::state::{Settings, State};
use crate::world::World;

/// The layout of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Snapshot {
    version: u32,
    advanced_ms: u64,
    next_night_ms: u64,
    tokens: Vec<KeptToken>,
    logins: Vec<KeptLogin>,
    sessions: Vec<KeptSession>,
    faults: Faults,
    webhook: Option<Webhook>,
    deliveries: Vec<Delivery>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptIdentity {
    institution: u32,
    user: String,
    language: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptLogin {
    identity: KeptIdentity,
    last_refresh_ms: Option<u64>,
    last_failure: Option<String>,
    last_asked_ms: u64,
    is_scheduled_refresh: bool,
    stored_answers: std::collections::BTreeMap<usize, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSession {
    id: String,
    identity: KeptIdentity,
    tag: Option<String>,
    phase: KeptPhase,
    /// Absent while the bank waits for consent; a file of an older sandbox has only such as were the default.
    #[serde(default = "default_challenges")]
    challenges: Option<Challenges>,
    is_saved: bool,
    cached_as_of_ms: Option<u64>,
    filter: Option<Vec<String>>,
    background: Option<(u64, String)>,
    schedules_refresh: bool,
    is_announced: bool,
    touched_ms: u64,
}

#[allow(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn default_challenges() -> Option<Challenges> {
    Some(Challenges::default())
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum KeptPhase {
    Asking { answered: usize, wrong_in_a_row: u32 },
    Authorized { since_ms: u64 },
    IdleTooLong,
    NotFetched,
    Consumed,
    Refused,
    LoginDeleted,
}

/// What a world knows, as the text of a state file.
pub(crate) fn write(world: &World) -> String {
    let snapshot = world.read(|state, time| Snapshot::of(state, time.advanced_ms));
    // Only maps with keys that are no text cannot be written, and there are none.
    serde_json::to_string_pretty(&snapshot).unwrap_or_default()
}

/// A world as that text tells, or what is wrong with the text.
pub(crate) fn read(settings: Settings, text: &str) -> Result<World, String> {
    let snapshot: Snapshot =
        serde_json::from_str(text).map_err(|error| format!("is no state of a sandbox ({error})"))?;
    if snapshot.version != VERSION {
        return Err(format!("is of version {}, this sandbox reads {VERSION}", snapshot.version));
    }
    snapshot.into_world(settings).ok_or_else(|| "names what this sandbox does not know".to_owned())
}

impl Snapshot {
    fn of(state: &State, advanced_ms: u64) -> Self {
        let mut sessions: Vec<_> = state.sessions.iter().map(KeptSession::of).collect();
        // In an order of their own: what has not changed must read the same.
        sessions.sort_by(|one, other| one.id.cmp(&other.id));
        Self {
            version: VERSION,
            advanced_ms,
            next_night_ms: state.next_night_ms,
            tokens: state.tokens.kept(),
            logins: state.logins.iter().map(KeptLogin::of).collect(),
            sessions,
            faults: state.faults.clone(),
            webhook: state.outbox.target().cloned(),
            deliveries: state.outbox.waiting().to_vec(),
        }
    }

    fn into_world(self, settings: Settings) -> Option<World> {
        let clock = Clock::ahead(self.advanced_ms);
        // Flags come before the file.
        let target = settings.webhook.clone().or(self.webhook);
        let mut state = State::new(settings, clock.now_ms());
        state.next_night_ms = self.next_night_ms;
        state.tokens.restore(self.tokens)?;
        state.logins = crate::state::login::LoginBook::default();
        for login in self.logins {
            state.logins.restore(login.into_login()?);
        }
        for session in self.sessions {
            state.sessions.insert(session.into_session()?);
        }
        self.faults.check().ok()?;
        state.faults = self.faults;
        state.outbox = Outbox::new(target, self.deliveries);
        Some(World::of(state, clock))
    }
}

impl KeptIdentity {
    fn of(identity: &Identity) -> Self {
        Self {
            institution: identity.institution.id,
            user: identity.user.name.to_owned(),
            language: identity.language.as_str().to_owned(),
        }
    }

    fn into_identity(self) -> Option<Identity> {
        let language = [Language::En, Language::Fr].into_iter().find(|known| known.as_str() == self.language)?;
        Some(Identity::of(institution::by_id(self.institution)?, user::find(&self.user)?, language))
    }
}

impl KeptLogin {
    fn of(login: &Login) -> Self {
        Self {
            identity: KeptIdentity::of(&login.identity),
            last_refresh_ms: login.last_refresh_ms,
            last_failure: login.last_failure.map(|code| code.name.to_owned()),
            last_asked_ms: login.last_asked_ms,
            is_scheduled_refresh: login.is_scheduled_refresh,
            stored_answers: login.stored_answers.clone(),
        }
    }

    fn into_login(self) -> Option<Login> {
        Some(Login {
            identity: self.identity.into_identity()?,
            last_refresh_ms: self.last_refresh_ms,
            last_failure: self.last_failure.map(|name| code::find(&name).ok_or(())).transpose().ok()?,
            last_asked_ms: self.last_asked_ms,
            is_scheduled_refresh: self.is_scheduled_refresh,
            stored_answers: self.stored_answers,
        })
    }
}

impl KeptSession {
    fn of(session: &Session) -> Self {
        let ids = |ids: &Vec<AccountId>| ids.iter().map(|id| id.as_str().to_owned()).collect();
        Self {
            id: session.id.as_str().to_owned(),
            identity: KeptIdentity::of(&session.identity),
            tag: session.tag.clone(),
            phase: match session.phase {
                Phase::Asking { answered, wrong_in_a_row } => KeptPhase::Asking { answered, wrong_in_a_row },
                Phase::Authorized { since_ms } => KeptPhase::Authorized { since_ms },
                Phase::Over(Ending::IdleTooLong) => KeptPhase::IdleTooLong,
                Phase::Over(Ending::NotFetched) => KeptPhase::NotFetched,
                Phase::Over(Ending::Consumed) => KeptPhase::Consumed,
                Phase::Over(Ending::Refused) => KeptPhase::Refused,
                Phase::Over(Ending::LoginDeleted) => KeptPhase::LoginDeleted,
            },
            challenges: match session.wants {
                Wants::Answers(challenges) => Some(challenges),
                Wants::Consent => None,
            },
            is_saved: session.saving == Saving::Keep,
            cached_as_of_ms: match session.freshness {
                Freshness::Live => None,
                Freshness::Cached { as_of_ms } => Some(as_of_ms),
            },
            filter: session.filter.as_ref().map(ids),
            background: session.background.map(|work| (work.until_ms, work.code.name.to_owned())),
            schedules_refresh: session.schedules_refresh,
            is_announced: session.is_announced,
            touched_ms: session.touched_ms,
        }
    }

    fn into_session(self) -> Option<Session> {
        let saving = if self.is_saved { Saving::Keep } else { Saving::Discard };
        let fresh = Session::live(self.identity.into_identity()?, saving, self.tag, self.touched_ms);
        let parse = |ids: Vec<String>| ids.iter().map(|id| AccountId::parse(id).ok_or(())).collect();
        let background =
            |(until_ms, name): (u64, String)| Ok(Background { until_ms, code: code::find(&name).ok_or(())? });
        Some(Session {
            id: RequestId::parse(&self.id)?,
            phase: match self.phase {
                KeptPhase::Asking { answered, wrong_in_a_row } => Phase::Asking { answered, wrong_in_a_row },
                KeptPhase::Authorized { since_ms } => Phase::Authorized { since_ms },
                KeptPhase::IdleTooLong => Phase::Over(Ending::IdleTooLong),
                KeptPhase::NotFetched => Phase::Over(Ending::NotFetched),
                KeptPhase::Consumed => Phase::Over(Ending::Consumed),
                KeptPhase::Refused => Phase::Over(Ending::Refused),
                KeptPhase::LoginDeleted => Phase::Over(Ending::LoginDeleted),
            },
            wants: self.challenges.map_or(Wants::Consent, Wants::Answers),
            freshness: self.cached_as_of_ms.map_or(Freshness::Live, |as_of_ms| Freshness::Cached { as_of_ms }),
            filter: self.filter.map(parse).transpose().ok()?,
            background: self.background.map(background).transpose().map_err(|(): ()| ()).ok()?,
            schedules_refresh: self.schedules_refresh,
            is_announced: self.is_announced,
            ..fresh
        })
    }
}
