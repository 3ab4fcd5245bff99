//! Every named scenario, set up over the control interface and played over HTTP to its described outcome.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use crate::common::receiver::Receiver;
use crate::common::{ANSWERS, Answer, Bench, Page};
use flinks_connect::parameters::Language;
use flinks_sandbox::bank::question::Challenges;
use flinks_sandbox::bank::{institution, user};
use flinks_sandbox::scenario::{ALL, Ask, Move, Scenario, Trait, as_markdown};
use flinks_sandbox::state::login::Identity;
use flinks_sandbox::{Config, DEMO_LOGINS};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

const DAY_MS: u64 = 24 * 60 * 60_000;

/// Plays one scenario.
struct Player<'a> {
    bench: &'a Bench,
    receiver: &'a Receiver,
    session: String,
    token: String,
    page: Option<Page<'a>>,
    connect: Option<url::Url>,
    last: Value,
}

#[tokio::test]
async fn every_scenario_ends_as_it_says() {
    let receiver = Receiver::start().await;
    let bench = Bench::with(Config { webhook: Some(receiver.webhook.clone()), ..Config::local() }).await;
    for scenario in ALL {
        play(&bench, &receiver, scenario).await;
        // What is due later comes now, and none of it in the middle of the next scenario.
        bench.control("clock", json!({ "advanceMs": DAY_MS })).await;
        bench.webhooks_settle().await;
        receiver.forget();
    }
    // `npm test` prints it; `cargo test` hides what a test that passes says.
    let count = format!("| scenarios | {} | each set up by its name and played to the end it describes |\n", ALL.len());
    print!("{count}");
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios.md"), count).unwrap();
}

#[test]
fn the_document_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("SCENARIOS.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let hint = "make it again: cargo run -p flinks-sandbox -- scenarios --markdown > crates/sandbox/SCENARIOS.md";
    assert!(written == as_markdown(), "{hint}");
}

#[tokio::test]
async fn setting_one_up_says_what_to_do_and_a_wrong_name_changes_nothing() {
    let bench = Bench::start().await;
    let ready = bench.control("scenario", json!({"name": "reconnect"})).await;
    assert_eq!(ready.status, 200);
    let session = ready.text("requestId").to_owned();
    assert!(ready.text("connectUrl").starts_with(&format!("{}?requestId={session}", bench.sandbox.connect_url())));
    assert_eq!(ready.text("loginId"), DEMO_LOGINS[0].login_id);
    assert!(ready.body["then"].as_array().unwrap().len() > 2);
    for body in [json!({"name": "no such"}), json!({}), json!([]), json!({"name": "reconnect", "more": 1})] {
        let refused = bench.control("scenario", body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text("error").len() > 10);
    }
    assert_eq!(bench.authorize(json!({ "RequestId": session })).await.status, 203, "the session is still there");
    let listed = bench.control("scenarios", Value::Null).await;
    assert_eq!(listed.body["scenarios"].as_array().unwrap().len(), ALL.len());
}

async fn play(bench: &Bench, receiver: &Receiver, scenario: &Scenario) {
    let ready = bench.control("scenario", json!({ "name": scenario.name })).await;
    assert_eq!(ready.status, 200, "{}: {}", scenario.name, ready.body);
    let text = |name: &str| ready.body[name].as_str().unwrap_or_default().to_owned();
    let mut player = Player {
        bench,
        receiver,
        session: text("requestId"),
        token: String::new(),
        page: None,
        connect: ready.body["connectUrl"].as_str().map(|url| url.parse().unwrap()),
        last: Value::Null,
    };
    for step in scenario.play {
        player.take(*step, &format!("{}: {step}", scenario.name)).await;
    }
}

