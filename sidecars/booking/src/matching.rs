//! From the database to candidates: the facts that `crates/booking` judges by.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jobzy_booking::matching::{Candidate, Judged, MODEL, rank};
use jobzy_command::Refused;
use jobzy_ids::ProviderId;
use jobzy_service::problem::Problem;
use jobzy_store::Tx;
use serde_json::{Value, json};

use crate::model::{Job, Provider, place_of};
use crate::store::{providers, slots};

/// Jobs this near in time make a provider busy.
const WEEK_HALF: SignedDuration = SignedDuration::from_hours(84);
/// Candidates written into the history with an offer.
const EXPLAINED: usize = 5;

/// A provider with what was found out.
#[derive(Debug, Clone)]
pub struct Choice {
    pub judged: Judged,
    pub provider: Provider,
}

/// Judges all who do the service, or `only` one; the fit ones first, best first.
pub async fn judge(tx: &mut Tx, job: &Job, only: Option<ProviderId>) -> Result<Vec<Choice>, Refused> {
    let broken = || Problem::internal("a stored job has no valid time or place");
    let slot = job.slot().map_err(|_| broken())?;
    let place = place_of(job.details.place.lat, job.details.place.lon).ok_or_else(broken)?;
    let service = &job.details.quote.service;
    let mut pool: Vec<Provider> = match only {
        Some(id) => providers::who_is(tx, id, service).await?.into_iter().collect(),
        None => providers::who_do(tx, service, place).await?,
    };
    // Nobody works for themselves here.
    pool.retain(|provider| provider.subject != job.customer);
    let taken = slots::taken_by(tx, only, slot).await?;
    let declined: BTreeSet<[u8; 16]> = providers::declined(tx, job.id).await?.into_iter().collect();
    let around = |by| job.starts_at.checked_add(by).map_err(|_| broken());
    let (from, until) = (around(-WEEK_HALF)?, around(WEEK_HALF)?);
    let workload: BTreeMap<[u8; 16], i64> = providers::workload(tx, from, until).await?.into_iter().collect();
    let candidates: Vec<Candidate> = pool
        .iter()
        .map(|provider| Candidate {
            id: provider.id,
            place: provider.place,
            radius_km: provider.radius_km,
            offers_service: provider.services.contains(service),
            works_then: provider.hours.cover(slot),
            is_free: !taken.contains(provider.id.as_bytes()),
            declined: declined.contains(provider.id.as_bytes()),
            rating_sum: provider.rating_sum,
            rating_count: provider.rating_count,
            completed: provider.completed,
            upcoming: workload.get(provider.id.as_bytes()).copied().unwrap_or(0),
        })
        .collect();
    let mut by_id: BTreeMap<ProviderId, Provider> =
        pool.into_iter().map(|provider| (provider.id, provider)).collect();
    let ranked = rank(place, &candidates).into_iter();
    Ok(ranked
        .filter_map(|judged| by_id.remove(&judged.id).map(|provider| Choice { judged, provider }))
        .collect())
}

/// Why these, in this order: for the history.
pub fn explain(choices: &[Choice]) -> Value {
    json!({"model": MODEL, "candidates": choices.iter().take(EXPLAINED).map(to_json).collect::<Vec<_>>()})
}

/// One candidate as it travels.
pub fn to_json(choice: &Choice) -> Value {
    let judged = &choice.judged;
    json!({
        "provider": {"id": judged.id, "name": choice.provider.name},
        "fit": judged.unfit.is_empty(),
        "unfit": judged.unfit,
        "distance_km": (judged.distance_km * 10.0).round() / 10.0,
        "score": (judged.score * 10_000.0).round() / 10_000.0,
        "features": judged.features,
    })
}
