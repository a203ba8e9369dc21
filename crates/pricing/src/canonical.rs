//! The canonical request: only what changes the price.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::{Quantity, RateBook, RawRequest, Refusal};

/// The time zone of Finland as a rule, so that no time zone database is needed in a filter or a browser.
const HELSINKI: &str = "EET-2EEST,M3.5.0/3,M10.5.0/4";

/// Days ahead that are priced.
const HORIZON_DAYS: i32 = 366;

/// The kind of area a postal code lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Inner cities.
    City,
    /// Around them, and smaller towns.
    Suburb,
    /// The countryside.
    Rural,
}

/// How soon the work is wanted, by the calendar of Finland.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Today.
    SameDay,
    /// Tomorrow.
    NextDay,
    /// Later.
    Planned,
}

/// What a price depends on, besides the rate book. Its JSON, in this order of fields, is what is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanonicalRequest {
    /// Code of the service.
    pub service: String,
    /// In whole steps.
    pub quantity: Quantity,
    /// How soon.
    pub urgency: Urgency,
    /// Where, as far as it matters.
    pub area: Area,
    /// The place's surcharge in thousandths.
    pub postal_surcharge_permille: u32,
}

/// Reduces a request to what changes its price, as of `now`.
///
/// # Errors
/// When the request cannot be priced with this book today.
pub fn canonicalise(book: &RateBook, raw: &RawRequest, now: Timestamp) -> Result<CanonicalRequest, Refusal> {
    let service = book.service(&raw.service).ok_or(Refusal::UnknownService)?;
    let quantity = raw.quantity.round_up(service.quantity_step)?;
    if quantity < service.quantity_min || quantity > service.quantity_max {
        return Err(Refusal::QuantityRange);
    }
    if raw.postal_code.len() != 5 || !raw.postal_code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::PostalCode);
    }
    let place = book.place(&raw.postal_code).ok_or(Refusal::PostalCode)?;
    Ok(CanonicalRequest {
        service: service.code.clone(),
        quantity,
        urgency: urgency(&raw.date, now)?,
        area: place.area,
        postal_surcharge_permille: place.surcharge_permille,
    })
}

fn urgency(date: &str, now: Timestamp) -> Result<Urgency, Refusal> {
    // The parser of the library also takes times and offsets; a day has exactly ten characters.
    let day: Date =
        if date.len() == 10 { date.parse().map_err(|_| Refusal::Date)? } else { return Err(Refusal::Date) };
    let helsinki = TimeZone::posix(HELSINKI).map_err(|_| Refusal::Date)?;
    let today = helsinki.to_datetime(now).date();
    let ahead = today.until((Unit::Day, day)).map_err(|_| Refusal::Date)?.get_days();
    match ahead {
        ..0 => Err(Refusal::PastDate),
        0 => Ok(Urgency::SameDay),
        1 => Ok(Urgency::NextDay),
        2..=HORIZON_DAYS => Ok(Urgency::Planned),
        _ => Err(Refusal::FarDate),
    }
}

#[cfg(test)]
mod tests {
    use super::{Urgency, urgency};
    use crate::Refusal;

    #[track_caller]
    fn check(now: &str, date: &str, expected: Result<Urgency, Refusal>) {
        assert_eq!(urgency(date, now.parse().unwrap()), expected, "{date} at {now}");
    }

    #[test]
    fn the_calendar_is_that_of_finland() {
        // In winter Finland is two hours ahead of UTC, in summer three.
        check("2026-11-23T21:59:59Z", "2026-11-23", Ok(Urgency::SameDay));
        check("2026-11-23T22:00:00Z", "2026-11-23", Err(Refusal::PastDate));
        check("2026-11-23T22:00:00Z", "2026-11-24", Ok(Urgency::SameDay));
        check("2026-07-01T20:59:59Z", "2026-07-02", Ok(Urgency::NextDay));
        check("2026-07-01T21:00:00Z", "2026-07-02", Ok(Urgency::SameDay));
        check("2026-11-23T10:00:00Z", "2026-11-25", Ok(Urgency::Planned));
        check("2026-11-23T10:00:00Z", "2028-11-25", Err(Refusal::FarDate));
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        for date in
            ["2026-13-01", "2026-02-29", "24.11.2026", "2026-11-24T10:00", "20261124", "", "+002026-11-24"]
        {
            check("2026-11-23T10:00:00Z", date, Err(Refusal::Date));
        }
    }
}
