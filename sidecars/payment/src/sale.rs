//! What booking tells about a sale: the part of its events that payments and invoices need.
//!
//! Members that are not named here are left alone, so that booking may add to its events.

use jiff::Timestamp;
use jobzy_invoice::{BusinessId, Household};
use jobzy_money::Currency;
use serde::{Deserialize, Serialize};

/// What was sold, by whom, to whom; fixed when the job is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// The buyer.
    pub customer: Customer,
    /// The seller.
    pub provider: Provider,
    /// Code of the service.
    pub service: String,
    /// The service in words.
    pub title: String,
    /// Whether the labour may qualify for the household credit.
    pub household_work: HouseholdWork,
    /// VAT of the sale, basis points.
    pub vat_rate_bp: u32,
    /// What the customer pays, VAT included, minor units.
    pub total_minor: i64,
    /// Of the total.
    pub currency: Currency,
    /// What the customer pays with, as Stripe calls it: `pm_...`.
    pub payment_method: String,
    /// Where the work is done.
    pub place: Place,
    /// When the customer and the provider agreed.
    pub agreed_at: Timestamp,
    /// When the work begins.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
}

/// The buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Of the customer's token.
    pub subject: String,
    /// For the invoice.
    pub name: String,
}

/// The seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Of the provider's token.
    pub subject: String,
    /// For the invoice.
    pub name: String,
    /// Y-tunnus, for the invoice.
    pub business_id: BusinessId,
    /// For the invoice, where the provider gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Place>,
}

/// Where the work is done, or a business is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Street and number.
    pub street: String,
    /// Five digits.
    pub postal_code: String,
    /// Post office.
    pub city: String,
}

/// Pricing's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseholdWork {
    /// It qualifies.
    Yes,
    /// It does not.
    No,
    /// A person must judge.
    Review,
}

impl From<HouseholdWork> for Household {
    fn from(word: HouseholdWork) -> Self {
        match word {
            HouseholdWork::Yes => Self::Eligible,
            HouseholdWork::No => Self::No,
            HouseholdWork::Review => Self::Review,
        }
    }
}

/// How the work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// What the total is made of.
    pub split: Split,
    /// When the work was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When the customer approved.
    pub completed_at: Timestamp,
}

/// Parts of the total, VAT included, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Work: what the household credit counts.
    pub labour_minor: i64,
    /// Things.
    pub material_minor: i64,
    /// Getting there.
    pub travel_minor: i64,
}

impl Split {
    /// Whether no part is negative and they sum to `total_minor`.
    #[must_use]
    pub fn makes(self, total_minor: i64) -> bool {
        let parts = [self.labour_minor, self.material_minor, self.travel_minor];
        let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
        parts.iter().all(|part| *part >= 0) && sum == Some(total_minor)
    }
}

#[cfg(test)]
mod tests {
    use super::Split;

    #[test]
    fn a_split_makes_the_total_exactly() {
        let split =
            |labour_minor, material_minor, travel_minor| Split { labour_minor, material_minor, travel_minor };
        assert!(split(90, 10, 0).makes(100));
        assert!(!split(90, 10, 1).makes(100));
        assert!(!split(110, -10, 0).makes(100));
        assert!(!split(i64::MAX, i64::MAX, 2).makes(0));
    }
}
