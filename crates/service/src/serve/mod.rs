//! The connection side of every sidecar: an accept loop on hyper 1 with every wait and size bounded.
//!
//! axum's own `serve` has no limits to set, and hyper alone accepts requests with both
//! Content-Length and Transfer-Encoding, with two Host lines or none, with bare line feeds, and
//! connections that never say anything. So each connection is a [`Watched`] stream (idle, head and
//! write timeouts, framing checks), each request passes [`guard`] and gets a [`GuardedBody`] (size,
//! time), and the rest is the router's.
//!
//! What bounds it: connections by a semaphore (the surplus waits in the kernel's backlog), heads by
//! hyper's buffer, bodies by [`Limits::body_bytes`], the end by [`Limits::drain`].

mod body;
mod framing;
mod guard;
mod limits;
mod watched;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

pub use body::BodyError;
use body::{GuardedBody, ServedBody};
pub use limits::Limits;
use watched::{Exchange, Watched};

use crate::clock::Clock;
use crate::context::{CORRELATION_ID, RequestContext};
use crate::problem::Problem;

/// How long to wait before accepting again when the machine is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address could not be bound; the message names it.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {source}")]
pub struct BindError {
    /// The address that was asked for.
    pub addr: SocketAddr,
    /// What the operating system said.
    pub source: std::io::Error,
}

/// A bound port, not serving yet: what connects already waits in the backlog.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: Limits,
    local: SocketAddr,
}

impl Server {
    /// Binds the address; port 0 takes a free one.
    pub async fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        let bound = async {
            let listener = TcpListener::bind(addr).await?;
            let local = listener.local_addr()?;
            Ok(Self { listener, limits: Limits::default(), local })
        };
        bound.await.map_err(|source| BindError { addr, source })
    }

    /// Serves with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address that was bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` completes, then lets running requests finish for at most [`Limits::drain`].
    pub async fn run(self, router: Router, shutdown: impl Future<Output = ()> + Send) {
        let Self { listener, limits, .. } = self;
        let shared = Arc::new(Shared { router, limits });
        let permits = Arc::new(Semaphore::new(shared.limits.connections));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = async {
                // Closed only with the semaphore, which lives as long as this loop.
                let permit = Arc::clone(&permits).acquire_owned().await.ok();
                (listener.accept().await, permit)
            };
            let (accepted, permit) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut shutdown => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) => {
                    let connection = graceful.watcher();
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        serve_connection(stream, shared, connection).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(error.message = %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        if tokio::time::timeout(shared.limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(connections = connections.len(), "drain deadline passed, closing what is left");
        }
        connections.shutdown().await;
    }
}

struct Shared {
    router: Router,
    limits: Limits,
}

async fn serve_connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Answers are small and complete: waiting for more to send only costs time.
    let _ = stream.set_nodelay(true);
    let exchange = Arc::new(Exchange::default());
    let stream = Watched::new(stream, Arc::clone(&exchange), Arc::clone(&shared));
    let limits = &shared.limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Watched measures the head from its first byte; hyper's timer would also end idle connections.
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_header_size(limits.head_bytes)
        // The buffer alone would only stop heads that do not end within it.
        .max_buf_size(limits.head_bytes);
    let service = hyper::service::service_fn({
        let shared = Arc::clone(&shared);
        move |request| respond(request, Arc::clone(&shared), Arc::clone(&exchange))
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error.message = %error, "connection ended");
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    exchange: Arc<Exchange>,
) -> Result<Response<ServedBody>, Infallible> {
    let busy = exchange.begin();
    let refusal = exchange.refusal().or_else(|| guard::refuse(&request));
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let last = chunked || refusal.is_some();
    let mut response = match refusal {
        Some(problem) => refused(&request, problem).await,
        None => {
            let limits = &shared.limits;
            let guarded =
                |body| axum::body::Body::new(GuardedBody::new(body, limits.body_bytes, limits.body));
            let Ok(response) = shared.router.clone().oneshot(request.map(guarded)).await;
            response
        }
    };
    if last {
        // A refused connection has lost its framing, and after a chunked body Watched does not follow it:
        // neither may carry another request.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| ServedBody::new(body, busy)))
}

/// Answers what never reaches the router, where the request layer would have made the context.
async fn refused(request: &Request<Incoming>, problem: Problem) -> Response<axum::body::Body> {
    let context = RequestContext::accept(request.headers(), &Clock::system());
    let id = context.correlation_id.to_string();
    let work = async {
        tracing::info!(problem = %problem, "malformed request refused");
        problem.into_response()
    };
    let mut response = context.scope(work).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    response
}