impl<'a> Player<'a> {
    fn page(&mut self) -> &mut Page<'a> {
        self.page.as_mut().unwrap()
    }

    async fn act(&mut self, action: Value) {
        self.page().act(action).await;
    }

    async fn take(&mut self, step: Move, what: &str) {
        match step {
            Move::Call(ask, status, code) => {
                let answer = self.ask(ask).await.unwrap_or_else(|error| panic!("{what}: {error}"));
                self.check(answer, status, code, what);
            }
            Move::Broken(ask) => {
                let answer = self.ask(ask).await;
                assert!(answer.is_err(), "{what}: {}", answer.unwrap().body);
            }
            Move::Late(ask, ms, status, code) => {
                let call = self.send(ask).await;
                let before = self.authorize_calls();
                let push = async {
                    let is_logged = |_: &Bench| authorize_calls(&self.bench.sandbox.log()) > before;
                    self.bench.until(what, is_logged).await;
                    self.bench.control("clock", json!({ "advanceMs": ms - 1_000 })).await;
                    self.bench.control("clock", json!({ "advanceMs": 1_000 })).await;
                };
                let (answer, ()) = tokio::join!(read(call), push);
                let answer = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
                self.check(answer, status, code, what);
            }
            Move::Abandoned(ask) => {
                let call = self.send(ask).await;
                let before = self.authorize_calls();
                let call = tokio::spawn(read(call));
                self.bench.until(what, |bench| authorize_calls(&bench.sandbox.log()) > before).await;
                assert!(!call.is_finished(), "{what}");
                call.abort();
            }
            Move::Says(place, value) => assert_eq!(self.last.pointer(place).unwrap(), value, "{what}"),
            Move::Holds(count) => assert_eq!(self.last["Accounts"].as_array().unwrap().len(), count, "{what}"),
            Move::Lists(count) => assert_eq!(self.last["IneligibleCards"].as_array().unwrap().len(), count, "{what}"),
            Move::Pass(ms) => {
                self.bench.control("clock", json!({ "advanceMs": ms })).await;
            }
            Move::Load => self.load().await,
            Move::Resume => self.resume().await,
            Move::Document(status, forbids_framing) => {
                let response = self.bench.http.get(self.connect.clone().unwrap()).send().await.unwrap();
                assert_eq!(response.status().as_u16(), status, "{what}");
                assert_eq!(response.headers().contains_key("x-frame-options"), forbids_framing, "{what}");
            }
            Move::Consent(agrees) => {
                self.act(json!({"name": if agrees { "accept-consent" } else { "deny-consent" }})).await;
            }
            Move::Bank(id) => self.act(json!({"name": "pick-institution", "id": id})).await,
            Move::SignIn(user, password) => {
                self.page().sign_in(user, password).await;
            }
            Move::Answer(text) => {
                self.page().answer(text).await;
            }
            Move::AnswerRound(challenges, round) => self.answer_round(challenges, round).await,
            Move::AnswerAll => {
                self.page().answer_all().await;
            }
            Move::Accounts(login, places) => {
                let ids = accounts(login, places);
                self.act(json!({"name": "pick-accounts", "ids": ids})).await;
            }
            Move::Retry => self.act(json!({"name": "retry"})).await,
            Move::Close => self.act(json!({"name": "close"})).await,
            Move::Terms(accepted) => self.act(json!({"name": "terms", "accepted": accepted})).await,
            Move::Follow(name) => self.act(json!({ "name": name })).await,
            Move::Network => {
                self.page().lose_network();
                self.act(json!({"name": "online"})).await;
            }
            Move::Resize(width, height) => self.act(json!({"name": "resize", "width": width, "height": height})).await,
            Move::Popup(opens) => self.act(json!({"name": if opens { "popup-opened" } else { "popup-blocked" }})).await,
            Move::Decide(approves) => {
                self.page().decide(if approves { "approve" } else { "decline" }).await;
            }
            Move::Posts(names) => assert_eq!(names_of(&self.page().events), names, "{what}"),
            Move::Shows(screen) => assert_eq!(self.page().name(), screen, "{what}"),
            Move::Fails(code) => {
                assert!(matches!(self.page().name(), "error" | "expired"), "{what}: {}", self.page().screen);
                assert_eq!(self.page().screen["code"], code, "{what}");
            }
            Move::Redirect(how) => self.check_redirect(how, what),
            Move::GoesTo("") => assert_eq!(self.page().navigation, Value::Null, "{what}"),
            Move::GoesTo(address) => {
                let url = self.page().navigation["url"].as_str().unwrap_or_default().to_owned();
                assert!(url.starts_with(address), "{what}: {url}");
            }
            Move::Deaf(count) => self.receiver.deafen(count),
            Move::Hears(kinds) => {
                self.bench.webhooks_settle().await;
                assert_eq!(self.receiver.accepted(), kinds, "{what}");
            }
            Move::Failed(count) => {
                let failed = |bench: &Bench| bench.sandbox.log().iter().filter(|entry| is_failure(entry)).count();
                self.bench.until(what, |bench| failed(bench) == usize::from(count)).await;
            }
        }
    }

    async fn load(&mut self) {
        let url = self.connect.clone().unwrap();
        self.page = Some(self.bench.open_at(url.path(), url.query().unwrap_or_default()).await);
    }

    /// Comes back to the session with the token it began with.
    async fn resume(&mut self) {
        let query = format!("requestId={}&authorizeToken={}", self.session, self.token);
        self.page = Some(self.bench.open(&query).await);
    }

    async fn answer_round(&mut self, challenges: Challenges, round: usize) {
        let texts: Vec<_> = challenges.right(round).into_iter().map(|(_, texts)| texts).collect();
        self.page().answer_round(json!(texts)).await;
    }

    fn right_answers(&self, challenges: Challenges, round: usize) -> Value {
        let right = challenges.right(round).into_iter();
        let responses: Map<_, _> = right.map(|(prompt, texts)| (prompt.to_owned(), json!(texts))).collect();
        json!({"RequestId": self.session, "SecurityResponses": responses})
    }

    fn check(&mut self, answer: Answer, status: u16, code: &str, what: &str) {
        let said = answer.body["FlinksCode"].as_str().unwrap_or_default();
        assert_eq!((answer.status, said), (status, code), "{what}: {}", answer.body);
        if let Some(session) = answer.body["RequestId"].as_str() {
            session.clone_into(&mut self.session);
        }
        self.last = answer.body;
    }

    fn authorize_calls(&self) -> usize {
        authorize_calls(&self.bench.sandbox.log())
    }

    /// The answer to a call, or what is wrong with it.
    async fn ask(&mut self, ask: Ask) -> Result<Answer, String> {
        let request = self.send(ask).await;
        read(request).await
    }

    /// The call, ready to be sent.
    async fn send(&mut self, ask: Ask) -> RequestBuilder {
        let live =
            |place: usize| json!({"LoginId": DEMO_LOGINS[place].login_id, "MostRecentCached": false, "Save": true});
        let session = json!({ "RequestId": self.session });
        let answer_to =
            |prompt: &str, text: &str| json!({"RequestId": self.session, "SecurityResponses": {prompt: [text]}});
        match ask {
            Ask::Token => self.token_call(&self.bench.sandbox.config().secret_key),
            Ask::TokenWithLength => {
                self.token_call(&self.bench.sandbox.config().secret_key).header("content-length", "0")
            }
            Ask::TokenWithWrongKey => self.token_call("another key"),
            Ask::Live(place) => self.authorize(live(place)).await,
            Ask::LiveWithSpentToken(place) => self.with_token("Authorize").json(&live(place)),
            Ask::LiveTagged(place, tag) => {
                let mut body = live(place);
                body["Tag"] = json!(tag);
                self.authorize(body).await
            }
            Ask::LiveOauth => self.authorize(live_oauth()).await,
            Ask::LiveUnknown => {
                let body = json!({"LoginId": "11111111-2222-4333-8444-555555555555", "MostRecentCached": false});
                self.authorize(body).await
            }
            Ask::Cached(place) => {
                self.authorize(json!({"LoginId": DEMO_LOGINS[place].login_id, "MostRecentCached": true})).await
            }
            Ask::LiveAsync(place) => {
                self.token = self.bench.token().await;
                self.with_token("AuthorizeAsync").json(&live(place))
            }
            Ask::SignIn(bank, user, password) => {
                let body = json!({"Institution": bank, "Username": user, "Password": password, "Save": true});
                self.authorize(body).await
            }
            Ask::Respond(question, text) => {
                let body = answer_to(ANSWERS[question].0, text);
                self.authorize(body).await
            }
            Ask::RespondTo(challenges, round) => self.authorize(self.right_answers(challenges, round)).await,
            Ask::RespondElsewhere => {
                let body = answer_to("What is your favourite colour?", "Blue");
                self.authorize(body).await
            }
            Ask::Probe => self.authorize(session).await,
            Ask::ProbeWithOwnToken => self.with_token("Authorize").json(&session),
            Ask::ProbeWithoutAnswers => {
                self.authorize(json!({"RequestId": self.session, "SecurityResponses": {}})).await
            }
            Ask::Summary => self.data(Method::POST, "GetAccountsSummary", &session),
            Ask::Detail => self.data(Method::POST, "GetAccountsDetail", &session),
            Ask::DetailOf(login, account) => {
                let body = json!({"RequestId": self.session, "AccountsFilter": accounts(login, &[account])});
                self.data(Method::POST, "GetAccountsDetail", &body)
            }
            Ask::DetailWithWrongKey => self
                .bench
                .http
                .post(self.bench.url("GetAccountsDetail"))
                .header("x-api-key", "another key")
                .json(&session),
            Ask::DetailAsync => {
                self.data(Method::GET, &format!("GetAccountsDetailAsync/{}", self.session), &Value::Null)
            }
            Ask::Statements => self.data(Method::POST, "GetStatements", &session),
            Ask::StatementsAsync => {
                self.data(Method::GET, &format!("GetStatementsAsync/{}", self.session), &Value::Null)
            }
            Ask::Schedule(place, is_on) => {
                let body = json!({"LoginId": DEMO_LOGINS[place].login_id, "IsActivated": is_on});
                self.data(Method::PATCH, "SetScheduledRefresh", &body)
            }
            Ask::Nightly => self.data(Method::GET, "GetNightlyRefreshStatus", &Value::Null),
            Ask::Delete(place) => {
                self.data(Method::DELETE, &format!("DeleteCard/{}", DEMO_LOGINS[place].login_id), &Value::Null)
            }
            Ask::AnswerAhead(place) => {
                let questions: Vec<_> =
                    ANSWERS.iter().map(|(prompt, text)| json!({"Prompt": prompt, "Answer": text})).collect();
                let body = json!({"LoginId": DEMO_LOGINS[place].login_id, "Questions": questions});
                self.data(Method::PATCH, "AnswerMFAQuestions", &body)
            }
            Ask::Institutions => self.data(Method::GET, "Institutions", &Value::Null),
            Ask::Malformed => {
                self.token = self.bench.token().await;
                self.with_token("Authorize").body("{\"LoginId\": ")
            }
            Ask::WrongMethod => self.data(Method::GET, "Authorize", &Value::Null),
            Ask::Nowhere => self.data(Method::POST, "GetEverything", &session),
        }
    }

    fn token_call(&self, key: &str) -> RequestBuilder {
        self.bench.http.post(self.bench.url("GenerateAuthorizeToken")).header("flinks-auth-key", key)
    }

    async fn authorize(&mut self, body: Value) -> RequestBuilder {
        self.token = self.bench.token().await;
        self.with_token("Authorize").json(&body)
    }

    fn with_token(&self, endpoint: &str) -> RequestBuilder {
        self.bench.http.post(self.bench.url(endpoint)).header("flinks-auth-key", &self.token)
    }

    fn data(&self, method: Method, rest: &str, body: &Value) -> RequestBuilder {
        let request = self.bench.http.request(method, self.bench.url(rest));
        let request = request.header("x-api-key", &self.bench.sandbox.config().api_key);
        if body.is_null() { request } else { request.json(body) }
    }

    fn check_redirect(&mut self, how: Trait, what: &str) {
        let page = self.page.as_ref().unwrap();
        let place =
            names_of(&page.events).iter().rposition(|name| name == "REDIRECT").unwrap_or_else(|| panic!("{what}"));
        let is_text = page.events[place].is_string();
        let redirect = object(&page.events[place]);
        let connect: url::Url = self.bench.sandbox.connect_url().parse().unwrap();
        let written = redirect["url"].as_str().or(redirect["Url"].as_str());
        let url = written.map(|url| connect.join(url).unwrap());
        let in_url = |name: &str| {
            let found = url.iter().flat_map(url::Url::query_pairs).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let field = redirect["loginId"].as_str().map(str::to_owned);
        let is_known = |login: &Option<String>| DEMO_LOGINS.iter().any(|demo| Some(demo.login_id) == login.as_deref());
        let is_so = match how {
            Trait::OnlyUrl => field.is_none() && is_known(&in_url("loginId")),
            Trait::OnlyFields => url.is_none() && is_known(&field),
            Trait::Both => {
                let is_own = self.session.is_empty() || redirect["requestId"] == self.session.as_str();
                field.is_some() && field == in_url("loginId") && is_own
            }
            Trait::Text => is_text,
            Trait::Relative => field.is_none() && written.unwrap().starts_with('/') && is_known(&in_url("loginId")),
            Trait::AtResult => {
                let result = connect.join("/v2/Result/").unwrap();
                field.is_none() && written.unwrap().starts_with(result.as_str()) && is_known(&in_url("loginId"))
            }
            Trait::Cased => {
                let login = redirect["LoginId"].as_str().map(str::to_owned);
                field.is_none() && is_known(&login) && in_url("LoginId") == login && in_url("loginId").is_none()
            }
            Trait::NoLogin => {
                field.is_none() && in_url("loginId").is_none() && redirect["requestId"] == self.session.as_str()
            }
            Trait::OtherSession => redirect["requestId"].is_string() && redirect["requestId"] != self.session.as_str(),
            Trait::OtherTag => in_url("tag").is_some_and(|tag| tag != "mine"),
            Trait::OtherLogin => field.is_some() && !is_known(&field) && field == in_url("loginId"),
            Trait::Contradiction => field.is_some() && field != in_url("loginId"),
            Trait::Late(ms) => page.delays[place] == ms,
            Trait::Accounts(login, places) => {
                let list = accounts(login, places).join(",");
                redirect["accountId"] == list.as_str() && in_url("accountId") == Some(list)
            }
        };
        assert!(is_so, "{what}: {redirect}");
    }
}

