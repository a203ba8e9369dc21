//! The hash chain that makes a change of the log visible.
//!
//! One chain per entity and not one for the whole log: a single chain would let only one event be
//! written at a time, over all jobs. Within an entity events are written one after the other anyway.

use sha2::{Digest, Sha256};

/// What the first event of an entity is chained to.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash of an event: over the hash before it, its position (from 1), and its body as stored.
#[must_use]
pub fn link_hash(previous: &[u8; 32], position: i64, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(position.to_be_bytes());
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{GENESIS, link_hash};

    #[test]
    fn a_change_of_body_position_or_past_changes_the_hash() {
        let first = link_hash(&GENESIS, 1, b"{}");
        assert_ne!(first, link_hash(&GENESIS, 1, b"{ }"));
        assert_ne!(first, link_hash(&GENESIS, 2, b"{}"));
        assert_ne!(link_hash(&first, 2, b"{}"), link_hash(&GENESIS, 2, b"{}"));
    }
}
