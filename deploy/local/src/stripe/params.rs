//! Typed reading of parameters, refusing in Stripe's words what is missing, unknown or malformed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::ApiError;

/// Stripe's limits of metadata.
const MAX_METADATA: usize = 50;
const MAX_METADATA_NAME: usize = 40;
const MAX_METADATA_VALUE: usize = 500;

/// A view of the parameters of one call, or of one nested object among them.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a> {
    tree: &'a Map<String, Value>,
    within: &'a str,
}

impl<'a> Params<'a> {
    /// All parameters of a call.
    pub fn new(tree: &'a Map<String, Value>) -> Self {
        Self { tree, within: "" }
    }

    /// Refuses any parameter that is not in `accepted`; `expand` always is.
    pub fn only(self, accepted: &[&str]) -> Result<Self, ApiError> {
        let known = |name: &&String| accepted.contains(&name.as_str()) || *name == "expand";
        match self.tree.keys().find(|name| !known(name)) {
            None => Ok(self),
            Some(name) => {
                let name = self.full(name);
                let message = format!("Received unknown parameter: {name}");
                Err(ApiError::parameter(Some("parameter_unknown"), &name, message))
            }
        }
    }

    /// Text that is not empty: Stripe takes an empty value for an attempt to unset the parameter.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, ApiError> {
        match self.tree.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => {
                let name = self.full(name);
                let message = format!("You passed an empty string for '{name}', which cannot be unset.");
                Err(ApiError::parameter(Some("parameter_invalid_empty"), &name, message))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "string")),
        }
    }

    /// As [`Self::text`], and it must be there.
    pub fn required(self, name: &str) -> Result<&'a str, ApiError> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// An owned text, for what is kept.
    pub fn owned(self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A whole number.
    pub fn integer(self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            let name = self.full(name);
            let message = format!("Invalid integer: {text}");
            ApiError::parameter(Some("parameter_invalid_integer"), &name, message)
        })?;
        Ok(Some(number))
    }

    /// A whole number of at least 1.
    pub fn positive(self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.integer(name)? {
            Some(number) if number < 1 => {
                let message = "This value must be greater than or equal to 1.".to_owned();
                Err(ApiError::parameter(Some("parameter_invalid_integer"), &self.full(name), message))
            }
            number => Ok(number),
        }
    }

    /// `true` or `false`; false when absent.
    pub fn flag(self, name: &str) -> Result<bool, ApiError> {
        match self.text(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                let message = format!("Invalid boolean: {other}");
                Err(ApiError::parameter(Some("parameter_invalid"), &self.full(name), message))
            }
        }
    }

    /// One of some words.
    pub fn word(self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let word = words.iter().find(|word| **word == text).copied();
        word.map(Some).ok_or_else(|| {
            let name = self.full(name);
            let message = format!("Invalid {name}: must be one of {}", words.join(", "));
            ApiError::parameter(None, &name, message)
        })
    }

    /// A list of texts, given as `name[]` or `name[0]`.
    pub fn list(self, name: &str) -> Result<Vec<&'a str>, ApiError> {
        let values: Vec<&Value> = match self.tree.get(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(members)) => members.values().collect(),
            Some(_) => return Err(self.invalid(name, "array")),
        };
        values.into_iter().map(|value| value.as_str().ok_or_else(|| self.invalid(name, "array"))).collect()
    }

    /// A nested object.
    pub fn nested(self, name: &'a str) -> Result<Option<Params<'a>>, ApiError> {
        match self.tree.get(name) {
            None => Ok(None),
            Some(Value::Object(tree)) => Ok(Some(Params { tree, within: name })),
            Some(_) => Err(self.invalid(name, "object")),
        }
    }

    /// The metadata as sent: an empty value asks for the name to be removed.
    pub fn metadata(self) -> Result<BTreeMap<String, String>, ApiError> {
        let Some(nested) = self.nested("metadata")? else { return Ok(BTreeMap::new()) };
        let mut metadata = BTreeMap::new();
        for (name, value) in nested.tree {
            let value = value.as_str().ok_or_else(|| nested.invalid(name, "string"))?;
            if name.chars().count() > MAX_METADATA_NAME || value.chars().count() > MAX_METADATA_VALUE {
                let message = format!(
                    "Metadata names can have up to {MAX_METADATA_NAME} characters, values up to {MAX_METADATA_VALUE}."
                );
                return Err(ApiError::parameter(None, &nested.full(name), message));
            }
            metadata.insert(name.clone(), value.to_owned());
        }
        if metadata.len() > MAX_METADATA {
            let message = format!("Metadata can have up to {MAX_METADATA} names.");
            return Err(ApiError::parameter(None, "metadata", message));
        }
        Ok(metadata)
    }

    fn full(self, name: &str) -> String {
        if self.within.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.within) }
    }

    fn missing(self, name: &str) -> ApiError {
        let name = self.full(name);
        let message = format!("Missing required param: {name}.");
        ApiError::parameter(Some("parameter_missing"), &name, message)
    }

    fn invalid(self, name: &str, wanted: &str) -> ApiError {
        let name = self.full(name);
        ApiError::parameter(Some("parameter_invalid"), &name, format!("Invalid {wanted}: {name}"))
    }
}

