//! Entities with their ids and open conflicts.

use jiff::Timestamp;
use jobzy_correlation::ExternalId;
use jobzy_ids::EntityId;
use jobzy_store::{Db, DbError, Row, args};

use super::log;

/// An entity.
#[derive(Debug, Clone)]
pub struct Entity {
    pub id: EntityId,
    pub created_at: Timestamp,
    pub events: i64,
    /// Whether the events are those that were filed, by their hashes.
    pub intact: bool,
    pub ids: Vec<Link>,
    pub conflicts: Vec<Conflict>,
}

/// An id bound to the entity.
#[derive(Debug, Clone)]
pub struct Link {
    pub external: ExternalId,
    pub linked_at: Timestamp,
    pub linked_by: String,
}

/// An id that an event of this entity named, but that is bound to another.
#[derive(Debug, Clone)]
pub struct Conflict {
    pub external: ExternalId,
    pub bound_to: EntityId,
    pub found_at: Timestamp,
}

/// Reads one.
pub async fn load(db: &Db, id: EntityId) -> Result<Option<Entity>, DbError> {
    let sql = "SELECT created_at, events, head_hash FROM entities WHERE id = ?";
    let Some(row) = db.fetch_optional(sql, args![*id.as_bytes()]).await? else {
        return Ok(None);
    };
    let sql = "SELECT system_name, kind, external_id, linked_at, linked_by FROM external_ids
               WHERE entity_id = ? ORDER BY linked_at, system_name, kind, external_id";
    let ids = db.fetch_all(sql, args![*id.as_bytes()]).await?;
    let sql = "SELECT system_name, kind, external_id, bound_to, found_at FROM conflicts
               WHERE claimed_by = ? ORDER BY found_at, system_name, kind, external_id";
    let conflicts = db.fetch_all(sql, args![*id.as_bytes()]).await?;
    let (events, head) = (row.i64("events")?, row.array("head_hash")?);
    Ok(Some(Entity {
        id,
        created_at: row.timestamp("created_at")?,
        events,
        intact: log::chain_holds(db, id, events, &head).await?,
        ids: ids.iter().map(link).collect::<Result<_, _>>()?,
        conflicts: conflicts.iter().map(conflict).collect::<Result<_, _>>()?,
    }))
}

/// The entities that some system calls `id`: one, unless two systems use the same text.
pub async fn by_external(
    db: &Db,
    id: &str,
    system: Option<&str>,
    kind: Option<&str>,
) -> Result<Vec<EntityId>, DbError> {
    // An absent filter is bound as an empty text, which no system or kind is.
    let sql = "SELECT DISTINCT entity_id FROM external_ids WHERE external_id = ?
               AND (? = 0 OR system_name = ?) AND (? = 0 OR kind = ?) ORDER BY entity_id LIMIT 20";
    let bytes = |text: Option<&str>| text.unwrap_or_default().as_bytes().to_vec();
    let given = |text: Option<&str>| i64::from(text.is_some());
    let args = args![id.as_bytes(), given(system), bytes(system), given(kind), bytes(kind)];
    let rows = db.fetch_all(sql, args).await?;
    rows.iter().map(|row| row.id16("entity_id").map(EntityId::from_bytes)).collect()
}

fn link(row: &Row) -> Result<Link, DbError> {
    let external = external(row)?;
    Ok(Link { external, linked_at: row.timestamp("linked_at")?, linked_by: text(row, "linked_by")? })
}

fn conflict(row: &Row) -> Result<Conflict, DbError> {
    let bound_to = EntityId::from_bytes(row.id16("bound_to")?);
    Ok(Conflict { external: external(row)?, bound_to, found_at: row.timestamp("found_at")? })
}

fn external(row: &Row) -> Result<ExternalId, DbError> {
    let (system, kind, id) = (text(row, "system_name")?, text(row, "kind")?, text(row, "external_id")?);
    ExternalId::new(system, kind, id).map_err(|error| unreadable("external_id", &error.to_string()))
}

/// A column of bytes that was written from checked text.
pub fn text(row: &Row, column: &str) -> Result<String, DbError> {
    String::from_utf8(row.bytes(column)?).map_err(|_| unreadable(column, "not UTF-8"))
}

/// A column that does not hold what this service wrote.
pub fn unreadable(column: &str, reason: &str) -> DbError {
    DbError::Decode { column: column.to_owned(), reason: reason.to_owned() }
}
