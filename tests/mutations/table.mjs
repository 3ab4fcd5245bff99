// The checks, each with what is put in its place and the test that must notice.
//
// Invariants: every text stands exactly once in its file (tests/sdk/contract.test.mjs looks); no replacement is a stricter check, and each
// compiles: what does not has not been caught.

/**
 * Mutations of one file: `[check, what becomes of it, text, replacement, test]`. A test is a file of tests/core, `lib` for those beside the code,
 * `clippy` for lints, `web` for tests/web.rs in a browser, `sdk` and a file of tests/sdk, or `e2e`, a file of tests/e2e/tests and the beginning of a test's name. For the server
 * half it is `rules` (crates/backend) or `host`, a module of its tests (or `lib`) and the beginning of a test's name.
 */
const inFile = (file, mutations) => mutations.map(([check, change, text, replacement, test]) => ({ file, check, change, text, replacement, test }));

const gate = inFile("src/session/machine/message.rs", [
  ["phase", "a session that is over listens", "let counter = if !matches!(self.phase, Phase::Loading | Phase::Active | Phase::Delivering) {", "let counter = if false {", "gate"],
  ["rate", "a runaway is read without end", "} else if !self.rate.admits(now_ms) {", "} else if false {", "gate"],
  ["rate: cap", "quiet saves up an endless burst", "self.tokens = (self.tokens + gained).min(RATE_BURST);", "self.tokens += gained;", "gate"],
  ["rate: phase first", "what nobody listens to uses up the rate", "let dropped = &mut self.dropped;", "self.rate.admits(now_ms);\n        let dropped = &mut self.dropped;", "gate"],
  ["order: data last", "the data is read before the checks", "let dropped = &mut self.dropped;", "drop(posted.fields());\n        let dropped = &mut self.dropped;", "gate"],
]);

const sender = inFile("src/web/gate.rs", [
  ["isTrusted", "scripts may make messages", "if !event.is_trusted() {", "if false {", "e2e attacks r01_"],
  ["source", "any window may speak", "} else if !self.is_from_frame(event) {", "} else if false {", "e2e attacks r02_"],
  [
    "source: null is not null",
    "a sender that is gone is the frame that is gone",
    " && !source.is_null()",
    "",
    "e2e attacks r04_",
  ],
  ["origin", "any origin may speak", "} else if event.origin() != self.origin {", "} else if false {", "e2e attacks r03_"],
  ["origin, whole", "the right beginning is enough", "event.origin() != self.origin", "!event.origin().starts_with(&self.origin)", "e2e attacks r03_"],
  ["origin, once", "the frame's address of the moment is asked", "event.origin() != self.origin", "!self.frame.src().starts_with(&event.origin())", "e2e attacks r03_"],
  ["order: source before origin", "the origin is asked first", "} else if !self.is_from_frame(event) {", "} else if event.origin() != self.origin {\n            &mut strangers.origin\n        } else if !self.is_from_frame(event) {", "web"],
  ["data last", "the data is read before the checks", "let mut strangers = self.strangers.get();", "drop(event.data());\n        let mut strangers = self.strangers.get();", "e2e attacks r07_"],
  ["strangers are counted", "they are not", "self.strangers.set(strangers);", "", "web"],
]);

const frame = [
  ...inFile("src/web/frame.rs", [["page: the gate", "nobody asks it", "if gate.admits(event) {", "if gate.admits(event) || true {", "e2e attacks r01_"]]),
  ...inFile("src/web/driver.rs", [["page: listener taken off", "it stays", "self.ui.frame_closes().map(|()| drop(frame))", "self.ui.frame_closes().map(|()| std::mem::forget(frame))", "e2e attacks r10_"]]),
  ...inFile("src/web/load_watch.rs", [
    ["page: who reports a blocked frame", "scripts may report it", "if event.is_trusted()\n            && ", "if ", "e2e policies r42_"],
    ["page: which policy", "a policy that only watches counts", "event.disposition() == SecurityPolicyViolationEventDisposition::Enforce", "true", "e2e policies r42_"],
    ["page: what is blocked", "whatever is blocked counts", "&& is_of_frames()", "&& (is_of_frames() || true)", "e2e policies r42_"],
    ["page: which frame is blocked", "any frame counts", "is_ok_and(|url| url.origin() == origin)", "is_ok_and(|url| !url.origin().is_empty())", "e2e policies r42_"],
  ]),
];

const decoder = [
  ...inFile("crates/connect/src/message.rs", [
    ["message with nothing in it", "any object is a message", "if step.is_none() && code.is_none() {\n            return None;\n        }\n", "", "messages"],
    ["a step that is no text", "it is the empty one", "Field::Text(_) | Field::Unusable => {}\n    });\n    first", "Field::Text(_) => {}\n        Field::Unusable => first = Some(String::new()),\n    });\n    first", "messages"],
  ]),
  ...inFile("crates/connect/src/id.rs", [
    ["id grammar: shortest", "seven characters are an id", "8..=MAX_ID_LEN)\n", "7..=MAX_ID_LEN)\n", "messages"],
    ["id grammar: longest", "129 characters are an id", "pub const MAX_ID_LEN: usize = 128;", "pub const MAX_ID_LEN: usize = 129;", "messages"],
    ["id grammar: alphabet", "an id may have spaces", "matches!(byte, b'.' | b'_' | b'-')", "matches!(byte, b'.' | b'_' | b'-' | b' ')", "messages"],
    ["id grammar: ASCII", "an id may have letters of any script", "text.bytes().all(|byte| byte.is_ascii_alphanumeric() || ", "text.bytes().all(|byte| byte >= 0x80 || byte.is_ascii_alphanumeric() || ", "messages"],
    ["tag grammar: length", "a tag is as long as it likes", "matches!(text.len(), 1..=MAX_TAG_LEN) && ", "!text.is_empty() && ", "lib"],
    ["tag grammar: not empty", "a tag may say nothing", "1..=MAX_TAG_LEN", "0..=MAX_TAG_LEN", "lib"],
    ["tag grammar: alphabet", "a tag may have line breaks", "0x20..=0x7e", "0x00..=0x7e", "lib"],
    ["ids in debug output", "Debug tells the id", 'formatter.write_str(concat!(stringify!($name), "(***)"))', "formatter.write_str(&self.0)", "messages"],
  ]),
  ...inFile("crates/connect/src/step.rs", [["unknown steps", "they are the full flow", "        None => Meaning::Passing,", "        None => Meaning::FullFlow,", "scenarios"]]),
  ...inFile("crates/connect/src/code.rs", [["unknown codes", "they are refusals", "ALL.iter().find(|code| code.name == name).copied()", "ALL.iter().find(|code| code.name == name).copied().or(Some(ACCESS_DENIED))", "scenarios"]]),
];

const decoderOnThePage = [
  ...inFile("src/web/values.rs", [
    ["page: length of a text", "a message of 17 KiB is parsed", "Some(text) if length(text) > MAX_JSON_LEN => return None,", "", "e2e attacks r11_"],
    ["page: text that is no JSON", "the listener throws", "JSON::parse(&String::from(text)).ok()?", "JSON::parse(&String::from(text)).unwrap_or_else(|error| wasm_bindgen::throw_val(error))", "e2e attacks r11_"],
    ["page: own properties only", "what is inherited counts", "object.is_object() && has_own(object, name).unwrap_or(false)", "object.is_object()", "e2e attacks r12_"],
    ["page: a field is a text", "anything with a length is one", "(Form::List(_) | Form::Text, _) => add(value),", "(Form::List(_) | Form::Text, _) => add(if value.is_object() { js_sys::Object::from(value).to_string().into() } else { value }),", "e2e attacks r15_"],
    ["page: length of a field", "a step of 64 MiB is told", "Some(text) if length(text) <= max_len => take(Field::Text(text.into())),", "Some(text) if length(text) <= usize::MAX - max_len => take(Field::Text(text.into())),", "e2e attacks r11_"],
    ["page: length of a list", "four billion elements are looked at", "items.length().min(u32::try_from(max_items).unwrap_or(u32::MAX))", "items.length().max(u32::try_from(max_items).unwrap_or(u32::MAX))", "e2e attacks r11_"],
    ["page: a height is a number", "the frame gets a height that is none", "as_f64().filter(|number| number.is_finite())", "as_f64()", "e2e attacks r11_"],
    ["page: ids are texts", "a list of anything is a list of texts", "items.iter().map(|item| item.as_string()).collect::<Option<_>>()", "Some(items.iter().filter_map(|item| item.as_string()).collect::<Vec<_>>())", "e2e element wrong"],
    ["page: params are plain", "objects go into the address", "            item.as_string()?\n", "            item.as_string().unwrap_or_default()\n", "e2e element wrong"],
  ]),
  ...inFile("src/web/browser.rs", [
    ["page: a url that is none", "the listener throws", "Some(base) => Url::new_with_base(address, base).ok()?,", "Some(base) => Url::new_with_base(address, base).unwrap_or_else(|error| wasm_bindgen::throw_val(error)),", "e2e attacks r15_"],
    ["page: credentials in a url", "the parser does not tell", "has_credentials: !url.username().is_empty() || !url.password().is_empty(),", "has_credentials: false,", "e2e attacks r15_"],
    ["page: query of a base address", "the parser does not tell", "is_bare: place.len() == href.len(),", "is_bare: true,", "e2e leaks r60_"],
  ]),
];