/// Merges metadata into what is kept: an empty value removes the name.
pub fn merge(kept: &mut BTreeMap<String, String>, sent: BTreeMap<String, String>) {
    for (name, value) in sent {
        if value.is_empty() {
            kept.remove(&name);
        } else {
            kept.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, merge};
    use crate::stripe::error::ApiError;
    use crate::stripe::form::Form;
    use std::collections::BTreeMap;

    fn metadata(encoded: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let form = Form::parse(encoded.as_bytes()).unwrap();
        Params::new(form.tree()).metadata()
    }

    fn read<T>(encoded: &str, read: impl FnOnce(Params<'_>) -> Result<T, ApiError>) -> Result<T, String> {
        let form = Form::parse(encoded.as_bytes()).unwrap();
        read(Params::new(form.tree())).map_err(|error| {
            let body = error.body();
            format!("{} {}", body["error"]["code"], body["error"]["param"])
        })
    }

    #[test]
    fn refusals_name_the_parameter_and_the_cause() {
        let refused = |encoded: &str| read(encoded, |params| params.positive("amount")).unwrap_err();
        assert_eq!(refused("amount=1.5"), r#""parameter_invalid_integer" "amount""#);
        assert_eq!(refused("amount=0"), r#""parameter_invalid_integer" "amount""#);
        assert_eq!(refused("amount="), r#""parameter_invalid_empty" "amount""#);
        assert_eq!(refused("amount[x]=1"), r#""parameter_invalid" "amount""#);
        let missing = read("", |params| params.required("currency").map(str::to_owned)).unwrap_err();
        assert_eq!(missing, r#""parameter_missing" "currency""#);
    }

    #[test]
    fn an_unknown_parameter_is_refused_also_inside_an_object() {
        let outside = read("amuont=1", |params| params.only(&["amount"]).map(|_| ())).unwrap_err();
        assert_eq!(outside, r#""parameter_unknown" "amuont""#);
        let inside = read("o[x]=1", |params| {
            params.nested("o")?.map(|nested| nested.only(&["y"])).transpose().map(|_| ())
        });
        assert_eq!(inside.unwrap_err(), r#""parameter_unknown" "o[x]""#);
    }

    #[test]
    fn metadata_is_bounded_and_an_empty_value_removes() {
        let sent = metadata("metadata[a]=1&metadata[b]=").unwrap();
        let mut kept = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("c".to_owned(), "3".to_owned())]);
        merge(&mut kept, sent);
        assert_eq!(kept.into_iter().map(|(name, value)| name + &value).collect::<Vec<_>>(), ["a1", "c3"]);
        assert!(metadata(&format!("metadata[{}]=1", "n".repeat(41))).is_err());
        assert!(metadata(&format!("metadata[n]={}", "v".repeat(501))).is_err());
    }
}
