//! Tokens that were verified, so that their signature is not computed again.
//!
//! An entry is found by the whole token, never by a hash or a part of it: no collision and no prefix
//! can give one caller the claims of another. It holds what the token says and nothing about what it
//! may do; the route's policy is asked each time. Whoever changes the keys clears the cache.
//!
//! Two generations bound it: when the young one is full it becomes the old one, and what was not used
//! since is forgotten.

use std::collections::HashMap;
use std::rc::Rc;

use jobzy_token::Claims;

/// Entries per generation.
const MAX_ENTRIES: usize = 1024;
/// Bytes of tokens per generation.
const MAX_BYTES: usize = 2 * 1024 * 1024;

type Generation = HashMap<Box<str>, Rc<Claims>>;

/// Verified tokens and their claims.
#[derive(Debug, Default)]
pub struct TokenCache {
    young: Generation,
    old: Generation,
    young_bytes: usize,
}

impl TokenCache {
    /// The claims of a token that was verified before and has not expired since.
    pub fn get(&mut self, token: &str, now_s: i64, leeway_s: u32) -> Option<Rc<Claims>> {
        let claims = match self.young.get(token) {
            Some(claims) => Rc::clone(claims),
            None => {
                let (token, claims) = self.old.remove_entry(token)?;
                self.insert(token, Rc::clone(&claims));
                claims
            }
        };
        (!claims.is_expired(now_s, leeway_s)).then_some(claims)
    }

    /// Remembers a token that was just verified.
    pub fn put(&mut self, token: &str, claims: Rc<Claims>) {
        self.insert(token.into(), claims);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }

    /// Whether no token is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(&mut self, token: Box<str>, claims: Rc<Claims>) {
        if self.young.len() >= MAX_ENTRIES || self.young_bytes.saturating_add(token.len()) > MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        let bytes = token.len();
        if self.young.insert(token, claims).is_none() {
            self.young_bytes = self.young_bytes.saturating_add(bytes);
        }
    }
}
