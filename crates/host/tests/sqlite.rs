//! The scenarios on SQLite, one test each.

use crate::common::{Database, scenarios};

macro_rules! test {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            scenarios::$name(&Database::sqlite()).await;
        })*
    };
}

crate::every_scenario!(test);
