//! The rate book as it is written, published and stored: JSON, every field required, none unknown.

use jobzy_money::vat::VatClass;
use serde::{Deserialize, Serialize};

use crate::{Area, Quantity, Urgency};

/// A whole rate book. Multipliers are in thousandths: 1200 is 1.2 times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Currency of every amount; `EUR`.
    pub currency: jobzy_money::Currency,
    /// VAT rates in basis points. They stand in the book, checked against the law's table when it is
    /// published, so that a quote depends on nothing but the book and the request.
    pub vat_bp: VatRates,
    /// Multiplier by how soon the work is wanted.
    pub urgency_permille: ByUrgency,
    /// Multiplier by kind of area.
    pub area_permille: ByArea,
    /// The product of all multipliers is never more than this.
    pub max_multiplier_permille: u32,
    /// Place by postal code; the longest matching prefix counts, and the empty prefix covers the rest.
    pub postal: Vec<PostalRule>,
    /// What is sold.
    pub categories: Vec<Category>,
}

/// VAT rates by class, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatRates {
    /// Most services.
    pub general: u32,
    /// Reduced rate.
    pub reduced: u32,
    /// Lowest rate.
    pub low: u32,
    /// Exempt.
    pub zero: u32,
}

impl VatRates {
    /// The rate of a class, in basis points.
    #[must_use]
    pub const fn of(&self, class: VatClass) -> u32 {
        match class {
            VatClass::General => self.general,
            VatClass::Reduced => self.reduced,
            VatClass::Low => self.low,
            VatClass::Zero => self.zero,
        }
    }
}

/// Multipliers in thousandths, by urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByUrgency {
    /// Wanted today.
    pub same_day: u32,
    /// Wanted tomorrow.
    pub next_day: u32,
    /// Wanted later.
    pub planned: u32,
}

impl ByUrgency {
    /// The multiplier, in thousandths.
    #[must_use]
    pub const fn of(&self, urgency: Urgency) -> u32 {
        match urgency {
            Urgency::SameDay => self.same_day,
            Urgency::NextDay => self.next_day,
            Urgency::Planned => self.planned,
        }
    }
}

/// Multipliers in thousandths, by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByArea {
    /// Inner cities.
    pub city: u32,
    /// Around them, and smaller towns.
    pub suburb: u32,
    /// The countryside.
    pub rural: u32,
}

impl ByArea {
    /// The multiplier, in thousandths.
    #[must_use]
    pub const fn of(&self, area: Area) -> u32 {
        match area {
            Area::City => self.city,
            Area::Suburb => self.suburb,
            Area::Rural => self.rural,
        }
    }
}

/// What a postal code that begins so costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostalRule {
    /// 0 to 5 digits.
    pub prefix: String,
    /// The kind of area.
    pub area: Area,
    /// 1000 to 1500 thousandths.
    pub surcharge_permille: u32,
}

/// A category of the marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// `a-z 0-9 -`, at most 40.
    pub code: String,
    /// For people.
    pub title: String,
    /// What is sold in it.
    pub services: Vec<ServiceDocument>,
}

/// A service and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDocument {
    /// `a-z 0-9 -`, at most 40, unique in the book.
    pub code: String,
    /// For people.
    pub title: String,
    /// What a quantity of one is.
    pub unit: Unit,
    /// VAT-inclusive price of one unit, in minor units.
    pub price_minor: i64,
    /// Least total, VAT-inclusive, in minor units.
    pub minimum_minor: i64,
    /// Least quantity sold.
    pub quantity_min: Quantity,
    /// Largest quantity sold without an offer made by hand.
    pub quantity_max: Quantity,
    /// A started step counts whole.
    pub quantity_step: Quantity,
    /// For its VAT rate.
    pub vat: VatClass,
    /// Whether its labour is eligible for the household credit.
    pub household_work: HouseholdWork,
}

/// How a quantity is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours of work.
    Hourly,
    /// Square metres.
    PerM2,
    /// The whole of it.
    PerProject,
}

/// Eligibility for the household credit. Decided per task, and where the law leaves room, by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseholdWork {
    /// Its labour is eligible.
    Yes,
    /// It is not.
    No,
    /// It depends on the task.
    Review,
}
