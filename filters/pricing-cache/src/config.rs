//! The filter's configuration: read once, checked whole, refused with the JSON path of the fault.

use jobzy_host::upstream::{Upstream, UpstreamError};
use serde::Deserialize;
use thiserror::Error;

use crate::book::Timing;

/// The configuration, compiled.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the active rate book is.
    pub rate_book: Upstream,
    /// When it is asked for.
    pub timing: Timing,
    /// Most quotes that are stored.
    pub max_entries: usize,
    /// The path of quote requests, without a query.
    pub quote_path: String,
    /// Whether a POST's headers are held back until its body is there.
    pub hold_headers: bool,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {reason}")]
pub struct ConfigError {
    /// Where, as in `$.refresh_ms`.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    upstream: String,
    authority: String,
    scheme: String,
    path: String,
    #[serde(default = "one_second")]
    refresh_ms: u64,
    #[serde(default = "five_seconds")]
    unknown_after_ms: u64,
    #[serde(default = "two_thousand")]
    max_entries: u32,
    quote_path: String,
    #[serde(default)]
    hold_headers: bool,
}

const fn one_second() -> u64 {
    1000
}
const fn five_seconds() -> u64 {
    5000
}
const fn two_thousand() -> u32 {
    2048
}

impl Config {
    /// Reads the plugin configuration.
    ///
    /// # Errors
    /// The first fault; the filter then refuses to start.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let raw: Raw = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            match error.path().to_string() {
                path if path == "." => fault("$", error.inner()),
                path => fault(&format!("$.{path}"), error.inner()),
            }
        })?;
        reader.end().map_err(|error| fault("$", &error))?;

        within("$.refresh_ms", raw.refresh_ms, 100, 60_000)?;
        within("$.unknown_after_ms", raw.unknown_after_ms, 100, 600_000)?;
        if raw.unknown_after_ms <= raw.refresh_ms {
            return Err(fault("$.unknown_after_ms", &"must be more than refresh_ms"));
        }
        within("$.max_entries", u64::from(raw.max_entries), 1, 65_536)?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%".contains(&byte);
        if !raw.quote_path.starts_with('/') || !raw.quote_path.bytes().all(is_plain) {
            return Err(fault("$.quote_path", &"must be a plain path that starts with a slash"));
        }
        Ok(Self {
            rate_book: raw.upstream()?,
            timing: Timing { refresh_ms: raw.refresh_ms, unknown_after_ms: raw.unknown_after_ms },
            max_entries: usize::try_from(raw.max_entries).unwrap_or(usize::MAX),
            quote_path: raw.quote_path,
            hold_headers: raw.hold_headers,
        })
    }
}

impl Raw {
    fn upstream(&self) -> Result<Upstream, ConfigError> {
        Upstream::new(&self.upstream, &self.authority, &self.scheme, &self.path).map_err(|error| {
            let path = match error {
                UpstreamError::Name => "$.upstream",
                UpstreamError::Authority => "$.authority",
                UpstreamError::Scheme => "$.scheme",
                UpstreamError::Path => "$.path",
            };
            fault(path, &error)
        })
    }
}

fn fault(path: &str, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError { path: path.to_owned(), reason: reason.to_string() }
}

fn within(path: &str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(fault(path, &format!("must be from {least} to {most}")))
}
