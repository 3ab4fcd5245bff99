//! Drivers, a store and a Flinks on one virtual clock.

use std::{collections::BTreeSet, io::Write as _};

use flinks_backend::{
    deliver::{Deliver, Delivery},
    flinks::{Answer, Call},
    record::{Connection, Query, State, Status},
    refusal::Refusal,
    settings::{Now, Settings},
    start::{Challenge, Connect, Minted, PageToken, Start, StartReply},
    step::{Outcome, Reply, Step, Task, Then},
    webhook::Webhook,
    work::Work,
};
use flinks_connect::id::{AccountId, AttemptId, LoginId, RequestId, Tag};
use serde_json::json;

use super::{flinks::Flinks, store::Store};

/// 2026-01-01T00:00:00Z.
pub const EPOCH_MS: i64 = 1_767_225_600_000;
pub const LOGIN: &str = "login-of-ada";
pub const USER: &str = "ada";
pub const BANK: &str = "bank";
/// When Flinks has refreshed the login before a test begins.
pub const OLD_MS: i64 = EPOCH_MS + 1000;

pub struct World {
    pub settings: Settings,
    pub now_ms: i64,
    pub store: Store,
    pub flinks: Flinks,
    /// Tasks are turned into JSON and back before each step.
    pub keeps_json: bool,
    minted: u32,
    /// Tags of live sign-ins whose answer some driver has heard.
    heard: BTreeSet<String>,
}

/// A task on its way, with everything a driver remembers. It may be dropped between any two [`World::advance`]s.
#[derive(Clone)]
pub struct Driver {
    pub task: Task,
    pub at: At,
    in_hand: Vec<AccountId>,
    signing_in: Option<String>,
}

/// The next operation of a driver.
#[derive(Clone)]
pub enum At {
    /// Read and step.
    Decide,
    /// Store what was decided.
    Store(Box<Step>),
    /// Send a call.
    Send(Call),
    /// Take its answer.
    Hear(Box<Answer>),
    /// Wait until the version changes, or then.
    Wait(i64, i64),
    Over(Reply),
}

impl Driver {
    pub fn of(task: Task) -> Self {
        Self { task, at: At::Decide, in_hand: Vec::new(), signing_in: None }
    }

    pub fn reply(&self) -> Option<&Reply> {
        if let At::Over(reply) = &self.at { Some(reply) } else { None }
    }
}

/// Prints a row of the table that `npm test` shows: past the test runner, which keeps what `println!` says to itself when a test passes.
pub fn print_row(cells: &str) {
    writeln!(std::io::stdout().lock(), "\n| {cells} |").unwrap();
}

pub fn login() -> LoginId {
    LoginId::parse(LOGIN).unwrap()
}

