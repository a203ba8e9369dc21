//! An issuer of tokens of every kind, good and bad, for tests only.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use rand_core::OsRng;
use rsa::pkcs1v15;
use rsa::sha2::Sha256;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

pub const ISSUER: &str = "http://127.0.0.1:8180/realms/jobzy";
pub const AUDIENCE: &str = "jobzy-api";
pub const NOW: i64 = 1_796_000_000;

/// Two keys of each kind; the second is for what must not verify.
pub struct Keys {
    rsa: [pkcs1v15::SigningKey<Sha256>; 2],
    ec: [p256::ecdsa::SigningKey; 2],
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        rsa: [(); 2].map(|()| pkcs1v15::SigningKey::new(rsa::RsaPrivateKey::new(&mut OsRng, 2048).unwrap())),
        ec: [(); 2].map(|()| p256::ecdsa::SigningKey::random(&mut OsRng)),
    })
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Keys {
    pub fn sign_rs256(&self, which: usize, message: &str) -> Vec<u8> {
        use rsa::signature::Signer as _;
        self.rsa[which].sign(message.as_bytes()).to_vec()
    }

    pub fn sign_es256(&self, which: usize, message: &str) -> Vec<u8> {
        let signature: p256::ecdsa::Signature = self.ec[which].sign(message.as_bytes());
        signature.to_bytes().to_vec()
    }

    /// The public half as a JWK with `use` and `alg`, like Keycloak's.
    pub fn rsa_jwk(&self, which: usize, kid: &str) -> Value {
        let key: &rsa::RsaPrivateKey = self.rsa[which].as_ref();
        let (n, e) = (b64(key.n().to_bytes_be()), b64(key.e().to_bytes_be()));
        json!({"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e})
    }

    pub fn ec_jwk(&self, which: usize, kid: &str) -> Value {
        let point = self.ec[which].verifying_key().to_encoded_point(false);
        let (x, y) = (b64(point.x().unwrap()), b64(point.y().unwrap()));
        json!({"kid": kid, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": x, "y": y})
    }
}

/// `{"keys": [...]}` as bytes.
pub fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

pub fn rs_header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "rsa"})
}

pub fn es_header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": "ec"})
}

/// What Keycloak says about a customer.
pub fn payload() -> Value {
    json!({
        "exp": NOW + 300, "iat": NOW, "jti": "onrtac:1", "iss": ISSUER, "aud": [AUDIENCE, "account"],
        "sub": "f1d2c3b4-1111-4222-8333-abcdefabcdef", "typ": "Bearer", "azp": "jobzy-web", "sid": "s", "acr": "1",
        "realm_access": {"roles": ["offline_access", "customer"]},
        "resource_access": {"account": {"roles": ["manage-account"]}},
        "scope": "openid profile", "preferred_username": "customer"
    })
}

/// A member set (or, by `Value::Null` in `remove`, gone).
pub fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

pub fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

/// Signs any two texts, JSON or not, with the first RSA key.
pub fn rs256_text(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(payload));
    format!("{message}.{}", b64(keys().sign_rs256(0, &message)))
}

/// Signs with the first RSA key.
pub fn rs256(header: &Value, payload: &Value) -> String {
    rs256_text(&header.to_string(), &payload.to_string())
}

/// Signs with the first EC key.
pub fn es256(header: &Value, payload: &Value) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(payload.to_string()));
    format!("{message}.{}", b64(keys().sign_es256(0, &message)))
}
