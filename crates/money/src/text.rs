//! Amounts as text, `123.45`, read and written without a float.

use crate::{Currency, Money, MoneyError};

/// The amount with the decimals of its currency and a point: `-0.05`, `12.00`, `7` for a currency
/// without decimals.
#[must_use]
pub fn format(money: Money) -> String {
    let exponent = usize::try_from(money.currency.exponent()).unwrap_or(0);
    let sign = if money.minor < 0 { "-" } else { "" };
    let width = exponent.saturating_add(1);
    let digits = format!("{:0>width$}", money.minor.unsigned_abs());
    let (major, minor) = digits.split_at(digits.len().saturating_sub(exponent));
    if exponent == 0 { format!("{sign}{major}") } else { format!("{sign}{major}.{minor}") }
}

/// Reads `[-]digits[.digits]` with at most the decimals of the currency.
///
/// # Errors
/// When the text has another form, more decimals, or does not fit.
pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (major, minor) = digits.split_once('.').unwrap_or((digits, "0"));
    let exponent = usize::try_from(currency.exponent()).map_err(|_| MoneyError::Text)?;
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let decimals = if digits.contains('.') { minor } else { "" };
    if !all_digits(major) || !all_digits(minor) || decimals.len() > exponent {
        return Err(MoneyError::Text);
    }
    let joined = format!("{}{major}{decimals:0<exponent$}", if negative { "-" } else { "" });
    joined.parse().map(|minor| Money { minor, currency }).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use crate::{Currency, Money, MoneyError};
    use proptest::prelude::*;

    #[test]
    fn decimals_follow_the_currency() {
        assert_eq!(format(Money::eur(-5)), "-0.05");
        assert_eq!(format(Money { minor: 7, currency: Currency::Jpy }), "7");
        assert_eq!(format(Money { minor: 1234, currency: Currency::Kwd }), "1.234");
        assert_eq!(parse("12.5", Currency::Eur), Ok(Money::eur(1250)));
        for text in ["", "1.", ".5", "1,5", "1e2", "+1", "1.234", "--1", " 1", "1.2.3"] {
            assert_eq!(parse(text, Currency::Eur), Err(MoneyError::Text), "{text:?}");
        }
        assert_eq!(parse("99999999999999999999", Currency::Eur), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(minor: i64, at in 0..Currency::ALL.len()) {
            let money = Money { minor, currency: Currency::ALL[at] };
            prop_assert_eq!(parse(&format(money), money.currency), Ok(money));
        }
    }
}
