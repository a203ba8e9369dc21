//! The filter's configuration: read once, checked whole, refused with the JSON path of the fault.

pub use jobzy_host::config::ConfigError;
use jobzy_host::config::{fault, parse, upstream, within};
use jobzy_host::upstream::Upstream;
use serde::Deserialize;

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
        let raw: Raw = parse(json)?;

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
            rate_book: upstream("$", &raw.upstream, &raw.authority, &raw.scheme, &raw.path)?,
            timing: Timing { refresh_ms: raw.refresh_ms, unknown_after_ms: raw.unknown_after_ms },
            max_entries: usize::try_from(raw.max_entries).unwrap_or(usize::MAX),
            quote_path: raw.quote_path,
            hold_headers: raw.hold_headers,
        })
    }
}
