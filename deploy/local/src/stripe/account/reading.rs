//! Reading: single objects, lists, search, and `expand`.

use serde_json::Value;

use super::Account;
use crate::stripe::error::ApiError;
use crate::stripe::params::Params;
use crate::stripe::shelf::{Object, Shelf};

/// Stripe follows references this deep.
const MAX_EXPAND: usize = 4;

impl Account {
    /// `GET /v1/<collection>/{id}`
    pub fn retrieve(
        &self,
        collection: &str,
        id: &str,
        params: Params<'_>,
    ) -> Result<Option<Value>, ApiError> {
        params.only(&["client_secret"])?;
        let found = match collection {
            "payment_intents" => return self.intent_json(id).map(Some),
            "charges" => show(&self.charges, id),
            "refunds" => show(&self.refunds, id),
            "balance_transactions" => show(&self.movements, id),
            "payment_methods" => show(&self.methods, id),
            "events" => show(&self.events, id),
            _ => return Ok(None),
        };
        found.map(Some)
    }

    /// `GET /v1/<collection>`, newest first.
    pub fn list(&self, collection: &str, params: Params<'_>) -> Result<Option<Value>, ApiError> {
        const PAGE: [&str; 4] = ["limit", "starting_after", "ending_before", "created"];
        let accept = |more: &[&str]| params.only(&[&PAGE[..], more].concat());
        let url = format!("/v1/{collection}");
        let page = match collection {
            "payment_intents" => self.intents.page(&url, accept(&[])?, |_| true),
            "charges" => {
                let params = accept(&["payment_intent"])?;
                let intent = params.text("payment_intent")?;
                self.charges.page(&url, params, |charge| intent.is_none_or(|intent| charge.intent == intent))
            }
            "refunds" => {
                let params = accept(&["payment_intent", "charge"])?;
                let (intent, charge) = (params.text("payment_intent")?, params.text("charge")?);
                self.refunds.page(&url, params, |refund| {
                    intent.is_none_or(|intent| refund.intent == intent)
                        && charge.is_none_or(|charge| refund.charge == charge)
                })
            }
            "balance_transactions" => {
                let params = accept(&["source", "type", "currency"])?;
                let (source, kind) = (params.text("source")?, params.text("type")?);
                let currency = params.text("currency")?;
                self.movements.page(&url, params, |moved| {
                    source.is_none_or(|source| moved.source == source)
                        && kind.is_none_or(|kind| moved.movement.as_str() == kind)
                        && currency.is_none_or(|currency| moved.currency == currency)
                })
            }
            "events" => {
                let params = accept(&["type", "types", "delivery_success"])?;
                let (kind, kinds) = (params.text("type")?, params.list("types")?);
                let delivered = params.text("delivery_success")?.map(|text| text == "true");
                self.events.page(&url, params, |event| {
                    kind.is_none_or(|kind| matches_kind(kind, event.kind))
                        && (kinds.is_empty() || kinds.iter().any(|kind| matches_kind(kind, event.kind)))
                        && delivered.is_none_or(|delivered| delivered != event.pending)
                })
            }
            _ => return Ok(None),
        };
        page.map(Some)
    }

    /// `GET /v1/payment_intents/search?query=metadata['job_id']:'job_1' AND status:'succeeded'`: clauses of the
    /// form field, colon, quoted text, joined by `AND`.
    pub fn search_intents(&self, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(&["query", "limit", "page"])?;
        let query = params.required("query")?;
        let clauses: Option<Vec<Clause<'_>>> = query.split(" AND ").map(Clause::parse).collect();
        let clauses = clauses.ok_or_else(|| {
            ApiError::parameter(None, "query", "We were unable to parse your search query.".to_owned())
        })?;
        let mut page = self.intents.page("/v1/payment_intents/search", params, |intent| {
            let shown = intent.to_json();
            clauses.iter().all(|clause| clause.matches(&shown))
        })?;
        if let Some(members) = page.as_object_mut() {
            members.insert("object".to_owned(), Value::from("search_result"));
            members.insert("next_page".to_owned(), Value::Null);
        }
        Ok(page)
    }

