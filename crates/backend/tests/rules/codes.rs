//! The table of codes: the one in the documentation is the one in the code, and each code does to each call what its word says.

use flinks_backend::{
    code::{About, Meaning, TABLE},
    record::{Stage, State, Status},
    start::{Mode, StartReply},
    step::Reply,
};

use super::{
    flinks::{Bank, Refusal, Session},
    world::{LOGIN, World, delivery, refused},
};

const MINUTE: i64 = 60_000;

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let page = include_str!("../../../../docs/backend.md");
    for (code, meanings) in TABLE {
        let cells = meanings.map(Meaning::as_str).join(" | ");
        let row = format!("| `{code}` | {cells} |");
        assert!(page.contains(&row), "docs/backend.md lacks the row {row}");
    }
}

/// Every code, with its HTTP status and what it means to that call.
fn codes(about: About) -> impl Iterator<Item = (Refusal, Meaning)> {
    let column = About::COLUMNS.iter().position(|one| *one == about).unwrap();
    TABLE.iter().map(move |(code, meanings)| {
        let known = flinks_connect::code::ALL.iter().find(|one| one.name == *code).unwrap();
        (Refusal { about, http_status: known.http_status, code, message: None }, meanings[column])
    })
}

#[test]
fn whatever_a_live_sign_in_is_answered_ends_nothing() {
    for (refusal, meaning) in codes(About::SignIn) {
        let Refusal { code, .. } = refusal;
        let mut world = World::new();
        world.flinks.refuses = Some(refusal);
        let reply = world.start();
        match meaning {
            Meaning::AskUser => assert!(matches!(reply, Reply::Started(StartReply::Connect(_))), "{code}: {reply:?}"),
            Meaning::Later => drop(refused(&reply, 503, code)),
            Meaning::Limit => drop(refused(&reply, 503, "FLINKS_BUSY")),
            Meaning::Working => drop(refused(&reply, 503, "BANK_SLOW")),
            other => panic!("{code}: nobody has said what {other:?} does to a sign-in"),
        }
        // Only what may still be under way at the bank keeps others away.
        assert_eq!(world.connection().sign_in.is_some(), meaning == Meaning::Working, "{code}");
        assert_eq!(world.connection().status, Status::NeedsAttention, "{code}");
        world.flinks.refuses = None;
        world.now_ms += 5 * MINUTE;
        assert_eq!(world.challenge().mode, Mode::Refresh, "{code}");
    }
}

#[test]
fn whatever_a_session_is_answered_ends_no_attempt() {
    for (refusal, meaning) in codes(About::Session) {
        let Refusal { code, .. } = refusal;
        let asked = || {
            let mut world = World::new();
            let challenge = world.challenge();
            world.now_ms += 1000;
            world.flinks.refuses = Some(refusal);
            (world, challenge)
        };
        let (mut world, challenge) = asked();
        let reply = world.deliver(delivery(&challenge.attempt, None));
        match meaning {
            Meaning::Waiting | Meaning::Working | Meaning::Over => drop(refused(&reply, 409, "NOT_FINISHED")),
            Meaning::Done => assert_eq!(reply, Reply::Accepted, "{code}"),
            Meaning::Refused => drop(refused(&reply, 422, code)),
            Meaning::Later => drop(refused(&reply, 503, code)),
            Meaning::Limit => drop(refused(&reply, 503, "FLINKS_BUSY")),
            other => panic!("{code}: nobody has said what {other:?} is of a session"),
        }
        let (mut world, challenge) = asked();
        match (meaning, world.start()) {
            (Meaning::Waiting, Reply::Started(StartReply::Challenge(again))) => {
                assert_eq!((again.mode, again.attempt), (Mode::Resume, challenge.attempt.clone()), "{code}");
            }
            (Meaning::Over | Meaning::Refused, Reply::Started(StartReply::Challenge(again))) => {
                assert_eq!(again.mode, Mode::Refresh, "{code}");
                assert_ne!(again.attempt, challenge.attempt, "{code}");
            }
            (Meaning::Done, reply) => assert_eq!(reply, Reply::Started(StartReply::UpToDate), "{code}"),
            (Meaning::Working, reply) => drop(refused(&reply, 503, "BANK_SLOW")),
            (Meaning::Later, reply) => drop(refused(&reply, 503, code)),
            (Meaning::Limit, reply) => drop(refused(&reply, 503, "FLINKS_BUSY")),
            (meaning, reply) => panic!("{code}, {meaning:?}: {reply:?}"),
        }
        // The job asks on, and finds what the user does later.
        let (mut world, challenge) = asked();
        world.work_for(5 * MINUTE);
        let is_over = matches!(meaning, Meaning::Over | Meaning::Refused);
        let attempt = world.store.attempts[0].clone();
        if meaning != Meaning::Done {
            let stage = if is_over { Stage::SessionOver } else { Stage::Session };
            assert_eq!((attempt.state, attempt.stage), (State::Open, stage), "{code}");
        }
        world.flinks.refuses = None;
        world.flinks.finish(challenge.request_id.as_str(), world.now_ms);
        world.work_for(20 * MINUTE);
        world.is_repaired();
    }
}

