//! From a rate book and a request to a price with its reasons.
//!
//! ```text
//! rate book document --parse--> RateBook (checked once)
//! raw request + now  --canonicalise--> CanonicalRequest   only what changes the price is left
//! RateBook version + CanonicalRequest  --price--> Quote   a pure function: the same bytes everywhere
//! ```
//!
//! The exact date becomes an urgency, the exact postal code an area and a surcharge, the exact quantity
//! started steps. So many requests share one canonical request, which is what a cache is keyed by; and the
//! quote's id is the hash of version and canonical request, so that anyone who has the rate book can
//! recompute the quote that an id stands for.
//!
//! Everything here builds for the server, for the filter in the gateway and for the browser; time is an
//! argument, and there is no float.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::as_conversions,
        clippy::indexing_slicing
    )
)]

mod book;
mod canonical;
mod document;
mod price;
mod quantity;
mod refusal;
mod request;

pub use book::{BookError, RateBook, Service};
pub use canonical::{Area, CanonicalRequest, Urgency, canonicalise};
pub use document::{Category, Document, HouseholdWork, PostalRule, ServiceDocument, Unit, VatRates};
pub use price::{Line, Quote, price, quote_id};
pub use quantity::Quantity;
pub use refusal::Refusal;
pub use request::RawRequest;
