//! Hosts that are killed, over and over, while simulated widgets use them.
//!
//! The hosts are the real program, ended by SIGKILL at random points, drawn from a seed, of *start*, *deliver* and *refresh* (from
//! the accepted result to the stored data). The widgets do what the real one does: the same key and the same bytes until the host
//! has answered, again after a network error, a 409 or a 5xx; only its pauses are shorter. Some users close the tab instead.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use flinks_sandbox::{Config, DEMO_LOGINS, DemoLogin, Sandbox, log::Happening};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::broadcast,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    answer_all,
    audit::Audit,
    delivery, print_row,
    receiver::{PATIENCE, Receiver, Told},
    sign_in,
};

/// For anything that has to happen at last.
const BOUND: Duration = Duration::from_mins(1);

/// What to do.
pub struct Plan {
    pub database_url: String,
    pub hosts: usize,
    pub kills: usize,
    pub seed: u64,
}

/// Where in a session a widget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Deliver,
    Refresh,
}

const PHASES: [Phase; 3] = [Phase::Start, Phase::Deliver, Phase::Refresh];

/// `SplitMix64`: the same numbers for the same seed, everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

#[derive(Default)]
struct Counts {
    starts: AtomicUsize,
    starts_cut: AtomicUsize,
    double_clicks: AtomicUsize,
    tries: AtomicUsize,
    deliveries_cut: AtomicUsize,
    abandoned: AtomicUsize,
    replayed: AtomicUsize,
    others_refused: AtomicUsize,
}

fn add(count: &AtomicUsize) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::Relaxed)
}

/// One host, or the gap between two.
struct Running {
    child: Child,
    base: String,
}

/// What the killer knows afterwards.
struct Run {
    killed: [usize; 3],
    starts: Vec<Duration>,
    took: Duration,
}

struct World {
    sandbox: Sandbox,
    database_url: String,
    site: TempDir,
    /// Where the hosts are now; empty while one is down.
    bases: Mutex<Vec<String>>,
    http: Client,
    cookie: Mutex<String>,
    phases: broadcast::Sender<Phase>,
    accepted: Mutex<BTreeSet<String>>,
    /// The application that is told.
    receiver: Receiver,
    counts: Counts,
    is_over: AtomicBool,
}

