//! Jobs.

use jobzy_booking::job::{Actor, State};
use jobzy_booking::split::Split;
use jobzy_ids::{JobId, PaymentId, ProviderId};
use jobzy_store::{Db, DbError, Row, Tx, Value, args};

use super::{broken, json, opt_utf8, utf8};
use crate::model::{Job, Payment};

const COLUMNS: &str = "id, customer, status, provider_id, assigned, cancelled_by, labour_minor, material_minor, \
    travel_minor, details, starts_at, duration_minutes, payment_method, payment_id, payment_status, payment_rank, \
    stars, agreed_at, finished_at, completed_at, created_at, updated_at, version";

/// Writes a new job.
pub async fn insert(tx: &mut Tx, job: &Job) -> Result<(), DbError> {
    let sql = "INSERT INTO jobs (id, customer, status, details, starts_at, duration_minutes, payment_rank, \
               created_at, updated_at, version) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)";
    let details = serde_json::to_string(&job.details).map_err(|error| broken("details", &error))?;
    let args = args![
        job.id.as_bytes(),
        job.customer.as_bytes(),
        job.state.name().as_bytes(),
        details,
        job.starts_at,
        job.duration_minutes,
        job.created_at,
        job.updated_at,
        job.version
    ];
    tx.execute(sql, args).await.map(drop)
}

/// A job, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: JobId) -> Result<Option<Job>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = ? FOR UPDATE");
    let row = tx.fetch_optional(jobzy_store::AssertSqlSafe(sql), args![id.as_bytes()]).await?;
    row.map(|row| job_of(&row)).transpose()
}

/// A job as it stands.
pub async fn load(db: &Db, id: JobId) -> Result<Option<Job>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?");
    let row = db.fetch_optional(jobzy_store::AssertSqlSafe(sql), args![id.as_bytes()]).await?;
    row.map(|row| job_of(&row)).transpose()
}

/// Writes what may have changed of a locked job, as its next version.
pub async fn save(tx: &mut Tx, job: &mut Job) -> Result<(), DbError> {
    let sql = "UPDATE jobs SET status = ?, provider_id = ?, provider_subject = ?, assigned = ?, cancelled_by = ?, \
               labour_minor = ?, material_minor = ?, travel_minor = ?, payment_method = ?, payment_id = ?, \
               payment_status = ?, payment_rank = ?, stars = ?, agreed_at = ?, finished_at = ?, completed_at = ?, updated_at = ?, \
               version = version + 1 WHERE id = ? AND version = ?";
    let assigned = job.assigned.as_ref().map(serde_json::to_string).transpose();
    let assigned = assigned.map_err(|error| broken("assigned", &error))?;
    let by = if let State::Cancelled { by, .. } = job.state { Some(by.as_str()) } else { None };
    let split = job.state.split();
    let payment = job.payment.as_ref();
    let mut args: Vec<Value> = args![
        job.state.name().as_bytes(),
        job.state.provider().map(|id| *id.as_bytes()),
        text(job.assigned.as_ref().map(|assigned| assigned.subject.as_str())),
        assigned,
        text(by)
    ];
    args.extend(args![
        split.map(|split| split.labour_minor),
        split.map(|split| split.material_minor),
        split.map(|split| split.travel_minor),
        text(job.payment_method.as_deref()),
        payment.map(|payment| *payment.id.as_bytes()),
        text(payment.map(|payment| payment.status.as_str())),
        payment.map_or(0, |payment| payment.rank),
        job.stars,
        job.agreed_at,
        job.finished_at,
        job.completed_at,
        job.updated_at,
        job.id.as_bytes(),
        job.version
    ]);
    match tx.execute(sql, args).await? {
        1 => {
            job.version += 1;
            Ok(())
        }
        _ => Err(broken("version", "the job changed although it was locked")),
    }
}

fn text(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}

/// Whose jobs to list.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Those in which this subject takes part.
    Of(String),
}

/// Jobs, newest first, those older than `before`.
pub async fn list(
    db: &Db,
    whose: &Whose,
    status: Option<&str>,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>, DbError> {
    let mut sql = format!("SELECT {COLUMNS} FROM jobs WHERE 1 = 1");
    let mut args: Vec<Value> = Vec::new();
    if let Whose::Of(subject) = whose {
        sql.push_str(" AND (customer = ? OR provider_subject = ?)");
        args.extend(args![subject.as_bytes(), subject.as_bytes()]);
    }
    if let Some(status) = status {
        sql.push_str(" AND status = ?");
        args.extend(args![status.as_bytes()]);
    }
    if let Some(before) = before {
        sql.push_str(" AND id < ?");
        args.extend(args![before.as_bytes()]);
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    args.extend(args![limit]);
    let rows = db.fetch_all(jobzy_store::AssertSqlSafe(sql), args).await?;
    rows.iter().map(job_of).collect()
}

fn job_of(row: &Row) -> Result<Job, DbError> {
    let payment = match (row.opt_id16("payment_id")?, opt_utf8(row, "payment_status")?) {
        (Some(id), Some(status)) => {
            Some(Payment { id: PaymentId::from_bytes(id), status, rank: row.i64("payment_rank")? })
        }
        _ => None,
    };
    let assigned = row.opt_text("assigned")?.map(|text| json("assigned", &text)).transpose()?;
    Ok(Job {
        id: JobId::from_bytes(row.id16("id")?),
        customer: utf8(row, "customer")?,
        state: state_of(row)?,
        details: json("details", &row.text("details")?)?,
        assigned,
        starts_at: row.timestamp("starts_at")?,
        duration_minutes: row.i64("duration_minutes")?,
        payment_method: opt_utf8(row, "payment_method")?,
        payment,
        stars: row.opt_i64("stars")?,
        agreed_at: row.opt_timestamp("agreed_at")?,
        finished_at: row.opt_timestamp("finished_at")?,
        completed_at: row.opt_timestamp("completed_at")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
        version: row.i64("version")?,
    })
}

/// A state owns what is known in it: a row that lacks it is broken, and nobody acts on it.
fn state_of(row: &Row) -> Result<State, DbError> {
    let provider = row.opt_id16("provider_id")?.map(ProviderId::from_bytes);
    let needed = || provider.ok_or_else(|| broken("provider_id", "missing"));
    let split = || {
        let part = |column| row.opt_i64(column)?.ok_or_else(|| broken(column, "missing"));
        Ok::<_, DbError>(Split {
            labour_minor: part("labour_minor")?,
            material_minor: part("material_minor")?,
            travel_minor: part("travel_minor")?,
        })
    };
    Ok(match utf8(row, "status")?.as_str() {
        "draft" => State::Draft,
        "requested" => State::Requested,
        "offered" => State::Offered { provider: needed()? },
        "accepted" => State::Accepted { provider: needed()? },
        "confirmed" => State::Confirmed { provider: needed()? },
        "in_progress" => State::InProgress { provider: needed()? },
        "work_done" => State::WorkDone { provider: needed()?, split: split()? },
        "completed" => State::Completed { provider: needed()?, split: split()? },
        "payment_failed" => State::PaymentFailed { provider: needed()? },
        "cancelled" => {
            let by = opt_utf8(row, "cancelled_by")?.and_then(|by| Actor::parse(&by));
            State::Cancelled { provider, by: by.ok_or_else(|| broken("cancelled_by", "missing"))? }
        }
        other => return Err(broken("status", &format!("unknown: {other}"))),
    })
}
