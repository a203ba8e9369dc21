//! From separate events to one story: which external ids belong to one entity.
//!
//! An entity is a thing that several systems know under names of their own: a job here, a payment
//! intent at Stripe, an invoice number in the books. Every event names the ids it speaks of; ids named
//! together belong together. A binding is never moved: where an event ties two entities together, both
//! stay as they are and the contradiction is recorded for a person to decide.

mod chain;
mod external;
mod link;
mod privacy;

pub use chain::{Broken, Entry, GENESIS, Verifier, link_hash};
pub use external::{ExternalId, ExternalIdError};
pub use link::{Decision, decide};
pub use privacy::without_personal_data;
