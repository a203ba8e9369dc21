//! The issuer's keys: discovered, refreshed, and fetched early when a token names one we lack.
//!
//! Unknown key ids are outside input and cost the issuer a request, so early fetches are one at a
//! time and at least [`MIN_PAUSE`] apart, however many tokens ask.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use jobzy_token::KeySet;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::{ClientError, HttpClient};

/// Least time between two fetches caused by unknown key ids.
const MIN_PAUSE: Duration = Duration::from_secs(2);
/// How long one request to the issuer may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// Key ids remembered as missing; beyond it the memory starts afresh.
const MAX_MISSING: usize = 256;

/// What looking for an unknown key brought.
pub(super) enum Freshness {
    /// Other keys than those tried: verify with them.
    Changed(Arc<KeySet>),
    /// The issuer was asked after this key id was first seen, and does not have it.
    Settled,
    /// The issuer could not be asked now; nobody can say whether the token is good.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Keys {
    source: Option<Source>,
    current: RwLock<Option<Arc<KeySet>>>,
    search: Mutex<Search>,
}

#[derive(Debug)]
struct Source {
    issuer: String,
    client: HttpClient,
}

#[derive(Debug, Default)]
struct Search {
    last: Option<Instant>,
    missing: HashSet<String>,
}

/// OpenID Connect Discovery 1.0 section 3, as far as it concerns keys.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("{0} was answered with status {1}")]
    Status(String, StatusCode),
    #[error("not a usable address: {0}")]
    Address(#[from] http::Error),
    #[error("the discovery document is malformed: {0}")]
    Discovery(#[from] serde_json::Error),
    #[error("the discovery document is for another issuer")]
    Issuer,
    #[error("{0}")]
    Keys(#[from] jobzy_token::JwksError),
}

impl Keys {
    pub(super) fn discovered(issuer: &str, client: HttpClient) -> Self {
        let source = Source { issuer: issuer.to_owned(), client };
        Self { source: Some(source), current: RwLock::default(), search: Mutex::default() }
    }

    pub(super) fn fixed(keys: KeySet) -> Self {
        Self { source: None, current: RwLock::new(Some(Arc::new(keys))), search: Mutex::default() }
    }

    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches now. A failure is logged and leaves the keys as they were: old keys beat no keys.
    pub(super) async fn refresh(&self) -> Option<Arc<KeySet>> {
        let source = self.source.as_ref()?;
        match source.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                if current.as_ref().is_none_or(|old| old.fingerprint() != keys.fingerprint()) {
                    tracing::info!(keys = keys.len(), "signing keys have changed");
                }
                *current = Some(Arc::clone(&keys));
                Some(keys)
            }
            Err(error) => {
                tracing::warn!(error.message = %error, issuer = %source.issuer, "cannot fetch signing keys");
                None
            }
        }
    }

    /// Looks for a key id that `used`, the keys just tried, lack. Whoever comes second waits for the first
    /// one's fetch and profits from it.
    pub(super) async fn look_for(&self, kid: &str, used: &Arc<KeySet>) -> Freshness {
        if self.source.is_none() {
            return Freshness::Settled;
        }
        let mut search = self.search.lock().await;
        if let Some(keys) = self.current().filter(|keys| !Arc::ptr_eq(keys, used)) {
            return Freshness::Changed(keys);
        }
        let since = search.last.map(|last| last.elapsed());
        if search.missing.contains(kid) && since.is_some_and(|since| since < super::REFRESH) {
            return Freshness::Settled;
        }
        if since.is_some_and(|since| since < MIN_PAUSE) {
            return Freshness::Unknown;
        }
        search.last = Some(Instant::now());
        let Some(keys) = self.refresh().await else { return Freshness::Unknown };
        if search.missing.len() >= MAX_MISSING {
            search.missing.clear();
        }
        // Should the new keys have it, this entry is never asked for.
        search.missing.insert(kid.to_owned());
        Freshness::Changed(keys)
    }
}

impl Source {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let document = self.get(&format!("{}/.well-known/openid-configuration", self.issuer)).await?;
        let discovery: Discovery = serde_json::from_slice(&document)?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::Issuer);
        }
        Ok(KeySet::parse(&self.get(&discovery.jwks_uri).await?)?)
    }

    async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        let request = Request::get(url).header(http::header::ACCEPT, "application/json").body(Bytes::new())?;
        let response = self.client.send(request, FETCH_TIMEOUT).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(url.to_owned(), response.status()));
        }
        Ok(response.into_body())
    }
}
