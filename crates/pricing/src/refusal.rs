//! Why a request has no price.

/// A request that cannot be priced. The set is closed: a client can act on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The request is not in the expected form.
    #[error("a quote request has exactly the fields service, quantity, postal_code and date")]
    Form,
    /// No such service in the rate book.
    #[error("there is no such service")]
    UnknownService,
    /// Not a positive number with at most two decimals.
    #[error("quantity must be a positive number with at most two decimals")]
    Quantity,
    /// Less or more than is sold.
    #[error("quantity is outside of what is sold of this service")]
    QuantityRange,
    /// Not five digits.
    #[error("postal_code must be five digits")]
    PostalCode,
    /// Not a day of the calendar, `YYYY-MM-DD`.
    #[error("date must be a day as YYYY-MM-DD")]
    Date,
    /// The day is over in Finland.
    #[error("date is in the past")]
    PastDate,
    /// More than a year ahead.
    #[error("date is more than a year ahead")]
    FarDate,
    /// The price does not fit: a rate book of absurd amounts.
    #[error("the price is out of range")]
    Overflow,
}

impl Refusal {
    /// A stable name for problem types and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "quote-form",
            Self::UnknownService => "unknown-service",
            Self::Quantity => "quantity",
            Self::QuantityRange => "quantity-range",
            Self::PostalCode => "postal-code",
            Self::Date => "date",
            Self::PastDate => "past-date",
            Self::FarDate => "far-date",
            Self::Overflow => "price-overflow",
        }
    }
}
