//! Who may be offered a job, and in which order.
//!
//! Hard filters first: what a provider lacks there no score makes up for. Then a weighted sum of features
//! between 0 and 1, each kept with its contribution, so that a customer, a provider and an operator can be
//! told why. The weights are one versioned table. Ties are broken by id: the same facts give the same order.

use jobzy_ids::ProviderId;
use serde::Serialize;

/// Mean radius of the earth in kilometres (IUGG).
const EARTH_RADIUS_KM: f64 = 6371.0088;
/// A distance at which closeness has fallen to 1/e, in kilometres.
const DISTANCE_SCALE_KM: f64 = 12.0;
/// A rating is drawn towards this until a provider has some.
const PRIOR_STARS: f64 = 4.6;
/// As if so many had rated with the prior.
const PRIOR_COUNT: f64 = 10.0;
/// Jobs in the week at which a provider counts as busy.
const BUSY_JOBS: f64 = 20.0;

/// Version of the weights, stored with what they decided.
pub const MODEL: &str = "weighted-sum-1";
const WEIGHTS: [(&str, f64); 4] =
    [("closeness", 0.40), ("rating", 0.35), ("experience", 0.10), ("slack", 0.15)];

/// A place on the map, in millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Latitude.
    pub lat_e6: i64,
    /// Longitude.
    pub lon_e6: i64,
}

/// What is known of a provider when a job is to be offered.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Who.
    pub id: ProviderId,
    /// Where they start from.
    pub place: Place,
    /// How far they go, in kilometres.
    pub radius_km: i64,
    /// Whether they do this service.
    pub offers_service: bool,
    /// Whether the time lies within their hours.
    pub works_then: bool,
    /// Whether the time is free.
    pub is_free: bool,
    /// Whether they have declined this job.
    pub declined: bool,
    /// Sum of the stars they were given.
    pub rating_sum: i64,
    /// How many gave stars.
    pub rating_count: i64,
    /// Jobs they have completed.
    pub completed: i64,
    /// Jobs they have in the seven days around.
    pub upcoming: i64,
}

/// Why a provider is not offered a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// They do not do this service.
    ServiceNotOffered,
    /// It is further than they go.
    TooFar,
    /// They do not work at that time.
    OutsideHours,
    /// They have another job then.
    SlotTaken,
    /// They have declined it.
    Declined,
}

/// One feature of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Its value, 0 to 1.
    pub value: f64,
    /// Its weight.
    pub weight: f64,
    /// Value times weight.
    pub contribution: f64,
}

/// A candidate, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Who.
    pub id: ProviderId,
    /// Distance as the crow flies, in kilometres.
    pub distance_km: f64,
    /// Why not, if not.
    pub unfit: Vec<Unfit>,
    /// Sum of the contributions.
    pub score: f64,
    /// What it is made of.
    pub features: Vec<Feature>,
}

/// Judges all candidates for a job at `place`: the fit ones first, best first.
#[must_use]
pub fn rank(place: Place, candidates: &[Candidate]) -> Vec<Judged> {
    let mut judged: Vec<Judged> = candidates.iter().map(|candidate| judge(place, candidate)).collect();
    judged.sort_by(|a, b| {
        let fit = a.unfit.is_empty().cmp(&b.unfit.is_empty()).reverse();
        fit.then(b.score.total_cmp(&a.score)).then(a.id.cmp(&b.id))
    });
    judged
}

fn judge(place: Place, candidate: &Candidate) -> Judged {
    let distance_km = distance_km(place, candidate.place);
    let (radius, count) = (candidate.radius_km as f64, candidate.rating_count as f64);
    let unfit = [
        (!candidate.offers_service, Unfit::ServiceNotOffered),
        (distance_km > radius, Unfit::TooFar),
        (!candidate.works_then, Unfit::OutsideHours),
        (!candidate.is_free, Unfit::SlotTaken),
        (candidate.declined, Unfit::Declined),
    ];
    let stars = (PRIOR_COUNT * PRIOR_STARS + candidate.rating_sum as f64) / (PRIOR_COUNT + count);
    let values = [
        (-distance_km / DISTANCE_SCALE_KM).exp(),
        ((stars - 1.0) / 4.0).clamp(0.0, 1.0),
        1.0 - (-(candidate.completed as f64) / 25.0).exp(),
        1.0 - (candidate.upcoming as f64 / BUSY_JOBS).min(1.0),
    ];
    let features: Vec<Feature> = WEIGHTS
        .iter()
        .zip(values)
        .map(|(&(name, weight), value)| Feature { name, value, weight, contribution: value * weight })
        .collect();
    Judged {
        id: candidate.id,
        distance_km,
        unfit: unfit.into_iter().filter_map(|(fails, reason)| fails.then_some(reason)).collect(),
        score: features.iter().map(|feature| feature.contribution).sum(),
        features,
    }
}

