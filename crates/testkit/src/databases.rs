//! The same test on both databases.

use crate::{mariadb, sqlite};

/// Runs `test` with the URL of a fresh SQLite file, then with that of a fresh MariaDB database. Says on stderr which
/// one is running, so that a failure can be told.
pub async fn both_databases<F, Fut>(test: F)
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = ()>,
{
    eprintln!("on SQLite");
    let (url, _guard) = sqlite::temp();
    test(url).await;
    eprintln!("on MariaDB");
    test(mariadb::shared().await.database("conformance").await).await;
}
