//! The national reference number and its RF form.
//!
//! Three to nineteen digits and a check digit: weights 7, 3, 1 from the right, up to the next ten. RF
//! (ISO 11649) puts `RF` and two check digits modulo 97 before it. Source: Finance Finland's description of
//! the reference number; ISO 11649.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A national reference number with its check digit, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference(String);

/// The text is no reference number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Not 3 to 19 digits before the check digit, or a leading zero.
    #[error("a reference has 3 to 19 digits and a check digit, and no leading zero")]
    Form,
    /// The check digit is another one.
    #[error("the check digit of the reference is wrong")]
    Check,
}

impl Reference {
    /// The reference of `base`, to which the check digit is added.
    ///
    /// # Errors
    /// When `base` is not 3 to 19 digits or begins with zero.
    pub fn from_base(base: &str) -> Result<Self, ReferenceError> {
        let digits: Option<Vec<u32>> = base.chars().map(|c| c.to_digit(10)).collect();
        let digits = digits.filter(|digits| (3..=19).contains(&digits.len()) && digits.first() != Some(&0));
        let weights = [7, 3, 1].into_iter().cycle();
        let weighted = digits.ok_or(ReferenceError::Form)?.into_iter().rev().zip(weights);
        let sum =
            weighted.fold(0_u32, |sum, (digit, weight)| sum.saturating_add(digit.saturating_mul(weight)));
        let check = sum.next_multiple_of(10).saturating_sub(sum);
        Ok(Self(format!("{base}{check}")))
    }

    /// All digits, without blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For reading: groups of five from the right.
    #[must_use]
    pub fn grouped(&self) -> String {
        let mut out = String::new();
        for (at, digit) in self.0.chars().enumerate() {
            let left = self.0.len().saturating_sub(at);
            if at > 0 && left.is_multiple_of(5) {
                out.push(' ');
            }
            out.push(digit);
        }
        out
    }

    /// The RF creditor reference, without blanks.
    #[must_use]
    pub fn rf(&self) -> String {
        let check = 98_u32.saturating_sub(mod_97(&format!("{}271500", self.0)));
        format!("RF{check:02}{}", self.0)
    }
}

/// Whether an RF reference checks: the first four characters moved to the end are 1 modulo 97.
#[must_use]
pub fn rf_checks(text: &str) -> bool {
    let ascii = text.is_ascii() && (5..=25).contains(&text.len());
    let Some((head, tail)) = ascii.then(|| text.split_at(4)) else { return false };
    let prefix = head.strip_prefix("RF").is_some_and(|check| check.bytes().all(|byte| byte.is_ascii_digit()));
    prefix && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()) && mod_97(&format!("{tail}{head}")) == 1
}

/// The remainder of a number that may contain letters (A is 10 ... Z is 35), as ISO 7064 has it.
pub(crate) fn mod_97(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0_u32, |rest, value| {
        let shifted = if value > 9 { rest.saturating_mul(100) } else { rest.saturating_mul(10) };
        shifted.saturating_add(value).checked_rem(97).unwrap_or(0)
    })
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Reads a reference; blanks are allowed anywhere, as people copy them.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let base = digits.get(..digits.len().saturating_sub(1)).ok_or(ReferenceError::Form)?;
        let made = Self::from_base(base)?;
        if made.0 == digits { Ok(made) } else { Err(ReferenceError::Check) }
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, ReferenceError, rf_checks};
    use proptest::prelude::*;

    #[track_caller]
    fn check(base: &str, reference: &str, rf: &str) {
        let made = Reference::from_base(base).unwrap();
        assert_eq!((made.as_str(), made.rf().as_str()), (reference, rf));
        assert_eq!(reference.parse::<Reference>(), Ok(made));
        assert!(rf_checks(rf));
    }

    #[test]
    fn known_references_and_their_rf_form() {
        check("1111", "11112", "RF9811112");
        check("234823", "2348236", "RF332348236");
        check("1234", "12344", "RF0812344");
        check("2026000123", "20260001230", "RF3620260001230");
        assert_eq!(Reference::from_base("123").unwrap().as_str(), "1232");
    }

    #[test]
    fn it_is_printed_in_groups_of_five_from_the_right() {
        assert_eq!(Reference::from_base("2026000123").unwrap().grouped(), "2 02600 01230");
        assert_eq!(Reference::from_base("1111").unwrap().grouped(), "11112");
        assert_eq!("2 02600 01230".parse::<Reference>().unwrap().as_str(), "20260001230");
    }

    #[test]
    fn form_and_check_digit_are_refused_apart() {
        for text in ["", "1", "12", "0123", "12a4", "999999999999999999999", "ä"] {
            assert_eq!(text.parse::<Reference>(), Err(ReferenceError::Form), "{text}");
        }
        assert_eq!("12345".parse::<Reference>(), Err(ReferenceError::Check));
        assert!(!rf_checks("RF0012344") && !rf_checks("12344") && !rf_checks("RFä"));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(base in "[1-9][0-9]{2,18}", at in 0_usize..20, other in 1_u32..10) {
            let mut digits: Vec<u32> = Reference::from_base(&base).unwrap().as_str().chars().map(|c| c.to_digit(10).unwrap()).collect();
            let at = at % digits.len();
            digits[at] = (digits[at] + other) % 10;
            let text: String = digits.iter().map(ToString::to_string).collect();
            prop_assert!(text.parse::<Reference>().is_err());
        }

        #[test]
        fn every_rf_form_checks(base in "[1-9][0-9]{2,18}") {
            prop_assert!(rf_checks(&Reference::from_base(&base).unwrap().rf()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
            let _ = (text.parse::<Reference>(), rf_checks(&text));
        }
    }
}
