//! Amounts that cannot be wrong by construction.
//!
//! An amount is a whole number of minor units (cents) in an `i64`, with its currency. Nothing here is a
//! float, every sum is checked, and every rounding says how: half away from zero, which is what
//! invoices in euro use and what makes a credit note the exact mirror of its invoice.
// Properties compute the exact result the long way round, so tests are outside.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::as_conversions,
        clippy::indexing_slicing
    )
)]

mod amount;
mod currency;
pub mod rate;
pub mod split;
pub mod text;
pub mod vat;

pub use amount::Money;
pub use currency::Currency;
pub use rate::Rate;
pub use split::allocate;
pub use text::{format, parse};

/// Why money could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits.
    #[error("the amount is out of range")]
    Overflow,
    /// Two currencies met.
    #[error("amounts of different currencies cannot be combined")]
    CurrencyMismatch,
    /// The text is not an amount in that currency.
    #[error("not an amount of this currency")]
    Text,
    /// The code is no currency known here.
    #[error("unknown currency")]
    UnknownCurrency,
    /// There is nothing to split by.
    #[error("an amount cannot be split by these weights")]
    Weights,
}
