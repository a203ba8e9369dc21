//! Which route is open to whom. A route that is not listed is open to nobody.

use std::collections::HashMap;

/// Who may use one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Anybody, without a token; a token that is sent is not looked at.
    Public,
    /// The bearer of a valid token with at least one of these realm roles. An empty list admits nobody.
    AnyRole(Vec<String>),
}

impl Policy {
    /// Whether these roles suffice.
    #[must_use]
    pub fn admits(&self, roles: &[String]) -> bool {
        match self {
            Self::Public => true,
            Self::AnyRole(permitted) => permitted.iter().any(|role| roles.contains(role)),
        }
    }
}

/// The policies of all routes, by the gateway's route name and never by path: a path has spellings.
#[derive(Debug, Clone, Default)]
pub struct Policies(HashMap<String, Policy>);

impl Policies {
    /// The policy of a route; `None` (deny) when the route is not listed or the request has none.
    #[must_use]
    pub fn of(&self, route: Option<&str>) -> Option<&Policy> {
        self.0.get(route?)
    }

    /// How many routes are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether every route is closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Policy)> for Policies {
    fn from_iter<I: IntoIterator<Item = (String, Policy)>>(routes: I) -> Self {
        Self(routes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Policies, Policy};

    fn roles(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_unlisted_or_missing_route_is_closed() {
        let policies: Policies = [("open".to_owned(), Policy::Public)].into_iter().collect();
        assert_eq!(policies.of(Some("open")), Some(&Policy::Public));
        for route in [None, Some(""), Some("Open"), Some("open "), Some("other")] {
            assert_eq!(policies.of(route), None, "{route:?}");
        }
    }

    #[test]
    fn one_of_the_roles_suffices_and_the_spelling_counts() {
        let policy = Policy::AnyRole(roles(&["customer", "operator"]));
        assert!(policy.admits(&roles(&["offline_access", "operator"])));
        for given in [&["Customer"][..], &["customer "], &["customer,operator"], &[]] {
            assert!(!policy.admits(&roles(given)), "{given:?}");
        }
        assert!(!Policy::AnyRole(Vec::new()).admits(&roles(&["customer"])));
        assert!(Policy::Public.admits(&[]));
    }
}