const redirect = [
  ...inFile("crates/connect/src/redirect.rs", [
    ["what is said several times agrees", "the first that is said counts", "Some(agreed) => is_contradictory |= agreed != text,", "Some(_) => {}", "messages"],
    ["duplicates in the query", "the first of two counts", "self.in_query(name).for_each(add);", "self.in_query(name).take(1).for_each(add);", "messages"],
    ["a contradiction", "the login counts", "if statements.is_contradictory {\n        return", "if false {\n        return", "messages"],
    ["tag compare", "any tag is ours", "&& returned != tag.as_str()", "&& returned.len() > tag.as_str().len() + 1_000", "messages"],
    ["redirectUrl place", "any place will do", "parse(asked, None).is_some_and(|asked| asked.place == url.place)", "parse(asked, None).is_some_and(|asked| asked.place.len() > url.place.len() || url.is_http())", "messages"],
    ["url on the web", "any scheme will do", "(Some(url), None) if url.is_http() =>", "(Some(url), None) =>", "messages"],
    ["credentials in url", "a url with credentials will do", "(Some(url), _) if url.has_credentials => statements.is_contradictory = true,", "", "messages"],
    ["a url elsewhere than was asked for", "it is passed over", "(_, Some(_)) => statements.is_contradictory = true,", "(_, Some(_)) => {}", "messages"],
    ["length of the bank's name in a url", "it is as long as it likes", "names.find(|name| matches!(name.len(), 1..=MAX_TEXT_LEN))", "names.find(|name| !name.is_empty())", "messages"],
    ["number of accounts", "as many as are sent", "&& ids.len() < MAX_ACCOUNTS\n", "", "messages"],
    ["accounts once", "the same twice", "&& !ids.contains(&id)\n", "", "messages"],
    ["number of values looked at", "two hundred", "pub const MAX_ACCOUNTS: usize = 100;", "pub const MAX_ACCOUNTS: usize = 200;", "messages"],
  ]),
  ...inFile("src/session/launch_settings.rs", [
    ["redirectUrl of the session", "nothing is held against the place that was asked for", "value_of(&self.params, parameters::REDIRECT_URL)", "value_of(&[], parameters::REDIRECT_URL)", "scenarios"],
  ]),
  ...inFile("src/session/machine/message.rs", [
    ["tag of the session", "nothing is held against the tag that was set", "tag: settings.tag.as_ref(),\n                    redirect_url", "tag: None,\n                    redirect_url", "scenarios"],
    ["a contradiction is a conflict", "it is passed over", "Some(Err(_)) | None => self.fail_with(ErrorCode::Conflict),", "Some(Err(_)) | None => {}", "scenarios"],
  ]),
];

