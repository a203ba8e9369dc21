//! Correlation id and trace position of the work in progress.
//!
//! The request layer of [`crate::app`] makes one per request and keeps it in a task-local, so that
//! [`crate::problem::Problem`] and the log find it without being handed it. The task-local does not
//! follow into `tokio::spawn`: work that outlives the request takes a clone and calls [`RequestContext::scope`].

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use jobzy_trace::{CorrelationId, TraceParent};
use tracing::Instrument;

use crate::clock::Clock;

/// `x-correlation-id`.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// `traceparent` of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// Who is asking for what, in the words of the logs: the correlation id and our own span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// The caller's `x-correlation-id` where it was valid and alone, else a new UUIDv7.
    pub correlation_id: CorrelationId,
    /// This hop's span: a child of the caller's `traceparent`, or the root of a new trace.
    pub traceparent: TraceParent,
}

impl RequestContext {
    /// A context for work nobody asked for over HTTP, such as a sweep.
    pub fn new(clock: &Clock) -> Self {
        Self {
            correlation_id: clock.new_id(CorrelationId::from_uuid_v7),
            traceparent: TraceParent::new(clock.random(), clock.random(), true),
        }
    }

    /// The context of a request with these headers. What is invalid or said twice is replaced, never repeated:
    /// the correlation id is written into logs and answers.
    pub fn accept(headers: &HeaderMap, clock: &Clock) -> Self {
        let correlation_id = single(headers, &CORRELATION_ID).and_then(|v| CorrelationId::parse(v).ok());
        let parent = single(headers, &TRACEPARENT).and_then(|v| TraceParent::parse(v).ok());
        Self::resume(correlation_id, parent, clock)
    }

    /// The context of work that an event or a stored job asked for; parts that are unknown are made.
    pub fn resume(correlation_id: Option<CorrelationId>, parent: Option<TraceParent>, clock: &Clock) -> Self {
        Self {
            correlation_id: correlation_id.unwrap_or_else(|| clock.new_id(CorrelationId::from_uuid_v7)),
            traceparent: parent.map_or_else(
                || TraceParent::new(clock.random(), clock.random(), true),
                |parent| parent.child(clock.random()),
            ),
        }
    }

    /// The context of the task that asks, if it runs inside [`RequestContext::scope`].
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work` in this context: its problems carry the correlation id, its log lines that and the trace id.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        let span = tracing::info_span!(
            "request",
            "correlation.id" = %self.correlation_id,
            "trace.id" = %self.traceparent.trace_id(),
        );
        CURRENT.scope(self, work).instrument(span).await
    }

    /// Writes both names into the headers of an outgoing request.
    pub fn apply(&self, headers: &mut HeaderMap) {
        set(headers, CORRELATION_ID, &self.correlation_id.to_string());
        set(headers, TRACEPARENT, &self.traceparent.to_string());
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // Both types print visible ASCII only, so this cannot fail; were it to, no header is the safe outcome.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Without the request layer (a route tested on its own) the headers still count.
        Ok(Self::current().unwrap_or_else(|| Self::accept(&parts.headers, &Clock::system())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn accept(pairs: &[(HeaderName, &str)]) -> RequestContext {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        RequestContext::accept(&headers, &Clock::system())
    }

    #[test]
    fn a_valid_correlation_id_is_kept() {
        assert_eq!(accept(&[(CORRELATION_ID, "abc-1")]).correlation_id.as_str(), "abc-1");
    }

    #[test]
    fn an_invalid_or_repeated_correlation_id_is_replaced() {
        for pairs in [&[(CORRELATION_ID, "a b")][..], &[(CORRELATION_ID, "a"), (CORRELATION_ID, "a")], &[]] {
            assert_eq!(accept(pairs).correlation_id.as_str().len(), 36, "{pairs:?}");
        }
    }

    #[test]
    fn a_traceparent_is_continued_with_a_span_of_our_own() {
        let context = accept(&[(TRACEPARENT, PARENT)]);
        assert_eq!(context.traceparent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(context.traceparent.parent_id(), "00f067aa0ba902b7");
        assert_ne!(accept(&[(TRACEPARENT, "junk")]).traceparent.trace_id(), context.traceparent.trace_id());
    }

    #[tokio::test]
    async fn the_scope_gives_problems_their_correlation_id() {
        let context = accept(&[(CORRELATION_ID, "abc-1")]);
        let body = context.scope(async { crate::problem::Problem::not_found().body() }).await;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["correlation_id"], "abc-1");
    }

    #[test]
    fn apply_replaces_what_was_there() {
        let mut headers = HeaderMap::new();
        headers.append(CORRELATION_ID, "old".parse().unwrap());
        accept(&[(CORRELATION_ID, "new"), (TRACEPARENT, PARENT)]).apply(&mut headers);
        assert_eq!(headers.get_all(CORRELATION_ID).iter().collect::<Vec<_>>(), ["new"]);
        assert!(headers[TRACEPARENT].to_str().unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    }
}