#[test]
fn whatever_the_cached_call_is_answered_keeps_nobody_out() {
    for (refusal, meaning) in codes(About::Cached) {
        let Refusal { code, .. } = refusal;
        let mut world = World::new();
        world.flinks.refuses = Some(refusal);
        match (meaning, world.start()) {
            (Meaning::Limit, reply) => drop(refused(&reply, 503, "FLINKS_BUSY")),
            (_, Reply::Started(StartReply::Challenge(challenge))) => {
                assert_eq!(challenge.mode, Mode::Refresh, "{code}");
            }
            (_, reply) => panic!("{code}: {reply:?}"),
        }
        // Nor does it finish a full flow, or end it.
        let mut world = World::new();
        world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
        let connect = world.connect();
        world.flinks.refuses = Some(refusal);
        let reply = world.deliver(delivery(&connect.attempt, None));
        match meaning {
            Meaning::Working | Meaning::Stale | Meaning::AskUser => drop(refused(&reply, 409, "NOT_FINISHED")),
            Meaning::Later => drop(refused(&reply, 503, code)),
            Meaning::Limit => drop(refused(&reply, 503, "FLINKS_BUSY")),
            other => panic!("{code}: nobody has said what {other:?} is of a login"),
        }
        world.work_for(5 * MINUTE);
        assert_eq!(world.state(&connect.attempt), State::Open, "{code}");
        world.flinks.refuses = None;
        world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
        world.work_for(20 * MINUTE);
        world.is_repaired();
    }
}

#[test]
fn whatever_the_data_call_is_answered_ends_no_accepted_result() {
    let accepted = || {
        let mut world = World::new();
        let challenge = world.challenge();
        world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
        assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted);
        (world, challenge)
    };
    for (refusal, meaning) in codes(About::Data) {
        let Refusal { code, .. } = refusal;
        let (mut world, challenge) = accepted();
        world.flinks.refuses = Some(refusal);
        world.work_for(10 * MINUTE);
        assert_eq!(world.state(&challenge.attempt), State::Accepted, "{code}");
        let problem = match meaning {
            Meaning::Working | Meaning::Over => None,
            Meaning::Limit => Some("FLINKS_BUSY"),
            _ => Some(code),
        };
        assert_eq!(world.connection().problem.as_deref(), problem, "{code}");
        world.flinks.refuses = None;
        world.work_for(2 * MINUTE);
        world.is_repaired();
    }
    // Its session is spent, and another one cannot be had. Only a login that is gone is the end.
    for (refusal, meaning) in codes(About::Cached) {
        let Refusal { code, .. } = refusal;
        let (mut world, challenge) = accepted();
        world.flinks.sessions.get_mut(challenge.request_id.as_str()).unwrap().standing = Session::Over;
        world.flinks.refuses = Some(refusal);
        world.work_for(10 * MINUTE);
        if meaning == Meaning::AskUser {
            assert_eq!(world.state(&challenge.attempt), State::Failed, "{code}");
            continue;
        }
        assert_eq!(world.state(&challenge.attempt), State::Accepted, "{code}");
        world.flinks.refuses = None;
        world.work_for(2 * MINUTE);
        world.is_repaired();
    }
}

#[test]
fn a_refused_key_is_never_the_users_fault_and_ends_nothing() {
    for about in [About::SignIn, About::Session, About::Cached, About::Data, About::Token] {
        let message = Some("You must provide a valid auth key");
        let refusal = Refusal { about, http_status: 401, code: "UNAUTHORIZED", message };
        // Before there is a session …
        let mut world = World::new();
        world.flinks.refuses = Some(refusal);
        let reply = world.start();
        if matches!(about, About::SignIn | About::Cached | About::Token) {
            refused(&reply, 503, "FLINKS_KEYS_REFUSED");
        }
        assert_eq!(world.connection().sign_in, None, "{about:?}");
        world.flinks.refuses = None;
        world.challenge();
        // … while the user is in it, and when the user is through.
        let mut world = World::new();
        let challenge = world.challenge();
        world.flinks.refuses = Some(refusal);
        world.work_for(5 * MINUTE);
        assert_eq!(world.state(&challenge.attempt), State::Open, "{about:?}");
        if matches!(about, About::Session | About::Token) {
            refused(&world.start(), 503, "FLINKS_KEYS_REFUSED");
        }
        world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
        let reply = world.deliver(delivery(&challenge.attempt, None));
        if about == About::Session {
            refused(&reply, 503, "FLINKS_KEYS_REFUSED");
        } else {
            assert_eq!(reply, Reply::Accepted, "{about:?}");
        }
        world.work_for(5 * 60 * MINUTE);
        world.flinks.refuses = None;
        world.work_for(20 * MINUTE);
        world.is_repaired();
    }
}
