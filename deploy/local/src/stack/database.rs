//! One database per sidecar: SQLite files, or schemas of one MariaDB or MySQL server.

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::{Connection, Executor, MySqlConnection};

use super::layout::{Layout, SIDECARS};

/// Where the sidecars keep their data.
#[derive(Debug, Clone)]
pub enum Database {
    /// One file per sidecar in the data folder.
    Sqlite,
    /// One schema `<prefix><sidecar>` per sidecar on the server at `url` (`mysql://user:pw@host:port`).
    MySql {
        /// The server; a path in it is ignored.
        url: String,
        /// Begins every schema's name.
        prefix: String,
    },
}

impl Database {
    /// Reads `DATABASE_URL`: unset means SQLite.
    ///
    /// # Errors
    /// When it is neither a `mysql://` nor a `sqlite:` address.
    pub fn from_url(url: Option<&str>) -> anyhow::Result<Self> {
        match url {
            None | Some("") => Ok(Self::Sqlite),
            Some(url) if url.starts_with("mysql://") || url.starts_with("mariadb://") => {
                let url = url.replacen("mariadb://", "mysql://", 1);
                Ok(Self::MySql { url, prefix: "jobzy_".to_owned() })
            }
            Some(url) if url.starts_with("sqlite:") => Ok(Self::Sqlite),
            Some(url) => {
                // Never the address itself: it may hold a password.
                let scheme = url.split(':').next().unwrap_or_default();
                anyhow::bail!(
                    "DATABASE_URL: unknown scheme {scheme}; mysql://user:password@host:port is understood"
                )
            }
        }
    }

    /// Makes what must exist before a sidecar starts, and gives each sidecar its `DATABASE_URL`.
    pub(super) async fn create(&self, layout: &Layout) -> anyhow::Result<BTreeMap<&'static str, String>> {
        match self {
            Self::Sqlite => Ok(SIDECARS
                .iter()
                .map(|&name| {
                    (name, format!("sqlite://{}", layout.data().join(format!("{name}.db")).display()))
                })
                .collect()),
            Self::MySql { url, prefix } => {
                let server = server_of(url)?;
                let mut connection =
                    MySqlConnection::connect(&server).await.context("connecting to DATABASE_URL")?;
                let mut urls = BTreeMap::new();
                for name in SIDECARS {
                    let schema = format!("{prefix}{name}");
                    let statement = format!("CREATE DATABASE IF NOT EXISTS `{schema}` CHARACTER SET utf8mb4");
                    connection
                        .execute(sqlx::AssertSqlSafe(statement))
                        .await
                        .with_context(|| format!("creating {schema}"))?;
                    urls.insert(name, format!("{server}{schema}"));
                }
                connection.close().await?;
                Ok(urls)
            }
        }
    }
}

/// `mysql://user:pw@host:port/`, whatever path stood behind it.
fn server_of(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("mysql://").context("DATABASE_URL must begin with mysql://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    anyhow::ensure!(!authority.is_empty(), "DATABASE_URL names no server");
    Ok(format!("mysql://{authority}/"))
}

#[cfg(test)]
mod tests {
    use super::{Database, server_of};

    #[test]
    fn a_path_behind_the_server_is_ignored() {
        assert_eq!(server_of("mysql://root@127.0.0.1:3306/jobzy").unwrap(), "mysql://root@127.0.0.1:3306/");
        assert_eq!(server_of("mysql://a:b@h:1").unwrap(), "mysql://a:b@h:1/");
    }

    #[test]
    fn an_unknown_scheme_is_named_without_the_password() {
        let error = Database::from_url(Some("postgres://u:secret@h/db")).unwrap_err().to_string();
        assert!(error.contains("postgres") && !error.contains("secret"), "{error}");
    }
}
