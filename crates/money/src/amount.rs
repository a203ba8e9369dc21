//! An amount in a currency.

use crate::{Currency, MoneyError};

/// Minor units and the currency they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Whole minor units: cents for the euro.
    pub minor: i64,
    /// Their currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of euro cents.
    #[must_use]
    pub const fn eur(minor: i64) -> Self {
        Self { minor, currency: Currency::Eur }
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// When the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    fn with(self, other: Self, op: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = op(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::Money;
    use crate::{Currency, MoneyError};

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let krona = Money { minor: 1, currency: Currency::Sek };
        assert_eq!(Money::eur(1).checked_add(krona), Err(MoneyError::CurrencyMismatch));
        assert_eq!(Money::eur(i64::MAX).checked_add(Money::eur(1)), Err(MoneyError::Overflow));
        assert_eq!(Money::eur(5).checked_sub(Money::eur(7)), Ok(Money::eur(-2)));
    }
}
