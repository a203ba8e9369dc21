//! Accounts and the access tokens made for them, with the claims a Keycloak realm puts there.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{AUDIENCE, REALM};

/// A person who may log in with [`super::DEMO_PASSWORD`].
#[derive(Debug, Clone)]
pub struct User {
    /// Log-in name.
    pub username: String,
    /// Realm roles.
    pub roles: Vec<String>,
}

impl User {
    /// A user with these realm roles.
    #[must_use]
    pub fn new(username: &str, roles: &[&str]) -> Self {
        Self { username: username.to_owned(), roles: roles.iter().map(|&role| role.to_owned()).collect() }
    }
}

/// A confidential client; its service account has the realm role `service`.
#[derive(Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The subject of an account: a UUID that depends on the realm and the name alone, so that data made
/// before a restart still belongs to the same person after it.
pub fn subject(username: &str) -> String {
    let digest = Sha256::digest(format!("{REALM}/{username}"));
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// What stands around a token, whoever it is for.
pub struct Frame<'a> {
    pub issuer: &'a str,
    pub now_s: i64,
    pub ttl_s: i64,
    pub jti: String,
}

/// The claims of a user's access token, asked for by the client `azp`.
pub fn user_claims(user: &User, azp: &str, frame: &Frame<'_>) -> Value {
    let mut claims = base(&user.username, &user.roles, azp, frame);
    claims["sid"] = json!(frame.jti);
    claims["scope"] = json!("openid email profile");
    claims["email_verified"] = json!(true);
    claims["email"] = json!(format!("{}@example.test", user.username));
    claims["name"] = json!(format!("Demo {}", user.username));
    claims["preferred_username"] = json!(user.username);
    claims
}

/// The claims of a service account's access token.
pub fn client_claims(client: &Client, frame: &Frame<'_>) -> Value {
    let username = service_account(&client.id);
    let mut claims = base(&username, &["service".to_owned()], &client.id, frame);
    claims["client_id"] = json!(client.id);
    claims["scope"] = json!("email profile");
    claims["email_verified"] = json!(false);
    claims["preferred_username"] = json!(username);
    claims
}

/// The user name Keycloak gives the service account of a client.
pub fn service_account(client_id: &str) -> String {
    format!("service-account-{client_id}")
}

fn base(username: &str, roles: &[String], azp: &str, frame: &Frame<'_>) -> Value {
    let defaults = ["offline_access".to_owned(), format!("default-roles-{REALM}")];
    json!({
        "exp": frame.now_s + frame.ttl_s,
        "iat": frame.now_s,
        "jti": frame.jti,
        "iss": frame.issuer,
        "aud": [AUDIENCE, "account"],
        "sub": subject(username),
        "typ": "Bearer",
        "azp": azp,
        "acr": "1",
        "realm_access": {"roles": defaults.iter().chain(roles).collect::<Vec<_>>()},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
    })
}
