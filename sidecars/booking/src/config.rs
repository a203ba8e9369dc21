//! What the booking sidecar reads from its environment beyond what every sidecar does.

use jobzy_service::config::{ConfigError, Env};

/// The parsed environment; `PRICING_URL` is read by the client of the pricing service.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`; a SQLite file below `.local` by default.
    pub database_url: String,
    /// `EVENT_SUBSCRIBERS`: who hears of jobs.
    pub subscribers: Vec<(String, String)>,
}

impl Config {
    /// Reads and checks it.
    ///
    /// # Errors
    /// When a variable is missing or malformed; the error names it.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            database_url: env.string("DATABASE_URL", "sqlite://.local/data/booking.db"),
            subscribers: env.pairs("EVENT_SUBSCRIBERS")?,
        })
    }
}
