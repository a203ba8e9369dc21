//! A connection's stream with its own watch: no wait without an end, no ambiguous framing unnoticed.
//!
//! The stream and the service of one connection share an [`Exchange`]: the service marks when a
//! request is being answered (then only the request's own limits count), the stream passes on what
//! [`Framing`] noticed.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Shared;
use super::framing::{Framing, Refusal};
use crate::problem::Problem;

/// What stream and service of one connection tell each other.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    running: AtomicUsize,
    begun: AtomicU64,
    refusal: OnceLock<Refusal>,
}

impl Exchange {
    /// A request begins; it lasts until the returned mark is dropped with the response body.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(self))
    }

    /// What is wrong with the bytes received so far.
    pub(super) fn refusal(&self) -> Option<Problem> {
        let detail = match self.refusal.get()? {
            Refusal::LengthAndEncoding => "both Content-Length and Transfer-Encoding",
            Refusal::Length => "Content-Length is repeated or not a number",
            Refusal::LineEnd => "lines must end with CR LF",
        };
        let title = "The request's framing is ambiguous";
        Some(Problem::new(StatusCode::BAD_REQUEST, "ambiguous-framing", title).detail(detail))
    }
}

/// The mark of a request that is being answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<Exchange>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the stream is waiting for when a read finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    /// The rest of a head.
    Head,
    /// The next request.
    Request,
}

pub(super) struct Watched<S> {
    stream: S,
    exchange: Arc<Exchange>,
    shared: Arc<Shared>,
    framing: Framing,
    /// What the read deadline was set for: the number of requests begun so far, and what is awaited.
    /// A deadline belongs to one such wait, so that bytes trickling in do not move it.
    wait: Option<(u64, Awaits)>,
    read_deadline: Pin<Box<Sleep>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, exchange: Arc<Exchange>, shared: Arc<Shared>) -> Self {
        Self {
            stream,
            exchange,
            shared,
            framing: Framing::new(),
            wait: None,
            read_deadline: Box::pin(tokio::time::sleep(Duration::ZERO)),
            write_deadline: None,
        }
    }

    /// Called when nothing can be read at the moment: pending, the end of the stream, or too late.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.exchange.running.load(Ordering::SeqCst) > 0 {
            self.wait = None;
            return Poll::Pending;
        }
        let awaits = if self.framing.mid_head() { Awaits::Head } else { Awaits::Request };
        let wait = (self.exchange.begun.load(Ordering::SeqCst), awaits);
        if self.wait != Some(wait) {
            self.wait = Some(wait);
            let allowed = match awaits {
                Awaits::Head => self.shared.limits.head,
                Awaits::Request => self.shared.limits.idle,
            };
            self.read_deadline.as_mut().reset(Instant::now() + allowed);
        }
        ready!(self.read_deadline.as_mut().poll(cx));
        Poll::Ready(Err(timed_out("nothing was received in time")))
    }

    /// Bounds how long a write may make no progress.
    fn bound_write<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write_deadline = None;
            return poll;
        }
        let allowed = self.shared.limits.write;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(allowed)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(timed_out("the client does not take the answer")))
    }
}

fn timed_out(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, message)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_wait(cx),
            Poll::Ready(result) => {
                self.framing.feed(buf.filled().get(before..).unwrap_or_default());
                if let Some(refusal) = self.framing.refusal() {
                    self.exchange.refusal.get_or_init(|| refusal);
                }
                Poll::Ready(result)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.bound_write(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.bound_write(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound_write(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bound_write(cx, poll)
    }
}
