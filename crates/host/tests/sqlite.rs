//! The scenarios on SQLite, one test each.

mod common;

use common::{Database, scenarios};

macro_rules! test {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            scenarios::$name(&Database::sqlite()).await;
        })*
    };
}

every_scenario!(test);