/// Kills hosts as planned, and checks that nothing was lost, doubled or overwritten.
pub async fn run(name: &str, plan: Plan) {
    let began = Instant::now();
    let sandbox = Sandbox::start(Config { processing_ms: 10, ..Config::local() }).await.unwrap();
    let world = Arc::new(World {
        sandbox,
        database_url: plan.database_url.clone(),
        site: TempDir::new().unwrap(),
        bases: Mutex::new(vec![String::new(); plan.hosts]),
        http: Client::builder().timeout(Duration::from_secs(10)).build().unwrap(),
        cookie: Mutex::default(),
        phases: broadcast::channel(64).0,
        accepted: Mutex::default(),
        receiver: Receiver::new(plan.seed),
        counts: Counts::default(),
        is_over: AtomicBool::new(false),
    });
    let mut dice = Dice(plan.seed);
    let mut starts = Vec::new();
    let mut hosts = Vec::new();
    for index in 0..plan.hosts {
        hosts.push(world.launch(index, &mut starts).await);
    }
    Audit::begin(&world.database_url).await;
    *world.cookie.lock().unwrap() = sign_in(&world.http, &hosts[0].base).await;

    let mut widgets = JoinSet::new();
    for login in &DEMO_LOGINS {
        let (world, seed) = (Arc::clone(&world), dice.below(u64::MAX));
        widgets.spawn(async move { world.widget(login, Dice(seed)).await });
    }
    let mut killed = [0; 3];
    for kill in 0..plan.kills {
        if kill == plan.kills / 20 {
            world.receiver.listen().await;
        }
        let at = usize::try_from(dice.below(3)).unwrap();
        world.reaches(PHASES[at], &mut widgets).await;
        // Not a wait for anything: the random point in the phase.
        sleep(Duration::from_micros(dice.below(25_000))).await;
        let victim = kill % hosts.len();
        world.bases.lock().unwrap()[victim].clear();
        hosts[victim].child.kill().await.unwrap();
        hosts[victim] = world.launch(victim, &mut starts).await;
        killed[at] += 1;
    }
    world.is_over.store(true, Ordering::Relaxed);
    timeout(BOUND, async {
        while let Some(ended) = widgets.join_next().await {
            ended.unwrap();
        }
    })
    .await
    .expect("every session comes to its end");
    timeout(BOUND, async {
        while Audit::waiting(&world.database_url).await > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("every event is taken at last");

    world.judge(name, &plan, Run { killed, starts, took: began.elapsed() }).await;
}

/// What became of the events that were written.
struct Events {
    written: usize,
    /// Of them, those that tell of fresh data, one for each attempt.
    refreshed: usize,
    lost: usize,
    out_of_order: usize,
}

impl Events {
    fn of(audit: &Audit, told: &Told) -> Self {
        let mut events = Self { written: 0, refreshed: 0, lost: 0, out_of_order: 0 };
        let mut refreshed = BTreeSet::new();
        for (connection, written) in &audit.told {
            let taken = told.taken.get(connection).map_or(&[][..], Vec::as_slice);
            events.written += written.len();
            events.lost += written.iter().filter(|(id, _)| !taken.contains(id)).count();
            let ids: Vec<_> = written.iter().map(|(id, _)| id).collect();
            let places: Vec<_> = taken.iter().map(|id| ids.iter().position(|one| *one == id)).collect();
            events.out_of_order += places.windows(2).filter(|pair| pair[0] >= pair[1]).count();
            for (_, body) in written {
                let event: Value = serde_json::from_str(body).unwrap();
                if event["type"] == "connection.refreshed" {
                    refreshed.insert(event["data"]["attempt"].to_string());
                }
            }
        }
        events.refreshed = refreshed.len();
        events
    }
}

/// The tag of each live sign-in that reached the sandbox.
fn live_sign_ins(sandbox: &Sandbox) -> Vec<String> {
    let calls = sandbox.log().into_iter().filter_map(|entry| match entry.happening {
        Happening::ApiCall { endpoint, body, .. } if endpoint == "Authorize" && body["MostRecentCached"] == false => {
            body["Tag"].as_str().map(str::to_owned)
        }
        _ => None,
    });
    calls.collect()
}

fn distinct(all: &[String]) -> usize {
    all.iter().collect::<BTreeSet<_>>().len()
}

impl World {
    /// Prints what happened, and checks that nothing was lost, doubled or overwritten.
    async fn judge(&self, name: &str, plan: &Plan, run: Run) {
        let audit = Audit::read(&self.database_url).await;
        let accepted = self.accepted.lock().unwrap().clone();
        let lost: Vec<_> =
            accepted.iter().filter(|id| audit.states.get(*id).map(String::as_str) != Some("finished")).collect();
        let Run { killed, mut starts, took } = run;
        let sign_ins = live_sign_ins(&self.sandbox);
        let told = self.receiver.told();
        let events = Events::of(&audit, &told);
        starts.sort();
        let Counts {
            starts: sent,
            starts_cut,
            double_clicks,
            tries,
            deliveries_cut,
            abandoned,
            replayed,
            others_refused,
        } = &self.counts;
        print_row(&format!(
            "{name}: {} kills ({} at start, {} at deliver, {} at refresh) of {} in {:.0} s, {} starts, {} times two at once, seed {} | \
             {} live sign-ins for {} attempts | {} results accepted | {} lost | {} twice | {} logins overwritten | {} events in {} posts, {} refused, {} answered late | {} lost | {} out of order",
            plan.kills,
            killed[0],
            killed[1],
            killed[2],
            if plan.hosts == 1 { "one host".to_owned() } else { format!("{} hosts", plan.hosts) },
            took.as_secs_f64(),
            read(sent),
            read(double_clicks),
            plan.seed,
            sign_ins.len(),
            distinct(&sign_ins),
            audit.count("accepted"),
            lost.len(),
            audit.doubled,
            audit.count("login overwritten"),
            events.written,
            told.posts,
            told.refused,
            told.late,
            events.lost,
            events.out_of_order
        ));
        println!(
            "{name}: host ready in {:?} (median), {:?} (longest)",
            starts[starts.len() / 2],
            starts[starts.len() - 1]
        );
        println!("{name}: starts cut off {}, sessions begun {}", read(starts_cut), audit.count("begun"));
        assert!(read(double_clicks) > 0, "some users click twice");
        assert_eq!(distinct(&sign_ins), sign_ins.len(), "each live sign-in is of an attempt of its own");
        println!(
            "{name}: deliveries accepted {} in {} tries (cut off {}), replays answered the same {}, other results refused {}",
            accepted.len(),
            read(tries),
            read(deliveries_cut),
            read(replayed),
            read(others_refused)
        );
        println!(
            "{name}: tabs closed {}, results accepted in all {}, effects (data stored) {}",
            read(abandoned),
            audit.count("accepted"),
            audit.count("data stored")
        );
        assert!(lost.is_empty(), "{} accepted results are lost", lost.len());
        assert_eq!(
            (audit.doubled, audit.count("login overwritten"), audit.count("failed")),
            (0, 0, 0),
            "{:?}",
            audit.events
        );
        assert_eq!((events.lost, events.out_of_order), (0, 0));
        assert_eq!(i64::try_from(events.refreshed), Ok(audit.count("finished")), "each repair is told once");
        assert!(told.refused > 0 && told.late > 0 && told.posts > events.written, "the application was in trouble");
        assert_eq!(audit.count("accepted"), audit.count("finished"), "{:?}", audit.events);
        assert_eq!(audit.count("data stored"), audit.count("finished"), "{:?}", audit.events);
        assert!(read(starts_cut) > 0 && read(deliveries_cut) > 0, "kills hit requests");
        assert!(killed.iter().all(|kills| *kills > 0) && killed.iter().sum::<usize>() == plan.kills, "{killed:?}");
        for login in &DEMO_LOGINS {
            let connection = self.connection(login).await;
            assert_eq!(
                (&connection["status"], &connection["problem"]),
                (&json!("up-to-date"), &Value::Null),
                "{connection}"
            );
            let path = format!("/api/connections/{}/accounts", login.connection);
            let accounts = self.until_answered(|base| self.http.get(format!("{base}{path}"))).await.1;
            let expected = if login.connection == "selected" { 2 } else { 4 };
            assert_eq!(accounts["accounts"].as_array().unwrap().len(), expected);
        }
    }

    /// Starts a host on the database; ready when it says so.
    async fn launch(&self, index: usize, starts: &mut Vec<Duration>) -> Running {
        let began = Instant::now();
        let config = self.sandbox.config();
        let mut child = Command::new(env!("CARGO_BIN_EXE_flinks-host"))
            .args(["--demo", "--site", self.site.path().to_str().unwrap()])
            .env("HOST_ADDR", "127.0.0.1:0")
            .env("FLINKS_API_URL", self.sandbox.api_url())
            .env("FLINKS_CONNECT_URL", self.sandbox.connect_url())
            .env("FLINKS_CUSTOMER_ID", &config.customer_id)
            .env("FLINKS_SECRET_KEY", &config.secret_key)
            .env("FLINKS_API_KEY", &config.api_key)
            .env("DATABASE_URL", &self.database_url)
            .env("POLL_INTERVAL_MS", "15")
            .env("RECONCILE_AFTER_MS", "60")
            .env("NIGHTLY_INTERVAL_MS", "50")
            .env("CLAIM_LEASE_MS", "300")
            .env("EVENTS_URL", format!("http://{}/events", self.receiver.addr))
            .env("EVENTS_SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
            .env("EVENTS_TIMEOUT_MS", PATIENCE.as_millis().to_string())
            // A host that dies in the middle of a sign-in leaves its mark: for so long nobody else signs in.
            .env("BANK_PATIENCE_MS", "1000")
            .env("RUST_LOG", "off")
            .env_remove("FLINKS_INSTANCE")
            .env_remove("FLINKS_WEBHOOK_SECRET")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        timeout(BOUND, output.read_line(&mut line)).await.expect("the host starts").unwrap();
        let port = line.trim().rsplit(':').next().unwrap_or_default();
        assert!(!port.is_empty(), "the host starts: {line}");
        let base = format!("http://127.0.0.1:{port}");
        starts.push(began.elapsed());
        self.bases.lock().unwrap()[index].clone_from(&base);
        Running { child, base }
    }

    /// Until some widget reaches `phase`.
    async fn reaches(&self, phase: Phase, widgets: &mut JoinSet<()>) {
        let mut phases = self.phases.subscribe();
        timeout(BOUND, async {
            loop {
                tokio::select! {
                    reached = phases.recv() => if reached.is_ok_and(|reached| reached == phase) { return },
                    ended = widgets.join_next() => panic!("a widget ended: {ended:?}"),
                }
            }
        })
        .await
        .expect("widgets go on");
    }

    /// Sends to some host until one answers; also how often none did.
    async fn until_answered(&self, request: impl Fn(&str) -> RequestBuilder) -> (u16, Value, usize) {
        let began = Instant::now();
        let mut cut = 0;
        while began.elapsed() < BOUND {
            let bases: Vec<_> = self.bases.lock().unwrap().iter().filter(|base| !base.is_empty()).cloned().collect();
            if let Some(base) = bases.get(cut % bases.len().max(1)) {
                let cookie = self.cookie.lock().unwrap().clone();
                if let Ok(response) = request(base).header("cookie", cookie).send().await {
                    let status = response.status().as_u16();
                    if let Ok(body) = response.json().await {
                        return (status, body, cut);
                    }
                }
                cut += 1;
            }
            // The widget's pause between two tries, shorter.
            sleep(Duration::from_millis(3)).await;
        }
        panic!("no host answered in {BOUND:?}");
    }

    async fn connection(&self, login: &DemoLogin) -> Value {
        let (status, body, _) = self.until_answered(|base| self.http.get(format!("{base}/api/connections"))).await;
        assert_eq!(status, 200, "{body}");
        let connections = body["connections"].as_array().unwrap();
        connections.iter().find(|one| one["id"] == login.connection).unwrap().clone()
    }

    async fn until_up_to_date(&self, login: &DemoLogin) {
        let began = Instant::now();
        loop {
            let connection = self.connection(login).await;
            if connection["status"] == "up-to-date" {
                return;
            }
            assert!(began.elapsed() < BOUND, "{} has no final status: {connection}", login.connection);
            sleep(Duration::from_millis(8)).await;
        }
    }

    async fn widget(&self, login: &DemoLogin, mut dice: Dice) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.session(login, &mut dice).await;
        }
    }

    /// One reconnect, from the button to fresh accounts.
    async fn session(&self, login: &DemoLogin, dice: &mut Dice) {
        let _ = self.phases.send(Phase::Start);
        let path = format!("/api/connections/{}/reconnect", login.connection);
        let began = Instant::now();
        let (status, reply) = loop {
            // Every third time the user clicks twice, as fast as they can.
            let start = || self.until_answered(|base| self.http.post(format!("{base}{path}")).json(&json!({})));
            let (status, reply, cut) = if dice.one_in(3) {
                add(&self.counts.double_clicks);
                let (one, other) = tokio::join!(start(), start());
                if let (Some(one), Some(other)) = (one.1["attemptId"].as_str(), other.1["attemptId"].as_str()) {
                    assert_eq!(one, other, "two clicks are one attempt");
                }
                if one.0 == 200 { (one.0, one.1, one.2 + other.2) } else { (other.0, other.1, one.2 + other.2) }
            } else {
                start().await
            };
            add(&self.counts.starts);
            self.counts.starts_cut.fetch_add(cut, Ordering::Relaxed);
            // As the widget: the bank is slow, or a host died while it was asked.
            if status != 503 || began.elapsed() > BOUND {
                break (status, reply);
            }
            sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(status, 200, "{reply}");
        if reply["status"] == "upToDate" {
            return self.until_up_to_date(login).await;
        }
        assert_eq!(reply["status"], "challenge", "{reply}");
        answer_all(&self.sandbox, &self.http, &reply).await;
        if dice.one_in(5) {
            add(&self.counts.abandoned);
            let _ = self.phases.send(Phase::Refresh);
            return self.until_up_to_date(login).await;
        }
        let body = delivery(&reply, login.login_id);
        self.deliver(&body).await;
        let attempt = reply["attemptId"].as_str().unwrap().to_owned();
        self.accepted.lock().unwrap().insert(attempt);
        let _ = self.phases.send(Phase::Refresh);
        if dice.one_in(3) {
            self.deliver(&body).await;
            add(&self.counts.replayed);
        }
        if dice.one_in(3) {
            let mut other = body.clone();
            other["institution"] = json!("Another");
            let (status, reply, _) = self.until_answered(|base| self.delivery(base, &other)).await;
            assert_eq!((status, &reply["code"]), (422, &json!("ATTEMPT_USED")));
            add(&self.counts.others_refused);
        }
        self.until_up_to_date(login).await;
    }

    fn delivery(&self, base: &str, body: &Value) -> RequestBuilder {
        let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
        self.http.post(format!("{base}/api/reconnects")).header("idempotency-key", key).json(body)
    }

    async fn deliver(&self, body: &Value) {
        let began = Instant::now();
        let _ = self.phases.send(Phase::Deliver);
        while began.elapsed() < BOUND {
            let (status, reply, cut) = self.until_answered(|base| self.delivery(base, body)).await;
            self.counts.tries.fetch_add(cut + 1, Ordering::Relaxed);
            self.counts.deliveries_cut.fetch_add(cut, Ordering::Relaxed);
            match status {
                200..=299 => return,
                409 if reply["code"] != "LOGIN_MISMATCH" => {}
                408 | 425 | 429 | 500 | 502..=504 => {}
                _ => panic!("a genuine result was refused: {status} {reply}"),
            }
            sleep(Duration::from_millis(3)).await;
        }
        panic!("a result was not taken in {BOUND:?}");
    }
}
