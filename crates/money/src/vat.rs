//! Finnish value added tax: rates by class and day, as data with their source.
//!
//! The tax point decides the day: the service's completion, or for an advance payment the day the money
//! came in. Sources: the VAT Act as amended (HE 108/2024: general rate 25.5 % from 1 September 2024; the
//! move of most 10 % goods to 14 % from 1 January 2025; HE 93/2025: reduced rate 13.5 % from 1 January
//! 2026). A rate stands in the Act until the Act is changed, so the last row has no end: a new rate is a new
//! row. A day before the first row is refused.

use crate::{MoneyError, Rate};

/// A day of the Gregorian calendar: year, month, day. Compared in that order.
pub type Day = (i16, i8, i8);

/// What kind of supply it is, for its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VatClass {
    /// Most services.
    General,
    /// Food, catering, passenger transport, sport services, performers.
    Reduced,
    /// Newspapers and magazines.
    Low,
    /// Exempt: social care and health care by registered providers.
    Zero,
}

/// A rate that was looked up for a class and a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatRate {
    /// What it was looked up for.
    pub class: VatClass,
    /// The rate.
    pub rate: Rate,
}

/// No row of the table covers the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no VAT rate is known for {0:?}")]
pub struct UnknownDay(pub Day);

struct Row {
    from: Day,
    general: u32,
    reduced: u32,
    low: u32,
}

/// Basis points, from a day on until the next row; newest first.
const TABLE: [Row; 3] = [
    Row { from: (2026, 1, 1), general: 2550, reduced: 1350, low: 1000 },
    Row { from: (2024, 9, 1), general: 2550, reduced: 1400, low: 1000 },
    Row { from: (2013, 1, 1), general: 2400, reduced: 1400, low: 1000 },
];

/// The rate of `class` on `day`.
///
/// # Errors
/// When no row covers the day.
pub fn vat_rate(class: VatClass, day: Day) -> Result<VatRate, UnknownDay> {
    let row = TABLE.iter().find(|row| row.from <= day).ok_or(UnknownDay(day))?;
    let basis_points = match class {
        VatClass::General => row.general,
        VatClass::Reduced => row.reduced,
        VatClass::Low => row.low,
        VatClass::Zero => 0,
    };
    Ok(VatRate { class, rate: Rate::from_basis_points(basis_points) })
}

/// Takes a VAT-inclusive amount apart into net and tax; they sum to `gross`.
///
/// # Errors
/// When an intermediate value does not fit.
pub fn vat_included(gross: i64, rate: Rate) -> Result<(i64, i64), MoneyError> {
    let tax = rate.included_in(gross)?;
    Ok((gross.checked_sub(tax).ok_or(MoneyError::Overflow)?, tax))
}

#[cfg(test)]
mod tests {
    use super::{UnknownDay, VatClass, vat_included, vat_rate};
    use crate::Rate;

    #[track_caller]
    fn check(class: VatClass, day: super::Day, basis_points: u32) {
        assert_eq!(vat_rate(class, day).unwrap().rate, Rate::from_basis_points(basis_points));
    }

    #[test]
    fn the_rate_follows_the_day() {
        check(VatClass::General, (2024, 8, 31), 2400);
        check(VatClass::General, (2024, 9, 1), 2550);
        check(VatClass::Reduced, (2025, 12, 30), 1400);
        check(VatClass::Reduced, (2026, 1, 5), 1350);
        check(VatClass::Zero, (2026, 1, 5), 0);
    }

    #[test]
    fn the_last_rate_stays_and_a_day_before_the_first_is_refused() {
        check(VatClass::General, (2031, 1, 1), 2550);
        assert_eq!(vat_rate(VatClass::General, (2012, 12, 31)), Err(UnknownDay((2012, 12, 31))));
    }

    #[test]
    fn a_deposit_before_the_change_keeps_its_rate() {
        // Catering for 1,135.00: 500.00 paid in December 2025, 635.00 in January 2026.
        let deposit = vat_rate(VatClass::Reduced, (2025, 12, 30)).unwrap().rate;
        let rest = vat_rate(VatClass::Reduced, (2026, 1, 5)).unwrap().rate;
        assert_eq!(vat_included(50_000, deposit), Ok((43_860, 6140)));
        assert_eq!(vat_included(63_500, rest), Ok((55_947, 7553)));
    }
}
