//! What is true about the money of one job, and what may happen to it next.
//!
//! A payment has attempts (one payment intent at Stripe each), and an attempt has operations (the calls
//! we make). Stripe tells us about an intent or a refund twice, in its answer and in a webhook, in any
//! order and any number of times; both reach [`apply`], which merges the fact into the state:
//!
//! ```text
//! answer  ─┐                                   ┌─▶ events, ledger entries   (effects)
//!          ├─▶ Fact ─▶ apply(payment, fact) ───┤
//! webhook ─┘                                   └─▶ payment ─▶ plan ─▶ operations still to be sent
//! ```
//!
//! Merging is a join: amounts take their maximum, refunds take the higher rank of their status, failures
//! are a set. So a fact that is old or repeated changes nothing, and every order of the same facts ends in
//! the same state. The status is computed from the amounts and never stored as truth.
//!
//! Nothing here knows the time, a database or a socket.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::indexing_slicing)
)]

mod apply;
mod attempt;
pub mod commission;
mod fact;
pub mod ledger;
mod operation;
mod payment;
mod plan;
pub mod posting;
pub mod signature;
mod verdict;

pub use apply::{Effect, Refusal, apply};
pub use attempt::{Attempt, Phase};
pub use fact::{Fact, FactError, IntentFact, RefundFact, RefundStatus, RefusedFact, metadata};
pub use operation::{Kind, OperationState, ask_again_s, send_again_s};
pub use payment::{MAX_ATTEMPTS, Payment, Refund, RefundRefusal, RetryRefusal, Status, Wish};
pub use plan::{Known, Planned, asked_minor, plan, settled};
pub use verdict::{StripeError, Verdict, judge};
