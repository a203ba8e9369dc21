//! Who is calling, and may they: verification of bearer tokens, the same code at the edge and in every
//! sidecar.
//!
//! ```text
//! Authorization lines -> bearer::parse -> verify::Verifier::verify(KeySet, token, now) -> Claims
//!                                         policy::Policies::of(route) --------------------^ roles
//!                                         challenge: what a refusal says in WWW-Authenticate
//! ```
//!
//! The arithmetic is RustCrypto's (`rsa`, `p256`); base64 and JSON are libraries too. Around them stand
//! the checks that each have been somebody's incident: the size of a token, `crit`, the kind of token,
//! repeated JSON keys, dates that are no integers, keys meant for encryption, a key used with another
//! algorithm, and the clock, which is an argument so that the verdict depends on nothing but what is
//! passed in. A general JWT library would bring nine more algorithms into the filter (400 KB) and leave
//! those checks to us; the tests use one as a second opinion instead.
//!
//! Nothing here reads a clock, opens a connection or logs. A token must never be logged; what a log may
//! hold is [`TokenError::code`].
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod bearer;
pub mod challenge;
pub mod claims;
pub mod error;
mod header;
pub mod jwks;
mod key;
pub mod policy;
mod strict_json;
pub mod verify;

pub use claims::Claims;
pub use error::TokenError;
pub use jwks::{JwksError, KeySet};
pub use policy::{Policies, Policy};
pub use verify::{Expectations, Verifier};
