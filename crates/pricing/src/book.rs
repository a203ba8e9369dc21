//! A rate book that has been checked, ready to price with.

use std::collections::HashMap;

use crate::document::{Category, Document, PostalRule, ServiceDocument};

/// A service as the book holds it.
pub type Service = ServiceDocument;

/// A checked rate book of one version.
#[derive(Debug, Clone)]
pub struct RateBook {
    version: u32,
    document: Document,
    /// Code to (category, service) positions.
    services: HashMap<String, (usize, usize)>,
    /// Prefix to position of the rule.
    postal: HashMap<String, usize>,
}

/// Why a document is no rate book: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct BookError {
    /// Where in the document, as `categories[2].services[0].code`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

const MAX_CODE: usize = 40;
const MAX_TITLE: usize = 80;
/// One unit of anything costs less than a million.
const MAX_PRICE_MINOR: i64 = 100_000_000;

impl RateBook {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// When it is not JSON of the form, or breaks a rule; the error names the place.
    pub fn parse(version: u32, json: &[u8]) -> Result<Self, BookError> {
        let document = serde_json::from_slice(json).map_err(|error| refuse("document", error.to_string()))?;
        Self::new(version, document)
    }

    /// Checks a document.
    ///
    /// # Errors
    /// When it breaks a rule; the error names the place.
    pub fn new(version: u32, document: Document) -> Result<Self, BookError> {
        if version == 0 {
            return Err(refuse("version", "versions begin at 1"));
        }
        check_multipliers(&document)?;
        let postal = index_postal(&document.postal)?;
        let services = index_services(&document.categories)?;
        Ok(Self { version, document, services, postal })
    }

    /// Its number: 1, 2, 3 and so on.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The document it was made of.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// A service by its code.
    #[must_use]
    pub fn service(&self, code: &str) -> Option<&Service> {
        self.locate(code).map(|(_, service)| service)
    }

    /// The category of a service.
    #[must_use]
    pub fn category_of(&self, code: &str) -> Option<&Category> {
        self.locate(code).map(|(category, _)| category)
    }

    fn locate(&self, code: &str) -> Option<(&Category, &Service)> {
        let &(category, service) = self.services.get(code)?;
        let category = self.document.categories.get(category)?;
        Some((category, category.services.get(service)?))
    }

    /// The rule of the longest prefix of a postal code.
    #[must_use]
    pub fn place(&self, postal_code: &str) -> Option<&PostalRule> {
        let longest = (0..=postal_code.len()).rev();
        let mut rules = longest.filter_map(|end| self.postal.get(postal_code.get(..end)?));
        rules.next().and_then(|&at| self.document.postal.get(at))
    }
}

fn check_multipliers(document: &Document) -> Result<(), BookError> {
    let (urgency, area) = (document.urgency_permille, document.area_permille);
    let multipliers = [
        ("urgency_permille.same_day", urgency.same_day),
        ("urgency_permille.next_day", urgency.next_day),
        ("urgency_permille.planned", urgency.planned),
        ("area_permille.city", area.city),
        ("area_permille.suburb", area.suburb),
        ("area_permille.rural", area.rural),
    ];
    for (path, value) in multipliers {
        within(path, value, 500, 3000)?;
    }
    within("max_multiplier_permille", document.max_multiplier_permille, 1000, 10_000)?;
    let vat = document.vat_bp;
    for (path, value) in [
        ("vat_bp.general", vat.general),
        ("vat_bp.reduced", vat.reduced),
        ("vat_bp.low", vat.low),
        ("vat_bp.zero", vat.zero),
    ] {
        within(path, value, 0, 5000)?;
    }
    Ok(())
}

fn within(path: &str, value: u32, least: u32, most: u32) -> Result<(), BookError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(refuse(path, format!("must be {least} to {most}")))
    }
}

fn index_postal(rules: &[PostalRule]) -> Result<HashMap<String, usize>, BookError> {
    let mut index = HashMap::with_capacity(rules.len());
    for (at, rule) in rules.iter().enumerate() {
        let path = |field: &str| format!("postal[{at}].{field}");
        if rule.prefix.len() > 5 || !rule.prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse(path("prefix"), "must be 0 to 5 digits"));
        }
        within(&path("surcharge_permille"), rule.surcharge_permille, 1000, 1500)?;
        if index.insert(rule.prefix.clone(), at).is_some() {
            return Err(refuse(path("prefix"), "stands twice"));
        }
    }
    if !index.contains_key("") {
        return Err(refuse("postal", "the empty prefix must cover what no other does"));
    }
    Ok(index)
}

fn index_services(categories: &[Category]) -> Result<HashMap<String, (usize, usize)>, BookError> {
    let mut index = HashMap::new();
    let mut codes = std::collections::HashSet::new();
    for (c, category) in categories.iter().enumerate() {
        named(&format!("categories[{c}]"), &category.code, &category.title)?;
        if !codes.insert(&category.code) {
            return Err(refuse(format!("categories[{c}].code"), "stands twice"));
        }
        for (s, service) in category.services.iter().enumerate() {
            let path = format!("categories[{c}].services[{s}]");
            check_service(&path, service)?;
            if index.insert(service.code.clone(), (c, s)).is_some() {
                return Err(refuse(format!("{path}.code"), "stands twice"));
            }
        }
    }
    if index.is_empty() { Err(refuse("categories", "nothing is sold")) } else { Ok(index) }
}

fn check_service(path: &str, service: &Service) -> Result<(), BookError> {
    named(path, &service.code, &service.title)?;
    if !(1..=MAX_PRICE_MINOR).contains(&service.price_minor) {
        return Err(refuse(format!("{path}.price_minor"), format!("must be 1 to {MAX_PRICE_MINOR}")));
    }
    if !(0..=MAX_PRICE_MINOR).contains(&service.minimum_minor) {
        return Err(refuse(format!("{path}.minimum_minor"), format!("must be 0 to {MAX_PRICE_MINOR}")));
    }
    if service.quantity_min > service.quantity_max {
        return Err(refuse(format!("{path}.quantity_min"), "must not be more than quantity_max"));
    }
    let whole =
        |quantity: crate::Quantity| quantity.round_up(service.quantity_step).is_ok_and(|up| up == quantity);
    if !whole(service.quantity_min) || !whole(service.quantity_max) {
        return Err(refuse(format!("{path}.quantity_step"), "must divide quantity_min and quantity_max"));
    }
    Ok(())
}

fn named(path: &str, code: &str, title: &str) -> Result<(), BookError> {
    let permitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if code.is_empty() || code.len() > MAX_CODE || !code.bytes().all(permitted) {
        return Err(refuse(format!("{path}.code"), "must be 1 to 40 of a-z 0-9 -"));
    }
    if title.is_empty() || title.len() > MAX_TITLE || title.chars().any(char::is_control) {
        return Err(refuse(format!("{path}.title"), "must be 1 to 80 characters"));
    }
    Ok(())
}

fn refuse(path: impl Into<String>, reason: impl Into<String>) -> BookError {
    BookError { path: path.into(), reason: reason.into() }
}
