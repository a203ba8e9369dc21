//! Statement parameters: four shapes that both databases store without conversion.

use jiff::Timestamp;

/// One parameter of a statement. Built by [`crate::args!`] from ordinary Rust values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// Any integer column; also flags (0, 1), states and microseconds since 1970.
    Int(i64),
    /// Text columns.
    Text(String),
    /// `VARBINARY` and `LONGBLOB` columns: ids, keys, hashes, stored bodies.
    Bytes(Vec<u8>),
}

/// The parameters of a statement, in order: `args![id.as_bytes(), amount_minor, now, note]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        ::std::vec::Vec::<$crate::Value>::from([$($crate::Value::from($value)),*])
    };
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::Int(i64::from(value))
            }
        }
    )*};
}

integers!(i64, i32, i16, u32, u16, u8, bool);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

/// Microseconds since 1970: a `BIGINT` sorts, indexes and reads the same on both databases; `DATETIME` does
/// none of the three.
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_microsecond())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
