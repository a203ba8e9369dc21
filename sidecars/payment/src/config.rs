//! What the payment sidecar reads from its environment beyond what every sidecar does.

use std::fmt;
use std::path::PathBuf;

use jobzy_service::config::{ConfigError, Env};

/// The parsed environment. `STRIPE_API_BASE` is read by the program through `Common::address`.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`; a SQLite file below `.local` by default.
    pub database_url: String,
    /// `EVENT_SUBSCRIBERS`: who hears what became of a payment.
    pub subscribers: Vec<(String, String)>,
    /// `STRIPE_SECRET_KEY`: `sk_...`.
    pub stripe_key: String,
    /// `STRIPE_WEBHOOK_SECRET`: `whsec_...`, several separated by commas while one is replaced by the next.
    pub webhook_secrets: Vec<String>,
    /// `FILES_DIR`: where invoices are kept as files.
    pub files: PathBuf,
}

impl Config {
    /// Reads and checks it.
    ///
    /// # Errors
    /// When a variable is missing or malformed; the error names it.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        env.required("STRIPE_WEBHOOK_SECRET")?;
        let webhook_secrets = env.list("STRIPE_WEBHOOK_SECRET");
        if webhook_secrets.is_empty() {
            return Err(ConfigError::new("STRIPE_WEBHOOK_SECRET", "must name at least one secret"));
        }
        let stripe_key = env.required("STRIPE_SECRET_KEY")?;
        if !stripe_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::new("STRIPE_SECRET_KEY", "must be visible ASCII characters"));
        }
        Ok(Self {
            database_url: env.string("DATABASE_URL", "sqlite://.local/data/payment.db"),
            subscribers: env.pairs("EVENT_SUBSCRIBERS")?,
            stripe_key,
            webhook_secrets,
            files: PathBuf::from(env.string("FILES_DIR", ".local/data/files")),
        })
    }
}

/// Without the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database_url: _, subscribers, stripe_key: _, webhook_secrets, files } = self;
        f.debug_struct("Config")
            .field("subscribers", subscribers)
            .field("webhook_secrets", &webhook_secrets.len())
            .field("files", files)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use jobzy_service::config::Env;

    #[test]
    fn secrets_are_required_and_never_shown() {
        let pairs = [("STRIPE_SECRET_KEY", "sk_test_hush"), ("STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b")];
        let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
        assert_eq!(config.webhook_secrets, ["whsec_a", "whsec_b"]);
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush") && !shown.contains("whsec"), "{shown}");
        for (left, named) in [(&pairs[..1], "STRIPE_WEBHOOK_SECRET"), (&pairs[1..], "STRIPE_SECRET_KEY")] {
            assert_eq!(Config::from_env(&Env::from_pairs(left.to_vec())).unwrap_err().name, named);
        }
    }
}
