//! Outbound HTTP: one pooled client that always answers within a deadline and says what is certain.
//!
//! Whoever moves money must know one thing about a failed call: was it surely never sent, or is
//! the outcome open? [`ClientError`] is that distinction; when in doubt it is `Unknown`. Nothing is
//! retried here, redirects are not followed, and answers are read up to a limit.

mod service_token;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

pub use service_token::{ServiceToken, TokenUnavailable};

/// How long connecting may take, name resolution and TLS apart.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections are dropped before a server of ours drops them (75 s), to not meet a closing one.
const POOL_IDLE: Duration = Duration::from_secs(30);
const POOL_IDLE_PER_HOST: usize = 32;
/// Largest answer read, in bytes.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No byte of the request left this machine: it is safe to send it again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have been received and may have had its effect.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// There was an answer, larger than the limit; its effect has happened.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The request has no absolute http or https address.
    #[error("invalid request: {0}")]
    InvalidRequest(String),
}

impl ClientError {
    /// Whether the other side surely never saw the request.
    pub fn surely_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::InvalidRequest(_))
    }
}

/// The client; clones share one connection pool.
#[derive(Clone)]
pub struct HttpClient {
    inner: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    max_response_bytes: usize,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient {
    /// A client for http and https, with Mozilla's root certificates.
    pub fn new() -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let inner = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            .build(connector);
        Self { inner, max_response_bytes: MAX_RESPONSE_BYTES }
    }

    /// Reads answers of at most this many bytes.
    #[must_use]
    pub fn with_max_response(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sends a request and reads the whole answer, both within `timeout`. Any status is an answer.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, ClientError> {
        let scheme = request.uri().scheme_str();
        if request.uri().authority().is_none() || !matches!(scheme, Some("http" | "https")) {
            return Err(ClientError::InvalidRequest("the address must be absolute, http or https".into()));
        }
        // Addresses are configuration, so this label has few values.
        let peer = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let begun = Instant::now();
        let exchange = self.exchange(request.map(Full::new));
        let late = |_| Err(ClientError::Unknown(format!("no answer within {} ms", timeout.as_millis())));
        let outcome = tokio::time::timeout(timeout, exchange).await.unwrap_or_else(late);
        record(peer, &outcome, begun.elapsed());
        outcome
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, ClientError> {
        let response = self.inner.request(request).await.map_err(|error| {
            if error.is_connect() {
                ClientError::NotSent(chain(&error))
            } else {
                ClientError::Unknown(chain(&error))
            }
        })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.max_response_bytes).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                ClientError::TooLarge(self.max_response_bytes)
            } else {
                ClientError::Unknown(chain(&*error))
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

fn record(peer: String, outcome: &Result<Response<Bytes>, ClientError>, took: Duration) {
    let label = match outcome {
        Ok(response) => response.status().as_u16().to_string(),
        Err(ClientError::NotSent(_) | ClientError::InvalidRequest(_)) => "not_sent".to_owned(),
        Err(ClientError::Unknown(_)) => "unknown".to_owned(),
        Err(ClientError::TooLarge(_)) => "too_large".to_owned(),
    };
    metrics::histogram!("http_client_request_seconds", "peer" => peer.clone()).record(took.as_secs_f64());
    metrics::counter!("http_client_requests_total", "peer" => peer, "outcome" => label).increment(1);
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// The whole chain of causes: hyper's own message alone says nothing.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
