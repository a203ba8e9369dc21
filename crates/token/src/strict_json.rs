//! JSON objects whose keys are unique, at every depth.
//!
//! RFC 8259 leaves repeated keys undefined, parsers differ in which one wins, and a token that two
//! parsers read differently is a way around one of them. So a repeated key is an error here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads one JSON object, the whole input, refusing repeated keys. Depth is bounded by serde_json (128).
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Unique>(bytes).ok()?.0 {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Unique(value) = entries.next_value()?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is repeated"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::object;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_key_is_refused_at_every_depth() {
        assert!(object(br#"{"a":1,"b":{"a":1}}"#).is_some());
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            assert!(object(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn only_a_whole_object_is_accepted() {
        for text in ["", "[]", "1", "null", "{} {}", "{", "{\"a\":1}x", "\u{feff}{}", "{'a':1}"] {
            assert!(object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(object(&b"[".repeat(100_000)).is_none());
        assert!(object(&b"{\"a\":".repeat(100_000)).is_none());
    }

    proptest! {
        #[test]
        fn what_is_accepted_reads_the_same_as_with_the_plain_parser(bytes: Vec<u8>, text in r#"\{("[ab]":([0-9]{1,3}|"x"|null),){0,2}"c":\[true,1.5,-2\]\}"#) {
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Some(map) = object(input) {
                    let plain: serde_json::Value = serde_json::from_slice(input).unwrap();
                    prop_assert_eq!(serde_json::Value::Object(map), plain);
                }
            }
        }
    }
}
