//! What we take per service, as dated data.
//!
//! ```json
//! {"rows":[{"service":"*","from":"2026-01-01","until":null,"seller":"agency","commission_bp":1500}]}
//! ```
//!
//! The row of a service wins over the row for all (`*`); among equals the later `from`. A day that no row
//! covers is refused. `seller` says who sells to the customer; only agency is built: the provider sells, the
//! invoice is in the provider's name, and the commission is for mediation.

use jiff::civil::Date;
use jobzy_money::Rate;
use serde::Deserialize;

/// The rows, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commissions {
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    service: String,
    from: Date,
    #[serde(default)]
    until: Option<Date>,
    #[expect(dead_code, reason = "read so that a table with another seller model is refused, not misread")]
    seller: Seller,
    commission_bp: u32,
}

/// Who sells to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Seller {
    /// The provider, through us.
    Agency,
}

/// Why there is no commission.
#[derive(Debug, thiserror::Error)]
pub enum CommissionError {
    /// The table is not of the form above.
    #[error("the commission table is not readable: {0}")]
    Table(#[from] serde_json::Error),
    /// A row takes more than all.
    #[error("a commission of {0} basis points is more than the price")]
    TooMuch(u32),
    /// No row covers the day.
    #[error("no commission is known for {service} on {day}")]
    Unknown {
        /// Of which service.
        service: String,
        /// On which day.
        day: Date,
    },
}

impl Commissions {
    /// Reads a table.
    ///
    /// # Errors
    /// When it has another form or a row takes more than the price.
    pub fn parse(json: &str) -> Result<Self, CommissionError> {
        let table: Self = serde_json::from_str(json)?;
        match table.rows.iter().find(|row| row.commission_bp > 10_000) {
            Some(row) => Err(CommissionError::TooMuch(row.commission_bp)),
            None => Ok(table),
        }
    }

    /// The share of the gross price for mediating `service` on `day`, VAT included.
    ///
    /// # Errors
    /// When no row covers the day.
    pub fn rate(&self, service: &str, day: Date) -> Result<Rate, CommissionError> {
        let covers = |row: &&Row| {
            (row.service == service || row.service == "*")
                && row.from <= day
                && row.until.is_none_or(|until| day <= until)
        };
        let best = self.rows.iter().filter(covers).max_by_key(|row| (row.service != "*", row.from));
        let unknown = || CommissionError::Unknown { service: service.to_owned(), day };
        best.map(|row| Rate::from_basis_points(row.commission_bp)).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::{CommissionError, Commissions};
    use jiff::civil::date;

    const TABLE: &str = r#"{"rows":[
        {"service":"*","from":"2026-01-01","until":null,"seller":"agency","commission_bp":1500},
        {"service":"*","from":"2026-06-01","until":"2026-08-31","seller":"agency","commission_bp":1200},
        {"service":"moving","from":"2026-01-01","seller":"agency","commission_bp":1000}
    ]}"#;

    #[track_caller]
    fn check(service: &str, day: jiff::civil::Date, basis_points: u32) {
        let table = Commissions::parse(TABLE).unwrap();
        assert_eq!(table.rate(service, day).unwrap().basis_points(), basis_points);
    }

    #[test]
    fn the_row_of_the_service_wins_then_the_later_one() {
        check("home-cleaning", date(2026, 5, 31), 1500);
        check("home-cleaning", date(2026, 6, 1), 1200);
        check("home-cleaning", date(2026, 9, 1), 1500);
        check("moving", date(2026, 7, 1), 1000);
    }

    #[test]
    fn a_day_no_row_covers_is_refused() {
        let table = Commissions::parse(TABLE).unwrap();
        assert!(matches!(table.rate("moving", date(2025, 12, 31)), Err(CommissionError::Unknown { .. })));
    }

    #[test]
    fn a_seller_model_that_is_not_built_is_refused() {
        assert!(matches!(
            Commissions::parse(&TABLE.replace("agency", "own_name")),
            Err(CommissionError::Table(_))
        ));
        assert!(matches!(
            Commissions::parse(&TABLE.replace("1000", "10001")),
            Err(CommissionError::TooMuch(10_001))
        ));
    }
}
