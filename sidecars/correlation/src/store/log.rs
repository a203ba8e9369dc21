//! The event log: appended in one transaction with the bindings an event brings.

use jiff::Timestamp;
use jobzy_correlation::{Broken, Decision, Entry, ExternalId, GENESIS, Verifier, decide, link_hash};
use jobzy_events::CloudEvent;
use jobzy_ids::EntityId;
use jobzy_service::problem::Problem;
use jobzy_store::{Db, DbError, Row, Tx, args};
use serde_json::Value;

use super::entities::{text, unreadable};
use super::links;

/// Why an event was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another event bound one of the ids between reading and writing: the same again will see it.
    #[error("another event was binding the same ids")]
    Raced,
    /// What stands in `data.ids` are no external ids.
    #[error("data.ids: {0}")]
    Ids(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The slug by which [`AppendError::Raced`] is known again behind a [`Problem`].
pub const RACED: &str = "concurrent-binding";

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Raced => Self::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                RACED,
                "Another event is binding the same ids",
            ),
            AppendError::Ids(reason) => {
                let status = http::StatusCode::UNPROCESSABLE_ENTITY;
                Self::new(status, "unreadable-event", "The ids of the event are not understood")
                    .detail(reason)
            }
            AppendError::Db(error) => crate::routes::failed(error),
        }
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct Logged {
    pub entity: EntityId,
    pub position: i64,
    pub event_id: String,
    pub source: String,
    pub event_type: String,
    pub subject: String,
    pub correlation_id: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub hash: String,
    pub data: Value,
}

/// Files `event` under the entity that `ids` belong to, making and binding what is not there yet.
///
/// `fresh` is the id of the entity if one has to be made.
pub async fn append(
    tx: &mut Tx,
    event: &CloudEvent,
    ids: &[ExternalId],
    fresh: EntityId,
    now: Timestamp,
) -> Result<(), AppendError> {
    let mut bound = Vec::with_capacity(ids.len());
    for id in ids {
        bound.push((id.clone(), links::owner(tx, id).await?));
    }
    let (entity, contradicting) = match decide(&bound) {
        Decision::Create => {
            let sql = "INSERT INTO entities (id, created_at, events, head_hash) VALUES (?, ?, 0, ?)";
            tx.execute(sql, args![*fresh.as_bytes(), now, GENESIS.to_vec()]).await?;
            (fresh, Vec::new())
        }
        Decision::Attach(entity) => (entity, Vec::new()),
        Decision::Conflict { entity, contradicting } => (entity, contradicting),
    };
    let by = format!("event:{}", event.id);
    for (id, _) in bound.iter().filter(|(_, owner)| owner.is_none()) {
        // An event may name an id twice; anybody else's binding in between means that the decision is stale.
        if !links::insert(tx, id, entity, &by, now).await? && links::owner(tx, id).await? != Some(entity) {
            return Err(AppendError::Raced);
        }
    }
    for (id, bound_to) in contradicting {
        record_conflict(tx, event, &id, bound_to, entity, now).await?;
    }
    write(tx, event, entity, now).await?;
    Ok(())
}

