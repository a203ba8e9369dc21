//! What is left out of the log: it cannot be erased from, so no person may be named in it.

use serde_json::Value;

/// Members that name or locate a person, wherever in an event they stand. Ids stay: they are what the log is for, and mean
/// a person only to the system that gave them.
const PERSONAL: [&str; 12] = [
    "address",
    "contact",
    "email",
    "iban",
    "lat",
    "lon",
    "name",
    "notes",
    "phone",
    "place",
    "postal_code",
    "street",
];

/// The data of an event without [`PERSONAL`] members, at any depth.
#[must_use]
pub fn without_personal_data(data: Value) -> Value {
    match data {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| !PERSONAL.contains(&name.as_str()))
                .map(|(name, value)| (name, without_personal_data(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_personal_data).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::without_personal_data;
    use serde_json::json;

    #[test]
    fn ids_and_amounts_stay_and_people_go() {
        let data = json!({
            "ids": [{"system": "booking", "type": "job", "id": "job_1"}],
            "customer": {"subject": "s", "name": "n", "email": "e"},
            "provider": {"id": "prv_1", "name": "n", "address": {"street": "x"}},
            "place": {"street": "x"},
            "list": [{"phone": "1", "total_minor": 2}],
            "total_minor": 1,
        });
        let kept = json!({
            "ids": [{"system": "booking", "type": "job", "id": "job_1"}],
            "customer": {"subject": "s"},
            "provider": {"id": "prv_1"},
            "list": [{"total_minor": 2}],
            "total_minor": 1,
        });
        assert_eq!(without_personal_data(data), kept);
    }
}
