//! SQL, one noun per file.

pub mod entities;
pub mod links;
pub mod log;
