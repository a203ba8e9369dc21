//! Extractors whose refusals are problem+json: raw body, query and path.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::serve::BodyError;

/// The largest JSON body any endpoint takes, in bytes.
pub const MAX_JSON_BYTES: usize = 64 * 1024;

/// Longest reason we repeat from a parser; it may quote the client's own input.
const MAX_REASON_CHARS: usize = 300;

/// The whole body, at most [`MAX_JSON_BYTES`], unparsed: for webhooks, whose signature covers the bytes.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_body(request.into_body(), MAX_JSON_BYTES).await.map(Self)
    }
}

/// Reads a body of at most `limit` bytes: 413 when it is larger, 408 when it comes too slowly, 400 when it breaks off.
pub async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are dropped: nothing we serve reads them.
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            if whole.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The request body is too large")
        .detail(format!("at most {limit} bytes"))
}

fn broken(error: axum::Error) -> Problem {
    match error.into_inner().downcast_ref::<BodyError>() {
        Some(BodyError::TooLarge(limit)) => too_large(*limit),
        Some(BodyError::TooSlow) => {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", "The request body came too slowly")
        }
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "body-broken",
            "The request body ended early or was malformed",
        ),
    }
}

/// The query string as `T`; 400 `invalid-query` otherwise. Use `deny_unknown_fields` on `T`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid-query", "The query parameters are not understood")
                .detail(reason(&error.body_text()))
        })
    }
}

/// The path parameters as `T`; an id of another form names nothing, so the refusal is 404.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parsed = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        parsed.map(|path| Self(path.0)).map_err(|_| Problem::not_found())
    }
}

/// A parser's reason, cut to a length that is safe to repeat.
pub(crate) fn reason(text: &str) -> String {
    text.chars().take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_at_the_limit_is_read_and_one_byte_more_is_refused() {
        assert_eq!(read_body(Body::from("12345"), 5).await.unwrap(), "12345");
        let problem = read_body(Body::from("123456"), 5).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.slug()), (413, "body-too-large"));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_counted() {
        let chunks = futures::stream::iter((0..3).map(|_| Ok::<_, std::io::Error>("12345")));
        let problem = read_body(Body::from_stream(chunks), 10).await.unwrap_err();
        assert_eq!(problem.slug(), "body-too-large");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_clients_fault() {
        let chunks = futures::stream::iter([Ok("123"), Err(std::io::Error::other("reset"))]);
        let problem = read_body(Body::from_stream(chunks), 10).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.slug()), (400, "body-broken"));
    }

    #[tokio::test]
    async fn an_unknown_query_parameter_is_named() {
        #[derive(serde::Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        struct Wanted {
            #[expect(dead_code, reason = "only its name matters here")]
            date: String,
        }
        let mut parts = http::Request::get("/?date=x&evil=1").body(()).unwrap().into_parts().0;
        let problem = Query::<Wanted>::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(problem.slug(), "invalid-query");
        assert!(problem.to_string().contains("evil"), "{problem}");
    }
}
