//! Providers: their own profile, and what others see.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};
use jobzy_booking::hours::{WeeklyHours, helsinki};
use jobzy_booking::slots::{MAX_MINUTES, Slot, cell_of};
use jobzy_command::Refused;
use jobzy_ids::ProviderId;
use jobzy_invoice::BusinessId;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{CUSTOMER, OPERATOR, PROVIDER};
use jobzy_service::extract::{Path, Query};
use jobzy_service::json::Json;
use jobzy_service::problem::{ApiResult, Problem};
use serde::Deserialize;
use serde_json::json;

use super::{failed, invalid, text, view};
use crate::State;
use crate::model::{PostalAddress, Provider, place_of};
use crate::store::{providers, slots as cells};

/// Furthest a provider may say to go.
pub const MAX_RADIUS_KM: i64 = 300;
const MAX_SERVICES: usize = 100;
/// Furthest day that is shown.
const MAX_DAYS_AHEAD: i64 = 180;

/// A profile as its provider writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    name: String,
    business_id: String,
    lat: f64,
    lon: f64,
    radius_km: i64,
    services: Vec<String>,
    weekly_hours: WeeklyHours,
    iban: Option<String>,
    address: Option<PostalAddress>,
}

/// `PUT /api/v1/providers/me`
pub async fn put(
    AppState(state): AppState<State>,
    caller: Caller,
    Json(profile): Json<Profile>,
) -> ApiResult {
    caller.require(&[PROVIDER])?;
    let provider = check(profile, &caller, state.clock.new_id(ProviderId::new))?;
    let now = state.clock.now();
    let stored = state.db.transaction("put provider", move |tx| {
        let provider = provider.clone();
        Box::pin(async move { providers::put(tx, &provider, now).await.map_err(Refused::from) })
    });
    stored.await.map_err(Problem::from)?;
    own(&state, &caller).await
}

/// `GET /api/v1/providers/me`
pub async fn mine(AppState(state): AppState<State>, caller: Caller) -> ApiResult {
    caller.require(&[PROVIDER])?;
    own(&state, &caller).await
}

async fn own(state: &State, caller: &Caller) -> ApiResult {
    let own = providers::by_subject(&state.db, &caller.subject).await.map_err(failed)?;
    Ok(axum::Json(view::profile(&own.ok_or_else(Problem::not_found)?)).into_response())
}

fn check(profile: Profile, caller: &Caller, id: ProviderId) -> Result<Provider, Problem> {
    let place = place_of(profile.lat, profile.lon);
    let business_id: BusinessId =
        profile.business_id.parse().map_err(|error| invalid("business_id", format!("{error}")))?;
    if !(1..=MAX_RADIUS_KM).contains(&profile.radius_km) {
        return Err(invalid("radius_km", format!("must be 1 to {MAX_RADIUS_KM}")));
    }
    let mut services = profile.services;
    services.sort();
    services.dedup();
    let code = |code: &String| {
        (1..=64).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if services.is_empty() || services.len() > MAX_SERVICES || !services.iter().all(code) {
        return Err(invalid("services", format!("must be 1 to {MAX_SERVICES} codes of services")));
    }
    let iban = profile.iban.map(|iban| iban.replace(' ', ""));
    if iban.as_deref().is_some_and(|iban| !is_iban(iban)) {
        return Err(invalid("iban", "is no IBAN: its check digits do not fit"));
    }
    Ok(Provider {
        id,
        subject: caller.subject.clone(),
        name: text("name", &profile.name, 120)?,
        business_id: business_id.as_str().to_owned(),
        iban,
        address: profile.address.map(check_address).transpose()?,
        place: place.ok_or_else(|| invalid("lat, lon", "must lie in Finland"))?,
        radius_km: profile.radius_km,
        services,
        hours: profile.weekly_hours,
        rating_sum: 0,
        rating_count: 0,
        completed: 0,
    })
}

fn check_address(address: PostalAddress) -> Result<PostalAddress, Problem> {
    let code = &address.postal_code;
    if code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("address.postal_code", "must be five digits"));
    }
    Ok(PostalAddress {
        street: text("address.street", &address.street, 200)?,
        city: text("address.city", &address.city, 100)?,
        postal_code: address.postal_code,
    })
}

/// ISO 13616: letters are 10 to 35, the first four characters go last, and the remainder by 97 is 1.
fn is_iban(iban: &str) -> bool {
    let form = (15..=34).contains(&iban.len())
        && iban.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && iban.bytes().take(2).all(|byte| byte.is_ascii_uppercase());
    let digits = iban.chars().skip(4).chain(iban.chars().take(4)).filter_map(|c| c.to_digit(36));
    let remainder = digits.fold(0, |sum, digit| (sum * if digit > 9 { 100 } else { 10 } + digit) % 97);
    form && remainder == 1
}

/// `GET /api/v1/providers/{id}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(id): Path<ProviderId>) -> ApiResult {
    caller.require(&[CUSTOMER, PROVIDER, OPERATOR])?;
    let provider = providers::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(view::provider(&provider)).into_response())
}

/// Which day, and for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Free {
    date: Date,
    duration_minutes: i64,
}

/// `GET /api/v1/providers/{id}/slots?date=&duration_minutes=`
pub async fn slots(
    AppState(state): AppState<State>,
    caller: Caller,
    Path(id): Path<ProviderId>,
    Query(free): Query<Free>,
) -> ApiResult {
    caller.require(&[CUSTOMER, PROVIDER, OPERATOR])?;
    let now = state.clock.now();
    let zone = helsinki().ok_or_else(|| Problem::internal("the time zone of Finland cannot be read"))?;
    let today = zone.to_datetime(now).date();
    let last = today.checked_add(MAX_DAYS_AHEAD.days()).map_err(|error| Problem::internal(&error))?;
    if free.date < today || free.date > last {
        return Err(invalid("date", format!("must lie between today and {MAX_DAYS_AHEAD} days ahead")));
    }
    Slot::new(jiff::Timestamp::UNIX_EPOCH, free.duration_minutes)
        .map_err(|error| invalid("duration_minutes", error))?;
    let provider = providers::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    let midnight = zone.to_timestamp(free.date.to_datetime(jiff::civil::Time::midnight()));
    let midnight = midnight.map_err(|error| Problem::internal(&error))?;
    let first = cell_of(midnight) - 1;
    let day = SignedDuration::from_mins(25 * 60 + MAX_MINUTES);
    let until = midnight.checked_add(day).map_err(|error| Problem::internal(&error))?;
    let taken = cells::taken(&state.db, id, first, cell_of(until)).await.map_err(failed)?;
    let starts = provider.hours.free_starts(free.date, free.duration_minutes, &taken, now);
    let starts: Vec<String> = starts.iter().map(ToString::to_string).collect();
    Ok(axum::Json(json!({"slots": starts})).into_response())
}

#[cfg(test)]
mod tests {
    use super::is_iban;

    #[test]
    fn an_iban_is_known_by_its_check_digits() {
        assert!(is_iban("FI2112345600000785") && is_iban("DE89370400440532013000"));
        assert!(!is_iban("FI2112345600000786") && !is_iban("FI21") && !is_iban("fi2112345600000785"));
    }
}
