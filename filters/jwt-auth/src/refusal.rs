//! Every way a request is refused, and what the client is told.

use jobzy_host::problem::Problem;
use jobzy_token::TokenError;
use jobzy_token::challenge::Challenge;

/// Why a request does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The route has no policy, or the request has no route.
    ClosedRoute,
    /// No bearer token was sent.
    NoCredentials,
    /// Something was sent that is not one bearer token.
    InvalidRequest,
    /// The token is not accepted.
    InvalidToken(TokenError),
    /// The token is good and its roles do not suffice.
    Forbidden,
    /// Our keys are missing, too old, or perhaps older than the token's.
    KeysUnavailable,
    /// So many headers that the gateway may hide some from us.
    TooManyHeaders,
}

impl Refusal {
    /// A stable name for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClosedRoute => "closed_route",
            Self::NoCredentials => "no_credentials",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken(error) => error.code(),
            Self::Forbidden => "forbidden",
            Self::KeysUnavailable => "keys_unavailable",
            Self::TooManyHeaders => "too_many_headers",
        }
    }

    /// The answer. It never says what was wrong with a token: whoever made it knows, whoever forges
    /// one must not.
    #[must_use]
    pub fn problem(&self, realm: &str) -> Problem {
        let (status, slug, title) = match self {
            Self::ClosedRoute => (403, "route-closed", "This route is not open"),
            Self::NoCredentials => (401, "unauthenticated", "A bearer token is required"),
            Self::InvalidRequest => (400, "invalid-authorization", "The authorization header is malformed"),
            Self::InvalidToken(_) => (401, "invalid-token", "The token is not accepted"),
            Self::Forbidden => (403, "forbidden", "The token does not permit this"),
            Self::KeysUnavailable => (503, "keys-unavailable", "Tokens cannot be verified at the moment"),
            Self::TooManyHeaders => (431, "too-many-headers", "The request has too many headers"),
        };
        let challenge = match self {
            Self::NoCredentials => Some(Challenge::NoCredentials),
            Self::InvalidRequest => Some(Challenge::InvalidRequest),
            Self::InvalidToken(_) => Some(Challenge::InvalidToken),
            Self::Forbidden => Some(Challenge::InsufficientScope),
            Self::ClosedRoute | Self::KeysUnavailable | Self::TooManyHeaders => None,
        };
        let mut headers = Vec::new();
        if let Some(challenge) = challenge {
            headers.push(("www-authenticate", challenge.header(realm)));
        }
        if *self == Self::KeysUnavailable {
            headers.push(("retry-after", "1".to_owned()));
        }
        Problem { status, slug, title, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use jobzy_token::TokenError;

    #[track_caller]
    fn check(refusal: &Refusal, status: u16, slug: &str, headers: &[(&str, &str)]) {
        let problem = refusal.problem("jobzy");
        let given: Vec<_> = problem.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!((problem.status, problem.slug, given.as_slice()), (status, slug, headers));
    }

    #[test]
    fn each_refusal_has_its_status_cause_and_challenge() {
        let challenge = |text| [("www-authenticate", text)];
        check(&Refusal::ClosedRoute, 403, "route-closed", &[]);
        check(&Refusal::NoCredentials, 401, "unauthenticated", &challenge(r#"Bearer realm="jobzy""#));
        let text = r#"Bearer realm="jobzy", error="invalid_request""#;
        check(&Refusal::InvalidRequest, 400, "invalid-authorization", &challenge(text));
        let text = r#"Bearer realm="jobzy", error="invalid_token""#;
        check(&Refusal::InvalidToken(TokenError::Expired), 401, "invalid-token", &challenge(text));
        let text = r#"Bearer realm="jobzy", error="insufficient_scope""#;
        check(&Refusal::Forbidden, 403, "forbidden", &challenge(text));
        check(&Refusal::KeysUnavailable, 503, "keys-unavailable", &[("retry-after", "1")]);
        check(&Refusal::TooManyHeaders, 431, "too-many-headers", &[]);
    }

    #[test]
    fn a_client_does_not_hear_what_is_wrong_with_its_token() {
        let errors = [TokenError::Expired, TokenError::Signature, TokenError::UnknownKid { kid: "k".into() }];
        let mut problems = errors.map(|error| Refusal::InvalidToken(error).problem("jobzy")).to_vec();
        problems.dedup();
        assert_eq!(problems.len(), 1);
    }
}
