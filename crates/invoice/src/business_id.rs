//! Y-tunnus: seven digits, a hyphen and a check digit. Source: PRH/YTJ; weights 7 9 10 5 8 4 2 modulo 11.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A business id that checks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessId(String);

/// The text is no business id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusinessIdError {
    /// Not seven digits, a hyphen and a digit.
    #[error("a business id has seven digits, a hyphen and a check digit")]
    Form,
    /// The check digit is another one.
    #[error("the check digit of the business id is wrong")]
    Check,
}

const WEIGHTS: [u32; 7] = [7, 9, 10, 5, 8, 4, 2];

impl BusinessId {
    /// As printed: `0112038-9`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The eight digits without the hyphen.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.replace('-', "")
    }

    /// The VAT number: `FI01120389`.
    #[must_use]
    pub fn vat_number(&self) -> String {
        format!("FI{}", self.digits())
    }
}

impl FromStr for BusinessId {
    type Err = BusinessIdError;

    fn from_str(text: &str) -> Result<Self, BusinessIdError> {
        let (body, check) = text.split_once('-').ok_or(BusinessIdError::Form)?;
        let digit = |c: char| c.to_digit(10).ok_or(BusinessIdError::Form);
        let digits: Vec<u32> = body.chars().map(digit).collect::<Result<_, _>>()?;
        let mut check = check.chars();
        let (Some(told), None, 7) = (check.next(), check.next(), digits.len()) else {
            return Err(BusinessIdError::Form);
        };
        let told = digit(told)?;
        let sum = digits
            .iter()
            .zip(WEIGHTS)
            .fold(0_u32, |sum, (d, weight)| sum.saturating_add(d.saturating_mul(weight)));
        let expected = match sum.checked_rem(11) {
            Some(0) => 0,
            // No check digit has two digits: such numbers are never given out.
            Some(1) | None => return Err(BusinessIdError::Check),
            Some(rest) => 11_u32.saturating_sub(rest),
        };
        if told == expected { Ok(Self(text.to_owned())) } else { Err(BusinessIdError::Check) }
    }
}

impl TryFrom<String> for BusinessId {
    type Error = BusinessIdError;

    fn try_from(text: String) -> Result<Self, BusinessIdError> {
        text.parse()
    }
}

impl From<BusinessId> for String {
    fn from(id: BusinessId) -> Self {
        id.0
    }
}

impl fmt::Display for BusinessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{BusinessId, BusinessIdError};

    #[track_caller]
    fn check(text: &str, expected: Result<&str, BusinessIdError>) {
        assert_eq!(
            text.parse::<BusinessId>().map(|id| id.vat_number()),
            expected.map(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn the_check_digit_is_checked() {
        check("0112038-9", Ok("FI01120389"));
        check("0112038-8", Err(BusinessIdError::Check));
        // Remainder 0 has check digit 0.
        check("0100001-0", Ok("FI01000010"));
        // Remainder 1 (3 times 4 is 12) is never given out, with any digit.
        for digit in 0..10 {
            check(&format!("0000030-{digit}"), Err(BusinessIdError::Check));
        }
    }

    #[test]
    fn another_form_is_refused() {
        for text in [
            "",
            "-",
            "01120389",
            "112038-9",
            "0112038-",
            "0112038-99",
            "01120a8-9",
            "٠112038-9",
            "FI01120389",
        ] {
            check(text, Err(BusinessIdError::Form));
        }
    }
}
