//! The price itself, line by line.

use jobzy_money::{Currency, Rate, vat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::book::Service;
use crate::document::{HouseholdWork, Unit};
use crate::{CanonicalRequest, RateBook, Refusal};

/// What something costs and why. Amounts are VAT-inclusive minor units unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// `quo_` and the first 32 hexadecimal digits of a SHA-256 over version and canonical request.
    pub id: String,
    /// The rate book it was priced with.
    pub rate_book_version: u32,
    /// What was priced.
    pub request: CanonicalRequest,
    /// What the service is.
    pub service: QuotedService,
    /// Currency of every amount.
    pub currency: Currency,
    /// `fixed`: the total is the price, whatever the work takes.
    pub price_kind: PriceKind,
    /// How the total came about; they sum to it.
    pub lines: Vec<Line>,
    /// The total without VAT.
    pub net_minor: i64,
    /// The VAT in the total.
    pub vat: QuotedVat,
    /// What the customer pays.
    pub total_minor: i64,
}

/// The service of a quote, with what the parts behind it need to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedService {
    /// Its code.
    pub code: String,
    /// Its category's code.
    pub category: String,
    /// How its quantity is counted.
    pub unit: Unit,
    /// For people.
    pub title: String,
    /// Whether its labour is eligible for the household credit.
    pub household_work: HouseholdWork,
}

/// How binding a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// The total is the price.
    Fixed,
}

/// One step from the base price to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `base`, `area`, `postal`, `urgency`, `cap` or `minimum`.
    pub code: String,
    /// For people.
    pub label: String,
    /// What it adds; negative where it takes away.
    pub amount_minor: i64,
}

/// The VAT in a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedVat {
    /// 2550 is 25.5 %.
    pub rate_bp: u32,
    /// Extracted from the total, half away from zero.
    pub amount_minor: i64,
}

impl Quote {
    /// The bytes that travel: JSON in the order of the fields, the same from every program.
    ///
    /// # Errors
    /// Never for a quote made here; the serialiser's signature asks for it.
    pub fn to_json_bytes(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|_| Refusal::Overflow)
    }
}

/// The id of the quote for a canonical request at a version.
///
/// # Errors
/// Never for a request made by [`crate::canonicalise`].
pub fn quote_id(version: u32, request: &CanonicalRequest) -> Result<String, Refusal> {
    let canonical = serde_json::to_vec(request).map_err(|_| Refusal::Overflow)?;
    let mut hash = Sha256::new();
    hash.update(version.to_string());
    hash.update(b"\n");
    hash.update(canonical);
    let digits = hex::encode(hash.finalize());
    Ok(format!("quo_{}", digits.get(..32).unwrap_or_default()))
}

/// Prices a canonical request. The same book and request give the same quote, for ever and everywhere.
///
/// # Errors
/// When the book has no such service, or an amount does not fit.
pub fn price(book: &RateBook, request: &CanonicalRequest) -> Result<Quote, Refusal> {
    let service = book.service(&request.service).ok_or(Refusal::UnknownService)?;
    let category = book.category_of(&request.service).ok_or(Refusal::UnknownService)?;
    let lines = lines(book, service, request)?;
    let total_minor = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor));
    let total_minor = total_minor.ok_or(Refusal::Overflow)?;
    let rate = Rate::from_basis_points(book.document().vat_bp.of(service.vat));
    let (net_minor, vat_minor) = vat::vat_included(total_minor, rate).map_err(|_| Refusal::Overflow)?;
    Ok(Quote {
        id: quote_id(book.version(), request)?,
        rate_book_version: book.version(),
        request: request.clone(),
        service: QuotedService {
            code: service.code.clone(),
            category: category.code.clone(),
            unit: service.unit,
            title: service.title.clone(),
            household_work: service.household_work,
        },
        currency: book.document().currency,
        price_kind: PriceKind::Fixed,
        lines,
        net_minor,
        vat: QuotedVat { rate_bp: rate.basis_points(), amount_minor: vat_minor },
        total_minor,
    })
}

/// The base, then one line for each factor that changes the amount so far, then the cap and the minimum.
///
/// Every intermediate amount is the exact product rounded once, so that the order of the factors moves
/// no cent of the total.
fn lines(book: &RateBook, service: &Service, request: &CanonicalRequest) -> Result<Vec<Line>, Refusal> {
    let base = Product::new(service.price_minor, request.quantity.hundredths());
    let mut lines = vec![line("base", format!("{} x {}", request.quantity, service.title), base.minor()?)];
    let document = book.document();
    let factors = [
        ("area", "Area", document.area_permille.of(request.area)),
        ("postal", "Postal area surcharge", request.postal_surcharge_permille),
        ("urgency", "Urgency", document.urgency_permille.of(request.urgency)),
    ];
    let mut product = base;
    for (code, label, permille) in factors {
        let next = product.times(permille)?;
        push_difference(&mut lines, code, label, product.minor()?, next.minor()?)?;
        product = next;
    }
    let capped = base.times(document.max_multiplier_permille)?.minor()?;
    let reached = product.minor()?;
    push_difference(&mut lines, "cap", "Cap on surcharges", reached, reached.min(capped))?;
    let reached = reached.min(capped);
    push_difference(&mut lines, "minimum", "Minimum charge", reached, reached.max(service.minimum_minor))?;
    Ok(lines)
}

fn push_difference(
    lines: &mut Vec<Line>,
    code: &str,
    label: &str,
    from: i64,
    to: i64,
) -> Result<(), Refusal> {
    let difference = to.checked_sub(from).ok_or(Refusal::Overflow)?;
    if difference != 0 {
        lines.push(line(code, label.to_owned(), difference));
    }
    Ok(())
}

fn line(code: &str, label: String, amount_minor: i64) -> Line {
    Line { code: code.to_owned(), label, amount_minor }
}

/// An exact product of a price and factors, as a fraction.
#[derive(Clone, Copy)]
struct Product {
    numerator: i128,
    denominator: i128,
}

impl Product {
    fn new(price_minor: i64, hundredths: u32) -> Self {
        Self { numerator: i128::from(price_minor).saturating_mul(i128::from(hundredths)), denominator: 100 }
    }

    fn times(self, permille: u32) -> Result<Self, Refusal> {
        let numerator = self.numerator.checked_mul(i128::from(permille)).ok_or(Refusal::Overflow)?;
        let denominator = self.denominator.checked_mul(1000).ok_or(Refusal::Overflow)?;
        Ok(Self { numerator, denominator })
    }

    /// Rounded half up; the product is never negative.
    fn minor(self) -> Result<i64, Refusal> {
        let half = self.denominator.checked_div(2).ok_or(Refusal::Overflow)?;
        let rounded = self.numerator.checked_add(half).and_then(|sum| sum.checked_div(self.denominator));
        rounded.and_then(|minor| i64::try_from(minor).ok()).ok_or(Refusal::Overflow)
    }
}
