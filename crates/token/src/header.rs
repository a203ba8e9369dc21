//! The JOSE header: what it must say, and what we refuse to be told by it.
//!
//! Of everything RFC 7515 permits in it only `alg`, `typ` and `kid` have meaning here. `jku`, `x5u`,
//! `jwk` and `x5c` offer keys of the sender's choice and are not looked at (RFC 8725, 3.10).

use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::jwks::MAX_KID_BYTES;
use crate::key::Algorithm;
use crate::strict_json;

/// The trusted part of nothing: a header as read, before any signature was checked.
#[derive(Debug)]
pub(crate) struct Header {
    /// One of the two permitted algorithms.
    pub algorithm: Algorithm,
    /// Which key the token claims to be signed with.
    pub kid: String,
}

impl Header {
    /// Reads the decoded first part of a token.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let fields = strict_json::object(json).ok_or(TokenError::Malformed)?;
        if fields.contains_key("crit") {
            return Err(TokenError::CriticalHeader);
        }
        let algorithm = text(&fields, "alg").and_then(Algorithm::named).ok_or(TokenError::Algorithm)?;
        if !text(&fields, "typ").is_some_and(is_access_token_type) {
            return Err(TokenError::HeaderType);
        }
        let kid = text(&fields, "kid").ok_or(TokenError::KeyId)?;
        if kid.is_empty() || kid.len() > MAX_KID_BYTES {
            return Err(TokenError::KeyId);
        }
        Ok(Self { algorithm, kid: kid.to_owned() })
    }
}

/// Keycloak writes `JWT`, or `at+jwt` where the client asks for it (RFC 9068, 2.1). Media types are
/// compared without regard to case (RFC 7515, 4.1.9). A missing type is refused: the issuer we trust
/// always writes one.
fn is_access_token_type(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"].iter().any(|permitted| typ.eq_ignore_ascii_case(permitted))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
