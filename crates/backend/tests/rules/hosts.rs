//! A model of two hosts on one store that fail at every step.
//!
//! A script of requests is played: five clicks spread over both hosts, the user's answer, the page's delivery (repeated until it
//! is answered), a webhook, workers. The operations of all drivers are interleaved by dice. One driver is stopped before its
//! n-th operation and never comes back; n goes through all of them, so that a host dies before and after every read, every
//! commit, every call and every answer. What has to hold is checked after each run.

use flinks_backend::{
    deliver::Deliver,
    record::State,
    start::StartReply,
    step::{Reply, Task},
    webhook::Webhook,
    work::Work,
};
use serde_json::json;

use super::{
    flinks::Bank,
    world::{BANK, Driver, LOGIN, USER, World, delivery, print_row},
};

/// `SplitMix64`: the same numbers for the same seed, everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// What holds in any world, at any time. Live sign-ins are judged where they are sent.
pub fn judge(world: &World) {
    let results: Vec<_> = world.store.attempts.iter().filter_map(|attempt| attempt.result.as_ref()).collect();
    let mut unique = results.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(results.len(), unique.len(), "one result for each session");
    for attempt in &world.store.attempts {
        let id = attempt.id.as_str();
        for once in [State::Accepted, State::Finished, State::Failed] {
            let times = world.store.moves.iter().filter(|(of, state)| of == id && *state == once).count();
            assert!(times <= 1, "an attempt is {once:?} {times} times");
        }
    }
}

#[derive(Default, Debug)]
struct Counts {
    runs: usize,
    operations: usize,
    stopped: usize,
    sign_ins: usize,
    most_sign_ins: usize,
    accepted: usize,
}

/// Plays the script with one driver stopped before operation `stop_at` of all. Whether it came to that.
fn play(seed: u64, stop_at: usize, bank: Bank, counts: &mut Counts) -> bool {
    let mut world = World::new();
    world.keeps_json = false;
    world.flinks.bank = bank;
    let mut dice = Dice(seed);
    let mut operations = 0;
    let mut stopped = false;
    let mut clicks: Vec<Driver> = (0..5).map(|_| Driver::of(world.start_task(BANK))).collect();
    let mut finished_session = None;
    // The bank's answer to a slow sign-in or a lost one takes minutes; the user goes on clicking.
    for _ in 0..60 {
        let before = world.flinks.sign_ins.len();
        run_all(&mut world, &mut clicks, &mut dice, &mut operations, stop_at, &mut stopped);
        assert!(world.flinks.sign_ins.len() - before <= 1, "clicks at once are one live sign-in");
        let challenge = clicks.iter().find_map(|driver| match driver.reply() {
            Some(Reply::Started(StartReply::Challenge(challenge))) => Some(challenge.clone()),
            _ => None,
        });
        let is_up_to_date =
            clicks.iter().any(|driver| matches!(driver.reply(), Some(Reply::Started(StartReply::UpToDate))));
        if let Some(challenge) = challenge {
            finished_session = Some(challenge);
            break;
        }
        if is_up_to_date {
            break;
        }
        world.work_for(5_000);
        clicks = vec![Driver::of(world.start_task(BANK))];
    }
    if let Some(challenge) = finished_session {
        let session = challenge.request_id.as_str().to_owned();
        world.now_ms += 1000;
        world.flinks.finish(&session, world.now_ms);
        let body = json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": LOGIN}, "RequestId": session,
                          "Tag": challenge.tag.as_str()});
        let hook = Webhook::read(body.to_string().as_bytes()).unwrap();
        let deliver = || Task::Deliver(Deliver::new(USER.to_owned(), delivery(&challenge.attempt, Some(&session))));
        let mut drivers = vec![
            Driver::of(deliver()),
            Driver::of(Task::Webhook(hook)),
            Driver::of(Task::Work(Work::new(challenge.attempt.clone()))),
            Driver::of(deliver()),
        ];
        run_all(&mut world, &mut drivers, &mut dice, &mut operations, stop_at, &mut stopped);
        // The page repeats its delivery until it is answered.
        assert_eq!(world.run(deliver()), Reply::Accepted);
        // Two hosts that both believe that the fetch is theirs.
        let work = || Driver::of(Task::Work(Work::new(challenge.attempt.clone())));
        let mut workers = vec![work(), work()];
        run_all(&mut world, &mut workers, &mut dice, &mut operations, stop_at, &mut stopped);
    }
    world.work_for(40 * 60_000);
    world.is_repaired();
    judge(&world);
    assert!(world.store.attempts.iter().all(|attempt| attempt.state != State::Failed));
    counts.runs += 1;
    counts.operations += operations;
    counts.stopped += usize::from(stopped);
    counts.sign_ins += world.flinks.sign_ins.len();
    counts.most_sign_ins = counts.most_sign_ins.max(world.flinks.sign_ins.len());
    counts.accepted += world.store.moves.iter().filter(|(_, state)| *state == State::Accepted).count();
    stopped
}

/// Interleaves the drivers' operations until each is over or stopped.
fn run_all(
    world: &mut World,
    drivers: &mut Vec<Driver>,
    dice: &mut Dice,
    operations: &mut usize,
    stop_at: usize,
    stopped: &mut bool,
) {
    for _ in 0..2000 {
        let alive: Vec<_> = (0..drivers.len()).filter(|index| drivers[*index].reply().is_none()).collect();
        if alive.is_empty() {
            return;
        }
        let index = alive[dice.below(alive.len())];
        *operations += 1;
        if *operations == stop_at {
            *stopped = true;
            drivers.remove(index);
            continue;
        }
        world.advance(&mut drivers[index]);
        world.now_ms += 1;
        if dice.below(8) == 0 {
            world.now_ms += 500;
        }
    }
}

#[test]
fn two_hosts_that_fail_at_every_step_lose_nothing_and_do_nothing_twice() {
    let mut counts = Counts::default();
    for bank in [Bank::Asks, Bank::NeedsNobody, Bank::Slow(90_000)] {
        for seed in 0..8 {
            for stop_at in 1.. {
                if !play(seed, stop_at, bank, &mut counts) {
                    break;
                }
            }
        }
    }
    let Counts { runs, operations, stopped, sign_ins, most_sign_ins, accepted } = counts;
    print_row(&format!(
        "model of two hosts | {runs} runs, {operations} operations, {stopped} times one host stopped before one of them | {accepted} results accepted, none lost or twice; {sign_ins} live sign-ins, at most {most_sign_ins} in a run, never two at once"
    ));
    assert!(counts.stopped > 1000, "{counts:?}");
}
