//! Providers.

use jiff::Timestamp;
use jobzy_booking::matching::Place;
use jobzy_ids::{JobId, ProviderId};
use jobzy_store::{Db, DbError, Row, Tx, Value, args};

use super::{broken, json, opt_utf8, utf8};
use crate::model::Provider;

const COLUMNS: &str = "p.id, p.subject, p.name, p.business_id, p.iban, p.address, p.lat_e6, p.lon_e6, p.radius_km, p.weekly_hours, \
    p.rating_sum, p.rating_count, p.completed";
/// A degree of latitude is 111 km; nobody goes further than [`crate::routes::providers::MAX_RADIUS_KM`].
const REACH_LAT_E6: i64 = 2_800_000;
/// Most providers looked at for one job, the nearest first.
const POOL: i64 = 500;

/// Writes the profile of `provider.subject`: the first makes the provider, later ones change it. Gives the id.
pub async fn put(tx: &mut Tx, provider: &Provider, now: Timestamp) -> Result<ProviderId, DbError> {
    let hours = serde_json::to_string(&provider.hours).map_err(|error| broken("weekly_hours", &error))?;
    let address = provider.address.as_ref().map(serde_json::to_string).transpose();
    let address = address.map_err(|error| broken("address", &error))?;
    // The row first, empty: of two first profiles of one subject at once, the second finds the row of the first.
    let sql = "INSERT INTO providers (id, subject, name, business_id, lat_e6, lon_e6, radius_km, weekly_hours, rating_sum, \
               rating_count, completed, slots_version, created_at, updated_at) \
               VALUES (?, ?, ?, ?, 0, 0, 1, '{}', 0, 0, 0, 0, ?, ?)";
    let (name, business_id) = (provider.name.as_bytes(), provider.business_id.as_bytes());
    let first = args![provider.id.as_bytes(), provider.subject.as_bytes(), name, business_id, now, now];
    tx.insert_new(sql, first).await?;
    let known = "SELECT id FROM providers WHERE subject = ? FOR UPDATE";
    let known = tx.fetch_optional(known, args![provider.subject.as_bytes()]).await?;
    let id = known.ok_or_else(|| broken("id", "the row is gone"))?.id16("id")?;
    let sql = "UPDATE providers SET name = ?, business_id = ?, iban = ?, address = ?, lat_e6 = ?, lon_e6 = ?, \
               radius_km = ?, weekly_hours = ?, updated_at = ? WHERE id = ?";
    let iban = provider.iban.as_deref().map(str::as_bytes);
    let (lat, lon) = (provider.place.lat_e6, provider.place.lon_e6);
    let profile = args![name, business_id, iban, address, lat, lon, provider.radius_km, hours, now, id];
    tx.execute(sql, profile).await?;
    tx.execute("DELETE FROM provider_services WHERE provider_id = ?", args![id]).await?;
    for service in &provider.services {
        let sql = "INSERT INTO provider_services (service, provider_id) VALUES (?, ?)";
        tx.execute(sql, args![service.as_bytes(), id]).await?;
    }
    Ok(ProviderId::from_bytes(id))
}

/// By id.
pub async fn load(db: &Db, id: ProviderId) -> Result<Option<Provider>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM providers p WHERE p.id = ?");
    one(db, db.fetch_optional(jobzy_store::AssertSqlSafe(sql), args![id.as_bytes()]).await?).await
}

/// By the subject of the token.
pub async fn by_subject(db: &Db, subject: &str) -> Result<Option<Provider>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM providers p WHERE p.subject = ?");
    one(db, db.fetch_optional(jobzy_store::AssertSqlSafe(sql), args![subject.as_bytes()]).await?).await
}

async fn one(db: &Db, row: Option<Row>) -> Result<Option<Provider>, DbError> {
    let Some(row) = row else { return Ok(None) };
    let sql = "SELECT service FROM provider_services WHERE provider_id = ? ORDER BY service";
    let services = db.fetch_all(sql, args![row.id16("id")?]).await?;
    let services = services.iter().map(|row| utf8(row, "service")).collect::<Result<_, _>>()?;
    Ok(Some(provider_of(&row, services)?))
}

