//! What the service keeps: jobs and providers.

use jiff::Timestamp;
use jobzy_booking::hours::WeeklyHours;
use jobzy_booking::job::State;
use jobzy_booking::matching::Place;
use jobzy_booking::slots::{Slot, SlotError};
use jobzy_ids::{JobId, PaymentId, ProviderId};
use serde::{Deserialize, Serialize};

use crate::prices::{PricedRequest, Quote, ShownQuote};

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: JobId,
    /// Subject of the customer's token.
    pub customer: String,
    pub state: State,
    pub details: Details,
    /// Who has it, or had it when it ended.
    pub assigned: Option<Assigned>,
    pub starts_at: Timestamp,
    pub duration_minutes: i64,
    /// How the customer wants to pay, from submission on.
    pub payment_method: Option<String>,
    pub payment: Option<Payment>,
    /// Stars the customer gave.
    pub stars: Option<i64>,
    pub agreed_at: Option<Timestamp>,
    /// When the work was done: the day its tax belongs to.
    pub finished_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Counts the changes; 1 when created.
    pub version: i64,
}

impl Job {
    /// The time the work takes.
    pub fn slot(&self) -> Result<Slot, SlotError> {
        Slot::new(self.starts_at, self.duration_minutes)
    }
}

/// What was ordered. Never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Details {
    pub contact: Contact,
    pub place: Address,
    pub notes: Option<String>,
    pub quote: Booked,
}

/// Whom to ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Where the work is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub street: String,
    pub postal_code: String,
    pub city: String,
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
}

/// The price a job was booked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Booked {
    pub id: String,
    pub rate_book_version: u32,
    /// What was priced, as the customer wrote it: to have it priced again.
    pub request: PricedRequest,
    pub service: String,
    pub title: String,
    pub household_work: String,
    pub vat_rate_bp: u32,
    /// VAT-inclusive minor units.
    pub total_minor: i64,
    pub currency: String,
}

impl Booked {
    /// A quote that holds, with what it was asked with.
    pub fn new(quote: Quote, request: PricedRequest) -> Self {
        Self {
            id: quote.id,
            rate_book_version: quote.rate_book_version,
            request,
            service: quote.service.code,
            title: quote.service.title,
            household_work: quote.service.household_work,
            vat_rate_bp: quote.vat.rate_bp,
            total_minor: quote.total_minor,
            currency: quote.currency,
        }
    }

    /// As its holder shows it.
    pub fn shown(&self) -> ShownQuote {
        ShownQuote {
            id: self.id.clone(),
            rate_book_version: self.rate_book_version,
            request: self.request.clone(),
        }
    }
}

/// A provider as they were called when the job was offered to them: what invoice and story go by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    pub id: ProviderId,
    pub subject: String,
    pub name: String,
    pub business_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<PostalAddress>,
}

/// Where a business is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostalAddress {
    pub street: String,
    /// Five digits.
    pub postal_code: String,
    pub city: String,
}

/// The last that was heard of the payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub status: String,
    /// News of a lower rank is old news.
    pub rank: i64,
}

/// A provider.
#[derive(Debug, Clone)]
pub struct Provider {
    pub id: ProviderId,
    /// Subject of the provider's token.
    pub subject: String,
    pub name: String,
    pub business_id: String,
    pub iban: Option<String>,
    /// As it is to stand on invoices.
    pub address: Option<PostalAddress>,
    pub place: Place,
    pub radius_km: i64,
    pub services: Vec<String>,
    pub hours: WeeklyHours,
    pub rating_sum: i64,
    pub rating_count: i64,
    pub completed: i64,
}

impl Provider {
    /// As they are called now.
    pub fn assigned(&self) -> Assigned {
        Assigned {
            id: self.id,
            subject: self.subject.clone(),
            name: self.name.clone(),
            business_id: self.business_id.clone(),
            iban: self.iban.clone(),
            address: self.address.clone(),
        }
    }
}

/// Degrees to millionths of them, when they lie in Finland or at its shores.
pub fn place_of(lat: f64, lon: f64) -> Option<Place> {
    let inside = (59.0..=70.5).contains(&lat) && (19.0..=32.0).contains(&lon);
    // Checked to be small: the conversion is exact to the millionth.
    let e6 = |degrees: f64| (degrees * 1e6).round() as i64;
    inside.then(|| Place { lat_e6: e6(lat), lon_e6: e6(lon) })
}

/// One line of a job's history.
#[derive(Debug, Clone)]
pub struct Entry {
    pub version: i64,
    pub transition: String,
    pub from: Option<String>,
    pub to: String,
    pub actor: String,
    pub subject: String,
    pub reason: Option<String>,
    /// What the transition was decided by, as JSON.
    pub note: Option<String>,
    pub correlation_id: String,
    pub at: Timestamp,
}
