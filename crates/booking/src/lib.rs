//! The rules of a job: its states, the time it takes from a provider, and who is offered it.
//!
//! * [`job`]: states that own what they know, and transitions that refuse by name;
//! * [`slots`]: time in cells of 15 minutes, so that a primary key can hold the rule that a slot is
//!   one job's;
//! * [`hours`]: when a provider works, and which starts are free on a day;
//! * [`matching`]: who may be offered a job, and in which order, with the reasons;
//! * [`split`]: how a fixed price is made up of labour, material and travel.
//!
//! Time is an argument everywhere. Money appears only as whole minor units in [`split`]; scores of
//! [`matching`] are floats, since they order candidates and move no money.

pub mod hours;
pub mod job;
pub mod matching;
pub mod slots;
pub mod split;
