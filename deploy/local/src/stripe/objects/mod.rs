//! Stripe's objects, as far as card payments by payment intents need them.

mod balance;
mod charge;
mod event;
mod intent;
mod method;
mod refund;

pub use balance::{BalanceTransaction, Movement};
pub use charge::Charge;
pub use event::Event;
pub use intent::{CaptureMethod, Intent, Status};
pub use method::Method;
pub use refund::{Refund, RefundStatus};
