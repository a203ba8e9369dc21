//! Finnish invoices: numbers, references, VAT, household credit, and the page a person reads.
//!
//! | module | what |
//! |---|---|
//! | [`business_id`] | Y-tunnus and VAT number |
//! | [`reference`] | national reference number and RF creditor reference |
//! | [`barcode`] | virtual barcode of a bill, and Code 128-C that shows it |
//! | [`vat`] | VAT per rate on the sum, shared out to the lines |
//! | [`household`] | what the customer may get back from the tax office, as dated data |
//! | [`model`] | the invoice and what the law wants on it |
//! | [`pdf`] | A4 pages, made from nothing but the invoice: the same bytes every time |
//!
//! Amounts are VAT-inclusive minor units. Nothing here knows the time; dates are arguments.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::indexing_slicing)
)]

pub mod barcode;
pub mod business_id;
pub mod household;
pub mod model;
pub mod pdf;
pub mod reference;
pub mod vat;

pub use business_id::BusinessId;
pub use model::{
    Address, Buyer, BuyerKind, Household, Invoice, Issuer, Line, LineKind, ModelError, Payment, Seller, Work,
};
pub use pdf::Language;
pub use reference::Reference;
pub use vat::{LineVat, RateSummary, VatSummary};
