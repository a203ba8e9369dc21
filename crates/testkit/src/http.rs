//! A small HTTP client: any status is an answer, only a broken connection is a failure.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

/// How long a request may take in all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client with pooled connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>);

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client for plain `http://` URLs.
    pub fn new() -> Self {
        Self(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http())
    }

    /// GET with these header fields.
    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
        self.send(Method::GET, url, headers, Bytes::new()).await
    }

    /// POST of a JSON value with these header fields, `content-type` added.
    pub async fn post_json(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> anyhow::Result<Reply> {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(Method::POST, url, &headers, serde_json::to_vec(body)?).await
    }

    /// Any request. Fields are sent as they are given, also twice.
    ///
    /// # Errors
    /// When there is no whole answer within 30 seconds.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()))?;
        tokio::time::timeout(TIMEOUT, async {
            let (head, body) = self.0.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
        })
        .await?
    }
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not, showing what it is.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body of a {}: {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header field, if it is there once and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }
}