async fn record_conflict(
    tx: &mut Tx,
    event: &CloudEvent,
    id: &ExternalId,
    bound_to: EntityId,
    claimed_by: EntityId,
    now: Timestamp,
) -> Result<(), DbError> {
    tracing::warn!(system = id.system(), kind = id.kind(), %bound_to, %claimed_by, "an id is claimed by two entities");
    metrics::counter!("correlation_conflicts_total").increment(1);
    let sql = "INSERT INTO conflicts
               (source, event_id, system_name, kind, external_id, bound_to, claimed_by, found_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let event_id = event.id.to_string();
    let args = args![
        event.source.as_bytes(),
        event_id.as_bytes(),
        id.system().as_bytes(),
        id.kind().as_bytes(),
        id.id().as_bytes(),
        *bound_to.as_bytes(),
        *claimed_by.as_bytes(),
        now
    ];
    tx.insert_new(sql, args).await.map(drop)
}

/// Appends to the chain of the entity, whose row is locked while the position is taken.
async fn write(tx: &mut Tx, event: &CloudEvent, entity: EntityId, now: Timestamp) -> Result<(), DbError> {
    let sql = "SELECT events, head_hash FROM entities WHERE id = ? FOR UPDATE";
    let row = tx.fetch_optional(sql, args![*entity.as_bytes()]).await?;
    let row = row.ok_or_else(|| unreadable("entity_id", "no such entity"))?;
    let position = row.i64("events")? + 1;
    let body = event.data.to_string();
    let event_id = event.id.to_string();
    let entry = Entry {
        source: &event.source,
        event_id: &event_id,
        event_type: &event.r#type,
        subject: &event.subject,
        correlation_id: event.correlation_id.as_str(),
        occurred_at: event.time.as_microsecond(),
        received_at: now.as_microsecond(),
        body: &body,
    };
    let hash = link_hash(&row.array("head_hash")?, position, &entry);
    let sql =
        "INSERT INTO events (entity_id, position, event_id, source, event_type, subject, correlation_id,
               occurred_at, received_at, body, chain_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let args = args![
        *entity.as_bytes(),
        position,
        event_id.as_bytes(),
        event.source.as_bytes(),
        event.r#type.as_bytes(),
        event.subject.as_bytes(),
        event.correlation_id.as_str().as_bytes(),
        event.time,
        now,
        body,
        hash.to_vec()
    ];
    tx.execute(sql, args).await?;
    let sql = "UPDATE entities SET events = events + 1, head_hash = ? WHERE id = ?";
    tx.execute(sql, args![hash.to_vec(), *entity.as_bytes()]).await.map(drop)
}

const COLUMNS: &str = "SELECT entity_id, position, event_id, source, event_type, subject, correlation_id,
    occurred_at, received_at, body, chain_hash FROM events";

/// The story of an entity behind position `after`, oldest first.
pub async fn of_entity(db: &Db, entity: EntityId, after: i64, limit: u32) -> Result<Vec<Logged>, DbError> {
    let sql = format!("{COLUMNS} WHERE entity_id = ? AND position > ? ORDER BY position LIMIT ?");
    let rows = db.fetch_all(jobzy_store::AssertSqlSafe(sql), args![*entity.as_bytes(), after, limit]).await?;
    rows.iter().map(logged).collect()
}

/// Whether the chain of an entity, with so many events and this end, holds. Events behind these are left out: they
/// may have been appended since the entity was read.
pub async fn chain_holds(db: &Db, entity: EntityId, events: i64, head: &[u8; 32]) -> Result<bool, DbError> {
    let (mut verifier, mut after) = (Verifier::default(), 0);
    let sql = format!(
        "{COLUMNS} WHERE entity_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT 100"
    );
    loop {
        let args = args![*entity.as_bytes(), after, events];
        let rows = db.fetch_all(jobzy_store::AssertSqlSafe(sql.clone()), args).await?;
        for row in &rows {
            let entry = Entry {
                source: &text(row, "source")?,
                event_id: &text(row, "event_id")?,
                event_type: &text(row, "event_type")?,
                subject: &text(row, "subject")?,
                correlation_id: &text(row, "correlation_id")?,
                occurred_at: row.i64("occurred_at")?,
                received_at: row.i64("received_at")?,
                body: &row.text("body")?,
            };
            after = row.i64("position")?;
            if let Err(broken) = verifier.follow(after, &entry, &row.array("chain_hash")?) {
                return Ok(report(entity, broken));
            }
        }
        if rows.is_empty() {
            return Ok(verifier.finish(events, head).map_or_else(|broken| report(entity, broken), |()| true));
        }
    }
}

fn report(entity: EntityId, broken: Broken) -> bool {
    tracing::error!(%entity, position = broken.position, "the log was changed behind the service's back");
    metrics::counter!("correlation_broken_chains_total").increment(1);
    false
}

/// Whether there is such an entity.
pub async fn exists(db: &Db, entity: EntityId) -> Result<bool, DbError> {
    let row =
        db.fetch_optional("SELECT 1 AS one FROM entities WHERE id = ?", args![*entity.as_bytes()]).await?;
    Ok(row.is_some())
}

/// What to look for in the log.
#[derive(Debug, Default)]
pub struct Filter {
    pub correlation_id: Option<String>,
    pub event_type: Option<String>,
    /// Behind the event received then, of that entity, at that position.
    pub after: Option<(i64, EntityId, i64)>,
}

/// The log in the order of receipt.
pub async fn search(db: &Db, filter: Filter, limit: u32) -> Result<Vec<Logged>, DbError> {
    let mut sql = format!("{COLUMNS} WHERE received_at >= ?");
    let mut args = args![filter.after.map_or(0, |(received, _, _)| received)];
    if let Some((received, entity, position)) = filter.after {
        sql.push_str(" AND (received_at > ? OR entity_id > ? OR (entity_id = ? AND position > ?))");
        args.extend(args![received, *entity.as_bytes(), *entity.as_bytes(), position]);
    }
    for (column, wanted) in [("correlation_id", filter.correlation_id), ("event_type", filter.event_type)] {
        if let Some(wanted) = wanted {
            sql.push_str(&format!(" AND {column} = ?"));
            args.extend(args![wanted.as_bytes()]);
        }
    }
    sql.push_str(" ORDER BY received_at, entity_id, position LIMIT ?");
    args.extend(args![limit]);
    let rows = db.fetch_all(jobzy_store::AssertSqlSafe(sql), args).await?;
    rows.iter().map(logged).collect()
}

fn logged(row: &Row) -> Result<Logged, DbError> {
    let data =
        serde_json::from_str(&row.text("body")?).map_err(|error| unreadable("body", &error.to_string()))?;
    Ok(Logged {
        entity: EntityId::from_bytes(row.id16("entity_id")?),
        position: row.i64("position")?,
        event_id: text(row, "event_id")?,
        source: text(row, "source")?,
        event_type: text(row, "event_type")?,
        subject: text(row, "subject")?,
        correlation_id: text(row, "correlation_id")?,
        occurred_at: row.timestamp("occurred_at")?,
        received_at: row.timestamp("received_at")?,
        hash: row.bytes("chain_hash")?.iter().map(|byte| format!("{byte:02x}")).collect(),
        data,
    })
}
