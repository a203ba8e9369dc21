//! Facts for the other services: CloudEvents 1.0 in JSON, at least once, each handled once.
//!
//! ```text
//! business transaction                    this service                       the other service
//!   emit ---> outbox ---> Pump: fan out ---> deliver ---- POST ---->  /internal/events -> receive
//!                          one row per        own pace per                 inbox: seen before? 204
//!                          subscriber         subscriber                   else handler, then 204
//! ```
//!
//! * An event is sent if and only if the transaction that [`emit`]ted it commits.
//! * Nothing is given up and nobody waits for anybody: a subscriber that is down keeps its own rows, tried again with
//!   growing pauses of at most 30 s, while the others get theirs.
//! * Delivery is **at least once**: an answer may be lost after the handling, and two pumps over one database (two
//!   replicas of a service) deliver an event twice now and then, since claiming rows would cost every event a commit.
//!   [`receive`] makes that harmless: inbox entry and handling are one transaction.
//! * The usual order is that of the facts, but an event that failed is overtaken by later ones: handlers must be right
//!   in any order, and may answer an event that comes too early with a problem so that it is sent again.

mod emit;
mod event;
mod pump;
mod receive;

pub use emit::emit;
pub use event::{CloudEvent, MEDIA_TYPE, Malformed};
pub use pump::{Pace, Pump};
pub use receive::{Received, receive};
