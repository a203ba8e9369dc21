//! Rates in basis points, and the one rounding there is.

use crate::MoneyError;

/// A share of an amount in basis points: 2550 is 25.5 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Rate(u32);

/// 100 % in basis points.
const WHOLE: i128 = 10_000;

impl Rate {
    /// From basis points.
    #[must_use]
    pub const fn from_basis_points(basis_points: u32) -> Self {
        Self(basis_points)
    }

    /// In basis points.
    #[must_use]
    pub const fn basis_points(self) -> u32 {
        self.0
    }

    /// This share of `minor`, half away from zero.
    ///
    /// # Errors
    /// When the result does not fit.
    pub fn of(self, minor: i64) -> Result<i64, MoneyError> {
        scale(minor, i128::from(self.0), WHOLE)
    }

    /// The share of a gross amount that this rate was added by: `gross * rate / (1 + rate)`, half away
    /// from zero. For VAT that is the tax inside a VAT-inclusive price.
    ///
    /// # Errors
    /// When the result does not fit.
    pub fn included_in(self, gross: i64) -> Result<i64, MoneyError> {
        let rate = i128::from(self.0);
        scale(gross, rate, WHOLE.checked_add(rate).ok_or(MoneyError::Overflow)?)
    }
}

/// `minor * numerator / denominator`, half away from zero.
fn scale(minor: i64, numerator: i128, denominator: i128) -> Result<i64, MoneyError> {
    let exact = i128::from(minor).checked_mul(numerator).ok_or(MoneyError::Overflow)?;
    let half = denominator.checked_div(2).ok_or(MoneyError::Overflow)?;
    let nudge = if exact < 0 { half.checked_neg() } else { Some(half) };
    let nudged = nudge.and_then(|nudge| exact.checked_add(nudge)).ok_or(MoneyError::Overflow)?;
    let rounded = nudged.checked_div(denominator).ok_or(MoneyError::Overflow)?;
    i64::try_from(rounded).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use proptest::prelude::*;

    #[test]
    fn half_a_cent_goes_away_from_zero() {
        // 25.5 % of 3.00 is exactly 76.5 cents.
        assert_eq!(Rate::from_basis_points(2550).of(300), Ok(77));
        assert_eq!(Rate::from_basis_points(2550).of(-300), Ok(-77));
    }

    #[test]
    fn the_tax_inside_a_gross_price() {
        let vat = Rate::from_basis_points(2550);
        assert_eq!(vat.included_in(15_000), Ok(3048));
        // Per line 6 times 21, on the sum 123.
        assert_eq!(vat.included_in(101), Ok(21));
        assert_eq!(vat.included_in(606), Ok(123));
        assert_eq!(vat.included_in(29_400), Ok(5974));
    }

    proptest! {
        #[test]
        fn rounding_is_within_half_a_unit_and_symmetric(minor in -1_000_000_000_000_i64..1_000_000_000_000, bp in 0_u32..20_000) {
            let part = Rate::from_basis_points(bp).of(minor).unwrap();
            let error = i128::from(part) * 10_000 - i128::from(minor) * i128::from(bp);
            prop_assert!(error.abs() <= 5_000);
            prop_assert_eq!(Rate::from_basis_points(bp).of(-minor), Ok(-part));
        }
    }
}
