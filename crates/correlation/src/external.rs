//! The name of an entity in one system.

use serde::{Deserialize, Serialize};

/// Most bytes of a system's or kind's name.
pub const MAX_NAME: usize = 32;
/// Most bytes of an id.
pub const MAX_ID: usize = 160;

/// What `system` calls the entity: `{"system":"stripe","type":"payment_intent","id":"pi_..."}`.
///
/// Compared byte by byte: no case folding and no trimming, since systems differ in what they fold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct ExternalId {
    system: String,
    kind: String,
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    system: String,
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// Why something is no external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExternalIdError {
    /// A system or type is 1 to 32 of `a-z 0-9 _`, so that it reads the same in every system.
    #[error("a system or type is 1 to 32 of a-z 0-9 _")]
    Name,
    /// An id is 1 to 160 visible ASCII characters.
    #[error("an id is 1 to 160 visible ASCII characters")]
    Id,
}

impl ExternalId {
    /// Checks the parts.
    ///
    /// # Errors
    /// When a name or the id has another form or length.
    pub fn new(
        system: impl Into<String>,
        kind: impl Into<String>,
        id: impl Into<String>,
    ) -> Result<Self, ExternalIdError> {
        let (system, kind, id) = (system.into(), kind.into(), id.into());
        let name = |name: &str| {
            let permitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(permitted)
        };
        if !name(&system) || !name(&kind) {
            return Err(ExternalIdError::Name);
        }
        if !(1..=MAX_ID).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ExternalIdError::Id);
        }
        Ok(Self { system, kind, id })
    }

    /// The system that uses the id.
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    /// What kind of thing it names there.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<Wire> for ExternalId {
    type Error = ExternalIdError;

    fn try_from(wire: Wire) -> Result<Self, ExternalIdError> {
        Self::new(wire.system, wire.kind, wire.id)
    }
}

impl From<ExternalId> for Wire {
    fn from(external: ExternalId) -> Self {
        Self { system: external.system, kind: external.kind, id: external.id }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExternalId, ExternalIdError};

    #[test]
    fn names_and_ids_are_bounded() {
        assert!(ExternalId::new("stripe", "payment_intent", "pi_1").is_ok());
        assert_eq!(ExternalId::new("Stripe", "x", "1"), Err(ExternalIdError::Name));
        assert_eq!(ExternalId::new("", "x", "1"), Err(ExternalIdError::Name));
        assert_eq!(ExternalId::new("s", "x", " 1"), Err(ExternalIdError::Id));
        assert_eq!(ExternalId::new("s", "x", "1".repeat(161)), Err(ExternalIdError::Id));
    }

    #[test]
    fn the_wire_form_is_checked_too() {
        let bad = r#"{"system":"S","type":"t","id":"1"}"#;
        assert!(serde_json::from_str::<ExternalId>(bad).is_err());
        let good = r#"{"system":"s","type":"t","id":"1"}"#;
        let read: ExternalId = serde_json::from_str(good).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), good);
    }
}
