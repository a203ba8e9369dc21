//! One public key and the only thing it is used for.

use p256::ecdsa::signature::Verifier as _;
use rsa::pkcs1v15;
use rsa::sha2::Sha256;

/// The signature algorithms we permit (RFC 7518, 3.1): what Keycloak signs with by default, and the
/// one to change to. None with a shared secret, and not `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    /// By the name in `alg`, which is case-sensitive.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// A key that is bound to its algorithm, so that no header can use it with another.
#[derive(Debug, Clone)]
pub(crate) enum PublicKey {
    Rs256(pkcs1v15::VerifyingKey<Sha256>),
    Es256(p256::ecdsa::VerifyingKey),
}

impl PublicKey {
    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Es256(_) => Algorithm::Es256,
        }
    }

    /// Whether the signature is this key's over the message. A signature of a wrong length, or with a
    /// number out of range (r or s zero), is not one.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256(key) => pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Es256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}
