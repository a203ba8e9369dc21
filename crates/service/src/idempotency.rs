//! The HTTP side of idempotent requests: the `Idempotency-Key` header and the fingerprint of a request.
//!
//! The database side (same key and body give the same bytes, another body 422, in flight 409) is in
//! the store crate; the refusals it leads to are made here so that every service words them alike.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use jobzy_ids::IdempotencyKey;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::extract::{MAX_JSON_BYTES, read_body};
use crate::json;
use crate::problem::Problem;

/// `idempotency-key`, sent by the client.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `idempotency-replayed: true` stands on an answer that was stored earlier.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of this request: 400 when it is missing, repeated or not 1 to 255 visible ASCII characters.
pub fn key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency-key-missing",
            "This request needs an Idempotency-Key header",
        ));
    };
    let parsed = value.to_str().ok().and_then(|text| IdempotencyKey::parse(text).ok());
    parsed.filter(|_| values.next().is_none()).ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency-key-invalid",
            "The Idempotency-Key header is malformed",
        )
        .detail("exactly one line of 1 to 255 visible ASCII characters")
    })
}

/// SHA-256 over method, path, subject and body. Each part is preceded by its length, so that no two
/// different requests can run together into the same bytes.
pub fn fingerprint(method: &Method, path: &str, subject: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_str().as_bytes(), path.as_bytes(), subject.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// 422: the key was used with another request.
pub fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "This Idempotency-Key was used with another request",
    )
}

/// 409 with `Retry-After`: the first request with this key has not finished yet.
pub fn in_flight() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency-in-flight",
        "The first request with this Idempotency-Key is still being worked on",
    )
    .header(RETRY_AFTER, "1")
}

/// One extractor for a POST that needs a key: the key, the parsed body and what the fingerprint is made of.
///
/// An empty body without content type stands for `{}`, so that commands without parameters need no body.
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    /// The client's key.
    pub key: IdempotencyKey,
    /// The parsed body.
    pub value: T,
    method: Method,
    path: String,
    body: Bytes,
}

impl<T> Keyed<T> {
    /// The request's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fingerprint of this request as made by `subject`.
    pub fn fingerprint(&self, subject: &str) -> [u8; 32] {
        fingerprint(&self.method, &self.path, subject, &self.body)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let key = key(&parts.headers)?;
        let body = read_body(body, MAX_JSON_BYTES).await?;
        let value = if body.is_empty() && !parts.headers.contains_key(CONTENT_TYPE) {
            json::parse(b"{}")?
        } else {
            json::check_media_type(&parts.headers, |media_type| media_type == "application/json")?;
            json::parse(&body)?
        };
        Ok(Self { key, value, method: parts.method, path: parts.uri.path().to_owned(), body })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (IDEMPOTENCY_KEY, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_key_is_one_line_of_visible_ascii() {
        assert_eq!(key(&headers(&["a-1"])).unwrap().as_str(), "a-1");
        assert_eq!(key(&headers(&[])).unwrap_err().slug(), "idempotency-key-missing");
        let long = "k".repeat(256);
        for bad in [&["a", "a"][..], &[""], &["a b"], &["\u{e4}"], &[&long]] {
            assert_eq!(key(&headers(bad)).unwrap_err().slug(), "idempotency-key-invalid", "{bad:?}");
        }
    }

    #[test]
    fn moving_a_byte_between_parts_changes_the_fingerprint() {
        let print = |path, subject, body: &str| fingerprint(&Method::POST, path, subject, body.as_bytes());
        let base = print("/a", "bc", "d");
        assert_eq!(base, print("/a", "bc", "d"));
        for other in [print("/ab", "c", "d"), print("/a", "b", "cd"), print("/a", "bc", "e")] {
            assert_ne!(base, other);
        }
        assert_ne!(base, fingerprint(&Method::PUT, "/a", "bc", b"d"));
    }

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Command {
        reason: Option<String>,
    }

    async fn extract(request: http::request::Builder, body: &'static str) -> Result<Keyed<Command>, Problem> {
        Keyed::from_request(request.header(IDEMPOTENCY_KEY, "k").body(Body::from(body)).unwrap(), &()).await
    }

    #[tokio::test]
    async fn a_command_without_parameters_needs_no_body() {
        let post = || http::Request::post("/x");
        assert_eq!(extract(post(), "").await.unwrap().value.reason, None);
        let json = post().header(CONTENT_TYPE, "application/json");
        assert_eq!(extract(json, r#"{"reason":"r"}"#).await.unwrap().value.reason.as_deref(), Some("r"));
        assert_eq!(extract(post(), "{}").await.unwrap_err().slug(), "unsupported-media-type");
    }
}
