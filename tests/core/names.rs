//! Names that Rust and TypeScript both need: `www/sdk/names.ts` is made from the Rust tables, and this test says when it is out of date.
//!
//! `UPDATE=1 cargo test --test core names` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flinks_connect::parameters::{DOCUMENTED, RESERVED};
use flinks_connect::{code, step};
use flinks_reconnect::session::{ErrorCode, Event, LoadProblem, Mode, NAMES, Phase, View};

/// A type of these names, and a list of them; `tail` is what else the type allows.
fn names(file: &mut String, name: &str, list: &str, about: &str, names: &[&str], tail: &str) {
    let union = names.iter().map(|name| format!("\n  | {name:?}")).collect::<Vec<_>>().concat();
    let items = names.iter().map(|name| format!("\n  {name:?},")).collect::<Vec<_>>().concat();
    let _ = write!(
        file,
        "\n/** {about} */\nexport type {name} ={union}{tail};\n\nexport const {list}: readonly {name}[] = [{items}\n];\n"
    );
}

fn generated() -> String {
    let mut file = "// Made from the Rust tables by `UPDATE=1 cargo test --test core names`, which also says when it is out of date.\n".to_owned();
    let any_other = "\n  | (string & {})";
    let phases: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
    names(&mut file, "Phase", "PHASES", "Where a session stands.", &phases, "");
    let modes: Vec<&str> = Mode::ALL.iter().map(|mode| mode.as_str()).collect();
    names(&mut file, "Mode", "MODES", "What really happened.", &modes, "");
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    names(&mut file, "ErrorCode", "ERROR_CODES", "The `code` of a `ReconnectError`.", &codes, "");
    let problems: Vec<&str> = LoadProblem::ALL.iter().map(|problem| problem.as_str()).collect();
    names(&mut file, "LoadProblem", "LOAD_PROBLEMS", "Why Connect did not load.", &problems, "");
    let views: Vec<&str> = View::ALL.iter().map(|view| view.as_str()).collect();
    names(&mut file, "ViewName", "VIEW_NAMES", "What the user can be shown.", &views, "");
    names(&mut file, "OptionName", "OPTION_NAMES", "Every option.", NAMES, "");
    names(&mut file, "EventName", "EVENT_NAMES", "Every event of a session.", Event::NAMES, "");
    names(
        &mut file,
        "ConnectParameter",
        "CONNECT_PARAMETERS",
        "The parameters of Connect's address that Flinks documents.",
        DOCUMENTED,
        "",
    );
    names(&mut file, "ReservedParameter", "RESERVED_PARAMETERS", "Those that the widget sets itself.", RESERVED, "");
    let steps: Vec<&str> = step::ALL.iter().map(|step| step.name).collect();
    let about = "The steps that Flinks documents, in the order a session may show them. It adds names, and they are passed on: any other text may\n * come. docs/vocabulary.md says what each means.";
    names(&mut file, "FlinksStep", "FLINKS_STEPS", about, &steps, any_other);
    let codes: Vec<&str> = code::ALL.iter().map(|code| code.name).collect();
    let about = "The codes that Flinks documents. It adds some, and they are passed on: any other text may come. docs/vocabulary.md says what each\n * means.";
    names(&mut file, "FlinksCode", "FLINKS_CODES", about, &codes, any_other);
    file
}

#[test]
fn names_in_typescript_are_those_in_rust() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/sdk/names.ts");
    let wanted = generated();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &wanted).expect("www/sdk can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "www/sdk/names.ts is out of date: run `UPDATE=1 cargo test --test core names`");
}
