//! SQLite files that go away with the test.

use tempfile::TempDir;

/// Removes the database's folder when dropped.
#[derive(Debug)]
pub struct Guard(#[expect(dead_code, reason = "held for its Drop")] TempDir);

/// The `DATABASE_URL` of a file that does not exist yet, in a folder of its own.
pub fn temp() -> (String, Guard) {
    let folder = tempfile::Builder::new().prefix("jobzy-sqlite-").tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}/test.db", folder.path().display());
    (url, Guard(folder))
}