const result = [
  ...inFile("src/session/machine/message.rs", [
    ["first wins", "a later success takes over", "if self.phase == Phase::Delivering {\n            self.report(message);", "if false {\n            self.report(message);", "scenarios"],
    ["full flow refused", "it goes on", "if self.options.full_flow == FullFlowPolicy::Stop {", "if false {", "scenarios"],
    ["height: bounds", "any height", "(height_px as u32).clamp(least, most)", "(height_px as u32).max(least.min(most) - least)", "scenarios"],
  ]),
  ...inFile("src/session/machine/result.rs", [
    ["a later success changes nothing", "its login takes over", "if !is_nameless || redirect.login_id.is_none() {", "if redirect.login_id.is_none() {", "scenarios"],
    ["a success without a login", "it is sent before another can name it", "if is_named {", "if true {", "scenarios"],
    ["a redirect is no receipt", "the first one ends it", "Verdict::Redirected if !std::mem::replace(&mut self.was_redirected, true)", "Verdict::Redirected if false", "scenarios"],
    ["a page that is left", "a try that ends with it is lost", "Waiting::Answer if !is_kept_alive => self.send(now_ms),", "", "scenarios"],
    ["a page that is left between two tries", "the result is lost", "Waiting::Backoff => self.send(now_ms),\n            Waiting::Answer if", "Waiting::Answer if", "scenarios"],
    ["keepalive", "one that the browser refuses is asked for again and again", "(HostAnswer::Unreachable, Keepalive::On) => Keepalive::Off,", "", "scenarios"],
    ["Retry-After: the time that is left", "it is waited for beyond that", "retry_after_ms.map(|ms| ms.min(left_ms))", "retry_after_ms.map(|ms| ms.max(left_ms.min(0)))", "scenarios"],
    ["full flow told", "the result says refresh", "mode: if self.flow == Flow::FullFlowEntered { Mode::Connect } else { *mode },", "mode: *mode,", "scenarios"],
  ]),
  ...inFile("src/session/machine/ending.rs", [
    ["settled once", "closing settles again", "Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(CompletionNotice::None),\n            Phase::Starting", "Phase::Delivering => self.hide(CompletionNotice::None),\n            Phase::Done | Phase::Failed | Phase::Closed | Phase::Starting", "transitions"],
    ["closing keeps the delivery", "closing gives it up", "Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(CompletionNotice::None),\n            Phase::Starting", "Phase::Done | Phase::Failed | Phase::Closed => self.hide(CompletionNotice::None),\n            Phase::Delivering | Phase::Starting", "transitions"],
    ["retry: what it can help", "anything is retried", "if failure.is_retryable && is_asked {", "if is_asked {", "scenarios"],
    ["the result waits", "it does not", "if failure.is_retryable && is_asked {", "if false {", "scenarios"],
    ["leaving a failure", "it is left unsettled", "return self.order(Output::Settle(Outcome::Failed(failure)));", "return;", "scenarios"],
    ["leaving a failure: with what", "with the leaving", "return self.order(Output::Settle(Outcome::Failed(failure)));", "return self.order(Output::Settle(Outcome::Failed(Failure { code, ..failure })));", "scenarios"],
    ["retry: a delivery", "another session is begun", "if failure.phase == Phase::Delivering {", "if failure.phase == Phase::Closed {", "scenarios"],
    ["onFailure", "the user is asked all the same", "self.options.on_failure == OnFailure::Ask && ", "", "scenarios"],
    ["a failure that nobody sees", "it waits for nobody", " && self.visibility != Visibility::Hidden;", ";", "scenarios"],
    ["attemptfailed", "only the end is told", "self.emit(Event::AttemptFailed(failure.clone()));", "", "scenarios"],
    ["taking over is asked for", "a retry waits for the other tab", "self.lock_mode = LockMode::TakeOver;", "self.lock_mode = LockMode::IfFree;", "scenarios"],
  ]),
  ...inFile("src/session/machine/mod.rs", [
    ["begun once", "beginning again begins again", "Input::Begin if self.waiting == Waiting::Begin =>", "Input::Begin =>", "scenarios"],
    ["answers of abandoned tries", "any answer counts", "if try_number == self.tries && self.phase == Phase::Delivering", "if try_number <= self.tries && self.phase == Phase::Delivering", "scenarios"],
    ["answers of abandoned starts", "any answer counts", "if call == self.calls && ", "if call <= self.calls && ", "scenarios"],
    ["a frame that is up cannot be blocked", "it can", "if self.phase == Phase::Loading {\n                    self.not_loaded(problem);", "if !self.phase.is_final() {\n                    self.not_loaded(problem);", "scenarios"],
    ["a frame that spoke from elsewhere", "nobody says so", "Input::Blocked(LoadProblem::Redirected) => self.suspected = LoadProblem::Redirected,", "Input::Blocked(LoadProblem::Redirected) => {}", "scenarios"],
  ]),
  ...inFile("src/session/failure.rs", [
    ["hostCode", "nobody hears it", "self.host_code = code.clone().filter(|code| is_word(code));", "self.host_code = code.clone().filter(|code| is_word(code) && code.is_empty());", "scenarios"],
    ["hostCode: a word", "whatever the host says is logged", "self.host_code = code.clone().filter(|code| is_word(code));", "self.host_code.clone_from(code);", "scenarios"],
  ]),
  ...inFile("src/session/output.rs", [
    ["words: not started", "the failure is one of any kind", "(ErrorCode::StartFailed, _) if failure.is_retryable => Self::NotStarted,", "", "scenarios"],
    ["words: signed out", "the failure is one of any kind", "(ErrorCode::SignedOut, _) => Self::SignedOut,", "", "scenarios"],
    ["words: after an answer", "nothing was changed", "_ if failure.phase == Phase::Delivering => Self::Unconfirmed,", "", "scenarios"],
  ]),
  ...inFile("src/session/machine/clock.rs", [
    ["one renewal", "a dead session is renewed without end", "if self.may_renew(now_ms) && !self.renewals.session {", "if self.may_renew(now_ms) {", "scenarios"],
    ["one renewal of the token", "a refused token is renewed without end", "if self.may_renew(now_ms) && !self.renewals.token {", "if self.may_renew(now_ms) {", "scenarios"],
    ["a renewal without a click", "nobody need be there", "self.can_start() && self.page == PageState::Visible && now_ms <= self.fresh_until_ms", "self.can_start()", "scenarios"],
    ["our own clock", "it ends a session that somebody looks at", "} else if now_ms < last_ms && self.page == PageState::Visible {", "} else if now_ms < deadline_ms {", "scenarios"],
    ["after a sleep", "deadlines come before what has arrived", "if self.was_away(now_ms) {", "if false {", "scenarios"],
    ["after a sleep: a second try", "the time of the delivery was slept over", "self.give_up_ms = self.give_up_ms.max(another_ms);", "let _ = another_ms;", "scenarios"],
  ]),
  ...inFile("src/session/machine/view.rs", [
    ["first view: after the lock", "it is drawn while the frame waits for the lock", "(Visibility::Shown(None), Waiting::Lock) =>", "(Visibility::Shown(None), Waiting::Lock) if false =>", "scenarios"],
    ["first view: not for ever", "it waits as long as the lock", "self.until_ms - LOCK_LIMIT_MS + FIRST_VIEW_LIMIT_MS", "self.until_ms.max(LOCK_LIMIT_MS + FIRST_VIEW_LIMIT_MS)", "scenarios"],
  ]),
  ...inFile("src/session/machine/launch.rs", [
    ["a token that is too old", "it is tried", "settings.authorize_token.is_some() && now_ms >= self.token_until_ms", "settings.authorize_token.is_some() && now_ms >= NEVER_MS", "scenarios"],
    ["a slow bank", "it is asked without end", "if now_ms < self.bank_until_ms =>", "if now_ms < NEVER_MS =>", "scenarios"],
    ["one tab", "another tab's session is opened all the same", "LockState::HeldElsewhere,\n                Waiting::Lock | Waiting::Load", "LockState::HeldElsewhere,\n                Waiting::Load", "scenarios"],
    ["taking over: once", "it is done at the next opening, too", "std::mem::replace(&mut self.lock_mode, LockMode::IfFree)", "self.lock_mode", "scenarios"],
    ["start: which failures pass", "none", "is_retryable: answer.is_passing()", "is_retryable: false", "scenarios"],
    ["start: without a network", "it fails at once", "if self.is_stretched(now_ms) {\n                return self.wait(Waiting::Restart", "if false {\n                return self.wait(Waiting::Restart", "scenarios"],
    ["start: when to ask again", "it fails at once", "retry_after_ms: Some(wait_ms) }))\n                if now_ms < self.bank_until_ms", "retry_after_ms: Some(wait_ms) }))\n                if now_ms > self.bank_until_ms", "scenarios"],
    ["start: a slow bank is told", "any host that asks for time is a bank", 'if code.as_deref() == Some("BANK_SLOW") {', "if code.as_deref() != None || true {", "scenarios"],
    ["start: signed out", "it is any refusal", "HostAnswer::Refused { status: 401, .. } | HostAnswer::Redirected)", "HostAnswer::Redirected)", "scenarios"],
    ["start: which property is wrong", "nobody says", "Failure { property: Some(property), ", "Failure { property: property.get(..0), ", "scenarios"],
  ]),
];

const address = inFile("crates/connect/src/address.rs", [
  ["instance grammar: alphabet", "a name may have dots", "byte.is_ascii_digit() || *byte == b'-')", "byte.is_ascii_digit() || *byte == b'-' || *byte == b'.')", "addresses"],
  ["instance grammar: casing", "a name may have capitals", "byte.is_ascii_lowercase() || byte.is_ascii_digit()", "byte.is_ascii_alphanumeric()", "addresses"],
  ["instance grammar: length", "a name may be too long for a DNS label", "1..=56)", "1..=57)", "addresses"],
  ["instance grammar: not empty", "a name may be empty", "1..=56)", "0..=56)", "addresses"],
  ["instance grammar: first hyphen", "a name may begin with a hyphen", "\n        && bytes.first() != Some(&b'-')", "", "addresses"],
  ["instance grammar: last hyphen", "a name may end with a hyphen", "\n        && bytes.last() != Some(&b'-')", "", "addresses"],
  ["instance: the parsed address", "the parser is not asked again", "Ok(connect) if connect.base == address => Ok(connect),", "Ok(connect) => Ok(connect),", "addresses"],
  ["loopback http", "http everywhere", '!(parsed.scheme == "http:" && parsed.is_loopback())', 'parsed.scheme != "http:"', "addresses"],
  ["loopback: the name", "a name that ends so is this machine", 'self.host == "localhost"', 'self.host.ends_with("localhost")', "addresses"],
  ["loopback: digits", "a name that begins so is this machine", "\n        && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')\n        && host.bytes().filter(|byte| *byte == b'.').count() == 3", "", "addresses"],
  ["connectUrl: credentials", "credentials will do", "if parsed.has_credentials || ", "if ", "addresses"],
  ["connectUrl: query and fragment", "they will do", " || !parsed.is_bare {", " {", "addresses"],
]);

const url = inFile("crates/connect/src/parameters.rs", [
  ["reserved params", "the page may set them", "reserved.eq_ignore_ascii_case(name)", "reserved.is_empty() && name.is_empty()", "options"],
  ["reserved params: casing", "in another casing it may", "reserved.eq_ignore_ascii_case(name)", "*reserved == name", "options"],
  ["reserved params: webview", "the events may go elsewhere", "LANGUAGE, WEBVIEW, STRINGIFY]", "LANGUAGE, STRINGIFY]", "options"],
  ["percent-encoding: values", "an ampersand is left as it is", "b'-' | b'.' | b'_' | b'~'", "b'-' | b'.' | b'_' | b'~' | b'&'", "addresses"],
  ["percent-encoding: names", "a name is written as it is", "percent_encode(name, &mut self.0);", "self.0.push_str(name);", "addresses"],
  ["one tag", "the host's tag stands beside the session's", "self.tag.is_none() || name != TAG", "!name.is_empty()", "addresses"],
]);

