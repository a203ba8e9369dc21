//! The endpoints below `/realms/jobzy`.
//!
//! | method | path | answers |
//! |---|---|---|
//! | GET | `/.well-known/openid-configuration` | discovery |
//! | GET | `/protocol/openid-connect/certs` | the key set |
//! | POST | `/protocol/openid-connect/token` | password and client-credentials grants |

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use jobzy_service::clock::Clock;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::keys::{Key, Ring};
use super::token::{self, Frame};
use super::{DEMO_PASSWORD, IssuerConfig, REALM, WEB_CLIENT};

/// A token request longer than this is not one.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// The realm: its accounts, its clock and its keys.
pub struct Realm {
    base: String,
    config: IssuerConfig,
    clock: Clock,
    ring: RwLock<Ring>,
}

impl std::fmt::Debug for Realm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realm").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Realm {
    pub fn new(base: String, config: IssuerConfig, clock: Clock) -> anyhow::Result<Self> {
        Ok(Self { base, config, clock, ring: RwLock::new(Ring::generate()?) })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn rotate(&self) -> anyhow::Result<()> {
        let next = tokio::task::spawn_blocking(Key::signing).await??;
        self.ring.write().unwrap_or_else(PoisonError::into_inner).rotate(next);
        Ok(())
    }

    pub fn user_token(&self, username: &str) -> anyhow::Result<String> {
        let user = self.config.users.iter().find(|user| user.username == username);
        let user = user.with_context(|| format!("no user is called {username}"))?;
        self.sign(&token::user_claims(user, WEB_CLIENT, &self.frame()))
    }

    pub fn client_token(&self, id: &str) -> anyhow::Result<String> {
        let client = self.config.clients.iter().find(|client| client.id == id);
        let client = client.with_context(|| format!("no client is called {id}"))?;
        self.sign(&token::client_claims(client, &self.frame()))
    }

    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let (kid, key) = ring.signer()?;
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, claims, key)?)
    }

    fn frame(&self) -> Frame<'_> {
        let jti = uuid::Builder::from_random_bytes(self.clock.random()).into_uuid().to_string();
        let now_s = self.clock.now().as_second();
        Frame { issuer: &self.base, now_s, ttl_s: self.config.token_ttl_s, jti }
    }
}

/// The routes of the realm, as listed at the head of this file.
pub fn router(realm: Arc<Realm>) -> Router {
    let endpoints = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/protocol/openid-connect/certs", get(certs))
        .route("/protocol/openid-connect/token", post(grant));
    Router::new().nest(&format!("/realms/{REALM}"), endpoints).with_state(realm)
}

async fn discovery(State(realm): State<Arc<Realm>>) -> Response {
    let base = realm.base();
    json_response(
        StatusCode::OK,
        &json!({
            "issuer": base,
            "token_endpoint": format!("{base}/protocol/openid-connect/token"),
            "jwks_uri": format!("{base}/protocol/openid-connect/certs"),
            "grant_types_supported": ["password", "client_credentials"],
            "response_types_supported": ["none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }),
    )
}

async fn certs(State(realm): State<Arc<Realm>>) -> Response {
    let jwks = realm.ring.read().unwrap_or_else(PoisonError::into_inner).jwks();
    json_response(StatusCode::OK, &jwks)
}

async fn grant(State(realm): State<Arc<Realm>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_FORM_BYTES).collect().await else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "The form is too large or was cut off");
    };
    let form = crate::http::parse_form(&body.to_bytes());
    match answer(&realm, &parts.headers, &form) {
        Ok(token) => json_response(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "expires_in": realm.config.token_ttl_s,
                "refresh_expires_in": 0,
                "token_type": "Bearer",
                "not-before-policy": 0,
                "scope": "email profile",
            }),
        ),
        Err(refusal) => *refusal,
    }
}

fn answer(
    realm: &Realm,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<String, Box<Response>> {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let token = match field("grant_type") {
        "password" => {
            if field("client_id") != WEB_CLIENT {
                return Err(Box::new(bad_client()));
            }
            if field("password") != DEMO_PASSWORD
                || !realm.config.users.iter().any(|user| user.username == field("username"))
            {
                let detail = "Invalid user credentials";
                return Err(Box::new(refuse(StatusCode::UNAUTHORIZED, "invalid_grant", detail)));
            }
            realm.user_token(field("username"))
        }
        "client_credentials" => {
            let (id, secret) = basic(headers)
                .unwrap_or_else(|| (field("client_id").to_owned(), field("client_secret").to_owned()));
            if !realm.config.clients.iter().any(|client| client.id == id && client.secret == secret) {
                return Err(Box::new(bad_client()));
            }
            realm.client_token(&id)
        }
        "" => {
            let detail = "Missing form parameter: grant_type";
            return Err(Box::new(refuse(StatusCode::BAD_REQUEST, "invalid_request", detail)));
        }
        _ => {
            let detail = "Unsupported grant_type";
            return Err(Box::new(refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", detail)));
        }
    };
    token.map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        Box::new(refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The token could not be signed"))
    })
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let pair = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn bad_client() -> Response {
    let detail = "Invalid client or Invalid client credentials";
    refuse(StatusCode::UNAUTHORIZED, "invalid_client", detail)
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    json_response(status, &json!({"error": error, "error_description": description}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
