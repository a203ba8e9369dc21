//! Strict JSON bodies: media type, size, syntax and shape each have their own refusal.
//!
//! | refusal | status | type |
//! |---|---|---|
//! | other content type, or an encoded body | 415 | `unsupported-media-type` |
//! | more than 64 KiB | 413 | `body-too-large` |
//! | not JSON | 400 | `malformed-json` |
//! | JSON of another shape: unknown or missing field, wrong type | 422 | `invalid-body` |
//!
//! Types say `#[serde(deny_unknown_fields)]` themselves; duplicate keys are refused by serde's derive.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::extract::{MAX_JSON_BYTES, read_body, reason};
use crate::problem::Problem;

/// A JSON request body as an extractor, and a JSON answer as a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers, |media_type| media_type == "application/json")?;
        parse(&read_body(body, MAX_JSON_BYTES).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => bytes_response(StatusCode::OK, bytes.into()),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// A JSON answer from bytes that are already JSON, for replayed and cached ones that must not change.
pub fn bytes_response(status: StatusCode, body: Bytes) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// Refuses what `accepts` does not know and any content encoding: an encoded body could unfold beyond every limit.
pub fn check_media_type(headers: &HeaderMap, accepts: impl Fn(&str) -> bool) -> Result<(), Problem> {
    let encoded =
        headers.get_all(CONTENT_ENCODING).iter().any(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"));
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if encoded || !accepts(&essence) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body's type or encoding is not supported",
        ));
    }
    Ok(())
}

/// Parses JSON, telling what is not JSON (400) from what is JSON of another shape (422).
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let problem = match error.classify() {
            Category::Data => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-body",
                "The body does not have the expected shape",
            ),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not valid JSON")
            }
        };
        problem.detail(reason(&error.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        amount_minor: i64,
    }

    #[track_caller]
    fn check(body: &str, expected: Result<i64, (u16, &str)>) {
        let parsed = parse::<Wanted>(body.as_bytes());
        let got = parsed.as_ref().map(|w| w.amount_minor).map_err(|p| (p.status().as_u16(), p.slug()));
        assert_eq!(got, expected, "{body}");
    }

    #[test]
    fn syntax_and_shape_are_told_apart() {
        check(r#"{"amount_minor":5}"#, Ok(5));
        check(r#"{"amount_minor":5"#, Err((400, "malformed-json")));
        check("", Err((400, "malformed-json")));
        check("\u{feff}{}", Err((400, "malformed-json")));
        check(r#"{"amount_minor":5} x"#, Err((400, "malformed-json")));
        check(r#"{"amount_minor":NaN}"#, Err((400, "malformed-json")));
        check(r#"{"amount_minor":1.5}"#, Err((422, "invalid-body")));
        check(r#"{"amount_minor":1e2}"#, Err((422, "invalid-body")));
        check(r#"{"amount_minor":"5"}"#, Err((422, "invalid-body")));
        check(r#"{"amount_minor":9223372036854775808}"#, Err((422, "invalid-body")));
        check(r#"{"amount_minor":5,"extra":1}"#, Err((422, "invalid-body")));
        check(r#"{"amount_minor":5,"amount_minor":6}"#, Err((422, "invalid-body")));
        check("{}", Err((422, "invalid-body")));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(30_000);
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().slug(), "malformed-json");
    }

    #[test]
    fn a_refusal_does_not_repeat_a_long_input() {
        let long = format!(r#"{{"{}":1}}"#, "x".repeat(60_000));
        assert!(parse::<Wanted>(long.as_bytes()).unwrap_err().to_string().len() < 400);
    }

    async fn extract(request: http::request::Builder) -> Result<Json<Wanted>, Problem> {
        Json::from_request(request.body(Body::from(r#"{"amount_minor":5}"#)).unwrap(), &()).await
    }

    #[tokio::test]
    async fn the_media_type_must_be_json_and_not_encoded() {
        let post = || http::Request::post("/");
        assert!(extract(post().header(CONTENT_TYPE, "Application/JSON; charset=utf-8")).await.is_ok());
        for refused in [
            post(),
            post().header(CONTENT_TYPE, "text/plain"),
            post().header(CONTENT_TYPE, "application/json").header(CONTENT_ENCODING, "gzip"),
        ] {
            assert_eq!(extract(refused).await.unwrap_err().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }
}
