//! Kotitalousvähennys: what of the labour the customer may deduct from tax. An estimate; the tax office
//! decides.
//!
//! `credit = min(cap, max(0, percent * labour - own share))`, in this order: the cap comes last. Labour is
//! VAT-inclusive; materials and travel do not count; the year is the year of payment. Cap and own share
//! (omavastuu) are per person and year over all bills. Sources per row below; TVL 127 a-127 f §.

use jobzy_money::Rate;

/// The groups of work that have had rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Household work, care, nursing.
    Household,
    /// Repair and improvement of a home.
    Repair,
    /// Giving up oil heating.
    OilHeating,
}

/// The rules of a year for a group of work bought from a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Of the labour, VAT included.
    pub share: Rate,
    /// At most, per person and year, cents.
    pub cap_minor: i64,
    /// Borne by the customer, per person and year, cents.
    pub own_share_minor: i64,
}

/// No row covers the year: nothing is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no household credit rules are known for {0}")]
pub struct UnknownYear(pub i16);

struct Row {
    years: (i16, i16),
    work: Work,
    share_bp: u32,
    cap_minor: i64,
    own_share_minor: i64,
}

/// Company rates. 2020-2024 repair: Tax Administration guide VH/2488. 2022-2024 household and oil: Tax
/// Administration, 10 April 2024. 2025: vero.fi, amount of the credit. 2026: the 2026 tax bill (HE 98/2025)
/// changes nothing. 2027 is not known.
const TABLE: [Row; 6] = [
    Row {
        years: (2022, 2024),
        work: Work::Household,
        share_bp: 6000,
        cap_minor: 350_000,
        own_share_minor: 10_000,
    },
    Row {
        years: (2022, 2024),
        work: Work::OilHeating,
        share_bp: 6000,
        cap_minor: 350_000,
        own_share_minor: 10_000,
    },
    Row {
        years: (2020, 2024),
        work: Work::Repair,
        share_bp: 4000,
        cap_minor: 225_000,
        own_share_minor: 10_000,
    },
    Row {
        years: (2025, 2026),
        work: Work::Household,
        share_bp: 3500,
        cap_minor: 160_000,
        own_share_minor: 15_000,
    },
    Row {
        years: (2025, 2026),
        work: Work::Repair,
        share_bp: 3500,
        cap_minor: 160_000,
        own_share_minor: 15_000,
    },
    Row {
        years: (2025, 2026),
        work: Work::OilHeating,
        share_bp: 6000,
        cap_minor: 350_000,
        own_share_minor: 15_000,
    },
];

/// A credit, exact: ten thousandths of a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credit(i128);

impl Credit {
    /// Whole cents, rounded down: an estimate must not promise more than there is.
    #[must_use]
    pub fn minor(self) -> i64 {
        i64::try_from(self.0.div_euclid(SCALE)).unwrap_or(i64::MAX)
    }

    /// Exact, in ten thousandths of a cent.
    #[must_use]
    pub const fn exact(self) -> i128 {
        self.0
    }
}

const SCALE: i128 = 10_000;

/// The rules for work paid in `year`.
///
/// # Errors
/// When no row covers the year.
pub fn rules(year: i16, work: Work) -> Result<Rules, UnknownYear> {
    let row = TABLE.iter().find(|row| row.work == work && row.years.0 <= year && year <= row.years.1);
    row.map(|row| Rules {
        share: Rate::from_basis_points(row.share_bp),
        cap_minor: row.cap_minor,
        own_share_minor: row.own_share_minor,
    })
    .ok_or(UnknownYear(year))
}

impl Rules {
    /// The credit for one person whose whole year's labour is `labour_minor` cents, VAT included.
    #[must_use]
    pub fn credit(self, labour_minor: i64) -> Credit {
        let cents = |minor: i64| i128::from(minor).saturating_mul(SCALE);
        let share = i128::from(labour_minor).saturating_mul(i128::from(self.share.basis_points()));
        let above = share.saturating_sub(cents(self.own_share_minor)).max(0);
        Credit(above.min(cents(self.cap_minor)))
    }

    /// The share of the labour before own share and cap, whole cents rounded down: what one bill among
    /// several adds.
    #[must_use]
    pub fn share_minor(self, labour_minor: i64) -> i64 {
        Credit(i128::from(labour_minor).saturating_mul(i128::from(self.share.basis_points()))).minor()
    }
}

#[cfg(test)]
mod tests {
    use super::{UnknownYear, Work, rules};

    /// Labour in cents, credit in ten thousandths of a cent.
    #[track_caller]
    fn check(year: i16, work: Work, labour_minor: i64, exact: i128) {
        assert_eq!(rules(year, work).unwrap().credit(labour_minor).exact(), exact, "{year} {labour_minor}");
    }

    const CENT: i128 = 10_000;

    #[test]
    fn the_cap_comes_after_the_own_share() {
        check(2025, Work::Household, 500_000, 160_000 * CENT);
        check(2025, Work::Household, 514_285, 160_000 * CENT);
        check(2025, Work::Household, 100_000, 20_000 * CENT);
        check(2026, Work::Repair, 500_000, 160_000 * CENT);
    }

    #[test]
    fn small_bills_stay_below_the_own_share() {
        check(2025, Work::Household, 42_857, 0);
        // 35 % of 428.58 is 150.003.
        check(2025, Work::Household, 42_858, 3 * CENT / 10);
        assert_eq!(rules(2025, Work::Household).unwrap().credit(42_858).minor(), 0);
    }

    #[test]
    fn earlier_years_had_other_rules() {
        check(2024, Work::Household, 600_000, 350_000 * CENT);
        check(2024, Work::Household, 100_000, 50_000 * CENT);
        check(2024, Work::Repair, 587_500, 225_000 * CENT);
        check(2024, Work::Repair, 100_000, 30_000 * CENT);
        check(2022, Work::OilHeating, 600_000, 350_000 * CENT);
    }

    #[test]
    fn giving_up_oil_has_its_own_cap() {
        // 3,499.998 and 3,500.00 (60 % of 6,083.34 less 150.00 is 3,500.004).
        check(2025, Work::OilHeating, 608_333, 349_999 * CENT + 8 * CENT / 10);
        check(2025, Work::OilHeating, 608_334, 350_000 * CENT);
        assert_eq!(rules(2025, Work::OilHeating).unwrap().credit(608_333).minor(), 349_999);
    }

    #[test]
    fn a_couple_gets_more_by_sharing_the_bill() {
        let rules = rules(2025, Work::Household).unwrap();
        assert_eq!(rules.credit(800_000).minor(), 160_000);
        assert_eq!(rules.credit(500_000).minor() + rules.credit(300_000).minor(), 250_000);
    }

    #[test]
    fn a_year_without_a_row_promises_nothing() {
        assert_eq!(rules(2027, Work::Household), Err(UnknownYear(2027)));
        assert_eq!(rules(2027, Work::OilHeating), Err(UnknownYear(2027)));
        assert_eq!(rules(2021, Work::Household), Err(UnknownYear(2021)));
    }
}
