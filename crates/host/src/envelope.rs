//! What keeps a value from shared data honest.
//!
//! WasmX finds a value by the CRC32 of its key, may evict it at any time and copies it out after it
//! released its lock. So a value carries its own full key, a version, its length and a checksum, and
//! whatever does not add up is as if it were absent. The checksum finds accidents, not attackers: who
//! can write shared data is already inside the gateway.

/// First bytes of every envelope; the last one is the layout's version.
const MAGIC: [u8; 4] = *b"jbz1";

/// Packs a value. `None` when the key or the value is too long to be described (64 KiB, 4 GiB).
#[must_use]
pub fn seal(key: &str, version: u64, value: &[u8]) -> Option<Vec<u8>> {
    let key_length = u16::try_from(key.len()).ok()?;
    let value_length = u32::try_from(value.len()).ok()?;
    let mut sealed = MAGIC.to_vec();
    sealed.extend_from_slice(&version.to_be_bytes());
    sealed.extend_from_slice(&key_length.to_be_bytes());
    sealed.extend_from_slice(&value_length.to_be_bytes());
    sealed.extend_from_slice(key.as_bytes());
    sealed.extend_from_slice(value);
    let checksum = checksum(&sealed);
    sealed.extend_from_slice(&checksum.to_be_bytes());
    Some(sealed)
}

/// The version and value that were stored under exactly this key, or nothing.
#[must_use]
pub fn open<'a>(key: &str, sealed: &'a [u8]) -> Option<(u64, &'a [u8])> {
    let (covered, stored) = sealed.split_last_chunk::<8>()?;
    if checksum(covered) != u64::from_be_bytes(*stored) {
        return None;
    }
    let (magic, rest) = covered.split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (key_length, rest) = rest.split_first_chunk::<2>()?;
    let (value_length, rest) = rest.split_first_chunk::<4>()?;
    let (stored_key, value) = rest.split_at_checked(usize::from(u16::from_be_bytes(*key_length)))?;
    let length = usize::try_from(u32::from_be_bytes(*value_length)).ok()?;
    let whole = *magic == MAGIC && stored_key == key.as_bytes() && value.len() == length;
    whole.then_some((u64::from_be_bytes(*version), value))
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{open, seal};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_sealed_opens_with_its_key_only(key: String, other: String, version: u64, value: Vec<u8>) {
            let sealed = seal(&key, version, &value).unwrap();
            prop_assert_eq!(open(&key, &sealed), Some((version, value.as_slice())));
            prop_assert_eq!(open(&other, &sealed).is_some(), key == other);
        }

        #[test]
        fn a_torn_or_changed_value_does_not_open(value: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
            let sealed = seal("key", 7, &value).unwrap();
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1 << bit;
            prop_assert_eq!(open("key", &changed), None);
            prop_assert_eq!(open("key", &sealed[..at.index(sealed.len())]), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert_eq!(open("key", &bytes), None);
        }
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(open("key", &seal("key", 0, b"").unwrap()), Some((0, &b""[..])));
        assert_eq!(open("key", b""), None);
    }

    #[test]
    fn a_key_too_long_to_describe_is_refused() {
        assert!(seal(&"k".repeat(65_536), 1, b"").is_none());
    }
}
