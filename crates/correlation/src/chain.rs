//! The hash chain that makes a change of the log visible.
//!
//! One chain per entity and not one for the whole log: a single chain would let only one event be
//! written at a time, over all jobs. Within an entity events are written one after the other anyway.

use sha2::{Digest, Sha256};

/// What the first event of an entity is chained to.
pub const GENESIS: [u8; 32] = [0; 32];

/// Everything that the log keeps of an event, as it is stored. Whatever is shown of an event has to be in here,
/// since what is not could be changed unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'e> {
    /// Who told it.
    pub source: &'e str,
    /// Its id there.
    pub event_id: &'e str,
    /// What kind of fact it is.
    pub event_type: &'e str,
    /// What it is about.
    pub subject: &'e str,
    /// The request that led to it.
    pub correlation_id: &'e str,
    /// When it happened, in microseconds since 1970.
    pub occurred_at: i64,
    /// When it was filed, in microseconds since 1970.
    pub received_at: i64,
    /// The fact itself, byte by byte.
    pub body: &'e str,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chain of events does not hold at position {position}")]
pub struct Broken {
    /// Position (from 1) of the first event that was changed, moved or taken away, or that came in between.
    pub position: i64,
}

/// The hash of an event: over the hash before it, its position (from 1), and everything the log keeps of it.
#[must_use]
pub fn link_hash(previous: &[u8; 32], position: i64, entry: &Entry<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    for number in [position, entry.occurred_at, entry.received_at] {
        hash.update(number.to_be_bytes());
    }
    let Entry { source, event_id, event_type, subject, correlation_id, body, .. } = entry;
    for text in [source, event_id, event_type, subject, correlation_id, body] {
        // Each text behind its length, so that no byte can move from one to the next unseen.
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// A chain being followed from its first event.
#[derive(Debug, Clone, Copy)]
pub struct Verifier {
    position: i64,
    head: [u8; 32],
}

impl Default for Verifier {
    fn default() -> Self {
        Self { position: 0, head: GENESIS }
    }
}

impl Verifier {
    /// Follows the chain over the next event as it is stored.
    ///
    /// # Errors
    /// When it is not the event that was chained there.
    pub fn follow(&mut self, position: i64, entry: &Entry<'_>, stored: &[u8; 32]) -> Result<(), Broken> {
        let next = self.position.saturating_add(1);
        if position != next || link_hash(&self.head, position, entry) != *stored {
            return Err(Broken { position: next });
        }
        (self.position, self.head) = (next, *stored);
        Ok(())
    }

    /// Compares the end with what the entity says of it, so that the last events are not taken away unseen.
    ///
    /// # Errors
    /// When the chain ends elsewhere.
    pub fn finish(self, events: i64, head: &[u8; 32]) -> Result<(), Broken> {
        let holds = self.position == events && self.head == *head;
        if holds { Ok(()) } else { Err(Broken { position: self.position.min(events).saturating_add(1) }) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Entry, GENESIS, Verifier, link_hash};

    const ENTRY: Entry<'static> = Entry {
        source: "/jobzy/booking",
        event_id: "evt_1",
        event_type: "jobzy.booking.job_created.v1",
        subject: "job_1",
        correlation_id: "c1",
        occurred_at: 1,
        received_at: 2,
        body: "{}",
    };

    type Stored = (i64, Entry<'static>, [u8; 32]);

    fn story() -> Vec<Stored> {
        let mut head = GENESIS;
        (1..=3)
            .map(|position| {
                let entry = Entry { received_at: 10 * position, ..ENTRY };
                head = link_hash(&head, position, &entry);
                (position, entry, head)
            })
            .collect()
    }

    fn verify(story: &[Stored], head: [u8; 32]) -> Result<(), Broken> {
        let mut verifier = Verifier::default();
        story.iter().try_for_each(|(position, entry, hash)| verifier.follow(*position, entry, hash))?;
        verifier.finish(3, &head)
    }

    #[test]
    fn a_change_of_any_part_position_or_past_changes_the_hash() {
        let first = link_hash(&GENESIS, 1, &ENTRY);
        for other in [
            Entry { source: "/jobzy/payment", ..ENTRY },
            Entry { event_id: "evt_2", ..ENTRY },
            Entry { event_type: "jobzy.booking.job_cancelled.v1", ..ENTRY },
            Entry { subject: "job_2", ..ENTRY },
            Entry { correlation_id: "c2", ..ENTRY },
            Entry { occurred_at: 2, ..ENTRY },
            Entry { received_at: 3, ..ENTRY },
            Entry { body: "{ }", ..ENTRY },
            Entry { subject: "job_1c", correlation_id: "1", ..ENTRY },
            Entry { occurred_at: 2, received_at: 1, ..ENTRY },
        ] {
            assert_ne!(first, link_hash(&GENESIS, 1, &other), "{other:?}");
        }
        assert_ne!(first, link_hash(&GENESIS, 2, &ENTRY));
        assert_ne!(link_hash(&first, 2, &ENTRY), link_hash(&GENESIS, 2, &ENTRY));
    }

    #[test]
    fn a_changed_missing_moved_or_added_event_is_found_at_its_place() {
        let story = story();
        let head = story[2].2;
        assert_eq!(verify(&story, head), Ok(()));
        let mut changed = story.clone();
        changed[1].1.body = "{\"forged\":true}";
        assert_eq!(verify(&changed, head), Err(Broken { position: 2 }));
        // Whoever changes an event and its hash breaks the next link, or at the end the entity's.
        changed[1].2 = link_hash(&story[0].2, 2, &changed[1].1);
        assert_eq!(verify(&changed, head), Err(Broken { position: 3 }));
        changed[2].2 = link_hash(&changed[1].2, 3, &changed[2].1);
        assert_eq!(verify(&changed, head), Err(Broken { position: 4 }));
        for gone in 0..3 {
            let mut missing = story.clone();
            missing.remove(gone);
            assert_eq!(verify(&missing, head), Err(Broken { position: gone as i64 + 1 }));
        }
        let mut swapped = story.clone();
        swapped.swap(0, 1);
        assert_eq!(verify(&swapped, head), Err(Broken { position: 1 }));
        let mut added = story.clone();
        added.push((4, ENTRY, link_hash(&head, 4, &ENTRY)));
        assert_eq!(verify(&added, head), Err(Broken { position: 4 }));
    }
}
