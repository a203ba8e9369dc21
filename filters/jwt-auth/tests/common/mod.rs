//! A small issuer and a clock, for tests only.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jobzy_jwt_auth::config::Config;
use jobzy_token::KeySet;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

pub const NOW_MS: u64 = 1_796_000_000_000;
pub const NOW_S: u64 = NOW_MS / 1000;

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::random(&mut rand_core::OsRng))
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A set that has the one key under each of these names.
pub fn set(kids: &[&str]) -> KeySet {
    let point = key().verifying_key().to_encoded_point(false);
    let (x, y) = (b64(point.x().unwrap()), b64(point.y().unwrap()));
    let keys: Vec<Value> =
        kids.iter().map(|kid| json!({"kid": kid, "kty": "EC", "crv": "P-256", "x": x, "y": y})).collect();
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

pub fn payload(roles: &[&str]) -> Value {
    json!({
        "iss": "http://issuer/realms/jobzy", "aud": "jobzy-api", "sub": "subject-1", "azp": "jobzy-web",
        "typ": "Bearer", "iat": NOW_S, "exp": NOW_S + 300, "realm_access": {"roles": roles}
    })
}

/// A signed token as an `Authorization` line.
pub fn bearer(kid: &str, payload: &Value) -> Vec<u8> {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": kid});
    let message = format!("{}.{}", b64(header.to_string()), b64(payload.to_string()));
    let signature: Signature = key().sign(message.as_bytes());
    format!("Bearer {message}.{}", b64(signature.to_bytes())).into_bytes()
}

pub fn config() -> Config {
    let json = json!({
        "issuer": "http://issuer/realms/jobzy",
        "audience": ["jobzy-api"],
        "jwks": {"upstream": "keycloak", "authority": "keycloak", "scheme": "http", "path": "/certs"},
        "route_property": ["xds", "route_name"],
        "default": "deny",
        "routes": {
            "open": {"public": true},
            "customers": {"any_role": ["customer"]},
            "staff": {"any_role": ["operator", "finance"]}
        },
        "realm": "jobzy"
    });
    Config::parse(json.to_string().as_bytes()).unwrap()
}