const options = [
  ...inFile("src/session/options.rs", [
    ["unknown options", "they are passed over", "find(|name| !NAMES.contains(name))", "find(|_| false)", "options"],
    ["unknown options: what is told", "any name is repeated", "if is_plain { name } else { \"?\" }", "if is_plain || !is_plain { name } else { \"?\" }", "options"],
    ["requestId or start", "both, and the session is resumed", "(true, false) => BeginWith::RequestId,", "(true, _) => BeginWith::RequestId,", "options"],
    ["requestId or start: one of them", "neither", '_ => {\n                reader.refuse("requestId");\n                BeginWith::StartEndpoint', "_ => {\n                BeginWith::StartEndpoint", "options"],
    ["requestId: where", "nowhere", 'BeginWith::RequestId if settings.connect.is_none() => reader.refuse("instance"),', "", "options"],
    ["authorizeToken with start", "two sources for one token", 'BeginWith::StartEndpoint if settings.authorize_token.is_some() => reader.refuse("authorizeToken"),', "", "options"],
    ["container: what it is", "anything", "Property::Element | Property::Text(_)));", "Property::Element | Property::Text(_) | Property::Other));", "options"],
    ["headers: a function", "anything", 'check("headers", |property| matches!(property, Property::Function));', "", "options"],
    ["credentials: a word", "any text", '["same-origin", "include", "omit"].contains(&text.as_str())', "!text.is_empty()", "options"],
    ["labels: texts", "anything", 'check("labels", |property| matches!(property, Property::Pairs(_)));', "", "options"],
    ["sandbox: tokens or null", "anything", 'check("sandbox", |property| matches!(property, Property::Text(_) | Property::Null));', "", "options"],
    ["signal: a signal", "anything", 'check("signal", |property| matches!(property, Property::Signal));', "", "options"],
    ["endpoints: a url or a function", "anything", "        _ => reader.refuse(name),\n    }\n    true", "        _ => {}\n    }\n    true", "options"],
    ["endpoints: not empty", "the page's own address", "Property::Text(url) if !url.is_empty() => {}", "Property::Text(_) => {}", "options"],
    ["fullFlow: a word", "any text", "Some(_) => {\n                    reader.refuse(\"fullFlow\");", "Some(_) => {", "options"],
    ["allow: a text", "anything", 'check("allow", |property| matches!(property, Property::Text(_)));', "", "options"],
    ["timers: the longest", "one that a browser takes for none", "const MAX_TIMER_MS: f64 = 2_147_483_647.0;", "const MAX_TIMER_MS: f64 = 2_147_483_648.0;", "options"],
  ]),
  ...inFile("src/session/properties.rs", [
    ["a wrong kind", "it counts as left out", "Property::Text(text) => return Some(text),\n            _ => self.refuse(name),", "Property::Text(text) => return Some(text),\n            _ => {}", "options"],
    ["a wrong id", "it counts as left out", "if id.is_none() {\n            self.refuse(name);\n        }\n", "", "options"],
    ["timers: the shortest", "none", "(1.0..=most_ms)", "(0.0..=most_ms)", "options"],
    ["a wrong number", "the default counts", "return *number as u64,\n            _ => self.refuse(name),", "return *number as u64,\n            _ => {}", "options"],
    ["options in debug output", "Debug tells the value", 'Self::Text(_) => "Text",', "Self::Text(text) => text,", "options"],
  ]),
  ...inFile("src/session/launch_settings.rs", [
    ["where Connect lives", "the start reply moves it", "if options.connect.is_some() {", "if self.connect.is_none() {", "scenarios"],
    ["instance or connectUrl", "both", '(Some(_), Some(_)) => ("connectUrl", None),', '(Some(name), Some(_)) => ("connectUrl", ConnectUrl::of_instance(name, reader.parse).ok()),', "options"],
    ["a place that is none", "it counts as left out", "if connect.is_none() {\n        reader.refuse(property);\n    }", "let _ = property;", "options"],
    ["resumeSelectedAccounts: number", "as many as are given", "Property::Texts(texts) if texts.len() <= MAX_ACCOUNTS =>", "Property::Texts(texts) =>", "options"],
    ["resumeSelectedAccounts: ids", "what is none travels all the same", "if AccountId::parse(text).is_none() {\n                    reader.refuse(NAME);\n                }\n", "", "options"],
    ["language: a word", "any text", "_ => reader.refuse(NAME),\n    }\n    None", "_ => {}\n    }\n    None", "options"],
    ["params: names", "a name may have an ampersand", "let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');", "let is_name = !name.is_empty();", "options"],
    ["params: reserved", "the page may set them", "\n        && !parameters::is_reserved(name)", "", "options"],
    ["params: tag", "any text is a tag", "parameters::TAG => Tag::parse(value).is_some(),", "parameters::TAG => true,", "options"],
    ["params: redirectUrl", "any text is a place", "parameters::REDIRECT_URL => parse(value, None).is_some_and(|url| !url.has_credentials),", "parameters::REDIRECT_URL => true,", "options"],
    ["params: redirectUrl with credentials", "it will do", ".is_some_and(|url| !url.has_credentials)", ".is_some()", "options"],
  ]),
  ...inFile("src/session/start.rs", [
    ["start reply: what is wrong", "it is passed over", "(Some(attempt_id), None) => Ok", "(Some(attempt_id), _) => Ok", "scenarios"],
    ["start reply: mode", "a challenge without one is a refresh", '(Some("challenge"), Some("refresh")) => Mode::Refresh,', '(Some("challenge"), _) => Mode::Refresh,', "scenarios"],
    ["start reply: requestId", "a challenge without one opens the full flow", '(_, None) => reader.refuse("requestId"),', "(_, None) => {}", "scenarios"],
    ["start reply: full flow", "it resumes somebody's session", "(Mode::Connect, _) => settings.request_id = None,", "(Mode::Connect, _) => {}", "scenarios"],
  ]),
  ...inFile("src/session/output.rs", [["addresses in debug output", "Debug tells the frame's address", 'Self::OpenFrame { origin, .. } => {\n                formatter.debug_struct("OpenFrame").field("origin", origin).finish_non_exhaustive()', 'Self::OpenFrame { origin, url } => {\n                formatter.debug_struct("OpenFrame").field("origin", origin).field("url", url).finish()', "scenarios"]]),
];

const delivery = inFile("src/session/delivery.rs", [
  ["retry classification: 503", "503 is final", "500 | 502 | 503 | 504", "500 | 502 | 504", "scenarios"],
  ["retry classification: 401", "401 is final", "HostAnswer::Refused { status: 401, .. } => Verdict::SignedOut,", "", "scenarios"],
  ["retry classification: 409", "409 is final", "408 | 409 | 425", "408 | 425", "scenarios"],
  ["retry classification: LOGIN_MISMATCH", "any code says so", 'if code == "LOGIN_MISMATCH"', "if !code.is_empty()", "scenarios"],
  ["Retry-After is honoured", "it is not", "retry_after_ms.unwrap_or(0)", "retry_after_ms.unwrap_or(0).min(1)", "scenarios"],
  ["Retry-After cap", "an hour is waited for", "retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS)", "retry_after_ms.unwrap_or(0)", "scenarios"],
  ["delay ceiling", "the wait doubles without end", ".min(BACKOFF_CAP_MS)", "", "scenarios"],
]);

