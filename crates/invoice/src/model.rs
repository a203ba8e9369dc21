//! The invoice, and what must be on it.
//!
//! Content after AVL 209 e §; towards a consumer the lighter 209 f § is enough, so the addresses of both
//! sides are demanded only where the buyer is a business. For the household credit the customer must be able
//! to show the provider's business id, the day of the agreement, the total and the labour with VAT: an
//! invoice that promises the credit carries all four.

use jiff::civil::Date;
use jobzy_money::{Currency, MoneyError, Rate};
use serde::{Deserialize, Serialize};

use crate::business_id::BusinessId;
use crate::household;
use crate::reference::Reference;
use crate::vat::{VatSummary, summarise};

/// An invoice. Every amount is VAT-inclusive minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Unique; from a series without gaps per seller and year.
    pub number: String,
    /// What a payer quotes.
    pub reference: Reference,
    /// Day of issue in Helsinki.
    pub issued: Date,
    /// Day the customer agreed to the work.
    pub agreed: Option<Date>,
    /// Day the work was completed.
    pub delivered: Date,
    /// Of every amount.
    pub currency: Currency,
    /// Who sold the work.
    pub seller: Seller,
    /// Who issues the invoice in the seller's name.
    pub issuer: Issuer,
    /// Who bought it.
    pub buyer: Buyer,
    /// What was done and where.
    pub work: Work,
    /// At least one.
    pub lines: Vec<Line>,
    /// How it was or will be paid.
    pub payment: Payment,
    /// Whether the labour may qualify for the household credit.
    pub household: Household,
}

/// The seller: the provider, where we mediate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// As registered.
    pub name: String,
    /// Y-tunnus.
    pub business_id: BusinessId,
    /// Where it is known.
    pub address: Option<Address>,
}

/// Who issues in the seller's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// As it is to be printed.
    pub name: String,
    /// Where questions go, such as a web or mail address.
    pub contact: String,
}

/// The buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// In full.
    pub name: String,
    /// Where it is known.
    pub address: Option<Address>,
    /// Consumer or business.
    pub kind: BuyerKind,
}

/// Which content rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuyerKind {
    /// AVL 209 f §.
    Consumer,
    /// AVL 209 e §.
    Business,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Five digits.
    pub postal_code: String,
    /// Post office.
    pub city: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Kind of work, as the customer chose it.
    pub title: String,
    /// Our name for the job.
    pub job: String,
    /// Where.
    pub address: Option<Address>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is, for the household credit.
    pub kind: LineKind,
    /// What it is, in words; may be empty where the kind says it all.
    pub description: String,
    /// VAT included, minor units, zero or more.
    pub gross_minor: i64,
    /// Of the VAT in it.
    pub vat_rate: Rate,
}

/// What a line pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Work: the only kind the household credit counts.
    Labour,
    /// Things.
    Material,
    /// Getting there.
    Travel,
}

/// How it is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Payment {
    /// Paid by card already.
    Card {
        /// When.
        paid: Date,
        /// The processor's name for it.
        processor_reference: String,
    },
    /// To be paid by transfer; the page then has a barcode.
    Transfer {
        /// Finnish.
        iban: String,
        /// When at the latest.
        due: Date,
    },
}

/// Whether the work qualifies for the household credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Household {
    /// It does: labour and an estimate are shown.
    Eligible,
    /// A person must judge: the labour is shown without an estimate.
    Review,
    /// It does not.
    No,
}

