//! The one shape of an error on the wire: RFC 9457 `application/problem+json`.
//!
//! `{type, title, status, detail?, correlation_id, ...extra}`; `type` is `urn:jobzy:problem:<slug>`
//! and stable per cause, so clients switch on it and never on the text.
//!
//! The correlation id comes from the task-local [`RequestContext`] that the request layer sets, so
//! handlers never pass it along. A problem made outside a request simply has none.

use std::borrow::Cow;
use std::fmt::{self, Display};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::RequestContext;

/// Media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a handler returns: `ApiResult` for a response, `ApiResult<T>` for a step on the way.
pub type ApiResult<T = Response> = Result<T, Problem>;

/// A refusal or failure on its way to the client. One pointer wide, so that it travels well in `Result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    status: StatusCode,
    slug: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    extra: Map<String, Value>,
    headers: HeaderMap,
}

/// The body, members in the order people read them.
#[derive(Serialize)]
struct Wire<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(flatten)]
    extra: &'p Map<String, Value>,
}

/// Members a problem owns itself; [`Problem::with`] cannot overwrite them.
const RESERVED: [&str; 5] = ["type", "title", "status", "detail", "correlation_id"];

impl Problem {
    /// A problem of the given status; `slug` is kebab-case and stable, `title` the same for every occurrence.
    pub fn new(
        status: StatusCode,
        slug: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            slug: slug.into(),
            title: title.into(),
            detail: None,
            extra: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// 404 `not-found`, the same for what does not exist and for what the caller may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here")
    }

    /// 403 `forbidden`.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this")
    }

    /// 503 `temporarily-unavailable` with `Retry-After` in seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily-unavailable", "Please try again shortly")
            .detail(detail)
            .header(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// 500 `internal`. Logs `error` once, here, and hides it from the client, who gets the correlation id instead.
    pub fn internal(error: &(impl Display + ?Sized)) -> Self {
        tracing::error!(error.message = %format_args!("{error:#}"), "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }

    /// Says what was wrong this time; never contains a secret or another person's data.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an extension member, such as `current_quote`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        debug_assert!(!RESERVED.contains(&name.as_str()), "{name} is a problem's own member");
        if !RESERVED.contains(&name.as_str()) {
            self.0.extra.insert(name, value.into());
        }
        self
    }

    /// Sets a response header. A value with a control character in it is left out rather than sent broken.
    #[must_use]
    pub fn header<V: TryInto<HeaderValue>>(mut self, name: HeaderName, value: V) -> Self {
        if let Ok(value) = value.try_into() {
            self.0.headers.insert(name, value);
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The last part of the type URN.
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The body, with the correlation id of the request in progress.
    pub fn body(&self) -> Vec<u8> {
        let wire = Wire {
            r#type: format!("urn:jobzy:problem:{}", self.0.slug),
            title: &self.0.title,
            status: self.0.status.as_u16(),
            detail: self.0.detail.as_deref(),
            correlation_id: RequestContext::current().map(|context| context.correlation_id.to_string()),
            extra: &self.0.extra,
        };
        // Strings, numbers and JSON values always serialise; an empty body still has the right status.
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.slug)?;
        self.0.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for Problem {}

/// `.or_internal()?` turns an infrastructure failure into a logged 500.
pub trait OrInternal<T> {
    /// The value, or [`Problem::internal`].
    fn or_internal(self) -> Result<T, Problem>;
}

impl<T, E: Display> OrInternal<T> for Result<T, E> {
    fn or_internal(self) -> Result<T, Problem> {
        self.map_err(|error| Problem::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_agreed_members_in_order() {
        let problem = Problem::new(StatusCode::CONFLICT, "slot-taken", "The slot is taken")
            .detail("at ten")
            .with("job_id", "job_1");
        assert_eq!(
            String::from_utf8(problem.body()).unwrap(),
            concat!(
                r#"{"type":"urn:jobzy:problem:slot-taken","title":"The slot is taken","status":409,"#,
                r#""detail":"at ten","job_id":"job_1"}"#
            )
        );
    }

    #[test]
    fn an_internal_problem_hides_its_cause() {
        let response = Problem::internal("password=hunter2");
        assert!(!String::from_utf8(response.body()).unwrap().contains("hunter2"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_header_value_with_a_line_break_is_not_sent() {
        let response = Problem::forbidden().header(RETRY_AFTER, "1\r\nx: y").into_response();
        assert!(!response.headers().contains_key(RETRY_AFTER));
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn retry_after_is_in_seconds() {
        let response = Problem::unavailable("no keys yet", 2).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