    /// Replaces ids by the objects they name, along each path of `expand[]`.
    pub fn expand(&self, value: &mut Value, params: Params<'_>) -> Result<(), ApiError> {
        for path in params.list("expand")? {
            let parts: Vec<&str> = path.split('.').collect();
            if parts.len() > MAX_EXPAND {
                let message = format!("You cannot expand more than {MAX_EXPAND} levels of a property.");
                return Err(ApiError::parameter(None, "expand", message));
            }
            self.follow(value, &parts).ok_or_else(|| {
                ApiError::parameter(None, "expand", format!("This property cannot be expanded ({path})."))
            })?;
        }
        Ok(())
    }

    fn follow(&self, value: &mut Value, path: &[&str]) -> Option<()> {
        let Some((name, rest)) = path.split_first() else { return Some(()) };
        if let Value::Array(items) = value {
            return items.iter_mut().try_for_each(|item| self.follow(item, path));
        }
        let member = value.get_mut(*name)?;
        match member {
            Value::String(id) => {
                *member = self.lookup(id)?;
            }
            Value::Null => return Some(()),
            // The `data` of a list is walked through, not looked up.
            Value::Array(_) | Value::Object(_) => {}
            _ => return None,
        }
        self.follow(member, rest)
    }

    fn lookup(&self, id: &str) -> Option<Value> {
        match id.split_once('_')?.0 {
            "pi" => self.intents.get(id).map(Object::to_json),
            "ch" => self.charges.get(id).map(Object::to_json),
            "re" => self.refunds.get(id).map(Object::to_json),
            "txn" => self.movements.get(id).map(Object::to_json),
            "pm" => self.methods.get(id).map(Object::to_json),
            _ => None,
        }
    }
}

fn show<T: Object>(shelf: &Shelf<T>, id: &str) -> Result<Value, ApiError> {
    shelf.get(id).map(Object::to_json).ok_or_else(|| ApiError::no_such(T::NAME, id, "id"))
}

/// `charge.*` stands for every event about charges.
fn matches_kind(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => wanted == kind,
    }
}

/// One condition of a search.
#[derive(Debug)]
struct Clause<'a> {
    field: &'a str,
    metadata: bool,
    text: &'a str,
}

impl<'a> Clause<'a> {
    fn parse(clause: &'a str) -> Option<Self> {
        let (field, text) = clause.trim().rsplit_once(':')?;
        let text = quoted(text)?;
        match field.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')) {
            Some(name) => Some(Self { field: quoted(name)?, metadata: true, text }),
            None if matches!(field, "status" | "currency") => Some(Self { field, metadata: false, text }),
            None => None,
        }
    }

    fn matches(&self, intent: &Value) -> bool {
        let place = if self.metadata { &intent["metadata"][self.field] } else { &intent[self.field] };
        place.as_str() == Some(self.text)
    }
}

fn quoted(text: &str) -> Option<&str> {
    ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
}

#[cfg(test)]
mod tests {
    use super::{Clause, matches_kind};
    use serde_json::json;

    #[test]
    fn a_clause_is_a_field_and_a_quoted_text() {
        let intent = json!({"status": "succeeded", "metadata": {"job_id": "job_1"}});
        let holds = |clause| Clause::parse(clause).map(|clause| clause.matches(&intent));
        assert_eq!(holds("metadata['job_id']:'job_1'"), Some(true));
        assert_eq!(holds(r#"metadata["job_id"]:"job_2""#), Some(false));
        assert_eq!(holds("status:'succeeded'"), Some(true));
        assert_eq!(holds("status:succeeded"), None);
        assert_eq!(holds("colour:'red'"), None);
    }

    #[test]
    fn a_star_stands_for_every_event_of_a_kind() {
        assert!(matches_kind("charge.*", "charge.refunded"));
        assert!(!matches_kind("charge.*", "refund.created"));
        assert!(!matches_kind("charge", "charge.refunded"));
    }
}
