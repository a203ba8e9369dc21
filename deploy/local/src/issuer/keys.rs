//! The realm's keys: RSA 2048, made in memory at start, named by their RFC 7638 thumbprint.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Size of every key, in bits: what a stock Keycloak realm makes.
const BITS: usize = 2048;

/// One key pair; the private half is kept for signing keys only.
pub struct Key {
    kid: String,
    jwk: Value,
    signing: Option<EncodingKey>,
}

impl Key {
    /// A signing key (RS256).
    pub fn signing() -> anyhow::Result<Self> {
        let private = generate()?;
        let der = private.to_pkcs1_der().context("encoding a signing key")?;
        let signing = EncodingKey::from_rsa_der(der.as_bytes());
        Ok(Self::described(&private, "sig", "RS256", Some(signing)))
    }

    /// An encryption key (RSA-OAEP): published beside the signing keys, never a verification key.
    pub fn encryption() -> anyhow::Result<Self> {
        Ok(Self::described(&generate()?, "enc", "RSA-OAEP", None))
    }

    fn described(private: &RsaPrivateKey, usage: &str, alg: &str, signing: Option<EncodingKey>) -> Self {
        let public = private.to_public_key();
        let n = URL_SAFE_NO_PAD.encode(public.n().to_bytes_be());
        let e = URL_SAFE_NO_PAD.encode(public.e().to_bytes_be());
        // RFC 7638: the required members in lexicographic order, without white space.
        let thumbprint = Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
        let kid = URL_SAFE_NO_PAD.encode(thumbprint);
        let jwk = json!({"kid": kid, "kty": "RSA", "alg": alg, "use": usage, "n": n, "e": e});
        Self { kid, jwk, signing }
    }
}

/// The keys of the realm as they stand now.
pub struct Ring {
    current: Key,
    previous: Option<Key>,
    encryption: Key,
}

impl Ring {
    /// A fresh ring: one signing key and one encryption key.
    pub fn generate() -> anyhow::Result<Self> {
        Ok(Self { current: Key::signing()?, previous: None, encryption: Key::encryption()? })
    }

    /// Puts `next` in use and keeps the key before it for tokens already handed out.
    pub fn rotate(&mut self, next: Key) {
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    /// The key set document (RFC 7517).
    pub fn jwks(&self) -> Value {
        let keys = [Some(&self.encryption), Some(&self.current), self.previous.as_ref()];
        json!({"keys": keys.into_iter().flatten().map(|key| key.jwk.clone()).collect::<Vec<_>>()})
    }

    /// The name of the key in use and its private half.
    pub fn signer(&self) -> anyhow::Result<(&str, &EncodingKey)> {
        let key = self.current.signing.as_ref().context("the current key cannot sign")?;
        Ok((&self.current.kid, key))
    }
}

fn generate() -> anyhow::Result<RsaPrivateKey> {
    RsaPrivateKey::new(&mut rand_core::OsRng, BITS).context("making an RSA key")
}
