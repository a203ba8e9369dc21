//! The environment, read once and parsed by name; every error names its variable.
//!
//! Values never appear in errors or in `Debug` output, because some of them are secrets.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

/// A variable that is missing or does not parse. `main` exits with 64 (`EX_USAGE`) on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct ConfigError {
    /// Name of the environment variable.
    pub name: String,
    /// What is wrong with it, without its value.
    pub reason: String,
}

impl ConfigError {
    /// An error for a rule the caller checks itself, such as a bound.
    pub fn new(name: impl Into<String>, reason: impl Display) -> Self {
        Self { name: name.into(), reason: reason.to_string() }
    }
}

/// A copy of the environment. A variable that is empty counts as unset, as compose files write it so.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process; variables that are not UTF-8 are left out.
    pub fn from_process() -> Self {
        let utf8 =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self(utf8.collect())
    }

    /// An environment made of the given pairs, for tests and for programs that start sidecars in process.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// The value, or `None` where it is unset or empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()).map(str::to_owned)
    }

    /// The value, or `default`.
    pub fn string(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    /// The value; refuses when it is unset.
    pub fn required(&self, name: &str) -> Result<String, ConfigError> {
        self.optional(name).ok_or_else(|| ConfigError::new(name, "must be set"))
    }

    /// The parsed value, or `default` where it is unset.
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T, ConfigError> {
        Ok(self.optional_parse(name)?.unwrap_or(default))
    }

    /// The parsed value; refuses when it is unset.
    pub fn required_parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ConfigError> {
        self.optional_parse(name)?.ok_or_else(|| ConfigError::new(name, "must be set"))
    }

    /// The parsed value, or `None` where it is unset.
    pub fn optional_parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| ConfigError::new(name, error))
    }

    /// A comma separated list; blanks around items and empty items are dropped.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.optional(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// A comma separated list of `key=value` items, such as `EVENT_SUBSCRIBERS`.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let pair = |item: String| match item.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(ConfigError::new(name, "expected a comma separated list of name=value")),
        };
        self.list(name).into_iter().map(pair).collect()
    }
}

/// Shows names only.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::from_pairs([
            ("PORT", "80x"),
            ("EMPTY", " "),
            ("LIST", "a, b,,c"),
            ("SECRET", "hush"),
            ("N", "7"),
        ])
    }

    #[test]
    fn a_bad_value_names_its_variable_and_hides_the_value() {
        let error = env().parse::<u16>("PORT", 1).unwrap_err();
        assert_eq!(error.name, "PORT");
        assert!(!error.to_string().contains("80x"), "{error}");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(env().optional("EMPTY"), None);
        assert_eq!(env().string("EMPTY", "d"), "d");
        assert_eq!(env().required("EMPTY").unwrap_err().to_string(), "EMPTY: must be set");
    }

    #[test]
    fn values_parse_and_fall_back_to_their_default() {
        assert_eq!(env().parse("N", 1_u8).unwrap(), 7);
        assert_eq!(env().parse("ABSENT", 1_u8).unwrap(), 1);
        assert_eq!(env().list("LIST"), ["a", "b", "c"]);
    }

    #[test]
    fn pairs_need_a_name_and_a_value() {
        let good = Env::from_pairs([("S", "a=http://x/?q=1, b=http://y")]);
        assert_eq!(
            good.pairs("S").unwrap(),
            [("a".into(), "http://x/?q=1".into()), ("b".into(), "http://y".into())]
        );
        assert_eq!(Env::from_pairs([("S", "a")]).pairs("S").unwrap_err().name, "S");
    }

    #[test]
    fn debug_output_has_no_values() {
        assert!(!format!("{:?}", env()).contains("hush"));
    }
}
