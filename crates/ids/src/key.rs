//! `Idempotency-Key`: how a client says that two requests are one.

/// A key as the client sent it: 1 to 255 visible ASCII characters, compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// Why a header value is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyKeyError {
    /// Nothing, or more than 255 bytes.
    #[error("an idempotency key has 1 to 255 characters")]
    Length,
    /// White space, a control character or something beyond ASCII.
    #[error("an idempotency key has visible ASCII characters only")]
    Character,
}

impl IdempotencyKey {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// When it is empty, too long, or not visible ASCII.
    pub fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        if text.is_empty() || text.len() > 255 {
            return Err(IdempotencyKeyError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IdempotencyKeyError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key's characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{IdempotencyKey, IdempotencyKeyError};

    #[test]
    fn length_and_characters_are_bounded() {
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_ok());
        assert_eq!(IdempotencyKey::parse(""), Err(IdempotencyKeyError::Length));
        assert_eq!(IdempotencyKey::parse(&"k".repeat(256)), Err(IdempotencyKeyError::Length));
        for text in ["a b", "a\n", "ä", "a\u{7f}"] {
            assert_eq!(IdempotencyKey::parse(text), Err(IdempotencyKeyError::Character), "{text:?}");
        }
    }
}