/// Distance along the great circle (haversine), in kilometres.
#[must_use]
pub fn distance_km(a: Place, b: Place) -> f64 {
    let radians = |e6: i64| (e6 as f64 / 1e6).to_radians();
    let (lat_a, lat_b) = (radians(a.lat_e6), radians(b.lat_e6));
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((radians(b.lon_e6) - radians(a.lon_e6)) / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Place, Unfit, distance_km, rank};
    use jobzy_ids::ProviderId;
    use proptest::prelude::*;

    const HELSINKI: Place = Place { lat_e6: 60_169_900, lon_e6: 24_938_400 };
    const TAMPERE: Place = Place { lat_e6: 61_497_800, lon_e6: 23_761_000 };

    fn candidate(id: u8) -> Candidate {
        Candidate {
            id: ProviderId::from_bytes([id; 16]),
            place: HELSINKI,
            radius_km: 20,
            offers_service: true,
            works_then: true,
            is_free: true,
            declined: false,
            rating_sum: 0,
            rating_count: 0,
            completed: 0,
            upcoming: 0,
        }
    }

    #[test]
    fn helsinki_is_160_kilometres_from_tampere() {
        let distance = distance_km(HELSINKI, TAMPERE);
        assert!((160.0..161.5).contains(&distance), "{distance}");
        assert!(distance_km(HELSINKI, HELSINKI) < 1e-9);
    }

    #[test]
    fn a_hard_filter_is_not_made_up_for() {
        let mut far = candidate(1);
        far.place = TAMPERE;
        (far.rating_sum, far.rating_count, far.completed) = (5000, 1000, 1000);
        let ranked = rank(HELSINKI, &[far, candidate(2)]);
        assert_eq!(ranked[0].id, candidate(2).id);
        assert_eq!(ranked[1].unfit, [Unfit::TooFar]);
    }

    #[test]
    fn few_perfect_ratings_count_less_than_many_good_ones() {
        let (mut few, mut many) = (candidate(1), candidate(2));
        (few.rating_sum, few.rating_count) = (15, 3);
        (many.rating_sum, many.rating_count) = (960, 200);
        let ranked = rank(HELSINKI, &[few, many]);
        assert_eq!(ranked[0].id, candidate(2).id);
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_the_order_of_the_candidates(seed in prop::collection::vec((0_i64..60_000_000, 0_i64..50, any::<bool>()), 1..20)) {
            let mut candidates: Vec<Candidate> = seed
                .iter()
                .enumerate()
                .map(|(at, &(offset, upcoming, is_free))| Candidate {
                    place: Place { lat_e6: HELSINKI.lat_e6 + offset % 200_000, ..HELSINKI },
                    upcoming,
                    is_free,
                    ..candidate(at as u8)
                })
                .collect();
            let one = rank(HELSINKI, &candidates);
            candidates.reverse();
            prop_assert_eq!(rank(HELSINKI, &candidates), one);
        }

        #[test]
        fn a_score_is_the_sum_of_its_contributions_and_between_0_and_1(completed in 0_i64..1000, upcoming in 0_i64..100, count in 0_i64..100) {
            let one = Candidate { completed, upcoming, rating_count: count, rating_sum: count * 5, ..candidate(1) };
            let judged = &rank(TAMPERE, &[one])[0];
            let sum: f64 = judged.features.iter().map(|feature| feature.value * feature.weight).sum();
            prop_assert!((sum - judged.score).abs() < 1e-12 && (0.0..=1.0).contains(&judged.score));
        }
    }
}
