//! `x-correlation-id`: one name for everything that one request sets off.

/// A correlation id: 1 to 64 of `A-Z a-z 0-9 . _ -`, safe in a header, a log line and a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(String);

/// Why bytes are no correlation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a correlation id is 1 to 64 of A-Z a-z 0-9 . _ -")]
pub struct CorrelationIdError;

impl CorrelationId {
    /// Most characters an id may have.
    pub const MAX_LENGTH: usize = 64;

    /// Reads one header value.
    ///
    /// # Errors
    /// When a character or the length is not permitted.
    pub fn parse(bytes: &[u8]) -> Result<Self, CorrelationIdError> {
        let permitted = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if bytes.is_empty() || bytes.len() > Self::MAX_LENGTH || !bytes.iter().all(permitted) {
            return Err(CorrelationIdError);
        }
        std::str::from_utf8(bytes).map(|text| Self(text.to_owned())).map_err(|_| CorrelationIdError)
    }

    /// A new id: a UUIDv7 (RFC 9562) of the Unix time in milliseconds and ten random bytes.
    #[must_use]
    pub fn from_uuid_v7(unix_ms: u64, random: [u8; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = random;
        let time = (u128::from(unix_ms) & 0xffff_ffff_ffff) << 80;
        let rand_a = (u128::from(u16::from_be_bytes([a, b])) & 0x0fff) << 64;
        let rand_b = u128::from(u64::from_be_bytes([c, d, e, f, g, h, i, j])) & 0x3fff_ffff_ffff_ffff;
        let digits = format!("{:032x}", time | (0x7 << 76) | rand_a | (0x2 << 62) | rand_b);
        let mut text = String::with_capacity(36);
        for (at, digit) in digits.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(text)
    }

    /// The id's characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CorrelationId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_made_id_is_a_uuid_of_version_7_and_is_accepted_again(ms in 0_u64..(1 << 48), random: [u8; 10]) {
            let id = CorrelationId::from_uuid_v7(ms, random);
            let bytes = id.as_str().as_bytes();
            prop_assert_eq!(bytes.len(), 36);
            prop_assert_eq!(bytes[14], b'7');
            prop_assert!(b"89ab".contains(&bytes[19]), "{}", id);
            prop_assert_eq!(u64::from_str_radix(&id.as_str().replace('-', "")[..12], 16).unwrap(), ms);
            prop_assert_eq!(CorrelationId::parse(bytes).unwrap(), id);
        }

        #[test]
        fn what_is_accepted_is_kept_and_holds_no_other_character(bytes: Vec<u8>) {
            if let Ok(id) = CorrelationId::parse(&bytes) {
                prop_assert_eq!(id.as_str().as_bytes(), bytes.as_slice());
                prop_assert!(id.as_str().chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)));
            }
        }
    }

    #[test]
    fn the_length_is_bounded() {
        assert!(CorrelationId::parse(&[b'a'; 64]).is_ok());
        assert!(CorrelationId::parse(&[b'a'; 65]).is_err());
        assert!(CorrelationId::parse(b"").is_err());
    }
}
