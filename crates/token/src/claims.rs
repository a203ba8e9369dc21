//! What a verified token says about its bearer, in the shape Keycloak says it.

use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::verify::Expectations;

/// Longest subject and client id, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Most roles one token may have; a realm has a handful.
const MAX_ROLES: usize = 256;
/// The largest integer every JSON implementation holds exactly.
const MAX_DATE: i64 = 1 << 53;

/// The bearer of a verified token. Only [`crate::Verifier::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: 1 to 255 visible ASCII characters, stable for one user.
    pub subject: String,
    /// `realm_access.roles`, in the token's order; empty when the token has none.
    pub roles: Vec<String>,
    /// `azp`, else `client_id`: the client the token was issued to, 1 to 255 visible ASCII characters.
    pub client: Option<String>,
    /// `preferred_username`: for people to read, never to decide by. Any characters but controls.
    pub name: Option<String>,
    /// `exp`, seconds since 1970.
    pub expires_at_s: i64,
}

impl Claims {
    /// Whether the token is over at `now_unix_s`, by the rule that let it in: for a cache to ask again.
    #[must_use]
    pub const fn is_expired(&self, now_unix_s: i64, leeway_s: u32) -> bool {
        now_unix_s >= self.expires_at_s.saturating_add(leeway_s as i64)
    }

    /// Reads and checks the decoded payload. The signature is not checked here: the result may leave
    /// the crate only after it was.
    pub(crate) fn check(
        payload: &Map<String, Value>,
        expected: &Expectations,
        now: i64,
    ) -> Result<Self, TokenError> {
        let claims = Payload(payload);
        claims.is_access_token()?;
        claims.is_from(&expected.issuer)?;
        claims.is_for(&expected.audience)?;
        let expires_at_s = claims.date("exp")?.ok_or(TokenError::MissingClaim("exp"))?;
        let latest_start = now.saturating_add(i64::from(expected.leeway_s));
        for name in ["nbf", "iat"] {
            if claims.date(name)?.is_some_and(|start| start > latest_start) {
                return Err(TokenError::NotYetValid);
            }
        }
        let this = Self {
            subject: claims.identifier("sub")?.ok_or(TokenError::MissingClaim("sub"))?,
            roles: claims.realm_roles()?,
            client: match claims.identifier("azp")? {
                Some(client) => Some(client),
                None => claims.identifier("client_id")?,
            },
            name: claims.display_name()?,
            expires_at_s,
        };
        if this.is_expired(now, expected.leeway_s) {
            return Err(TokenError::Expired);
        }
        Ok(this)
    }
}

struct Payload<'a>(&'a Map<String, Value>);

impl Payload<'_> {
    /// Keycloak signs ID, refresh and logout tokens with the same key and tells them apart by the
    /// claim `typ`. Issuers after RFC 9068 have no such claim; the header's type tells there.
    fn is_access_token(&self) -> Result<(), TokenError> {
        match self.0.get("typ") {
            None => Ok(()),
            Some(typ) if typ.as_str() == Some("Bearer") => Ok(()),
            Some(_) => Err(TokenError::TokenUse),
        }
    }

    /// Exact comparison, no normalisation: two spellings are two issuers.
    fn is_from(&self, issuer: &str) -> Result<(), TokenError> {
        match self.0.get("iss") {
            None => Err(TokenError::MissingClaim("iss")),
            Some(Value::String(given)) if !given.is_empty() && given == issuer => Ok(()),
            Some(_) => Err(TokenError::Issuer),
        }
    }

    /// RFC 7519, 4.1.3: one string or an array of strings, one of which must be ours.
    fn is_for(&self, audience: &[String]) -> Result<(), TokenError> {
        let ours = |given: &str| audience.iter().any(|own| own == given);
        let matches = match self.0.get("aud") {
            None => return Err(TokenError::MissingClaim("aud")),
            Some(Value::String(given)) => ours(given),
            Some(Value::Array(list)) => {
                let given: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                given.ok_or(TokenError::InvalidClaim("aud"))?.into_iter().any(ours)
            }
            Some(_) => return Err(TokenError::InvalidClaim("aud")),
        };
        if matches { Ok(()) } else { Err(TokenError::Audience) }
    }

    /// RFC 7519 permits fractions of a second; our issuer writes none, and a number that parsers round
    /// differently has no place in a limit.
    fn date(&self, name: &'static str) -> Result<Option<i64>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match value.as_i64() {
            Some(seconds) if (0..=MAX_DATE).contains(&seconds) => Ok(Some(seconds)),
            _ => Err(TokenError::InvalidClaim(name)),
        }
    }

    /// A name that ends up in headers, logs and databases: visible ASCII only.
    fn identifier(&self, name: &'static str) -> Result<Option<String>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or(TokenError::InvalidClaim(name))?;
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TokenError::InvalidClaim(name));
        }
        Ok(Some(text.to_owned()))
    }

    fn display_name(&self) -> Result<Option<String>, TokenError> {
        const NAME: &str = "preferred_username";
        let Some(value) = self.0.get(NAME) else { return Ok(None) };
        let text = value.as_str().ok_or(TokenError::InvalidClaim(NAME))?;
        if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
            return Err(TokenError::InvalidClaim(NAME));
        }
        Ok(Some(text.to_owned()).filter(|name| !name.is_empty()))
    }

    fn realm_roles(&self) -> Result<Vec<String>, TokenError> {
        const NAME: &str = "realm_access";
        let Some(access) = self.0.get(NAME) else { return Ok(Vec::new()) };
        let access = access.as_object().ok_or(TokenError::InvalidClaim(NAME))?;
        let Some(roles) = access.get("roles") else { return Ok(Vec::new()) };
        let list = roles.as_array().filter(|list| list.len() <= MAX_ROLES);
        list.and_then(|list| list.iter().map(|role| role.as_str().map(str::to_owned)).collect())
            .ok_or(TokenError::InvalidClaim(NAME))
    }
}
