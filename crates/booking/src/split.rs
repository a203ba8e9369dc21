//! How a price is made up, as the provider states it when the work is done.

use serde::{Deserialize, Serialize};

/// Labour, material and travel, VAT-inclusive, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Work: the part that may be eligible for the household credit.
    pub labour_minor: i64,
    /// Things used up or left behind.
    pub material_minor: i64,
    /// The way there and back.
    pub travel_minor: i64,
}

/// Why a split does not fit its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A part is negative.
    #[error("no part of the price may be negative")]
    Negative,
    /// The price is fixed: its parts must sum to exactly that.
    #[error("labour, material and travel must sum to {total_minor}")]
    Total {
        /// What they must sum to, in minor units.
        total_minor: i64,
    },
}

impl Split {
    /// Checks the parts against a fixed price.
    ///
    /// # Errors
    /// When a part is negative or they do not sum to `total_minor`.
    pub fn check(self, total_minor: i64) -> Result<Self, SplitError> {
        let parts = [self.labour_minor, self.material_minor, self.travel_minor];
        if parts.iter().any(|&part| part < 0) {
            return Err(SplitError::Negative);
        }
        let sum = parts.iter().try_fold(0_i64, |sum, &part| sum.checked_add(part));
        if sum == Some(total_minor) { Ok(self) } else { Err(SplitError::Total { total_minor }) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Split, SplitError};

    #[test]
    fn the_parts_of_a_fixed_price_sum_to_it() {
        let split =
            |labour_minor, material_minor, travel_minor| Split { labour_minor, material_minor, travel_minor };
        assert!(split(100, 20, 3).check(123).is_ok());
        assert_eq!(split(100, 20, 4).check(123), Err(SplitError::Total { total_minor: 123 }));
        assert_eq!(split(124, 0, -1).check(123), Err(SplitError::Negative));
        assert_eq!(split(i64::MAX, 1, 0).check(123), Err(SplitError::Total { total_minor: 123 }));
    }
}
