//! The token this service shows to others: OAuth 2.0 client credentials (RFC 6749 section 4.4), cached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::HttpClient;

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// A token is replaced this long before it ends, or at half its life when that is shorter.
const EARLY: Duration = Duration::from_secs(30);

/// No token could be had; the message never contains one, nor the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no service token: {0}")]
pub struct TokenUnavailable(String);

/// Hands out a valid service token; clones share the cached one, and one fetch serves all who wait.
#[derive(Clone)]
pub struct ServiceToken(Arc<Inner>);

struct Inner {
    client: HttpClient,
    token_url: String,
    basic: String,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    token: String,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl ServiceToken {
    /// A source of tokens; nothing is fetched yet.
    pub fn new(client: HttpClient, token_url: impl Into<String>, id: &str, secret: &str) -> Self {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", form(id), form(secret))));
        Self(Arc::new(Inner { client, token_url: token_url.into(), basic, cached: Mutex::new(None) }))
    }

    /// A valid token, without the word `Bearer`.
    pub async fn bearer(&self) -> Result<String, TokenUnavailable> {
        let mut cached = self.0.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| Instant::now() < cached.renew_at) {
            return Ok(cached.token.clone());
        }
        let granted = self.fetch().await?;
        let life = Duration::from_secs(granted.expires_in);
        let renew_at = Instant::now() + life.saturating_sub(EARLY).max(life / 2);
        *cached = Some(Cached { token: granted.access_token.clone(), renew_at });
        Ok(granted.access_token)
    }

    /// Puts a valid token into the headers of an outgoing request.
    pub async fn authorise(&self, headers: &mut HeaderMap) -> Result<(), TokenUnavailable> {
        let bearer = format!("Bearer {}", self.bearer().await?);
        let mut value =
            HeaderValue::try_from(bearer).map_err(|_| TokenUnavailable("not a header value".into()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Forgets the cached token, after another service answered 401 to it.
    pub async fn forget(&self) {
        *self.0.cached.lock().await = None;
    }

    async fn fetch(&self) -> Result<Granted, TokenUnavailable> {
        let request = Request::post(&self.0.token_url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, &self.0.basic)
            .body(Bytes::from_static(b"grant_type=client_credentials"))
            .map_err(|error| TokenUnavailable(error.to_string()))?;
        let response = self.0.client.send(request, FETCH_TIMEOUT).await;
        let response = response.map_err(|error| TokenUnavailable(error.to_string()))?;
        if response.status() != StatusCode::OK {
            return Err(TokenUnavailable(format!("the issuer answered {}", response.status())));
        }
        // serde's messages can quote the input, which here is a token.
        serde_json::from_slice(response.body())
            .map_err(|_| TokenUnavailable("the issuer's answer is malformed".into()))
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceToken").field("token_url", &self.0.token_url).finish_non_exhaustive()
    }
}

/// Form encoding, which RFC 6749 section 2.3.1 asks for inside Basic credentials.
fn form(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
