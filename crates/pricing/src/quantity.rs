//! How much is wanted, in hundredths, read exactly.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Refusal;

/// A positive quantity in hundredths of its unit, up to 999,999.99; written without needless zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

const MAX_HUNDREDTHS: u32 = 99_999_999;

impl Quantity {
    /// From hundredths.
    ///
    /// # Errors
    /// When it is zero or too large.
    pub const fn from_hundredths(hundredths: u32) -> Result<Self, Refusal> {
        if hundredths == 0 || hundredths > MAX_HUNDREDTHS {
            return Err(Refusal::Quantity);
        }
        Ok(Self(hundredths))
    }

    /// In hundredths.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }

    /// The next multiple of `step` that is not less.
    ///
    /// # Errors
    /// When it is too large.
    pub fn round_up(self, step: Self) -> Result<Self, Refusal> {
        let steps = self.0.div_ceil(step.0);
        steps.checked_mul(step.0).map_or(Err(Refusal::Quantity), Self::from_hundredths)
    }
}

impl FromStr for Quantity {
    type Err = Refusal;

    /// `3`, `2.5`, `0.25`: digits, and at most two decimals behind a point.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        if text.len() > 9
            || !text.bytes().all(plain)
            || !text.starts_with(|c: char| c.is_ascii_digit())
            || text.ends_with('.')
        {
            return Err(Refusal::Quantity);
        }
        let exact = Decimal::from_str_exact(text).map_err(|_| Refusal::Quantity)?;
        let hundredths = exact.checked_mul(Decimal::ONE_HUNDRED).ok_or(Refusal::Quantity)?.normalize();
        if hundredths.scale() != 0 {
            return Err(Refusal::Quantity);
        }
        u32::try_from(hundredths.mantissa()).map_or(Err(Refusal::Quantity), Self::from_hundredths)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0.wrapping_div(100), self.0.wrapping_rem(100));
        match hundredths {
            0 => write!(f, "{whole}"),
            tenths if tenths.wrapping_rem(10) == 0 => write!(f, "{whole}.{}", tenths.wrapping_div(10)),
            _ => write!(f, "{whole}.{hundredths:02}"),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;
    use proptest::prelude::*;

    #[test]
    fn only_plain_decimals_are_quantities() {
        for text in
            ["", "0", "0.00", "-1", "+1", "1e2", ".5", "5.", "1.234", "1,5", " 1", "1_0", "9999999999"]
        {
            assert!(text.parse::<Quantity>().is_err(), "{text:?}");
        }
        assert_eq!("2.50".parse::<Quantity>().unwrap().to_string(), "2.5");
        assert_eq!("0.25".parse::<Quantity>().unwrap().hundredths(), 25);
        assert_eq!("003".parse::<Quantity>().unwrap().to_string(), "3");
    }

    proptest! {
        #[test]
        fn a_quantity_survives_its_text(hundredths in 1_u32..99_999_999) {
            let quantity = Quantity::from_hundredths(hundredths).unwrap();
            prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
        }

        #[test]
        fn a_started_step_counts_whole(hundredths in 1_u32..1_000_000, step in 1_u32..1000) {
            let step = Quantity::from_hundredths(step).unwrap();
            let rounded = Quantity::from_hundredths(hundredths).unwrap().round_up(step).unwrap().hundredths();
            prop_assert!(rounded >= hundredths && rounded - hundredths < step.hundredths());
            prop_assert_eq!(rounded % step.hundredths(), 0);
        }
    }
}
