//! Objects of one kind: found by id, listed newest first, in pages as Stripe cuts them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::error::ApiError;
use super::params::Params;

const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;

/// What every object has.
pub trait Object {
    /// The word in its `object` member.
    const NAME: &'static str;
    /// Its id.
    fn id(&self) -> &str;
    /// When it was made, in seconds since 1970.
    fn created(&self) -> i64;
    /// As it is shown.
    fn to_json(&self) -> Value;
}

/// The objects of one kind. Nothing is ever taken off.
#[derive(Debug)]
pub struct Shelf<T> {
    places: HashMap<String, usize>,
    items: Vec<T>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), items: Vec::new() }
    }
}

impl<T: Object> Shelf<T> {
    /// Adds an object, or replaces the one of the same id.
    pub fn put(&mut self, item: T) {
        if let Some(kept) = self.get_mut(item.id()) {
            *kept = item;
            return;
        }
        self.places.insert(item.id().to_owned(), self.items.len());
        self.items.push(item);
    }

    /// The object of that id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.places.get(id).and_then(|&place| self.items.get(place))
    }

    /// The object of that id, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.places.get(id).and_then(|&place| self.items.get_mut(place))
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    /// One page of those that `wanted` lets through, newest first: `limit`, `starting_after`, `ending_before` and
    /// `created` as in <https://docs.stripe.com/api/pagination>.
    pub fn page(
        &self,
        url: &str,
        params: Params<'_>,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Value, ApiError> {
        let limit = params.positive("limit")?.unwrap_or(DEFAULT_LIMIT);
        if limit > MAX_LIMIT {
            let message = "This value must be less than or equal to 100 (for example 100).".to_owned();
            return Err(ApiError::parameter(Some("parameter_invalid_integer"), "limit", message));
        }
        let limit = usize::try_from(limit).unwrap_or_default();
        let newer_than = self.cursor(params, "ending_before")?;
        let older_than = self.cursor(params, "starting_after")?;
        let created = Period::read(params)?;
        let within = |(place, item): &(usize, &T)| {
            older_than.is_none_or(|bound| *place < bound)
                && newer_than.is_none_or(|bound| *place > bound)
                && created.contains(item.created())
                && wanted(item)
        };
        let mut found: Vec<(usize, &T)> = self.items.iter().enumerate().filter(within).collect();
        let has_more = found.len() > limit;
        // `ending_before` asks for the page just before the cursor, so its oldest ones are kept.
        if newer_than.is_none() {
            found.reverse();
            found.truncate(limit);
        } else {
            found.truncate(limit);
            found.reverse();
        }
        let data: Vec<Value> = found.into_iter().map(|(_, item)| item.to_json()).collect();
        Ok(json!({"object": "list", "url": url, "has_more": has_more, "data": data}))
    }

    fn cursor(&self, params: Params<'_>, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(id) = params.text(name)? else { return Ok(None) };
        let place = self.places.get(id).copied();
        place.map(Some).ok_or_else(|| ApiError::no_such_param(T::NAME, id, name))
    }
}

/// `created=1` or `created[gte]=1&created[lt]=2`, in seconds since 1970.
struct Period {
    from: i64,
    to: i64,
}

impl Period {
    fn read(params: Params<'_>) -> Result<Self, ApiError> {
        let mut period = Self { from: i64::MIN, to: i64::MAX };
        if let Ok(Some(exact)) = params.integer("created") {
            return Ok(Self { from: exact, to: exact });
        }
        let Some(bounds) = params.nested("created")? else { return Ok(period) };
        let bounds = bounds.only(&["gt", "gte", "lt", "lte"])?;
        for (name, shift) in [("gte", 0), ("gt", 1)] {
            if let Some(bound) = bounds.integer(name)? {
                period.from = period.from.max(bound.saturating_add(shift));
            }
        }
        for (name, shift) in [("lte", 0), ("lt", 1)] {
            if let Some(bound) = bounds.integer(name)? {
                period.to = period.to.min(bound.saturating_sub(shift));
            }
        }
        Ok(period)
    }

    fn contains(&self, created: i64) -> bool {
        (self.from..=self.to).contains(&created)
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, Shelf};
    use crate::stripe::form::Form;
    use crate::stripe::params::Params;
    use serde_json::{Value, json};

    struct Thing(String, i64);

    impl Object for Thing {
        const NAME: &'static str = "thing";
        fn id(&self) -> &str {
            &self.0
        }
        fn created(&self) -> i64 {
            self.1
        }
        fn to_json(&self) -> Value {
            json!(self.0)
        }
    }

    #[track_caller]
    fn check(query: &str, ids: &[&str], has_more: bool) {
        let mut shelf = Shelf::default();
        for number in 1..=5 {
            shelf.put(Thing(format!("t{number}"), number));
        }
        let form = Form::parse(query.as_bytes()).unwrap();
        let page = shelf.page("/v1/things", Params::new(form.tree()), |_| true).unwrap();
        assert_eq!(page["data"], json!(ids), "{query}");
        assert_eq!(page["has_more"], json!(has_more), "{query}");
    }

    #[test]
    fn pages_are_cut_newest_first_from_either_side() {
        check("", &["t5", "t4", "t3", "t2", "t1"], false);
        check("limit=2", &["t5", "t4"], true);
        check("limit=2&starting_after=t4", &["t3", "t2"], true);
        check("limit=2&starting_after=t2", &["t1"], false);
        check("limit=2&ending_before=t1", &["t3", "t2"], true);
        check("limit=2&ending_before=t4", &["t5"], false);
    }

    #[test]
    fn a_period_bounds_by_time_of_making() {
        check("created[gte]=2&created[lt]=4", &["t3", "t2"], false);
        check("created[gt]=2&created[lte]=4", &["t4", "t3"], false);
        check("created=3", &["t3"], false);
    }
}
