//! The virtual barcode of a bill (version 4), and Code 128-C that prints it.
//!
//! 54 digits: version, the sixteen digits of a Finnish IBAN, euros (6), cents (2), three zeros, the reference
//! filled to twenty, the due date YYMMDD or zeros. Source: Finance Finland, bank bar code guide 5.3.

use jiff::civil::Date;

use crate::reference::{Reference, mod_97};

/// Why a bill has no barcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// Not a Finnish IBAN that checks.
    #[error("a barcode needs a Finnish IBAN")]
    Iban,
    /// Negative, or beyond 999,999.99.
    #[error("a barcode holds amounts from 0.00 to 999999.99")]
    Amount,
    /// Outside the years 2000 to 2099.
    #[error("a barcode holds due dates of this century")]
    Date,
    /// Not an even number of digits.
    #[error("code 128-C needs an even number of digits")]
    Digits,
}

/// The 54 digits that a bank's app reads or a person types.
///
/// # Errors
/// When the IBAN is not Finnish or does not check, or amount or date do not fit.
pub fn virtual_barcode(
    iban: &str,
    amount_minor: i64,
    reference: &Reference,
    due: Option<Date>,
) -> Result<String, BarcodeError> {
    let account = finnish_iban_digits(iban)?;
    if !(0..=99_999_999).contains(&amount_minor) {
        return Err(BarcodeError::Amount);
    }
    let due = match due {
        None => "000000".to_owned(),
        Some(day) if (2000..2100).contains(&day.year()) => {
            format!("{:02}{:02}{:02}", day.year().rem_euclid(100), day.month(), day.day())
        }
        Some(_) => return Err(BarcodeError::Date),
    };
    // Eight digits are six of euros and two of cents.
    Ok(format!("4{account}{amount_minor:08}000{:0>20}{due}", reference.as_str()))
}

fn finnish_iban_digits(iban: &str) -> Result<String, BarcodeError> {
    let compact: String = iban.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let digits = compact.strip_prefix("FI").filter(|rest| rest.len() == 16).ok_or(BarcodeError::Iban)?;
    let (check, account) = digits.split_at_checked(2).ok_or(BarcodeError::Iban)?;
    let numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    if numeric && mod_97(&format!("{account}FI{check}")) == 1 {
        Ok(digits.to_owned())
    } else {
        Err(BarcodeError::Iban)
    }
}

const START_C: u32 = 105;
const STOP: [u8; 7] = [2, 3, 3, 1, 1, 1, 2];

/// The widths of bars and gaps in modules, beginning with a bar: start C, the pairs, check, stop.
///
/// # Errors
/// When the digits are not an even number of digits.
pub fn code_128_c(digits: &str) -> Result<Vec<u8>, BarcodeError> {
    let pairs = pairs(digits)?;
    let check = check_symbol(&pairs);
    let values = std::iter::once(START_C).chain(pairs).chain([check]);
    let patterns = values.filter_map(|value| PATTERNS.get(usize::try_from(value).ok()?));
    let mut widths: Vec<u8> =
        patterns.flat_map(|pattern| pattern.bytes()).map(|b| b.saturating_sub(b'0')).collect();
    widths.extend(STOP);
    Ok(widths)
}

fn pairs(digits: &str) -> Result<Vec<u32>, BarcodeError> {
    if digits.is_empty()
        || !digits.len().is_multiple_of(2)
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(BarcodeError::Digits);
    }
    let value = |byte: &u8| u32::from(byte.saturating_sub(b'0'));
    let pair =
        |pair: &[u8]| pair.iter().fold(0_u32, |sum, byte| sum.saturating_mul(10).saturating_add(value(byte)));
    Ok(digits.as_bytes().chunks(2).map(pair).collect())
}

/// The start symbol's value and each pair times its place, modulo 103.
fn check_symbol(pairs: &[u32]) -> u32 {
    let weighted = pairs.iter().zip(1_u32..).map(|(value, place)| value.saturating_mul(place));
    weighted.fold(START_C, u32::saturating_add).checked_rem(103).unwrap_or(0)
}

/// Code 128 symbols 0 to 105, as module widths of bar, gap, bar, gap, bar, gap (ISO/IEC 15417).
const PATTERNS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232",
];

#[cfg(test)]
mod tests {
    use super::{BarcodeError, PATTERNS, check_symbol, code_128_c, pairs, virtual_barcode};
    use crate::reference::Reference;
    use jiff::civil::date;

    const IBAN: &str = "FI37 1590 3000 0007 76";

    #[test]
    fn known_barcodes_of_version_4() {
        let reference: Reference = "11112".parse().unwrap();
        assert_eq!(
            virtual_barcode(IBAN, 1225, &reference, Some(date(2016, 12, 21))).unwrap(),
            "437159030000007760000122500000000000000000011112161221"
        );
        let reference: Reference = "20260001230".parse().unwrap();
        let code = virtual_barcode(IBAN, 31_875, &reference, Some(date(2026, 12, 15))).unwrap();
        assert_eq!(code, "437159030000007760003187500000000000020260001230261215");
        assert_eq!(check_symbol(&pairs(&code).unwrap()), 58);
    }

    #[test]
    fn a_bill_without_due_date_has_zeros() {
        let code = virtual_barcode(IBAN, 1, &"11112".parse().unwrap(), None).unwrap();
        assert!(code.len() == 54 && code.ends_with("000000"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let reference: Reference = "11112".parse().unwrap();
        let made = |iban, amount, due| virtual_barcode(iban, amount, &reference, due).unwrap_err();
        assert_eq!(made("FI3815903000000776", 1, None), BarcodeError::Iban);
        assert_eq!(made("SE3715903000000776", 1, None), BarcodeError::Iban);
        assert_eq!(made("FI37159030000007é", 1, None), BarcodeError::Iban);
        assert_eq!(made(IBAN, 100_000_000, None), BarcodeError::Amount);
        assert_eq!(made(IBAN, -1, None), BarcodeError::Amount);
        assert_eq!(made(IBAN, 1, Some(date(2100, 1, 1))), BarcodeError::Date);
        assert_eq!(code_128_c("123"), Err(BarcodeError::Digits));
        assert_eq!(code_128_c("1a"), Err(BarcodeError::Digits));
    }

    #[test]
    fn every_symbol_is_eleven_modules_and_no_two_are_alike() {
        let modules = |pattern: &str| pattern.bytes().map(|byte| u32::from(byte - b'0')).sum::<u32>();
        assert!(PATTERNS.iter().all(|pattern| modules(pattern) == 11));
        // In Code 128 the bars of a symbol have an even number of modules.
        let bars = |pattern: &str| pattern.bytes().step_by(2).map(|byte| u32::from(byte - b'0')).sum::<u32>();
        assert!(PATTERNS.iter().all(|pattern| bars(pattern).is_multiple_of(2)));
        let distinct: std::collections::BTreeSet<_> = PATTERNS.iter().collect();
        assert_eq!(distinct.len(), PATTERNS.len());
    }

    #[test]
    fn a_bill_is_thirty_symbols_wide() {
        let widths = code_128_c(&"0".repeat(54)).unwrap();
        // Start, 27 pairs and check of 11 modules, stop of 13.
        assert_eq!(widths.iter().map(|&width| u32::from(width)).sum::<u32>(), 29 * 11 + 13);
    }
}
