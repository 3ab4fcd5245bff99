//! The table in the documentation is the table in the code.

use flinks_backend::code::TABLE;

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let page = include_str!("../../../../docs/backend.md");
    for (code, meanings) in TABLE {
        let cells = meanings.map(flinks_backend::code::Meaning::as_str).join(" | ");
        let row = format!("| `{code}` | {cells} |");
        assert!(page.contains(&row), "docs/backend.md lacks the row {row}");
    }
}
