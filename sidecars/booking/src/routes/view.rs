//! Jobs and providers as they travel.

use jobzy_booking::job::{Actor, State};
use serde_json::{Value, json};

use crate::model::{Entry, Job, Provider};

/// A job, as `viewer` may see it: until the job is theirs, a provider is told the district and not
/// the door, nor who lives behind it.
pub fn job(job: &Job, viewer: Actor) -> Value {
    let quote = &job.details.quote;
    let at_arms_length = viewer == Actor::Provider && job.agreed_at.is_none();
    let place = &job.details.place;
    let place = if at_arms_length {
        json!({"postal_code": place.postal_code, "city": place.city})
    } else {
        json!(place)
    };
    let cancelled_by = if let State::Cancelled { by, .. } = job.state { Some(by.as_str()) } else { None };
    json!({
        "id": job.id,
        "status": job.state.name(),
        "cancelled_by": cancelled_by,
        "customer": (!at_arms_length).then(|| json!({"subject": job.customer, "name": job.details.contact.name})),
        "provider": job.assigned.as_ref().map(|assigned| json!({"id": assigned.id, "name": assigned.name})),
        "service": quote.service,
        "title": quote.title,
        "quote_id": quote.id,
        "rate_book_version": quote.rate_book_version,
        "total_minor": quote.total_minor,
        "currency": quote.currency,
        "starts_at": job.starts_at.to_string(),
        "duration_minutes": job.duration_minutes,
        "place": place,
        "contact": (!at_arms_length).then_some(&job.details.contact),
        "notes": job.details.notes.as_ref().filter(|_| !at_arms_length),
        "split": job.state.split(),
        "payment": job.payment.as_ref().map(|payment| json!({"id": payment.id, "status": payment.status})),
        "stars": job.stars,
        "created_at": job.created_at.to_string(),
        "updated_at": job.updated_at.to_string(),
        "version": job.version,
    })
}

/// A line of the history. What decided an offer, and who exactly acted, is for operators.
pub fn entry(entry: &Entry, viewer: Actor) -> Value {
    let mut line = json!({
        "version": entry.version,
        "transition": entry.transition,
        "from": entry.from,
        "to": entry.to,
        "actor": entry.actor,
        "reason": entry.reason,
        "at": entry.at.to_string(),
        "correlation_id": entry.correlation_id,
    });
    if viewer == Actor::Operator
        && let Some(line) = line.as_object_mut()
    {
        line.insert("subject".to_owned(), json!(entry.subject));
        let note = entry.note.as_deref().and_then(|note| serde_json::from_str::<Value>(note).ok());
        line.insert("note".to_owned(), note.unwrap_or_default());
    }
    line
}

/// A provider as anybody who is signed in may see them.
pub fn provider(provider: &Provider) -> Value {
    json!({
        "id": provider.id,
        "name": provider.name,
        "business_id": provider.business_id,
        "services": provider.services,
        "rating": {"count": provider.rating_count, "average": average(provider)},
        "completed": provider.completed,
    })
}

/// A provider as they see themselves.
pub fn profile(own: &Provider) -> Value {
    let mut profile = provider(own);
    if let Some(object) = profile.as_object_mut() {
        let private = json!({
            "lat": own.place.lat_e6 as f64 / 1e6,
            "lon": own.place.lon_e6 as f64 / 1e6,
            "radius_km": own.radius_km,
            "weekly_hours": own.hours,
            "iban": own.iban,
            "address": own.address,
        });
        object.extend(private.as_object().cloned().unwrap_or_default());
    }
    profile
}

/// Stars, to one decimal; null without ratings.
fn average(provider: &Provider) -> Option<f64> {
    let count = provider.rating_count;
    (count > 0).then(|| (provider.rating_sum as f64 / count as f64 * 10.0).round() / 10.0)
}
