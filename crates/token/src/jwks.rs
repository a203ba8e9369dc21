//! The issuer's public keys, as far as we would ever use them.
//!
//! A key set is the issuer's document for everybody: stock Keycloak publishes an encryption key beside
//! the signing key, and others publish algorithms we do not permit. One such key must neither be used
//! nor spoil the set, so unusable keys are skipped; only a set without any usable key is an error,
//! which keeps it from replacing a good one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::sha2::{Digest, Sha256};
use rsa::{BigUint, RsaPublicKey};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::key::{Algorithm, PublicKey};
use crate::strict_json;

/// Longest key set that is read, in bytes. Keycloak's is about 3 KiB.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most keys, usable or not, a set may have.
pub const MAX_KEYS: usize = 64;
/// Longest key id, in bytes, of a key and in a token.
pub const MAX_KID_BYTES: usize = 255;
/// RSA moduli below this many bits are too weak (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;
/// Larger moduli cost more per token than a request is worth.
const MAX_RSA_BITS: usize = 8192;

/// Why a document is no key set. The caller keeps the keys it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JwksError {
    /// Longer than [`MAX_BYTES`].
    #[error("the key set is longer than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object with an array `keys`.
    #[error("the key set is not a JSON object with an array of keys")]
    Malformed,
    /// More than [`MAX_KEYS`].
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// No key for RS256 or ES256 signatures in it.
    #[error("the key set has no usable signing key")]
    NoUsableKey,
}

/// Signing keys by (key id, algorithm).
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<Key>,
    fingerprint: [u8; 32],
}

#[derive(Debug, Clone)]
struct Key {
    kid: String,
    public: PublicKey,
}

/// What the set knows about a (key id, algorithm).
pub(crate) enum Lookup<'a> {
    Found(&'a PublicKey),
    /// The key exists and is for another algorithm: no newer key set would change that.
    OtherAlgorithm,
    Unknown,
}

impl KeySet {
    /// Reads an RFC 7517 key set.
    ///
    /// # Errors
    /// [`JwksError`]; never because of a single odd key.
    pub fn parse(document: &[u8]) -> Result<Self, JwksError> {
        if document.len() > MAX_BYTES {
            return Err(JwksError::TooLarge);
        }
        let fields = strict_json::object(document).ok_or(JwksError::Malformed)?;
        let listed = fields.get("keys").and_then(Value::as_array).ok_or(JwksError::Malformed)?;
        if listed.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut keys: Vec<Key> = Vec::with_capacity(listed.len());
        let mut digest = Sha256::new();
        for jwk in listed.iter().filter_map(Value::as_object) {
            let Some((key, material)) = usable(jwk) else { continue };
            // Of two keys with one name the first counts: a second must not be able to replace it.
            if keys
                .iter()
                .any(|known| known.kid == key.kid && known.public.algorithm() == key.public.algorithm())
            {
                continue;
            }
            for part in [key.kid.as_bytes(), &material] {
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part);
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(JwksError::NoUsableKey);
        }
        Ok(Self { keys, fingerprint: digest.finalize().into() })
    }

    /// How many usable keys there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set without keys cannot be made")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Changes when a usable key comes, goes or changes: what was verified under another fingerprint
    /// must be verified again.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub(crate) fn find(&self, kid: &str, algorithm: Algorithm) -> Lookup<'_> {
        let mut named = self.keys.iter().filter(|key| key.kid == kid).peekable();
        if named.peek().is_none() {
            return Lookup::Unknown;
        }
        named
            .find(|key| key.public.algorithm() == algorithm)
            .map_or(Lookup::OtherAlgorithm, |key| Lookup::Found(&key.public))
    }
}

/// The key of one JWK with the bytes that identify it, or nothing when we would never use it.
fn usable(jwk: &Map<String, Value>) -> Option<(Key, Vec<u8>)> {
    let kid = text(jwk, "kid").filter(|kid| !kid.is_empty() && kid.len() <= MAX_KID_BYTES)?;
    if !is_for_signatures(jwk) {
        return None;
    }
    let (public, material) = match text(jwk, "kty")? {
        "RSA" => rsa(jwk)?,
        "EC" => p256(jwk)?,
        _ => return None,
    };
    // A key is for one algorithm. Without `alg` its type decides; with it both must say the same.
    let says_otherwise = jwk.get("alg").is_some_and(|alg| alg.as_str() != Some(public.algorithm().name()));
    (!says_otherwise).then(|| (Key { kid: kid.to_owned(), public }, material))
}

/// RFC 7517, 4.2 and 4.3: a key that says it is for something else is not for us.
fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let for_use = jwk.get("use").is_none_or(|purpose| purpose.as_str() == Some("sig"));
    let for_operation = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|list| list.iter().any(|one| one.as_str() == Some("verify")))
    });
    for_use && for_operation
}

fn rsa(jwk: &Map<String, Value>) -> Option<(PublicKey, Vec<u8>)> {
    let (n, e) = (decoded(jwk, "n")?, decoded(jwk, "e")?);
    let material = [b"RS256", n.as_slice(), b".", e.as_slice()].concat();
    let (n, e) = (BigUint::from_bytes_be(&n), BigUint::from_bytes_be(&e));
    // An exponent of 1 would make every signature its own message.
    if n.bits() < MIN_RSA_BITS || e < BigUint::from(3_u8) {
        return None;
    }
    // Even numbers, exponents beyond 2^33 and moduli beyond the maximum are refused in there.
    let key = RsaPublicKey::new_with_max_size(n, e, MAX_RSA_BITS).ok()?;
    Some((PublicKey::Rs256(rsa::pkcs1v15::VerifyingKey::new(key)), material))
}

fn p256(jwk: &Map<String, Value>) -> Option<(PublicKey, Vec<u8>)> {
    if text(jwk, "crv")? != "P-256" {
        return None;
    }
    let (x, y) = (decoded(jwk, "x")?, decoded(jwk, "y")?);
    // RFC 7518, 6.2.1.2: full length, leading zeros kept.
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    let point = [&[4_u8][..], &x, &y].concat();
    // Refuses a point that is not on the curve (RFC 8725, 3.4).
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
    Some((PublicKey::Es256(key), [b"ES256", point.as_slice()].concat()))
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn decoded(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}
