//! The decision about one request, from nothing but what is passed in.

use std::rc::Rc;

use jobzy_token::{Claims, Policies, Policy, TokenError, Verifier, bearer};

use crate::cache::TokenCache;
use crate::config::Config;
use crate::identity::Identity;
use crate::keys::{Keys, UnknownKid};
use crate::refusal::Refusal;

/// What the decision needs to know about a request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The gateway's name of the route, if it matched one.
    pub route: Option<&'a str>,
    /// Every `Authorization` line.
    pub authorization: &'a [&'a [u8]],
    /// Whether a browser asks for permission only: OPTIONS with `Origin` and
    /// `Access-Control-Request-Method`. It cannot carry a token.
    pub is_preflight: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// What happens to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Passes without an identity.
    Pass,
    /// Passes as this caller.
    Admit {
        /// Who calls.
        identity: Identity,
        /// Whether the token had been verified before.
        cached: bool,
    },
    /// Does not pass.
    Refuse(Refusal),
}

/// Everything one worker needs to decide.
#[derive(Debug)]
pub struct Guard {
    policies: Policies,
    verifier: Verifier,
    /// The issuer's keys.
    pub keys: Keys,
    cache: TokenCache,
}

impl Guard {
    /// A guard without keys.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            policies: config.policies.clone(),
            verifier: Verifier::new(config.expectations.clone()),
            keys: Keys::new(config.timing),
            cache: TokenCache::default(),
        }
    }

    /// Decides one request.
    pub fn decide(&mut self, call: Call<'_>) -> Decision {
        if call.is_preflight {
            return Decision::Pass;
        }
        match self.policies.of(call.route) {
            None => return Decision::Refuse(Refusal::ClosedRoute),
            Some(Policy::Public) => return Decision::Pass,
            Some(Policy::AnyRole(_)) => {}
        }
        let (claims, cached) = match self.authenticate(call.authorization, call.now_ms) {
            Ok(authenticated) => authenticated,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        if self.policies.of(call.route).is_some_and(|policy| policy.admits(&claims.roles)) {
            Decision::Admit { identity: Identity::from(&*claims), cached }
        } else {
            Decision::Refuse(Refusal::Forbidden)
        }
    }

    /// What was verified with other keys must be verified again.
    pub fn keys_changed(&mut self) {
        self.cache.clear();
    }

    fn authenticate(&mut self, authorization: &[&[u8]], now_ms: u64) -> Result<(Rc<Claims>, bool), Refusal> {
        let token = match bearer::parse(authorization) {
            Ok(Some(token)) => token,
            Ok(None) | Err(bearer::BearerError::OtherScheme) => return Err(Refusal::NoCredentials),
            Err(bearer::BearerError::Repeated | bearer::BearerError::Malformed) => {
                return Err(Refusal::InvalidRequest);
            }
        };
        // Also a cached token needs usable keys: without them nobody would notice that they changed.
        let Some(keys) = self.keys.usable(now_ms) else { return Err(Refusal::KeysUnavailable) };
        let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        if let Some(claims) = self.cache.get(token, now_s, self.verifier.expectations().leeway_s) {
            return Ok((claims, true));
        }
        match self.verifier.verify(keys, token, now_s) {
            Ok(claims) => {
                let claims = Rc::new(claims);
                self.cache.put(token, Rc::clone(&claims));
                Ok((claims, false))
            }
            Err(TokenError::UnknownKid { kid }) => Err(match self.keys.judge_unknown(&kid, now_ms) {
                UnknownKid::PerhapsNew => Refusal::KeysUnavailable,
                UnknownKid::Wrong => Refusal::InvalidToken(TokenError::UnknownKid { kid }),
            }),
            Err(error) => Err(Refusal::InvalidToken(error)),
        }
    }
}
