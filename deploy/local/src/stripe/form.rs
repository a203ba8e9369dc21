//! Stripe's form encoding: `metadata[job_id]=job_1&expand[]=latest_charge`, into a tree of JSON values.

use http::Method;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::error::ApiError;

/// Deeper than any parameter of the API.
const MAX_DEPTH: usize = 6;

/// The parameters of one call.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
    tree: Map<String, Value>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`, brackets included.
    pub fn parse(encoded: &[u8]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(encoded).into_owned().collect();
        let mut tree = Value::Object(Map::new());
        for (name, value) in &pairs {
            let path = split(name).ok_or_else(|| misshapen(name))?;
            insert(&mut tree, &path, value).ok_or_else(|| misshapen(name))?;
        }
        match tree {
            Value::Object(tree) => Ok(Self { pairs, tree }),
            _ => Err(misshapen("")),
        }
    }

    /// The parameters by name.
    pub fn tree(&self) -> &Map<String, Value> {
        &self.tree
    }

    /// What two uses of one idempotency key are compared by: endpoint and parameters, in any order.
    pub fn fingerprint(&self, method: &Method, path: &str) -> [u8; 32] {
        let mut pairs: Vec<&(String, String)> = self.pairs.iter().collect();
        // Stable, so that the order within a list stays part of what was asked.
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(method.as_str());
        add(path);
        for (name, value) in pairs {
            add(name);
            add(value);
        }
        hash.finalize().into()
    }
}

fn misshapen(name: &str) -> ApiError {
    ApiError::parameter(None, name, format!("Invalid parameter: {name}"))
}

/// `a[b][]` into `a`, `b` and an empty part.
fn split(name: &str) -> Option<Vec<&str>> {
    let Some((head, mut rest)) = name.split_once('[') else {
        return (!name.is_empty()).then(|| vec![name]);
    };
    let mut parts = vec![head];
    loop {
        let (part, behind) = rest.split_once(']')?;
        parts.push(part);
        match behind.strip_prefix('[') {
            Some(more) => rest = more,
            None if behind.is_empty() => break,
            None => return None,
        }
    }
    (!head.is_empty() && parts.len() <= MAX_DEPTH).then_some(parts)
}

/// Puts a value in its place; none when the place is already something of another shape.
fn insert(node: &mut Value, path: &[&str], value: &str) -> Option<()> {
    match path {
        [] => match node {
            // Of a repeated name the last value counts.
            Value::Null | Value::String(_) => *node = Value::String(value.to_owned()),
            _ => return None,
        },
        ["", rest @ ..] => {
            if node.is_null() {
                *node = Value::Array(Vec::new());
            }
            let mut item = Value::Null;
            insert(&mut item, rest, value)?;
            node.as_array_mut()?.push(item);
        }
        [name, rest @ ..] => {
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
            let member = node.as_object_mut()?.entry((*name).to_owned()).or_insert(Value::Null);
            insert(member, rest, value)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::Form;
    use http::Method;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(encoded: &str, expected: serde_json::Value) {
        let form = Form::parse(encoded.as_bytes()).unwrap();
        assert_eq!(serde_json::Value::Object(form.tree().clone()), expected, "{encoded}");
    }

    #[test]
    fn brackets_become_objects_and_lists() {
        check("amount=100&metadata%5Ba%5D=x+y", json!({"amount": "100", "metadata": {"a": "x y"}}));
        check("expand[]=a&expand[]=b", json!({"expand": ["a", "b"]}));
        check("a[0]=x&a[1]=y", json!({"a": {"0": "x", "1": "y"}}));
        check("a=1&a=2", json!({"a": "2"}));
        check("", json!({}));
    }

    #[test]
    fn contradicting_or_broken_names_are_refused() {
        for encoded in
            ["a=1&a[b]=2", "a[b]=1&a[]=2", "a[b=1", "[b]=1", "a[b]c=1", "=1", "a[1][2][3][4][5][6]=1"]
        {
            assert!(Form::parse(encoded.as_bytes()).is_err(), "{encoded}");
        }
    }

    #[test]
    fn the_fingerprint_sees_endpoint_names_and_values_but_not_the_order_of_names() {
        let print = |path: &str, encoded: &str| {
            Form::parse(encoded.as_bytes()).unwrap().fingerprint(&Method::POST, path)
        };
        assert_eq!(print("/a", "x=1&y=2"), print("/a", "y=2&x=1"));
        assert_ne!(print("/a", "x=1&y=2"), print("/b", "x=1&y=2"));
        assert_ne!(print("/a", "x=1&y=2"), print("/a", "x=2&y=1"));
        assert_ne!(print("/a", "x[]=1&x[]=2"), print("/a", "x[]=2&x[]=1"));
        assert_ne!(print("/a", "ab=c"), print("/a", "a=bc"));
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parser_panic(encoded in "[a-c=&\\[\\]%0-9]{0,80}") {
            let _ = Form::parse(encoded.as_bytes());
        }
    }
}