/// What is missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A text that the law asks for is empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A line is negative; a credit is a document of its own.
    #[error("a line is negative")]
    NegativeLine,
    /// The household credit needs labour and the day of the agreement.
    #[error("the household credit needs {0}")]
    Credit(&'static str),
    /// A sum does not fit.
    #[error("a sum is out of range: {0}")]
    Money(#[from] MoneyError),
}

impl Invoice {
    /// Checks the content and sums it up.
    ///
    /// # Errors
    /// With the first thing that is missing or wrong.
    pub fn check(&self) -> Result<VatSummary, ModelError> {
        let texts = [
            ("the number", &self.number),
            ("the seller's name", &self.seller.name),
            ("the buyer's name", &self.buyer.name),
            ("the kind of work", &self.work.title),
        ];
        if let Some((what, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(ModelError::Missing(what));
        }
        if self.lines.is_empty() {
            return Err(ModelError::Missing("a line"));
        }
        if self.lines.iter().any(|line| line.gross_minor < 0) {
            return Err(ModelError::NegativeLine);
        }
        if self.buyer.kind == BuyerKind::Business {
            self.seller.address.as_ref().ok_or(ModelError::Missing("the seller's address"))?;
            self.buyer.address.as_ref().ok_or(ModelError::Missing("the buyer's address"))?;
        }
        if self.household == Household::Eligible {
            self.agreed.ok_or(ModelError::Credit("the day of the agreement"))?;
            self.work.address.as_ref().ok_or(ModelError::Credit("the place of the work"))?;
        }
        let lines: Vec<_> = self.lines.iter().map(|line| (line.gross_minor, line.vat_rate)).collect();
        Ok(summarise(&lines)?)
    }

    /// The labour with VAT, minor units: what the household credit is computed from.
    #[must_use]
    pub fn labour_minor(&self) -> i64 {
        let labour = self.lines.iter().filter(|line| line.kind == LineKind::Labour);
        labour.fold(0, |sum, line| sum.saturating_add(line.gross_minor))
    }

    /// The rules of the household credit for the year this invoice is paid in, where it qualifies, the
    /// year is known and the currency is the tax office's.
    #[must_use]
    pub fn household_rules(&self) -> Option<household::Rules> {
        let year = match &self.payment {
            Payment::Card { paid, .. } => paid.year(),
            Payment::Transfer { due, .. } => due.year(),
        };
        let counts = self.household == Household::Eligible
            && self.labour_minor() > 0
            && self.currency == Currency::Eur;
        counts.then(|| household::rules(year, household::Work::Household).ok()).flatten()
    }
}

/// The number of the `n`th invoice of a seller in a year, and its reference. Both hold the seller's business
/// id, because every seller has a series of its own and we print them all.
///
/// # Errors
/// When the series is exhausted (a million a year) or the year has not four digits.
pub fn number(seller: &BusinessId, year: i16, n: i64) -> Result<(String, Reference), ModelError> {
    if !(1..=999_999).contains(&n) || !(1000..=9999).contains(&year) {
        return Err(ModelError::Missing("a free number in the series"));
    }
    let digits = seller.digits();
    // The year first: a reference has no leading zero, a business id may have one.
    let reference = Reference::from_base(&format!("{year}{digits}{n:06}"));
    let reference = reference.map_err(|_| ModelError::Missing("a free number in the series"))?;
    Ok((format!("{year}-{digits}-{n:06}"), reference))
}

#[cfg(test)]
mod tests {
    use super::{BuyerKind, Household, Invoice, ModelError, number};
    use crate::pdf::tests::sample;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Invoice), expected: ModelError) {
        let mut invoice = sample();
        change(&mut invoice);
        assert_eq!(invoice.check(), Err(expected));
    }

    #[test]
    fn what_the_law_asks_for_must_be_there() {
        assert_eq!(sample().check().map(|summary| summary.gross_minor), Ok(29_400));
        check(|invoice| invoice.number.clear(), ModelError::Missing("the number"));
        check(|invoice| invoice.seller.name = "  ".to_owned(), ModelError::Missing("the seller's name"));
        check(|invoice| invoice.buyer.name.clear(), ModelError::Missing("the buyer's name"));
        check(|invoice| invoice.lines.clear(), ModelError::Missing("a line"));
        check(|invoice| invoice.lines[0].gross_minor = -1, ModelError::NegativeLine);
    }

    #[test]
    fn a_business_wants_both_addresses() {
        check(
            |invoice| {
                invoice.buyer.kind = BuyerKind::Business;
                invoice.seller.address = None;
            },
            ModelError::Missing("the seller's address"),
        );
        let mut consumer = sample();
        consumer.seller.address = None;
        assert!(consumer.check().is_ok());
    }

    #[test]
    fn an_invoice_that_promises_the_credit_shows_what_it_needs() {
        check(|invoice| invoice.agreed = None, ModelError::Credit("the day of the agreement"));
        check(|invoice| invoice.work.address = None, ModelError::Credit("the place of the work"));
        let mut other = sample();
        other.agreed = None;
        other.household = Household::No;
        assert!(other.check().is_ok());
    }

    #[test]
    fn a_number_names_its_seller_and_fits_a_reference() {
        let (number, reference) = number(&"0112038-9".parse().unwrap(), 2026, 123).unwrap();
        assert_eq!(number, "2026-01120389-000123");
        assert!(reference.as_str().starts_with("202601120389000123") && reference.as_str().len() == 19);
        assert!(super::number(&"0112038-9".parse().unwrap(), 2026, 1_000_000).is_err());
        assert!(super::number(&"0112038-9".parse().unwrap(), 2026, 0).is_err());
    }
}
