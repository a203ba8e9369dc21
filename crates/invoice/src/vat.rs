//! VAT of an invoice: per rate on the sum, then shared out to the lines.
//!
//! Rounding line by line and rounding the sum differ by cents; the law and EN 16931 want the tax per rate
//! on the sum. The lines get their part by largest remainder, so that the column adds up to the summary.

use std::collections::BTreeMap;

use jobzy_money::vat::vat_included;
use jobzy_money::{MoneyError, Rate, allocate};

/// What one rate amounts to, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSummary {
    /// The rate.
    pub rate: Rate,
    /// Without VAT.
    pub net_minor: i64,
    /// The VAT.
    pub vat_minor: i64,
    /// Both.
    pub gross_minor: i64,
}

/// A line's share of it, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineVat {
    /// Without VAT.
    pub net_minor: i64,
    /// The VAT.
    pub vat_minor: i64,
}

/// The VAT of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatSummary {
    /// One row per rate, the highest first.
    pub rates: Vec<RateSummary>,
    /// In the order of the lines.
    pub lines: Vec<LineVat>,
    /// Over all rates, minor units.
    pub net_minor: i64,
    /// Over all rates, minor units.
    pub vat_minor: i64,
    /// Over all rates, minor units.
    pub gross_minor: i64,
}

/// Summarises lines of a VAT-inclusive amount and a rate.
///
/// # Errors
/// When a line is negative (a credit note has positive lines and another type) or a sum does not fit.
pub fn summarise(lines: &[(i64, Rate)]) -> Result<VatSummary, MoneyError> {
    let mut groups: BTreeMap<std::cmp::Reverse<Rate>, Vec<(usize, i64)>> = BTreeMap::new();
    for (at, &(gross, rate)) in lines.iter().enumerate() {
        groups.entry(std::cmp::Reverse(rate)).or_default().push((at, gross));
    }
    let mut summary =
        VatSummary { rates: Vec::new(), lines: Vec::new(), net_minor: 0, vat_minor: 0, gross_minor: 0 };
    let mut shares = BTreeMap::new();
    for (std::cmp::Reverse(rate), members) in groups {
        let gross_minor = sum(members.iter().map(|&(_, gross)| gross))?;
        let (net_minor, vat_minor) = vat_included(gross_minor, rate)?;
        summary.rates.push(RateSummary { rate, net_minor, vat_minor, gross_minor });
        let weights: Vec<i64> = members.iter().map(|&(_, gross)| gross).collect();
        // Lines of nothing have nothing to share.
        let parts = if gross_minor == 0 { vec![0; weights.len()] } else { allocate(vat_minor, &weights)? };
        for (&(at, gross), vat_minor) in members.iter().zip(parts) {
            let net_minor = gross.checked_sub(vat_minor).ok_or(MoneyError::Overflow)?;
            shares.insert(at, LineVat { net_minor, vat_minor });
        }
    }
    summary.lines = shares.into_values().collect();
    summary.net_minor = sum(summary.rates.iter().map(|rate| rate.net_minor))?;
    summary.vat_minor = sum(summary.rates.iter().map(|rate| rate.vat_minor))?;
    summary.gross_minor = sum(summary.rates.iter().map(|rate| rate.gross_minor))?;
    Ok(summary)
}

fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, MoneyError> {
    amounts.into_iter().try_fold(0_i64, i64::checked_add).ok_or(MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::summarise;
    use jobzy_money::Rate;
    use proptest::prelude::*;

    const GENERAL: Rate = Rate::from_basis_points(2550);
    const REDUCED: Rate = Rate::from_basis_points(1350);

    #[test]
    fn the_tax_is_on_the_sum_and_the_lines_add_up_to_it() {
        let summary = summarise(&[(24_000, GENERAL), (3600, GENERAL), (1800, GENERAL)]).unwrap();
        assert_eq!((summary.net_minor, summary.vat_minor, summary.gross_minor), (23_426, 5974, 29_400));
        let lines: Vec<_> = summary.lines.iter().map(|line| line.vat_minor).collect();
        assert_eq!(lines, [4877, 731, 366]);
    }

    #[test]
    fn six_small_lines_cost_a_cent_a_line_if_rounded_apart() {
        assert_eq!(summarise(&[(101, GENERAL); 6]).unwrap().vat_minor, 123);
    }

    #[test]
    fn rates_are_kept_apart_highest_first() {
        let summary =
            summarise(&[(1000, REDUCED), (15_000, GENERAL), (0, Rate::from_basis_points(0))]).unwrap();
        let rates: Vec<_> =
            summary.rates.iter().map(|row| (row.rate.basis_points(), row.vat_minor)).collect();
        assert_eq!(rates, [(2550, 3048), (1350, 119), (0, 0)]);
        assert_eq!(summary.lines[0].vat_minor, 119);
    }

    #[test]
    fn a_negative_line_is_refused() {
        assert!(summarise(&[(100, GENERAL), (-1, GENERAL)]).is_err());
    }

    proptest! {
        #[test]
        fn columns_add_up(lines in prop::collection::vec((0_i64..1_000_000, prop::sample::select(vec![0_u32, 1000, 1350, 2550])), 1..12)) {
            let lines: Vec<_> = lines.into_iter().map(|(gross, rate)| (gross, Rate::from_basis_points(rate))).collect();
            let summary = summarise(&lines).unwrap();
            prop_assert_eq!(summary.net_minor + summary.vat_minor, summary.gross_minor);
            prop_assert_eq!(summary.lines.iter().map(|line| line.vat_minor).sum::<i64>(), summary.vat_minor);
            prop_assert_eq!(summary.lines.iter().map(|line| line.net_minor).sum::<i64>(), summary.net_minor);
            for (line, (gross, rate)) in summary.lines.iter().zip(&lines) {
                prop_assert_eq!(line.net_minor + line.vat_minor, *gross);
                // Each line within a cent of its own rounding, and never more tax than price.
                prop_assert!((line.vat_minor - rate.included_in(*gross).unwrap()).abs() <= 1);
                prop_assert!(line.net_minor >= 0 && line.vat_minor >= 0);
            }
        }
    }
}
