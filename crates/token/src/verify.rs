//! From a token to its claims.
//!
//! The order is by cost and by trust: the length, the form, what the header says, what the payload
//! says, and last the signature, which is hundreds of times dearer than the rest. Claims are returned
//! only when all of it held, so reading the payload early gives nothing away: it saves the arithmetic
//! for tokens that would be refused anyway, and keeps other issuers' tokens from making us look for
//! their keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::Claims;
use crate::error::TokenError;
use crate::header::Header;
use crate::jwks::{KeySet, Lookup};
use crate::strict_json;

/// What a token must say to be for us.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// The exact `iss`.
    pub issuer: String,
    /// `aud` must name one of these. With none listed no token is ever accepted.
    pub audience: Vec<String>,
    /// How far the issuer's clock may be from ours, in seconds.
    pub leeway_s: u32,
    /// Longest token that is looked at, in bytes.
    pub max_token_bytes: usize,
}

impl Expectations {
    /// The usual limits: 30 seconds, 8 KiB.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: Vec<String>) -> Self {
        Self { issuer: issuer.into(), audience, leeway_s: 30, max_token_bytes: 8192 }
    }
}

/// Verifies tokens of one issuer for one audience.
#[derive(Debug, Clone)]
pub struct Verifier {
    expected: Expectations,
}

impl Verifier {
    /// A verifier of tokens that meet these expectations.
    #[must_use]
    pub const fn new(expected: Expectations) -> Self {
        Self { expected }
    }

    /// What tokens are compared with.
    #[must_use]
    pub const fn expectations(&self) -> &Expectations {
        &self.expected
    }

    /// Verifies one token at a time given in seconds since 1970.
    ///
    /// # Errors
    /// [`TokenError`]: all of them the bearer's fault but [`TokenError::UnknownKid`], which may be ours.
    pub fn verify(&self, keys: &KeySet, token: &str, now_unix_s: i64) -> Result<Claims, TokenError> {
        if token.len() > self.expected.max_token_bytes {
            return Err(TokenError::TooLarge);
        }
        let parts = Parts::of(token).ok_or(TokenError::Malformed)?;
        let header = Header::parse(&base64(parts.header)?)?;
        let payload = strict_json::object(&base64(parts.payload)?).ok_or(TokenError::Malformed)?;
        let signature = base64(parts.signature)?;
        let claims = Claims::check(&payload, &self.expected, now_unix_s)?;
        match keys.find(&header.kid, header.algorithm) {
            Lookup::Found(key) if key.verifies(parts.signed.as_bytes(), &signature) => Ok(claims),
            Lookup::Found(_) => Err(TokenError::Signature),
            Lookup::OtherAlgorithm => Err(TokenError::Algorithm),
            Lookup::Unknown => Err(TokenError::UnknownKid { kid: header.kid }),
        }
    }
}

/// The exactly three parts of a signed token (five would be an encrypted one).
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// Header, dot and payload as they were sent: what the signature covers (RFC 7515, 5.2).
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let whole = !payload.contains('.') && !signature.is_empty();
        whole.then_some(Self { header, payload, signature, signed })
    }
}

/// Unpadded base64url with its unused bits zero: one spelling for each value.
fn base64(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}
