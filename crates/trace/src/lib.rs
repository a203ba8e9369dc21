//! The two names that travel with a request: the correlation id and the W3C trace context.
//!
//! Both come from outside and are reflected into logs and answers, so nothing is kept that does not
//! have exactly the expected form. Random bytes and the time are arguments.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod correlation;
mod traceparent;

pub use correlation::{CorrelationId, CorrelationIdError};
pub use traceparent::{TraceParent, TraceParentError};