/// A live refresh of the login that the bank with OAuth has vouched for.
fn live_oauth() -> Value {
    let user = user::find(user::WITHOUT_QUESTIONS).unwrap();
    let login = Identity::of(&institution::OAUTH_BANK, user, Language::En).login_id;
    json!({"LoginId": login.as_str(), "MostRecentCached": false, "Save": true})
}

/// The answer to a call, or what is wrong with it.
async fn read(request: RequestBuilder) -> Result<Answer, String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(|error| error.to_string())?;
    let body = serde_json::from_str(&text).map_err(|error| format!("{error}: {text:.80}"))?;
    Ok(Answer { status, body })
}

fn authorize_calls(log: &[Value]) -> usize {
    log.iter().filter(|entry| entry["kind"] == "apiCall" && entry["endpoint"] == "Authorize").count()
}

fn accounts(login: usize, places: &[usize]) -> Vec<&'static str> {
    places.iter().map(|place| DEMO_LOGINS[login].account_ids[*place]).collect()
}

fn object(event: &Value) -> Value {
    event.as_str().map_or_else(|| event.clone(), |text| serde_json::from_str(text).unwrap())
}

fn names_of(events: &[Value]) -> Vec<String> {
    let name = |event: &Value| {
        let event = object(event);
        event["step"].as_str().or(event["flinksCode"].as_str()).unwrap().to_owned()
    };
    events.iter().map(name).collect()
}

fn is_failure(entry: &Value) -> bool {
    entry["kind"] == "webhook" && entry["outcome"] != "delivered"
}
