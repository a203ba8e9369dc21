//! Why a token was refused.

use thiserror::Error;

/// Every way a token can fail, for logs and metrics. What the caller of the API hears is only the
/// `invalid_token` of RFC 6750: the difference helps an attacker more than a user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Longer than permitted; nothing of it was decoded.
    #[error("the token is longer than permitted")]
    TooLarge,
    /// Not three base64url parts of which the first two are JSON objects without repeated keys.
    #[error("the token is not a signed JSON web token")]
    Malformed,
    /// The header has `crit` (RFC 7515, 4.1.11: refuse what is not understood; we understand none).
    #[error("the token demands an extension that is not understood")]
    CriticalHeader,
    /// The header's `typ` is not that of an access token (RFC 8725, 3.11).
    #[error("the token's header type is not that of an access token")]
    HeaderType,
    /// The algorithm is not permitted, or not the one the named key is for (RFC 8725, 3.1).
    #[error("the token's algorithm is not permitted for its key")]
    Algorithm,
    /// The header names no key, or names it impossibly.
    #[error("the token names no signing key")]
    KeyId,
    /// Keycloak's `typ` claim says this is an ID, refresh, offline or logout token.
    #[error("the token is not meant for calling an API")]
    TokenUse,
    /// Another issuer's token.
    #[error("the token is from another issuer")]
    Issuer,
    /// A token for another service.
    #[error("the token is for another audience")]
    Audience,
    /// Past its `exp`.
    #[error("the token has expired")]
    Expired,
    /// Before its `nbf`, or issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim that must be there is missing.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// A claim has a value of a wrong type or size.
    #[error("the claim {0} is unusable")]
    InvalidClaim(&'static str),
    /// The key set does not hold the named key. The only failure that may be ours: the issuer may have
    /// started to use a key since the set was fetched.
    #[error("the token's signing key is not known")]
    UnknownKid {
        /// The key id asked for: outside input, at most [`crate::jwks::MAX_KID_BYTES`] bytes, and good
        /// for nothing but comparing.
        kid: String,
    },
    /// The signature does not belong to this header, payload and key.
    #[error("the token's signature does not match")]
    Signature,
}

impl TokenError {
    /// A stable name for logs and metric labels.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::CriticalHeader => "critical_header",
            Self::HeaderType => "header_type",
            Self::Algorithm => "algorithm",
            Self::KeyId => "key_id",
            Self::TokenUse => "token_use",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::MissingClaim(_) => "missing_claim",
            Self::InvalidClaim(_) => "invalid_claim",
            Self::UnknownKid { .. } => "unknown_kid",
            Self::Signature => "signature",
        }
    }

    /// Whether fetching the keys again could change the verdict. Until that is settled the answer is
    /// 503 and not 401: the caller may have done nothing wrong.
    #[must_use]
    pub const fn may_be_stale_keys(&self) -> bool {
        matches!(self, Self::UnknownKid { .. })
    }
}
