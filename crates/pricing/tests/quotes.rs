//! Prices of the marketplace's own first rate book: worked examples, and what holds for any request.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use jiff::Timestamp;
use jobzy_pricing::{CanonicalRequest, RateBook, RawRequest, Refusal, canonicalise, price, quote_id};
use proptest::prelude::*;

const SEED: &[u8] = include_bytes!("../../../sidecars/pricing/seed/rate-book.json");

fn book() -> RateBook {
    RateBook::parse(1, SEED).unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn raw(service: &str, quantity: &str, postal_code: &str, date: &str) -> RawRequest {
    RawRequest {
        service: service.to_owned(),
        quantity: quantity.parse().unwrap(),
        postal_code: postal_code.to_owned(),
        date: date.to_owned(),
    }
}

#[test]
fn three_hours_of_cleaning_in_the_centre_for_tomorrow() {
    let request = canonicalise(&book(), &raw("home-cleaning", "3", "00100", "2026-11-24"), now()).unwrap();
    let quote = price(&book(), &request).unwrap();
    let lines: Vec<(&str, i64)> =
        quote.lines.iter().map(|line| (line.code.as_str(), line.amount_minor)).collect();
    // 3 x 39.00 = 117.00; x 1.2 = 140.40; x 1.15 = 161.46; x 1.2 = 193.752.
    assert_eq!(lines, [("base", 11_700), ("area", 2340), ("postal", 2106), ("urgency", 3229)]);
    assert_eq!(quote.total_minor, 19_375);
    // 193.75 - 193.75 / 1.255 = 39.367...
    assert_eq!((quote.net_minor, quote.vat.amount_minor, quote.vat.rate_bp), (15_438, 3937, 2550));
}

#[test]
fn the_minimum_charge_and_the_cap_are_lines_of_their_own() {
    let request = canonicalise(&book(), &raw("home-cleaning", "1", "90999", "2026-12-24"), now()).unwrap();
    let quote = price(&book(), &request).unwrap();
    assert_eq!(quote.lines.last().unwrap().code, "minimum");
    assert_eq!(quote.total_minor, 7800);
    // City 1.2 x 1.15 x same day 1.5 = 2.07, capped at 2.
    let request = canonicalise(&book(), &raw("home-cleaning", "4", "00100", "2026-11-23"), now()).unwrap();
    let quote = price(&book(), &request).unwrap();
    assert_eq!(quote.lines.last().unwrap().code, "cap");
    assert_eq!(quote.total_minor, 2 * 4 * 3900);
}

#[test]
fn what_does_not_change_the_price_is_not_in_the_canonical_request() {
    let canonical =
        |quantity, postal, date| canonicalise(&book(), &raw("home-cleaning", quantity, postal, date), now());
    let one = canonical("3", "00100", "2026-12-24").unwrap();
    assert_eq!(canonical("2.75", "00170", "2027-01-15"), Ok(one.clone()));
    assert_ne!(canonical("3.5", "00100", "2026-12-24"), Ok(one.clone()));
    assert_ne!(canonical("3", "00100", "2026-11-24"), Ok(one));
}

#[test]
fn what_cannot_be_priced_is_refused_by_name() {
    let refused = |raw: RawRequest| canonicalise(&book(), &raw, now()).unwrap_err();
    assert_eq!(refused(raw("spaceflight", "1", "00100", "2026-11-24")), Refusal::UnknownService);
    assert_eq!(refused(raw("home-cleaning", "0.25", "001000", "2026-11-24")), Refusal::QuantityRange);
    assert_eq!(refused(raw("home-cleaning", "12.01", "00100", "2026-11-24")), Refusal::QuantityRange);
    for postal in ["0010", "001000", "0010a", "", "００１００"] {
        assert_eq!(refused(raw("home-cleaning", "1", postal, "2026-11-24")), Refusal::PostalCode, "{postal}");
    }
    assert_eq!(refused(raw("home-cleaning", "1", "00100", "2026-11-22")), Refusal::PastDate);
}

#[test]
fn the_seed_has_the_twelve_categories_and_every_unit() {
    let book = book();
    assert_eq!(book.document().categories.len(), 12);
    let json = String::from_utf8(SEED.to_vec()).unwrap();
    for unit in ["hourly", "per_m2", "per_project"] {
        assert!(json.contains(unit), "{unit}");
    }
}

#[test]
fn a_broken_book_is_refused_by_the_place() {
    let seed = String::from_utf8(SEED.to_vec()).unwrap();
    for (from, to, path) in [
        ("\"same_day\": 1500", "\"same_day\": 90000", "urgency_permille.same_day"),
        ("\"prefix\": \"\"", "\"prefix\": \"x\"", "postal[0].prefix"),
        ("\"price_minor\": 3900", "\"price_minor\": 0", "categories[0].services[0].price_minor"),
        ("\"code\": \"window-cleaning\"", "\"code\": \"home-cleaning\"", "categories[0].services[2].code"),
        (
            "\"quantity_step\": \"0.5\"",
            "\"quantity_step\": \"0.7\"",
            "categories[0].services[0].quantity_step",
        ),
    ] {
        assert!(seed.contains(from), "{from}");
        let error = RateBook::parse(1, seed.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.path, path, "{error}");
    }
    assert!(RateBook::parse(1, seed.replacen('{', "{\"extra\":1,", 1).as_bytes()).is_err());
    assert!(RateBook::parse(0, SEED).is_err());
}

fn any_raw() -> impl Strategy<Value = RawRequest> {
    let services: Vec<String> = book()
        .document()
        .categories
        .iter()
        .flat_map(|category| category.services.iter().map(|service| service.code.clone()))
        .collect();
    (prop::sample::select(services), 1_u32..3000, "[0-9]{5}", 0_i64..400).prop_map(
        |(service, hundredths, postal_code, days)| {
            let date = (now() + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
            let quantity = jobzy_pricing::Quantity::from_hundredths(hundredths).unwrap();
            RawRequest { service, quantity, postal_code, date }
        },
    )
}

fn any_canonical() -> impl Strategy<Value = CanonicalRequest> {
    any_raw().prop_filter_map("no price", |raw| canonicalise(&book(), &raw, now()).ok())
}

proptest! {
    #[test]
    fn the_lines_sum_to_the_total_and_net_and_vat_do_too(request in any_canonical()) {
        let quote = price(&book(), &request).unwrap();
        prop_assert_eq!(quote.lines.iter().map(|line| line.amount_minor).sum::<i64>(), quote.total_minor);
        prop_assert_eq!(quote.net_minor + quote.vat.amount_minor, quote.total_minor);
        prop_assert!(quote.lines.iter().all(|line| line.amount_minor != 0));
    }

    #[test]
    fn the_total_keeps_to_the_minimum_and_the_cap(request in any_canonical()) {
        let book = book();
        let quote = price(&book, &request).unwrap();
        let service = book.service(&request.service).unwrap();
        prop_assert!(quote.total_minor >= service.minimum_minor);
        let most = i128::from(quote.lines[0].amount_minor) * i128::from(book.document().max_multiplier_permille) / 1000 + 2;
        prop_assert!(i128::from(quote.total_minor) <= most.max(i128::from(service.minimum_minor)));
    }

    #[test]
    fn more_never_costs_less(request in any_canonical(), more in 1_u32..1000) {
        let mut larger = request.clone();
        larger.quantity = jobzy_pricing::Quantity::from_hundredths(request.quantity.hundredths() + more).unwrap();
        let book = book();
        prop_assert!(price(&book, &larger).unwrap().total_minor >= price(&book, &request).unwrap().total_minor);
    }

    #[test]
    fn the_same_request_gives_the_same_bytes_and_the_version_changes_the_id(request in any_canonical()) {
        let one = price(&book(), &request).unwrap();
        prop_assert_eq!(one.to_json_bytes().unwrap(), price(&book(), &request).unwrap().to_json_bytes().unwrap());
        prop_assert_eq!(&one.id, &quote_id(1, &request).unwrap());
        prop_assert_ne!(&one.id, &quote_id(2, &request).unwrap());
        let read: jobzy_pricing::Quote = serde_json::from_slice(&one.to_json_bytes().unwrap()).unwrap();
        prop_assert_eq!(read, one);
    }

    #[test]
    fn a_canonical_request_is_its_own_canonical_request(raw in any_raw()) {
        if let Ok(once) = canonicalise(&book(), &raw, now()) {
            let again = RawRequest { quantity: once.quantity, ..raw };
            prop_assert_eq!(canonicalise(&book(), &again, now()), Ok(once));
        }
    }
}