pub fn accounts(ids: &[&str]) -> Vec<AccountId> {
    ids.iter().map(|id| AccountId::parse(id).unwrap()).collect()
}

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With a connection that was made with the selector.
    pub fn with(selection: &[&str]) -> Self {
        let mut world = Self {
            settings: Settings::default(),
            now_ms: EPOCH_MS + 86_400_000,
            store: Store::default(),
            flinks: Flinks::default(),
            keeps_json: true,
            minted: 0,
            heard: BTreeSet::new(),
        };
        world.add_connection(BANK, LOGIN, selection);
        world
    }

    pub fn add_connection(&mut self, id: &str, login: &str, selection: &[&str]) {
        self.flinks.last_refresh_ms.insert(login.to_owned(), OLD_MS);
        self.store.add(Connection {
            id: id.to_owned(),
            user: USER.to_owned(),
            version: 0,
            login_id: LoginId::parse(login).unwrap(),
            language: None,
            selection: accounts(selection),
            status: Status::NeedsAttention,
            problem: None,
            refreshed_at_ms: Some(OLD_MS),
            settled_at_ms: None,
            sign_in: None,
        });
    }

    pub fn now(&self) -> Now {
        Now { now_ms: self.now_ms, fraction: 0.5 }
    }

    pub fn start_task(&mut self, connection: &str) -> Task {
        self.start_with(connection, PageToken::Fresh)
    }

    pub fn start_with(&mut self, connection: &str, token: PageToken) -> Task {
        self.minted += 1;
        let minted = Minted {
            attempt: AttemptId::parse(&format!("attempt-{:06}", self.minted)).unwrap(),
            tag: Tag::parse(&format!("tag-{:06}", self.minted)).unwrap(),
        };
        let (user, connection) = (USER.to_owned(), connection.to_owned());
        Task::Start(Start::new(&self.settings, self.now(), user, connection, minted, token))
    }

    /// One operation of a driver. A call takes no time; what takes time is up to the caller.
    pub fn advance(&mut self, driver: &mut Driver) {
        driver.at = match std::mem::replace(&mut driver.at, At::Decide) {
            At::Decide => self.decide(driver),
            At::Store(step) => {
                let outcome =
                    step.commit.as_ref().map_or(Outcome::Done, |commit| self.store.commit(commit, &driver.in_hand));
                match outcome {
                    Outcome::Done => self.follow(driver, *step),
                    Outcome::Conflict => At::Decide,
                    refused => {
                        driver.task.refused(refused);
                        At::Decide
                    }
                }
            }
            At::Send(call) if call.request(&self.settings).by_ms.is_some_and(|by_ms| self.now_ms > by_ms) => {
                At::Hear(Box::new(Answer::late()))
            }
            At::Send(call) => {
                if let Call::SignIn { login_id, tag, .. } = &call {
                    self.check_sign_in(login_id.as_str(), driver);
                    driver.signing_in = Some(tag.as_str().to_owned());
                }
                if let Call::Data { request_id, .. } | Call::Poll { request_id } = &call {
                    self.check_data(request_id);
                }
                At::Hear(Box::new(self.flinks.call(&self.settings, &call, self.now_ms)))
            }
            At::Hear(answer) => {
                if let Answer::Data { accounts, .. } = &*answer {
                    driver.in_hand.clone_from(accounts);
                }
                self.heard.extend(driver.signing_in.take());
                driver.task.hear(*answer);
                At::Decide
            }
            At::Wait(version, until_ms) => {
                let changed = self.version(driver) != version;
                if changed || self.now_ms >= until_ms { At::Decide } else { At::Wait(version, until_ms) }
            }
            over @ At::Over(_) => over,
        };
    }

    /// No live sign-in while another one's answer may still come, and none but for a user who waits.
    fn check_sign_in(&self, login: &str, driver: &Driver) {
        assert!(matches!(driver.task, Task::Start(_)), "the bank is asked although nobody is there");
        for (_, tag, sent_ms) in self.flinks.sign_ins.iter().filter(|(of, ..)| of == login) {
            let was_heard = tag.as_ref().is_some_and(|tag| self.heard.contains(tag));
            let apart = self.now_ms - sent_ms;
            assert!(was_heard || apart >= self.settings.bank_ms, "two live sign-ins at once, {apart} ms apart");
        }
    }

    /// Asking for the data spends the session, and says nothing of a result that is not finished: it comes after the commit only.
    fn check_data(&self, session: &RequestId) {
        let mut of_session = self.store.attempts.iter().filter(|attempt| attempt.request_id.as_ref() == Some(session));
        assert!(of_session.any(|attempt| attempt.state.is_used()), "data is asked for before the result is committed");
    }

    fn version(&self, driver: &Driver) -> i64 {
        self.store.read(&driver.task.query(), self.now_ms).map_or(-1, |stored| stored.connection.version)
    }

    fn decide(&self, driver: &mut Driver) -> At {
        if self.keeps_json {
            // As a driver in another language would keep it.
            let kept = serde_json::to_string(&driver.task).unwrap();
            driver.task = serde_json::from_str(&kept).unwrap();
        }
        let stored = self.store.read(&driver.task.query(), self.now_ms);
        let step = driver.task.step(&self.settings, self.now(), stored.as_ref());
        if step.commit.is_some() { At::Store(Box::new(step)) } else { self.follow(driver, step) }
    }

    fn follow(&self, driver: &mut Driver, step: Step) -> At {
        driver.task = step.task;
        match step.then {
            Then::Again => At::Decide,
            Then::Call(call) => At::Send(call),
            Then::Wait(until_ms) => At::Wait(self.version(driver), until_ms),
            Then::Reply(reply) => At::Over(reply),
        }
    }

    /// To its end; a wait takes its time.
    pub fn run(&mut self, task: Task) -> Reply {
        let mut driver = Driver::of(task);
        self.finish(&mut driver)
    }

    pub fn finish(&mut self, driver: &mut Driver) -> Reply {
        for _ in 0..200 {
            if let At::Wait(_, until_ms) = driver.at {
                self.now_ms = self.now_ms.max(until_ms);
            }
            self.advance(driver);
            if let At::Over(reply) = &driver.at {
                return reply.clone();
            }
        }
        panic!("it goes round without end");
    }

    pub fn start(&mut self) -> Reply {
        let task = self.start_task(BANK);
        self.run(task)
    }

    #[track_caller]
    pub fn challenge(&mut self) -> Challenge {
        match self.start() {
            Reply::Started(StartReply::Challenge(challenge)) => challenge,
            other => panic!("no challenge: {other:?}"),
        }
    }

    #[track_caller]
    pub fn connect(&mut self) -> Connect {
        match self.start() {
            Reply::Started(StartReply::Connect(connect)) => connect,
            other => panic!("no full flow: {other:?}"),
        }
    }

    pub fn deliver(&mut self, delivery: Delivery) -> Reply {
        self.run(Task::Deliver(Deliver::new(USER.to_owned(), delivery)))
    }

    pub fn webhook(&mut self, session: Option<&str>, tag: Option<&Tag>) -> Reply {
        let body = json!({
            "ResponseType": "GetAccountsDetail", "Login": {"Id": LOGIN}, "RequestId": session, "Tag": tag.map(Tag::as_str),
        });
        self.run(Task::Webhook(Webhook::read(body.to_string().as_bytes()).unwrap()))
    }

    /// Does what is due until nothing is due by then; the clock goes there.
    pub fn work_until(&mut self, until_ms: i64) {
        for _ in 0..5000 {
            let due = self
                .store
                .attempts
                .iter()
                .filter(|one| matches!(one.state, State::Open | State::Accepted) && one.due_at_ms <= until_ms)
                .min_by_key(|one| one.due_at_ms);
            let Some((id, due_at_ms)) = due.map(|one| (one.id.clone(), one.due_at_ms)) else {
                self.now_ms = self.now_ms.max(until_ms);
                return;
            };
            self.now_ms = self.now_ms.max(due_at_ms);
            self.run(Task::Work(Work::new(id)));
        }
        panic!("the work has no end");
    }

    pub fn work_for(&mut self, ms: i64) {
        self.work_until(self.now_ms + ms);
    }

    pub fn connection(&self) -> &Connection {
        &self.store.connections[BANK]
    }

    pub fn stored_accounts(&self) -> Vec<&str> {
        self.store.accounts.get(BANK).into_iter().flatten().map(AccountId::as_str).collect()
    }

    pub fn state(&self, id: &AttemptId) -> State {
        let query = Query::Id { id: id.clone() };
        let stored = self.store.read(&query, self.now_ms).unwrap();
        stored.attempts.iter().find(|one| one.id == *id).unwrap().state
    }

    #[track_caller]
    pub fn is_repaired(&self) {
        assert_eq!((self.connection().status, &self.connection().problem), (Status::UpToDate, &None));
        assert!(self.connection().refreshed_at_ms.unwrap() > OLD_MS, "with data of before");
    }
}

/// What the widget sends after a challenge.
pub fn delivery(attempt: &AttemptId, session: Option<&str>) -> Delivery {
    Delivery {
        attempt: attempt.clone(),
        login_id: Some(login()),
        request_id: session.map(|id| RequestId::parse(id).unwrap()),
        account_ids: Vec::new(),
        tag: None,
        fingerprint: "print".to_owned(),
    }
}

#[track_caller]
pub fn refused(reply: &Reply, status: u16, code: &str) -> Refusal {
    let Reply::Refused(refusal) = reply else { panic!("not refused: {reply:?}") };
    assert_eq!((refusal.status(), refusal.code()), (status, code));
    refusal.clone()
}
