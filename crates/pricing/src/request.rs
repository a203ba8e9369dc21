//! A quote request as it comes from outside, by query string or as JSON.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Quantity, Refusal};

/// What somebody wants priced, its text checked for form only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRequest {
    /// Code of the service.
    pub service: String,
    /// How much of it.
    pub quantity: Quantity,
    /// Finnish postal code.
    pub postal_code: String,
    /// The day of the work in Finland, `YYYY-MM-DD`.
    pub date: String,
}

/// Longer values than this are no service, place or day.
const MAX_VALUE: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    service: String,
    #[serde(borrow)]
    quantity: &'a RawValue,
    postal_code: String,
    date: String,
}

impl RawRequest {
    /// Reads `{"service":..,"quantity":..,"postal_code":..,"date":..}`; the quantity is a number or a
    /// text and is read digit by digit, never through a float.
    ///
    /// # Errors
    /// When a field is missing, unknown, repeated or of another type, or the quantity is none.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        let wire: Wire<'_> = serde_json::from_slice(body).map_err(|_| Refusal::Form)?;
        let quantity = wire.quantity.get();
        let text = quantity.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quantity);
        Self::checked(wire.service, text, wire.postal_code, wire.date)
    }

    /// Reads a query string with exactly these four parameters, in any order.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_query(query: &str) -> Result<Self, Refusal> {
        let (mut service, mut quantity, mut postal_code, mut date) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match name.as_ref() {
                "service" => &mut service,
                "quantity" => &mut quantity,
                "postal_code" => &mut postal_code,
                "date" => &mut date,
                _ => return Err(Refusal::Form),
            };
            if field.replace(value.into_owned()).is_some() {
                return Err(Refusal::Form);
            }
        }
        let missing = || Refusal::Form;
        let quantity: String = quantity.ok_or_else(missing)?;
        Self::checked(
            service.ok_or_else(missing)?,
            &quantity,
            postal_code.ok_or_else(missing)?,
            date.ok_or_else(missing)?,
        )
    }

    fn checked(service: String, quantity: &str, postal_code: String, date: String) -> Result<Self, Refusal> {
        if [&service, &postal_code, &date].into_iter().any(|value| value.len() > MAX_VALUE) {
            return Err(Refusal::Form);
        }
        Ok(Self { service, quantity: quantity.parse()?, postal_code, date })
    }
}

#[cfg(test)]
mod tests {
    use super::RawRequest;
    use crate::Refusal;
    use proptest::prelude::*;

    const JSON: &str =
        r#"{"service":"home-cleaning","quantity":2.5,"postal_code":"00100","date":"2026-11-24"}"#;

    #[test]
    fn query_and_json_say_the_same() {
        let query = "date=2026-11-24&postal_code=00100&quantity=2.50&service=home%2Dcleaning";
        assert_eq!(RawRequest::from_query(query), RawRequest::from_json(JSON.as_bytes()));
        let text = JSON.replace("2.5", "\"2.5\"");
        assert_eq!(RawRequest::from_json(text.as_bytes()), RawRequest::from_json(JSON.as_bytes()));
    }

    #[test]
    fn missing_repeated_and_unknown_fields_are_refused() {
        for (from, to) in
            [("\"date\"", "\"day\""), ("}", ",\"x\":1}"), ("}", ",\"quantity\":1}"), ("\"00100\"", "100")]
        {
            let json = JSON.replacen(from, to, 1);
            assert_eq!(RawRequest::from_json(json.as_bytes()), Err(Refusal::Form), "{json}");
        }
        for query in [
            "",
            "service=a&quantity=1&postal_code=00100",
            "service=a&service=b&quantity=1&postal_code=1&date=1",
        ] {
            assert_eq!(RawRequest::from_query(query), Err(Refusal::Form), "{query}");
        }
        for quantity in ["1e2", "-1", "0", "1.234", "null", "true", "[1]", "\"\"", "\"1\\u0030\""] {
            let json = JSON.replace("2.5", quantity);
            assert_eq!(RawRequest::from_json(json.as_bytes()), Err(Refusal::Quantity), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parsers_panic(bytes: Vec<u8>, query in "\\PC{0,80}") {
            let _ = RawRequest::from_json(&bytes);
            let _ = RawRequest::from_query(&query);
        }
    }
}