/// Those who do `service` and may be near enough; `services` holds that one only.
pub async fn who_do(tx: &mut Tx, service: &str, near: Place) -> Result<Vec<Provider>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM provider_services s JOIN providers p ON p.id = s.provider_id \
         WHERE s.service = ? AND p.lat_e6 BETWEEN ? AND ? \
         ORDER BY (p.lat_e6 - ?) * (p.lat_e6 - ?) + (p.lon_e6 - ?) * (p.lon_e6 - ?) / 4, p.id LIMIT {POOL}"
    );
    // In Finland a degree of longitude is half of one of latitude, so its square a quarter.
    let mut args = args![service.as_bytes(), near.lat_e6 - REACH_LAT_E6, near.lat_e6 + REACH_LAT_E6];
    args.extend(args![near.lat_e6, near.lat_e6, near.lon_e6, near.lon_e6]);
    let rows = tx.fetch_all(jobzy_store::AssertSqlSafe(sql), args).await?;
    rows.iter().map(|row| provider_of(row, vec![service.to_owned()])).collect()
}

/// One provider; `services` holds `service` or nothing.
pub async fn who_is(tx: &mut Tx, id: ProviderId, service: &str) -> Result<Option<Provider>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM providers p WHERE p.id = ?");
    let row = tx.fetch_optional(jobzy_store::AssertSqlSafe(sql), args![id.as_bytes()]).await?;
    let Some(row) = row else { return Ok(None) };
    let sql = "SELECT 1 AS one FROM provider_services WHERE service = ? AND provider_id = ?";
    let does = tx.fetch_optional(sql, args![service.as_bytes(), id.as_bytes()]).await?.is_some();
    Ok(Some(provider_of(&row, if does { vec![service.to_owned()] } else { Vec::new() })?))
}

/// How many jobs each provider has between the two moments.
pub async fn workload(
    tx: &mut Tx,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<([u8; 16], i64)>, DbError> {
    let sql = "SELECT provider_id, COUNT(*) AS jobs FROM jobs WHERE provider_id IS NOT NULL AND starts_at BETWEEN ? AND ? \
               AND status IN (?, ?, ?, ?) GROUP BY provider_id";
    let mut args = args![from, until];
    args.extend(
        ["offered", "accepted", "confirmed", "in_progress"].map(|status| Value::from(status.as_bytes())),
    );
    let rows = tx.fetch_all(sql, args).await?;
    rows.iter().map(|row| Ok((row.id16("provider_id")?, row.i64("jobs")?))).collect()
}

/// Those who have declined the job.
pub async fn declined(tx: &mut Tx, job: JobId) -> Result<Vec<[u8; 16]>, DbError> {
    let sql = "SELECT provider_id FROM declined_offers WHERE job_id = ?";
    let rows = tx.fetch_all(sql, args![job.as_bytes()]).await?;
    rows.iter().map(|row| row.id16("provider_id")).collect()
}

/// Notes that the provider does not want the job.
pub async fn decline(tx: &mut Tx, job: JobId, provider: ProviderId, now: Timestamp) -> Result<(), DbError> {
    let sql = "INSERT INTO declined_offers (job_id, provider_id, declined_at) VALUES (?, ?, ?)";
    tx.insert_new(sql, args![job.as_bytes(), provider.as_bytes(), now]).await.map(drop)
}

/// Counts a job done.
pub async fn count_completed(tx: &mut Tx, id: ProviderId) -> Result<(), DbError> {
    tx.execute("UPDATE providers SET completed = completed + 1 WHERE id = ?", args![id.as_bytes()])
        .await
        .map(drop)
}

/// Counts stars.
pub async fn count_stars(tx: &mut Tx, id: ProviderId, stars: i64) -> Result<(), DbError> {
    let sql =
        "UPDATE providers SET rating_sum = rating_sum + ?, rating_count = rating_count + 1 WHERE id = ?";
    tx.execute(sql, args![stars, id.as_bytes()]).await.map(drop)
}

fn provider_of(row: &Row, services: Vec<String>) -> Result<Provider, DbError> {
    Ok(Provider {
        id: ProviderId::from_bytes(row.id16("id")?),
        subject: utf8(row, "subject")?,
        name: utf8(row, "name")?,
        business_id: utf8(row, "business_id")?,
        iban: opt_utf8(row, "iban")?,
        address: row.opt_text("address")?.map(|text| json("address", &text)).transpose()?,
        place: Place { lat_e6: row.i64("lat_e6")?, lon_e6: row.i64("lon_e6")? },
        radius_km: row.i64("radius_km")?,
        services,
        hours: json("weekly_hours", &row.text("weekly_hours")?)?,
        rating_sum: row.i64("rating_sum")?,
        rating_count: row.i64("rating_count")?,
        completed: row.i64("completed")?,
    })
}