const platform = [
  ...inFile("www/sdk/element.ts", [
    ["the element: put back while it delivers", "another session is begun", 'if (session?.phase === "delivering") this.#unfinished = session;', 'if (session?.phase === "starting") this.#unfinished = session;', "e2e element a_session_lives"],
    ["the element's own options", "what is inherited is an option", "Object.fromEntries(given.map((name) => [name, this.#value(name)]))", "Object.fromEntries([...given, ...NAMES.filter((name) => name in Object.prototype)].map((name) => [name, this.#value(name) ?? Reflect.get(Object.prototype, name)]))", "e2e foreign patched_"],
  ]),
  ...inFile("www/sdk/react.ts", [
    ["React: open() after unmounting", "it opens", "if (isGone.current) opened.close();", "", "e2e react react_19"],
    ["React: container", "it is passed over", "if (given.container !== undefined) throw", 'if (String(given.container) === "?") throw', "e2e react react_19"],
    ["React: a function that is gone", "the one of the mounting is called", "    if (now === undefined) return undefined;\n", "", "e2e react react_19"],
  ]),
  ...inFile("www/sdk/session.ts", [
    ["labels: names", "one that is none is passed over", "if (unknown !== undefined) {", 'if (unknown === "") {', "e2e element wrong_"],
    ["INTERNAL: the promise first", "the phase is told before", '() => this.#result.reject(error),\n      () => this.#emit("phasechange", { phase: "failed", previous }),', '() => this.#emit("phasechange", { phase: "failed", previous }),\n      () => this.#result.reject(error),', "e2e element wrong_"],
    ["INTERNAL: what fails stops nothing", "the rest is left undone", "      } catch {\n        // What failed before may fail again; the rest is done all the same.\n", "      } catch (failed) {\n        throw failed;\n", "e2e element wrong_"],
    ["INTERNAL: everything is given back", "the frame, the lock and the listeners stay", "() => widget?.abandon(),", "() => void widget,", "e2e element wrong_"],
  ]),
  ...inFile("www/sdk/words.ts", [
    ["the page's own labels", "what is inherited is a label", "(labels && Object.hasOwn(labels, name) ? labels[name] : undefined)", "labels?.[name]", "e2e foreign patched_"],
  ]),
  ...inFile("src/web/report.rs", [
    ["START_FAILED: its cause", "the page does not get back what it threw", "if failure.code == ErrorCode::StartFailed { cause.clone() }", "if failure.code == ErrorCode::Internal { cause.clone() }", "e2e element wrong_"],
    ["members of a request", "what is inherited is one", "without_prototype(&object(fields))", "object(fields)", "e2e foreign patched_"],
    ["bodies: no toJSON", "an old library's counts", "            without_prototype(list);\n", "            let _ = list;\n", "e2e foreign patched_"],
  ]),
  ...inFile("src/web/frame.rs", [
    ["a frame that spoke from elsewhere: who tells", "nobody", "} else if strayed_before == 0 && gate", "} else if strayed_before == u32::MAX && gate", "e2e element wrong_"],
    ["frame: recorders", "they read its address", "element.set_attribute(\"class\", UNRECORDED)?;", "element.set_attribute(\"class\", \"frame\")?;", "e2e libraries alike::pages_"],
    ["frame: sandbox", "the frame may lead the page away", '"allow-scripts allow-same-origin', '"allow-top-navigation allow-scripts allow-same-origin', "e2e policies r41_"],
    [
      "frame: rights before the address",
      "the address first",
      'element.set_attribute("part", "frame")?;',
      'element.set_attribute("src", url)?;\n        element.set_attribute("part", "frame")?;',
      "e2e policies r41_",
    ],
    ["frame: referrer", "Connect learns the page's address", '"strict-origin"', '"unsafe-url"', "e2e leaks r61_"],
    [
      "Connect up",
      "a frame that has loaded is up",
      "let load = LoadWatch::new(",
      'let inbox_of_load = inbox.clone();\n        std::mem::forget(Listener::new(&element, "load", move |_| {\n            let data = super::report::dictionary(&[("step", "APP_MOUNTED".into())]);\n            let up = super::report::dictionary(&[("data", data.into())]);\n            inbox_of_load.report(Happened::Posted(up.unchecked_into()));\n        }));\n        let load = LoadWatch::new(',
      "e2e policies r42_a_frame",
    ],
  ]),
  ...inFile("www/sdk/ui.ts", [
    ["a failure in a container", "nothing closes it", "view.isFailure && !this.#dialog ? [...view.buttons, close] : view.buttons", "view.buttons", "e2e element a_session_lives"],
    ["texts are texts: buttons", "the page's labels are HTML", "element.textContent = this.#settings.say(button.text);", "element.innerHTML = this.#settings.say(button.text);", "e2e policies r31_"],
    ["texts are texts: views", "the page's labels are HTML", 'this.#alert.textContent = isPolite ? "" : said;', 'this.#alert.innerHTML = isPolite ? "" : said;', "e2e policies r31_"],
    ["texts are texts: the page's part", "the page's labels are HTML", '"about", { id: "about", dir: "auto" }).textContent = ', '"about", { id: "about", dir: "auto" }).innerHTML = ', "e2e policies r31_"],
    ["frame: where it stands", "the page's own frames have it", "return this.#onPage.body;", "return this.#settings.container ?? document.body;", "e2e policies r41_"],
  ]),
  ...inFile("src/web/tab_lock.rs", [
    ["taken over: no way back", "a tab that hears of it late asks again", "if shared.is_evicted.replace(false) {", "if true {", "e2e element a_page_may"],
    ["taken away: asked again", "a tab whose browser took its locks away is busy", "if ended.is_err() {\n            shared.is_evicted.set(true);", "if ended.is_err() && false {\n            shared.is_evicted.set(true);", "e2e element a_page_may"],
  ]),
  ...inFile("src/web/page_events.rs", [["a page that is left is heard", "nobody listens", 'listen("pagehide"', 'listen("pagehidden"', "e2e faults f13_a_result"]]),
  ...inFile("src/web/driver.rs", [
    ["the network: asked at the beginning", "the session waits to be told", "            Happened::Begun => {\n                self.look_around();", "            Happened::Begun => {", "e2e element a_page_may"],
    ["the network: listened to between attempts", "the listeners go with the attempt", "        self.registered.page_ready.take();\n        self.registered.start_call.take();", "        self.registered.page_ready.take();\n        self.registered.page_events.take();\n        self.registered.start_call.take();", "e2e element a_page_may"],
  ]),
  ...inFile("src/web/backend.rs", [
    ["a Response of a function", "whatever it is, it is a receipt", "settled(deliver.call2(&JsValue::UNDEFINED, &result, &context), |came| answer(came, report));", "settled(deliver.call2(&JsValue::UNDEFINED, &result, &context), |came| {\n                        report(match came {\n                            Ok(reply) => Answer { judged: HostAnswer::Ok, reply },\n                            Err(error) => Answer::failed(error),\n                        });\n                    });", "e2e element wrong_"],
    ["text under text/html", "it is no receipt", "\n        && text.bytes().find(|byte| !byte.is_ascii_whitespace()) == Some(b'<')", "\n        && text.len() < usize::MAX", "e2e foreign patched_"],
    ["delivery: redirects", "they are followed, body and all", '("redirect", "manual".into())', '("redirect", "follow".into())', "e2e leaks r47_"],
    ["delivery: referrer", "the backend learns the page's address", '("referrerPolicy", "no-referrer".into())', '("referrerPolicy", "unsafe-url".into())', "e2e leaks r61_"],
    ["delivery: pages", "a sign-in page is a receipt", "if is_page(response, text) { HostAnswer::Unreachable } else { HostAnswer::Ok }", "if is_page(response, \"\") { HostAnswer::Unreachable } else { HostAnswer::Ok }", "e2e foreign patched_"],
    ["delivery: key", "without one", 'headers.set("Idempotency-Key", &["\\"", key, "\\""].concat())?;', "let _ = key;", "e2e leaks r61_"],
  ]),
];

/** What the compiler and clippy must refuse, by the configuration alone: no switch is given on the command line. */
const lints = [
  ...inFile("crates/connect/src/code.rs", [["lint: unwrap", "a code nobody documents is a panic", "ALL.iter().find(|code| code.name == name).copied()", "Some(ALL.iter().find(|code| code.name == name).copied().unwrap())", "clippy"]]),
  ...inFile("crates/connect/src/parameters.rs", [["lint: unsafe", "the compiler no longer vouches for memory", "percent_encode(value, &mut self.0);", "unsafe { self.0.as_mut_vec() }.extend_from_slice(value.as_bytes());", "clippy"]]),
  ...inFile("src/session/delivery.rs", [["lint: indexing", "a number too large is a panic", "let mut mixed = self.0;", "let words = [self.0, bound];\n        let mut mixed = words[usize::from(bound > 7)];", "clippy"]]),
  ...inFile("src/session/machine/clock.rs", [["lint: panic", "an input nobody expects is a panic", "Waiting::Begin | Waiting::Idle => {}", 'Waiting::Begin | Waiting::Idle => panic!("nobody waits"),', "clippy"]]),
  ...inFile("src/web/driver.rs", [["lint: expect", "a number too large is a panic", "u32::try_from(at_ms.saturating_sub(self.now_ms())).unwrap_or(u32::MAX)", 'u32::try_from(at_ms.saturating_sub(self.now_ms())).expect("a small number")', "clippy"]]),
];

