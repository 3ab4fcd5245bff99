//! docs/vocabulary.md says what the widget does about each step and code of Flinks: held against the tables that decide it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flinks_connect::code::{self, Severity};
use flinks_connect::step::{self, Meaning};

/// The rows of a table: the name, and the other cells.
fn rows(title: &str) -> Vec<(String, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/vocabulary.md");
    let page = fs::read_to_string(path).unwrap_or_default();
    let section = page.split("\n## ").find(|section| section.starts_with(&format!("{title}\n"))).unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let (name, cells) = line.strip_prefix("| `")?.split_once("` | ")?;
        let cells = cells.strip_suffix(" |")?.replace("\\|", "\u{0}");
        Some((name.to_owned(), cells.split(" | ").map(|cell| cell.replace('\u{0}', "\\|")).collect()))
    });
    rows.collect()
}

fn does(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Mounted | Meaning::Screen | Meaning::Offline | Meaning::Passing => "goes on",
        Meaning::Mfa => "goes on; the answer has eight minutes",
        Meaning::Window => "goes on; after the bank list the result's `mode` is `connect`",
        Meaning::Submitted => "goes on; closing asks once from now on",
        Meaning::SignedIn => "goes on; closing asks once from now on, and the result's `mode` is `connect`",
        Meaning::Resized => "takes the height, within 240 to 1600 pixels",
        Meaning::PopupBlocked => "tells the user what to do",
        Meaning::FullFlow => "in a reconnect: `fullflow`, and `FULL_FLOW` with `fullFlow: \"stop\"`",
        Meaning::Closed | Meaning::Denied => "ends with `CANCELLED`, or with `FLINKS` after a refusal",
        Meaning::TokenInvalid => "renews once through `start` while the user is there, else `TOKEN_INVALID`",
        Meaning::Redirect => "checks, delivers, and is done",
    }
}

#[test]
fn every_step_and_what_the_widget_does_about_it_stands_in_the_docs() {
    // The page has them in the order in which a session may show them.
    let told: BTreeSet<_> = rows("Steps").into_iter().map(|(name, cells)| (name, cells.last().cloned())).collect();
    let true_ones: BTreeSet<_> =
        step::ALL.iter().map(|step| (step.name.to_owned(), Some(does(step.meaning).to_owned()))).collect();
    assert_eq!(told, true_ones);
}

#[test]
fn every_code_and_what_the_widget_does_about_it_stands_in_the_docs() {
    let told: Vec<_> = rows("Codes").into_iter().map(|(name, cells)| (name, cells.last().cloned())).collect();
    let true_ones: Vec<_> = code::ALL
        .iter()
        .map(|code| {
            let does = match code.severity {
                Severity::Passing => "goes on",
                Severity::Correctable => "goes on: the user can put it right in Connect",
                Severity::SessionOver => "renews once through `start` while the user is there, else `SESSION_EXPIRED`",
                Severity::Refused => "goes on; if the user then closes: `FLINKS`",
            };
            (code.name.to_owned(), Some(does.to_owned()))
        })
        .collect();
    assert_eq!(told, true_ones);
}
