//! Typed names of things, and the client's idempotency key.
//!
//! An id is a UUIDv7 (RFC 9562): its first 48 bits are the Unix time in milliseconds, so that rows made
//! together lie together. On the wire it is a prefix that says what it names and 32 lower-case
//! hexadecimal digits; in a database it is the 16 bytes.

mod key;
mod typed;

pub use key::{IdempotencyKey, IdempotencyKeyError};
pub use typed::{AttemptId, EntityId, EventId, IdError, InvoiceId, JobId, PaymentId, ProviderId, RefundId};
