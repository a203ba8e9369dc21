//! Bodies on their way in (bounded in size and time) and out (marking how long the request lasts).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::watched::Busy;

/// Why a request body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// Not complete in time.
    #[error("the body was not received in time")]
    TooSlow,
    /// The connection broke or the chunks are malformed.
    #[error("the body broke off: {0}")]
    Broken(hyper::Error),
}

/// A request body that ends in an error rather than grow or last beyond its bounds.
pub(super) struct GuardedBody {
    inner: Incoming,
    left: usize,
    limit: usize,
    allowed: Duration,
    /// Set when the first wait begins: a body that is already there costs no timer.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl GuardedBody {
    pub(super) fn new(inner: Incoming, limit: usize, allowed: Duration) -> Self {
        Self { inner, left: limit, limit, allowed, deadline: None }
    }
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            let allowed = self.allowed;
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(allowed)));
            ready!(deadline.as_mut().poll(cx));
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        let frame = match frame {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Broken(error)))),
            Some(Ok(frame)) => frame,
        };
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = self.left.checked_sub(size) else {
            return Poll::Ready(Some(Err(BodyError::TooLarge(self.limit))));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response body that keeps its request's [`Busy`] mark until hyper is done with it.
pub(super) struct ServedBody {
    inner: axum::body::Body,
    _busy: Busy,
}

impl ServedBody {
    pub(super) fn new(inner: axum::body::Body, busy: Busy) -> Self {
        Self { inner, _busy: busy }
    }
}

impl Body for ServedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
