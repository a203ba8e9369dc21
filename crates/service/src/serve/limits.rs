//! How much and how long, per connection and per request.

use std::time::Duration;

/// The bounds of a server. The defaults suit a sidecar behind a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections at once.
    pub connections: usize,
    /// Header lines in one request; more is answered 431.
    pub headers: usize,
    /// Bytes of a request's head; more is answered 431.
    pub head_bytes: usize,
    /// Bytes of a request's body, whatever the handler would accept; more is answered 413.
    pub body_bytes: usize,
    /// From the first byte of a head to its last; then the connection is closed.
    pub head: Duration,
    /// For reading a whole body; then 408.
    pub body: Duration,
    /// Between requests, and before the first. Longer than the gateway keeps its upstream connections
    /// idle, so that it is the gateway that closes them and no request meets a closing connection.
    pub idle: Duration,
    /// How long a client may refuse to take a single byte of an answer.
    pub write: Duration,
    /// How long running requests may take to finish after the stop was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            headers: 64,
            head_bytes: 32 * 1024,
            body_bytes: 1024 * 1024,
            head: Duration::from_secs(5),
            body: Duration::from_secs(15),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}
