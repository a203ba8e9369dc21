//! The headers that tell the sidecars who is calling.
//!
//! They are a convenience for logs and rate limits: a sidecar verifies the token itself and decides by
//! that. Still nothing may stand in them that the token does not say.

use jobzy_token::Claims;

/// Longest list of roles, in bytes, so that the request stays within the sidecars' header limits.
const MAX_ROLES_BYTES: usize = 2048;

/// Names that begin like this, with `-` or `_`, are ours; from outside they are removed.
const PREFIX: &str = "x-auth-";

/// Whether a request header (lower-case name) could be taken for one of ours. Servers that turn headers
/// into variables make `x_auth_roles` and `x-auth-roles` the same.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let mut start = name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte });
    PREFIX.bytes().all(|expected| start.next() == Some(expected))
}

/// What is written into an admitted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `x-auth-subject`.
    pub subject: String,
    /// `x-auth-roles`, separated by commas; empty for none.
    pub roles: String,
    /// `x-auth-client`.
    pub client: Option<String>,
}

impl From<&Claims> for Identity {
    fn from(claims: &Claims) -> Self {
        Self { subject: claims.subject.clone(), roles: list(&claims.roles), client: claims.client.clone() }
    }
}

impl Identity {
    /// Names and values, in order. A missing client has no header.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let client = self.client.as_deref().map(|client| ("x-auth-client", client));
        [("x-auth-subject", self.subject.as_str()), ("x-auth-roles", self.roles.as_str())]
            .into_iter()
            .chain(client)
    }
}

/// Roles that could not be told apart in the list, or break the header, are left out: a realm role is
/// free text.
fn list(roles: &[String]) -> String {
    let mut list = String::new();
    for role in roles.iter().filter(|role| is_listable(role)) {
        if list.len().saturating_add(role.len()) >= MAX_ROLES_BYTES {
            break;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(role);
    }
    list
}

fn is_listable(role: &str) -> bool {
    !role.is_empty() && role.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, list};
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_our_headers_is_reserved() {
        for name in ["x-auth-subject", "x_auth_roles", "x-auth_client", "x-auth-", "x-auth-anything"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["x-auth", "authorization", "xx-auth-roles", "x-authx-roles", ""] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn a_role_that_would_add_another_is_left_out() {
        let roles =
            ["customer", "a,operator", "b\r\nx: y", "", "c d", "\u{e4}", "pricing-admin"].map(str::to_owned);
        assert_eq!(list(&roles), "customer,pricing-admin");
    }

    proptest! {
        #[test]
        fn the_list_is_a_short_header_value_of_given_roles(roles: Vec<String>) {
            let list = list(&roles);
            prop_assert!(list.len() <= 2048);
            prop_assert!(list.split(',').filter(|role| !role.is_empty()).all(|role| roles.iter().any(|given| given == role)));
            prop_assert!(list.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
