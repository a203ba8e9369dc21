//! What can be set: the header's name.

use serde::Deserialize;
use thiserror::Error;

/// The header when none is configured.
pub const DEFAULT_HEADER: &str = "x-correlation-id";

/// The filter's configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Lower-case name of the header that carries the id.
    pub header: String,
}

/// Why a configuration cannot be used, with the JSON path of the fault.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// No JSON, or a member that does not exist.
    #[error("$: {0}")]
    Json(#[from] serde_json::Error),
    /// Not a lower-case header name.
    #[error("$.header: must be 1 to 64 of a-z, 0-9 and '-'")]
    Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    header: Option<String>,
}

impl Config {
    /// Reads the plugin configuration; none at all means the defaults.
    ///
    /// # Errors
    /// [`ConfigError`]: the filter then refuses to start.
    pub fn parse(json: Option<&[u8]>) -> Result<Self, ConfigError> {
        let raw: Raw = match json.filter(|json| !json.is_empty()) {
            Some(json) => serde_json::from_slice(json)?,
            None => Raw { header: None },
        };
        let header = raw.header.unwrap_or_else(|| DEFAULT_HEADER.to_owned());
        let permitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if header.is_empty() || header.len() > 64 || !header.bytes().all(permitted) {
            return Err(ConfigError::Header);
        }
        Ok(Self { header })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[track_caller]
    fn fails(json: &str, message: &str) {
        let error = Config::parse(Some(json.as_bytes())).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }

    #[test]
    fn nothing_configured_means_the_usual_header() {
        for json in [None, Some(&b""[..]), Some(b"{}"), Some(br#"{"header":"x-correlation-id"}"#)] {
            assert_eq!(Config::parse(json).unwrap().header, "x-correlation-id");
        }
    }

    #[test]
    fn the_schema_given_to_kong_has_the_same_default() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../meta.json")).unwrap();
        let properties = schema["config_schema"]["properties"].as_object().unwrap();
        assert_eq!(properties.keys().collect::<Vec<_>>(), ["header"]);
        assert_eq!(properties["header"]["default"], super::DEFAULT_HEADER);
    }

    #[test]
    fn a_fault_is_named_by_its_path() {
        fails(r#"{"header":""}"#, "$.header");
        fails(r#"{"header":"X-Correlation-Id"}"#, "$.header");
        fails(r#"{"header":":path"}"#, "$.header");
        fails(r#"{"header":1}"#, "$: invalid type");
        fails(r#"{"heder":"x"}"#, "$: unknown field `heder`");
        fails("x", "$:");
    }
}