/** The rules of the server half, by the faults that a backend once had: docs/backend.md has each in words. */
const rules = [
  ...inFile("crates/backend/src/inquiry.rs", [
    ["rules: the attempt's own session first", "the one that a page names is asked instead", "if let Some(session) = own {", "if let Some(session) = own.filter(|_| named.is_none()) {", "rules scenarios while_the_attempts_own"],
    ["rules: the own session waits", "what Flinks has of the login is asked all the same", "Some(standing @ (Standing::Waiting | Standing::Working)) => {\n                    return self.younger(named, standing, connection, attempt);\n                }", "Some(standing @ (Standing::Waiting | Standing::Working)) => {\n                    let _ = self.younger(named, standing, connection, attempt);\n                }", "rules scenarios while_the_attempts_own"],
    ["rules: freshness", "an answer as old as before counts", "last_refresh > attempt.baseline_ms", "last_refresh >= attempt.baseline_ms", "rules scenarios a_cached_answer"],
    ["rules: freshness of a named session", "any session of the login counts", "Some(Standing::Authorized { request_id, last_refresh_ms, .. })\n                    if is_later(*last_refresh_ms, attempt) =>\n                {", "Some(Standing::Authorized { request_id, last_refresh_ms, .. }) => {", "rules scenarios an_older_session_of_the_login_is_no_result_of_the_full_flow"],
    ["rules: freshness beside an own session", "any session of the login counts", "Some(Standing::Authorized { request_id, last_refresh_ms, .. }) if is_later(*last_refresh_ms, attempt) => {", "Some(Standing::Authorized { request_id, last_refresh_ms, .. }) => {", "rules scenarios an_older_session_of_the_login_is_no_result_while"],
    ["rules: the own session's login", "any login will do", "None => return self.ask_own(session, attempt),\n                Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => {", "None => return self.ask_own(session, attempt),\n                Some(Standing::Authorized { login_id, .. }) if login_id.as_str().is_empty() => {", "rules scenarios another_login_is_found_out"],
    ["rules: a named session's login", "any login will do", "None => return ask(session),\n                Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => {", "None => return ask(session),\n                Some(Standing::Authorized { login_id, .. }) if login_id.as_str().is_empty() => {", "rules scenarios another_login_that_flinks_names"],
    ["rules: a younger session's login", "any login will do", "Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => Finding::OtherLogin,", "Some(Standing::Authorized { login_id, .. }) if login_id.as_str().is_empty() => Finding::OtherLogin,", "rules scenarios another_login_changes_nothing"],
    ["rules: the cached login", "any login will do", "(Cached::Has { login_id, .. }, _) if *login_id != connection.login_id => Finding::OtherLogin,", "", "rules scenarios another_login_is_found_out"],
    ["rules: the session's own token", "a fresh one is tried first", "Some(token) if !self.own_token_refused => {", "Some(token) if self.own_token_refused => {", "rules scenarios a_session_is_asked_about"],
    ["rules: then a fresh token", "the first refusal stands", "if is_token_refused(&answer) => self.own_token_refused = true,", "if is_token_refused(&answer) && false => self.own_token_refused = true,", "rules scenarios a_session_is_asked_about"],
    ["rules: a token refused without a word", "it is the bank's refusal of the user", '*meaning == Meaning::Token || code == "UNAUTHORIZED"', "*meaning == Meaning::Token && !code.is_empty()", "rules scenarios a_session_is_asked_about"],
    ["rules: two refused tokens", "the session is over", "Meaning::Token | Meaning::Keys => Standing::Trouble { trouble: Trouble::KeysRefused },", "Meaning::Token | Meaning::Keys => Standing::Over,", "rules scenarios two_refused_tokens"],
    ["rules: still aggregating", "it is not finished", "Some(Standing::Done) => own_is_done = Some(session),", "Some(Standing::Done) => own_is_done = Some(session).filter(|_| false),", "rules scenarios what_flinks_has_finished"],
    ["rules: still aggregating, a page's session", "it is a result", "Some(Standing::Working) => return Finding::Working,\n                Some(Standing::Later", "Some(Standing::Working) => return Finding::Working,\n                Some(Standing::Done) => return of_session(session, None, None),\n                Some(Standing::Later", "rules scenarios already_authorized_about"],
    ["rules: Flinks cannot say", "nothing newer is there", "(Cached::Later { code }, _) => Finding::Unsure(code.clone()),", "(Cached::Later { .. }, _) => Finding::Over,", "rules scenarios an_attempt_is_not_given_up"],
  ]),
  ...inFile("crates/backend/src/deliver.rs", [
    ["rules: the same bytes", "they are another delivery", "TakenDelivery::Of(taken) if *taken == delivery.fingerprint => return self.end(None, Reply::Accepted),", "", "rules scenarios a_session_found_finished"],
    ["rules: other bytes", "they are taken for the same", "TakenDelivery::Of(_) => return self.refuse(Refusal::AttemptUsed),", "TakenDelivery::Of(_) => {}", "rules scenarios other_bytes"],
    ["rules: other bytes first", "the tag is judged before", "match &attempt.delivery {", "if delivery.tag.as_ref().is_some_and(|tag| *tag != attempt.tag) {\n            return self.refuse(Refusal::OtherTag);\n        }\n        match &attempt.delivery {", "rules scenarios other_bytes"],
    ["rules: the attempt's tag", "any tag will do", "if delivery.tag.as_ref().is_some_and(|tag| *tag != attempt.tag) {", "if false {", "rules scenarios what_is_not_the_users"],
    ["rules: the login a page names", "any login will do", "let names_other = delivery.login_id.as_ref().is_some_and(|login| *login != connection.login_id);", "let names_other = false;", "rules scenarios another_login_changes_nothing"],
    ["rules: nulls", "both have to be there", "if delivery.login_id.is_none() && delivery.request_id.is_none() && attempt.request_id.is_none() {", "if delivery.login_id.is_none() || delivery.request_id.is_none() {", "rules scenarios a_delivery_that_names_nothing"],
    ["rules: nothing to verify", "the login is asked about", "if delivery.login_id.is_none() && delivery.request_id.is_none() && attempt.request_id.is_none() {", "if false {", "rules scenarios a_delivery_that_names_nothing"],
    ["rules: how long a result is taken", "for ever", "if !attempt.is_waiting_at(now.now_ms) {\n            return self.refuse(Refusal::Expired);", "if false {\n            return self.refuse(Refusal::Expired);", "rules scenarios an_attempt_expires"],
    ["rules: verifying without the data", "the data call says whether it is finished", "let asking = Self { inquiry: self.inquiry.asking(target), ..self.clone() };", "let call = match call {\n                    crate::flinks::Call::Session { request_id, .. } => crate::flinks::Call::Poll { request_id },\n                    other => other,\n                };\n                let asking = Self { inquiry: self.inquiry.asking(target), ..self.clone() };", "rules scenarios a_refresh_ends"],
    ["rules: a refused session", "the page is told to try again", "Finding::Refused(code) => self.refuse(Refusal::Refused(code)),", "Finding::Refused(code) => self.refuse(Refusal::Later(code)),", "rules scenarios a_session_that_ended_in_a_refusal"],
    ["rules: one result for each session, delivered", "the page is refused", "if self.result_taken {\n            // One result", "if false {\n            // One result", "rules scenarios two_attempts_that_share"],
  ]),
  ...inFile("crates/backend/src/refusal.rs", [
    ["rules: what no retry cures", "it is 502, which the widget repeats", "Self::OtherTag | Self::AttemptUsed | Self::NothingToVerify | Self::Refused(_) => 422,", "Self::OtherTag | Self::AttemptUsed | Self::NothingToVerify => 422,\n            Self::Refused(_) => 502,", "rules scenarios a_session_that_ended_in_a_refusal"],
  ]),
  ...inFile("crates/backend/src/webhook.rs", [
    ["rules: a webhook without a tag", "it is about nothing", "(None, Some(_)) => By::Session,", "(None, Some(_)) => return None,", "rules scenarios a_webhook_is_known"],
    ["rules: a webhook with another's tag", "its session is not looked for", "if self.by == By::Tag && self.request_id.is_some() {", "if false {", "rules scenarios a_webhook_is_known"],
    ["rules: a webhook's login", "any login will do", "if self.login_id != connection.login_id {", "if false {", "rules scenarios another_login_that_flinks_names"],
    ["rules: a webhook twice", "it is accepted twice", "if self.result_taken || !attempt.is_waiting_at(now.now_ms) {", "if self.result_taken {", "rules scenarios a_webhook_is_known"],
    ["rules: two webhooks of one session", "the second is a failure without end", "self.result_taken |= outcome == Outcome::ResultTaken;", "let _ = outcome;", "rules scenarios two_attempts_that_share"],
    ["rules: accounts picked anew, the webhook first", "the old selection is fetched", "if flow.picks_accounts(connection) {", "if false {", "rules scenarios accounts_picked_anew_win"],
    ["rules: accounts picked anew in a question's frame, the webhook first", "the old selection is fetched", "let has_left = attempt.request_id.as_ref().is_some_and(|own| own != session);", "let has_left = false;", "rules scenarios accounts_picked_anew_in"],
  ]),
  ...inFile("crates/backend/src/acceptance.rs", [
    ["rules: one result for each session", "nobody notes which session it is of", "result: Some(finished.session),", "result: None,", "rules scenarios two_attempts_that_share"],
    ["rules: accounts of a session come back to", "they are a choice", "if came_back || connection.selection.is_empty() {", "if connection.selection.is_empty() {", "rules scenarios account_ids_of_a_session"],
    ["rules: accounts without the selector", "they are a choice", "if came_back || connection.selection.is_empty() {", "if came_back {", "rules scenarios account_ids_choose_nothing"],
    ["rules: the attempts beside a result", "they stay open", "commit.and(supersede_others(stored, attempt))", "{\n        let _ = supersede_others(stored, attempt);\n        commit\n    }", "rules scenarios the_attempts_beside"],
  ]),
  ...inFile("crates/backend/src/work.rs", [
    ["rules: an account Flinks does not have", "the rest is a choice", "attempt.choice.iter().all(|id| accounts.contains(id))", "attempt.choice.iter().any(|id| accounts.contains(id))", "rules scenarios account_ids_that_flinks"],
    ["rules: success is never empty", "it may be", "if ids.is_empty() {", "if false {", "rules scenarios success_is_never_empty"],
    ["rules: what the user did not pick", "it is stored", "(Kept::Only(wanted.clone()), accounts", "(Kept::All, accounts", "rules scenarios accounts_picked_anew_win"],
    ["rules: accounts picked anew, found by the job", "the old selection is fetched", "Finding::Finished(_) if attempt.picks_accounts(connection) => {", "Finding::Finished(_) if attempt.picks_accounts(connection) && false => {", "rules scenarios accounts_picked_anew_win"],
    ["rules: accounts picked anew, never told", "the old selection is fetched at the end", "Finding::Finished(_) if attempt.picks_accounts(connection) && is_last => {", "Finding::Finished(_) if attempt.picks_accounts(connection) && false => {", "rules scenarios a_choice_that_no_browser"],
    ["rules: a refused API key", "it ends an accepted result within the hour", "if is_ours { Settings::keys_deadline_ms() } else { settings.data_deadline_ms }", "if is_ours { settings.data_deadline_ms } else { settings.data_deadline_ms }", "rules scenarios a_refused_api_key"],
    ["rules: a code of the data call", "it ends an accepted result", "Answer::Code { code, .. } => self.again_later(settings, now, connection, attempt, code, 0),", "Answer::Code { code, .. } => self.fail(connection, attempt, code),", "rules codes whatever_the_data_call"],
    ["rules: no transactions", "the accounts are not asked for without", "if attempt.transactions == Transactions::Wanted => {", "if attempt.transactions == Transactions::LeftOut => {", "rules scenarios no_transactions"],
    ["rules: a spent session", "the cached one is as old as before", "if is_later(*last_refresh_ms, attempt) || attempt.baseline_ms == 0 =>", "if last_refresh_ms.is_some() || attempt.baseline_ms == 0 =>", "rules scenarios a_spent_session"],
    ["rules: the data's login", "any login will do", "Answer::Data { login_id: Some(login_id), .. } if *login_id != connection.login_id => {", "Answer::Data { login_id: Some(login_id), .. } if login_id.as_str().is_empty() => {", "rules scenarios another_login_is_found_out"],
    ["rules: older data", "it replaces newer", "if let Some(stored_ms) = newer_in_store(connection, attempt, refreshed_at_ms) {", "if let Some(stored_ms) = newer_in_store(connection, attempt, refreshed_at_ms).filter(|_| false) {", "rules scenarios an_older_answer"],
    ["rules: an outage past the hour", "the attempt is given up", "if now.now_ms < attempt.expires_at_ms.saturating_add(LAST_QUESTION_MS) =>", "if !is_last =>", "rules scenarios an_outage_past"],
    ["rules: once more by the login", "the session is asked at the end", "let is_over = attempt.expires_at_ms <= now.now_ms || attempt.stage == Stage::SessionOver;", "let is_over = attempt.stage == Stage::SessionOver;", "rules scenarios before_it_is_given_up"],
  ]),
  ...inFile("crates/backend/src/start.rs", [
    ["rules: the full flow is asked about", "never", "let attempt = Attempt { stage: Stage::FullFlow, due_at_ms, ..attempt.clone() };", "let attempt = Attempt { stage: Stage::FullFlow, due_at_ms: due_at_ms.max(i64::MAX), ..attempt.clone() };", "rules scenarios a_full_flow_that"],
    ["rules: a slow bank's session", "it is thrown away", "let commit = commit.with(Change::PutAttempt(in_session(session, token)));", "let commit = commit.with(Change::PutAttempt(Attempt { stage: Stage::SessionOver, ..in_session(session, token) }));", "rules scenarios a_slow_bank"],
    ["rules: a slow bank's token", "it is thrown away", "let commit = commit.with(Change::PutAttempt(in_session(session, token)));", "let _ = token;\n                let commit = commit.with(Change::PutAttempt(in_session(session, &None)));", "rules scenarios a_slow_bank"],
    ["rules: the sign-in is marked", "nobody sees that it is under way", "Connection { sign_in: Some(sign_in), ..connection.clone() }", "Connection { sign_in: Some(sign_in).filter(|_| false), ..connection.clone() }", "rules scenarios a_sign_in_whose_answer"],
    ["rules: the sign-in is marked, two hosts", "nobody sees that it is under way", "Connection { sign_in: Some(sign_in), ..connection.clone() }", "Connection { sign_in: Some(sign_in).filter(|_| false), ..connection.clone() }", "rules hosts"],
    ["rules: a lost answer", "the next click asks the bank again", "| Answer::Failed { sent: Sent::Perhaps, .. } => self.refuse(Refusal::BankSlow),", "| Answer::Failed { sent: Sent::Perhaps, .. } => self.end(commit, attempt, Refusal::BankSlow),", "rules scenarios a_sign_in_whose_answer"],
    ["rules: a refused sign-in", "the page repeats it by itself", "Refusal::SignInRefused(code.clone())", "Refusal::Later(code.clone())", "rules scenarios whatever_flinks_would"],
    ["rules: a sign-in without a session", "it is as if it were not sent", "            Answer::Authorized { .. }\n            | Answer::Challenge { .. }", "            Answer::Authorized { .. } => self.end(commit, attempt, Refusal::Trouble(Trouble::Unreadable)),\n            Answer::Challenge { .. }", "rules scenarios a_sign_in_that_went_well"],
    ["rules: the login of a sign-in", "any login will do", "Answer::Authorized { login_id, request_id: Some(session), last_refresh_ms }\n                if *login_id == connection.login_id =>", "Answer::Authorized { login_id, request_id: Some(session), last_refresh_ms }\n                if !login_id.as_str().is_empty() =>", "rules scenarios another_login_is_found_out_in_the_sign_in"],
    ["rules: a call that was not sent", "the mark stays", "Answer::Failed { trouble, sent: Sent::No } => self.end(commit, attempt, Refusal::Trouble(*trouble)),", "Answer::Failed { trouble, sent: Sent::No } => self.refuse(Refusal::Trouble(*trouble)),", "rules scenarios a_call_that_was_certainly_not"],
    ["rules: who waited for a refusal", "their pages repeat it by themselves", "_ => self.refuse(Refusal::SignInFailed),", "_ => self.refuse(Refusal::BankSlow),", "rules scenarios clicks_that_waited"],
    ["rules: who waited for a failure", "each signs in for itself", "_ => self.refuse(Refusal::SignInFailed),\n        }\n    }\n\n    /// A session", "_ => self.go(Phase::Baseline { received: None }, None, Then::Call(Call::Cached { login_id: stored.connection.login_id.clone() })),\n        }\n    }\n\n    /// A session", "rules scenarios clicks_that_waited"],
    ["rules: who looked before the mark", "each signs in for itself", "attempt.id != self.minted.attempt && self.seen.as_ref()", "false && attempt.id != self.minted.attempt && self.seen.as_ref()", "rules scenarios a_click_that_looked"],
    ["rules: a late sign-in", "it is sent", "by_ms: until_ms - settings.bank_ms,", "by_ms: i64::MAX - settings.bank_ms,", "rules scenarios a_sign_in_that_was_held_up"],
    ["rules: a start that stood still", "it asks the bank for nobody", "if now.now_ms > self.answer_by_ms.saturating_add(LATEST_SIGN_IN_MS) {", "if now.now_ms > self.answer_by_ms.saturating_add(LATEST_SIGN_IN_MS).max(i64::MAX) {", "rules scenarios a_start_whose_process"],
    ["rules: a lost sign-in that went well", "another one is sent", "if let (Some(attempt), Some(cached)) = (unnoticed, request_id) {", "if let (Some(attempt), Some(cached)) = (unnoticed.filter(|_| false), request_id) {", "rules scenarios a_lost_sign_in"],
    ["rules: accounts picked anew, found by the next start", "the old selection is fetched", "\n                        && !attempt.picks_accounts(connection)", "", "rules scenarios accounts_picked_anew_are_not"],
    ["rules: a user's limit", "there is none", "commit.limit =\n            Some(", "let _ =\n            Some(", "rules scenarios a_users_limit"],
    ["rules: resuming", "another attempt begins", "attempt.state == State::Open && attempt.stage == Stage::Session && attempt.is_waiting_at(now.now_ms)", "attempt.state == State::Superseded && attempt.stage == Stage::Session && attempt.is_waiting_at(now.now_ms)", "rules scenarios a_resume_keeps"],
    ["rules: 200 about an open attempt", "its user is asked once more", "let commit = accept(settings, stored, attempt, finished, Bearer::Server, now);\n                self.commit_and_reply(commit, StartReply::UpToDate)\n            }\n            Finding::Waiting", "let _ = accept(settings, stored, attempt, finished, Bearer::Server, now);\n                self.load(attempt, PageKind::Resume, None)\n            }\n            Finding::Waiting", "rules scenarios a_session_found_finished"],
    ["rules: 202 about an open attempt", "its user waits in Connect", "Finding::Working => self.refuse(Refusal::BankSlow),", "Finding::Working => self.load(attempt, PageKind::Resume, None),", "rules scenarios a_slow_bank"],
    ["rules: a page's token after a refusal", "it is of the same kind again", "(PageToken::Sessions, Some(_)) => Then::Again,", "(PageToken::Sessions, Some(_)) => Then::Call(Call::Token),", "rules scenarios a_page_whose_token"],
  ]),
  ...inFile("crates/backend/src/settings.rs", [
    ["rules: how long a bank may take", "a minute", "self.bank_ms + self.bank_ms / 20", "self.bank_ms.min(60_000)", "rules lib flinks::"],
    ["rules: how long a sign-in is marked", "a minute", "self.bank_ms + self.bank_ms / 10 + 1_000", "self.bank_ms.min(60_000)", "rules scenarios a_sign_in_whose_answer"],
    ["rules: how often to ask", "each minute, which keeps a session alive", "now.now_ms + now.doubled(self.reconcile_after_ms, times, LONGEST_RECONCILE_PAUSE_MS)", "now.now_ms + now.doubled(self.reconcile_after_ms, times.min(0), LONGEST_RECONCILE_PAUSE_MS)", "rules scenarios questions_about"],
  ]),
  ...inFile("crates/backend/src/flinks.rs", [
    ["rules: the tag at Flinks", "it is not sent", '"Save": true, "Tag": tag.as_str(),', '"Save": tag.as_str() == tag.as_str(),', "rules scenarios a_refresh_ends"],
  ]),
  ...inFile("crates/backend/src/code.rs", [
    ["rules: UNAUTHORIZED about a key", "it is about the user", 'if message.contains("key") {', "if false {", "rules lib code::"],
    ["rules: UNAUTHORIZED about a token", "it is about the user", 'if message.contains("token") {', "if false {", "rules lib code::"],
    ["rules: endpoint × code", "a spent session is to be asked again", '("SESSION_EXPIRED", [AskUser, Over, Stale, Over]),', '("SESSION_EXPIRED", [AskUser, Over, Stale, Later]),', "rules codes the_documented"],
    ["rules: a code Flinks adds", "it is later", "if about == About::SignIn && (400..500).contains(&http_status) => AskUser,", "if about == About::SignIn && http_status == 0 => AskUser,", "rules scenarios whatever_flinks_would"],
    ["rules: a refused secret key", "it is the user's", "(None, _) if (400..500).contains(&http_status) => Meaning::Keys,", "(None, _) if http_status == 0 => Meaning::Keys,", "rules lib code::"],
  ]),
];

