//! Bindings of external ids to entities.

use jiff::Timestamp;
use jobzy_correlation::ExternalId;
use jobzy_ids::EntityId;
use jobzy_store::{Db, DbError, Tx, args};

/// What came of binding an id by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It names the entity now; `new` when it did not before.
    Here {
        /// Whether this changed anything.
        new: bool,
    },
    /// It names another entity and stays there.
    Elsewhere(EntityId),
    /// There is no such entity.
    NoEntity,
}

/// Binds `external` to `entity` unless it is bound already.
pub async fn bind(
    db: &Db,
    entity: EntityId,
    external: ExternalId,
    by: String,
    now: Timestamp,
) -> Result<Bound, DbError> {
    db.transaction("bind id", move |tx| {
        let (external, by) = (external.clone(), by.clone());
        Box::pin(async move {
            let known = "SELECT 1 AS one FROM entities WHERE id = ?";
            if tx.fetch_optional(known, args![*entity.as_bytes()]).await?.is_none() {
                return Ok(Bound::NoEntity);
            }
            if insert(tx, &external, entity, &by, now).await? {
                return Ok(Bound::Here { new: true });
            }
            Ok(match owner(tx, &external).await? {
                Some(owner) if owner != entity => Bound::Elsewhere(owner),
                _ => Bound::Here { new: false },
            })
        })
    })
    .await
}

/// The entity that an id names now.
pub async fn owner(tx: &mut Tx, external: &ExternalId) -> Result<Option<EntityId>, DbError> {
    let sql = "SELECT entity_id FROM external_ids WHERE system_name = ? AND kind = ? AND external_id = ?";
    let row = tx.fetch_optional(sql, key(external)).await?;
    row.map(|row| row.id16("entity_id").map(EntityId::from_bytes)).transpose()
}

/// Binds an id; false when it is bound already, to whatever entity.
pub async fn insert(
    tx: &mut Tx,
    external: &ExternalId,
    entity: EntityId,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO external_ids (system_name, kind, external_id, entity_id, linked_at, linked_by)
               VALUES (?, ?, ?, ?, ?, ?)";
    let mut args = key(external);
    args.extend(args![*entity.as_bytes(), now, by.as_bytes()]);
    tx.insert_new(sql, args).await
}

fn key(external: &ExternalId) -> Vec<jobzy_store::Value> {
    args![external.system().as_bytes(), external.kind().as_bytes(), external.id().as_bytes()]
}
