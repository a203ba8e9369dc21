//! The tour, twice in a row over the same data, on each database.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;

use jobzy_local::stack::{Database, Stack};
use jobzy_local::tour::{self, TourConfig};
use jobzy_service::clock::Clock;
use jobzy_testkit::mariadb;

/// One start, one tour, one end: what `make tour` does. Gives the invoice of the tour's job.
async fn once(home: &Path, database: Database) -> std::path::PathBuf {
    let stack = Stack::start(jobzy_tests::config(home, database).unwrap()).await.unwrap();
    let config = TourConfig {
        gateway: stack.gateway(),
        issuer: stack.issuer().url().to_owned(),
        out_dir: home.to_owned(),
        now: Clock::system().now(),
    };
    let mut shown = Vec::new();
    let outcome = tour::walk(config, &mut shown).await.unwrap();
    stack.stop().await;
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(outcome.failed, Vec::<String>::new(), "{shown}");
    assert!(outcome.held >= 25, "{shown}");
    outcome.invoice.unwrap()
}

async fn twice(database: Database) {
    let home = tempfile::tempdir().unwrap();
    let first = once(home.path(), database.clone()).await;
    let second = once(home.path(), database).await;
    assert_ne!(first, second, "each tour has an invoice of its own");
    let text = std::process::Command::new("pdftotext").arg("-layout").arg(&first).arg("-").output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for needed in ["0112038-9", "25,5", "Demo provider", "Hämeentie 15"] {
        assert!(text.contains(needed), "the invoice lacks {needed}:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_holds_twice_on_sqlite() {
    twice(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_holds_twice_on_mariadb() {
    let url = format!("mysql://root@127.0.0.1:{}", mariadb::shared().await.port());
    twice(Database::MySql { url, prefix: "tour_".to_owned() }).await;
}
