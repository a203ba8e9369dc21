//! Who is calling: bearer tokens verified again in every sidecar, with the rules of the token crate.
//!
//! No `x-auth-*` header is ever read here. A token is refused with 401 only when the fault is the
//! token's; while we know no keys, or cannot find out whether a key is new, the answer is 503.

mod keys;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jobzy_token::bearer::BearerError;
use jobzy_token::challenge::Challenge;
use jobzy_token::{Claims, Expectations, KeySet, TokenError, Verifier, bearer};

use crate::client::HttpClient;
use crate::clock::Clock;
use crate::problem::Problem;
use keys::{Freshness, Keys};

/// The realm named in `WWW-Authenticate`.
const REALM: &str = "jobzy";
/// How often the keys are fetched again.
const REFRESH: Duration = Duration::from_secs(60);
/// First pause after a failed fetch while there are no keys; doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Realm roles, as the issuer spells them.
pub mod roles {
    /// Orders and pays for jobs.
    pub const CUSTOMER: &str = "customer";
    /// Does jobs.
    pub const PROVIDER: &str = "provider";
    /// Acts for either, with a reason.
    pub const OPERATOR: &str = "operator";
    /// Publishes rate books.
    pub const PRICING_ADMIN: &str = "pricing-admin";
    /// Refunds and reads the ledger.
    pub const FINANCE: &str = "finance";
    /// Another service of the platform.
    pub const SERVICE: &str = "service";
}

/// Verifies tokens of one issuer for one audience; clones share the keys.
#[derive(Clone, Debug)]
pub struct Authenticator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: Verifier,
    keys: Keys,
    clock: Clock,
}

impl Authenticator {
    /// Discovers the issuer's keys and keeps them fresh in a background task, which ends with the last clone.
    /// Returns at once; until the first fetch succeeds every verification answers 503. Needs a tokio runtime.
    pub fn start(issuer: &str, audience: &str, client: HttpClient, clock: Clock) -> Self {
        let authenticator = Self::new(issuer, audience, Keys::discovered(issuer, client), clock);
        let weak = Arc::downgrade(&authenticator.0);
        tokio::spawn(async move {
            let mut retry = RETRY_MIN;
            while let Some(inner) = weak.upgrade() {
                let _ = inner.keys.refresh().await;
                let known = inner.keys.current().is_some();
                drop(inner);
                tokio::time::sleep(if known { REFRESH } else { retry }).await;
                retry = (retry * 2).min(RETRY_MAX);
            }
        });
        authenticator
    }

    /// Verifies with keys that are given and never fetched, for tests and for offline checks.
    pub fn with_keys(issuer: &str, audience: &str, keys: KeySet, clock: Clock) -> Self {
        Self::new(issuer, audience, Keys::fixed(keys), clock)
    }

    fn new(issuer: &str, audience: &str, keys: Keys, clock: Clock) -> Self {
        let verifier = Verifier::new(Expectations::new(issuer, vec![audience.to_owned()]));
        Self(Arc::new(Inner { verifier, keys, clock }))
    }

    /// Whether keys are known, for `/health/ready`.
    pub fn is_ready(&self) -> bool {
        self.0.keys.current().is_some()
    }

    /// The caller of a request with these headers, or the problem to answer with.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let lines: Vec<&[u8]> =
            headers.get_all(AUTHORIZATION).iter().map(http::HeaderValue::as_bytes).collect();
        match bearer::parse(&lines) {
            Ok(Some(token)) => self.verify(token).await.map(Caller::from),
            Ok(None) | Err(BearerError::OtherScheme) => Err(challenge(Challenge::NoCredentials)),
            Err(BearerError::Repeated | BearerError::Malformed) => Err(challenge(Challenge::InvalidRequest)),
        }
    }

    async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let Some(keys) = self.0.keys.current() else { return Err(no_keys()) };
        let first = self.try_with(&keys, token);
        let Err(TokenError::UnknownKid { kid }) = &first else { return first.map_err(|e| rejected(&e)) };
        // The issuer may have rotated its keys since the last fetch.
        match self.0.keys.look_for(kid, &keys).await {
            Freshness::Changed(keys) => self.try_with(&keys, token).map_err(|e| rejected(&e)),
            Freshness::Settled => first.map_err(|e| rejected(&e)),
            Freshness::Unknown => Err(no_keys()),
        }
    }

    fn try_with(&self, keys: &KeySet, token: &str) -> Result<Claims, TokenError> {
        self.0.verifier.verify(keys, token, self.0.clock.unix_s())
    }
}

fn no_keys() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "keys-unavailable",
        "Tokens cannot be verified at the moment",
    )
    .header(http::header::RETRY_AFTER, "2")
}

/// The reason goes to the log; the client hears only that the token is not accepted.
fn rejected(error: &TokenError) -> Problem {
    metrics::counter!("token_rejections_total", "reason" => error.code()).increment(1);
    tracing::info!(reason = error.code(), "token refused");
    challenge(Challenge::InvalidToken)
}

/// The same words as the gateway's filter: which of the two refuses is no difference to the client.
fn challenge(challenge: Challenge) -> Problem {
    let (slug, title) = match challenge {
        Challenge::NoCredentials => ("unauthenticated", "A bearer token is required"),
        Challenge::InvalidToken => ("invalid-token", "The token is not accepted"),
        Challenge::InvalidRequest => ("invalid-authorization", "The authorization header is malformed"),
        Challenge::InsufficientScope => ("forbidden", "The token does not permit this"),
    };
    let status = StatusCode::from_u16(challenge.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    Problem::new(status, slug, title).header(WWW_AUTHENTICATE, challenge.header(REALM))
}

/// The bearer of a verified token. As an extractor it needs `Authenticator: FromRef<State>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `sub`: stable per person or service, unique within the issuer.
    pub subject: String,
    /// Realm roles, in the token's order.
    pub roles: Vec<String>,
    /// The client the token was issued to.
    pub client_id: Option<String>,
    /// `preferred_username`: for people to read, never to decide by.
    pub name: Option<String>,
}

impl Caller {
    /// Whether the caller has this role.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Refuses with 403 unless the caller has at least one of these roles.
    pub fn require(&self, any_of: &[&str]) -> Result<(), Problem> {
        if any_of.iter().any(|role| self.has(role)) {
            return Ok(());
        }
        Err(challenge(Challenge::InsufficientScope).detail(format!("needs one of: {}", any_of.join(", "))))
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        let Claims { subject, roles, client, name, .. } = claims;
        Self { subject, roles, client_id: client, name }
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).authenticate(&parts.headers).await
    }
}

#[cfg(test)]
mod tests;
