//! SQL, one noun per file.

pub mod rate_books;
