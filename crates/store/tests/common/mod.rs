//! A migrated database for the conformance tests, with one table of their own.

use jiff::Timestamp;
use jobzy_store::{Db, DbOptions, MIGRATIONS, Migration};

/// What the tests write into.
pub const NOTES: &[Migration] = &[Migration {
    version: 100,
    name: "notes",
    sql: "CREATE TABLE notes (\n\
            id VARBINARY(16) NOT NULL PRIMARY KEY,\n\
            label VARCHAR(64) NULL CHECK (LENGTH(label) <= 64),\n\
            amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),\n\
            flag SMALLINT NOT NULL\n\
          );\n\
          CREATE TABLE replies (\n\
            number {serial},\n\
            note_id VARBINARY(16) NOT NULL,\n\
            code VARBINARY(40) NOT NULL,\n\
            UNIQUE (code),\n\
            FOREIGN KEY (note_id) REFERENCES notes (id)\n\
          );\n",
}];

/// Opens `url` and brings it up to date.
pub async fn open(url: &str) -> Db {
    let db = Db::connect(url, DbOptions::default()).await.expect("the test database opens");
    db.migrate(MIGRATIONS).await.expect("this crate's migrations apply");
    db.migrate(NOTES).await.expect("the test's migration applies");
    db
}

/// A moment in 2026, `seconds` after a fixed one.
#[allow(dead_code, reason = "not every test file needs a clock")]
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time in 2026")
}
