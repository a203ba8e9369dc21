//! Reading a filter's configuration: whole, once, and refused with the JSON path of the fault.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::upstream::{Upstream, UpstreamError};

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {reason}")]
pub struct ConfigError {
    /// Where, as in `$.routes.quotes.any_role`.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

/// Reads the configuration's JSON; nothing may follow it.
///
/// # Errors
/// The first fault, by its path.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, ConfigError> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.path().to_string() {
            path if path == "." => fault("$", error.inner()),
            path => fault(&format!("$.{path}"), error.inner()),
        })?;
    reader.end().map_err(|error| fault("$", &error))?;
    Ok(read)
}

/// A fault at `path`.
pub fn fault(path: &str, reason: &dyn Display) -> ConfigError {
    ConfigError { path: path.to_owned(), reason: reason.to_string() }
}

/// Refuses a number that is not from `least` to `most`.
///
/// # Errors
/// The fault at `path`.
pub fn within(path: &str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(fault(path, &format!("must be from {least} to {most}")))
}

/// The target whose parts are the members `upstream`, `authority`, `scheme` and `path` of the object at `at`.
///
/// # Errors
/// The member that cannot work on both gateways.
pub fn upstream(
    at: &str,
    name: &str,
    authority: &str,
    scheme: &str,
    path: &str,
) -> Result<Upstream, ConfigError> {
    Upstream::new(name, authority, scheme, path).map_err(|error| {
        let member = match error {
            UpstreamError::Name => "upstream",
            UpstreamError::Authority => "authority",
            UpstreamError::Scheme => "scheme",
            UpstreamError::Path => "path",
        };
        fault(&format!("{at}.{member}"), &error)
    })
}