/** What of the rules stands in the host's driver. */
const driver = [
  ...inFile("crates/host/src/flinks/mod.rs", [
    ["host: a late sign-in", "it is sent", "if request.by_ms.is_some_and(|by_ms| now_ms() > by_ms) {", "if request.by_ms.is_some_and(|by_ms| now_ms() < by_ms.min(0)) {", "host faults a_sign_in_that_was_held_up"],
    ["host: places of sign-ins", "they are those of starts", "let lane = if matches!(call, Call::SignIn { .. }) { Lane::SignIn } else { lane };", "", "host faults a_slow_sign_in_takes"],
  ]),
  ...inFile("crates/host/src/flinks/limiter.rs", [
    ["host: places of deliveries", "they are those of starts", "Lane::Deliver => &self.deliveries,", "Lane::Deliver => &self.starts,", "host faults many_starts"],
    ["host: places of workers", "they are those of starts", "Lane::Work => &self.work,", "Lane::Work => &self.starts,", "host lib flinks::limiter"],
  ]),
  ...inFile("crates/host/src/http/reconnects.rs", [
    ["host: a slow bank's sign-in goes on", "it ends with the request that began it", "match timeout(answer_by, app.detached.run(work)).await {", "match timeout(answer_by, async { Ok::<_, crate::detached::Panicked>(work.await) }).await {", "host faults a_bank_that_takes_longer"],
  ]),
  ...inFile("crates/host/src/http/webhook.rs", [
    ["host: a webhook's signature", "anybody's will do", "if !is_signed(&body, &signature, &secret) {", "if !is_signed(&body, &signature, &secret) && false {", "host sqlite a_signed_webhook"],
    ["host: a webhook of no use", "Flinks repeats it ten times", "let Some(webhook) = Webhook::read(&body.into_bytes()) else { return Ok(None) };", "let Some(webhook) = Webhook::read(&body.into_bytes()) else { return Err(Problem::unsigned()) };", "host sqlite a_signed_webhook"],
  ]),
  ...inFile("crates/host/src/outbound.rs", [
    ["host: no body, no length", "some servers answer 411", 'None if verb == Verb::Post => request.header(header::CONTENT_LENGTH, "0"),', "None if verb == Verb::Post => request,", "host faults every_call_says"],
    ["host: who asks", "nobody says", ".user_agent(USER_AGENT)", '.user_agent(&USER_AGENT[..0])', "host faults every_call_says"],
    ["host: what is taken", "anything", 'request.header(header::ACCEPT, HeaderValue::from_static("application/json"))', 'request.header(header::ACCEPT, HeaderValue::from_static("*/*"))', "host faults every_call_says"],
    ["host: a connection that breaks", "nothing was sent", "if error.is_connect() { Failure::NoConnection } else { Failure::Broken }", "if error.is_connect() { Failure::NoConnection } else { Failure::NoConnection }", "host faults a_sign_in_whose_connection_breaks"],
  ]),
  ...inFile("crates/host/src/storage/attempts.rs", [
    ["host: what was decided on an older version", "it is stored", "WHERE id = $1 AND version = $2", "WHERE id = $1 AND version >= $2", "host faults five_clicks"],
    ["host: a user's limit", "there is none", "&& is_over(&mut write, self.dialect, limit, &commit.connection).await?", "&& is_over(&mut write, self.dialect, limit, &commit.connection).await? && false", "host faults a_user_has_so_many"],
  ]),
];

export const mutations = [...gate, ...decoder, ...redirect, ...result, ...address, ...url, ...options, ...delivery, ...lints, ...sender, ...frame, ...decoderOnThePage, ...platform, ...rules, ...driver];
