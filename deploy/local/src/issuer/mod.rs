//! A local OpenID Connect issuer in Keycloak's shape, for one machine.
//!
//! It speaks what the gateway, the sidecars and a web app ask of Keycloak: discovery, a key set, and
//! the token endpoint with the password and client-credentials grants, below `/realms/<realm>`. The
//! key set holds what a stock realm publishes: the signing key in use, the one before it, and an
//! RSA-OAEP encryption key that no verifier may use. The signing key rotates on a timer and on
//! demand, and lives in memory only: after a restart all old tokens are void, as they should be.
//!
//! It is not a Keycloak: there are no sessions, no refresh tokens, no consent and no admin API.

mod keys;
mod routes;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jobzy_service::clock::Clock;

use crate::http::Listening;
pub use token::{Client, User};

/// The realm every demo account lives in.
pub const REALM: &str = "jobzy";
/// The public client of the web app.
pub const WEB_CLIENT: &str = "jobzy-web";
/// The audience of every access token for the API.
pub const AUDIENCE: &str = "jobzy-api";
/// The password of every demo user. Public on purpose: they exist on this machine only.
pub const DEMO_PASSWORD: &str = "demo";

/// What an issuer starts with.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Accounts for the password grant.
    pub users: Vec<User>,
    /// Confidential clients for the client-credentials grant.
    pub clients: Vec<Client>,
    /// Life of an access token, in seconds.
    pub token_ttl_s: i64,
    /// How long one signing key is used. The key before it stays published as long again.
    pub rotate_every: Duration,
}

impl IssuerConfig {
    /// The demo realm: one user per role (two customers, providers and pricing admins), no clients.
    #[must_use]
    pub fn demo(listen: SocketAddr) -> Self {
        let users = [
            ("customer", "customer"),
            ("customer2", "customer"),
            ("provider", "provider"),
            ("provider2", "provider"),
            ("operator", "operator"),
            ("pricing-admin", "pricing-admin"),
            ("pricing-admin2", "pricing-admin"),
            ("finance", "finance"),
        ];
        Self {
            listen,
            users: users.iter().map(|(name, role)| User::new(name, &[role])).collect(),
            clients: Vec::new(),
            token_ttl_s: 900,
            rotate_every: Duration::from_secs(3600),
        }
    }

    /// Adds the confidential client of a service, with the realm role `service`.
    #[must_use]
    pub fn with_service(mut self, id: &str, secret: &str) -> Self {
        self.clients.push(Client { id: id.to_owned(), secret: secret.to_owned() });
        self
    }
}

/// A running issuer. Dropping it closes the listener.
#[derive(Debug)]
pub struct Issuer {
    realm: Arc<routes::Realm>,
    _listening: Listening,
}

impl Issuer {
    /// Makes the keys, binds the listener and starts answering.
    ///
    /// # Errors
    /// When the address cannot be bound or a key cannot be made.
    pub async fn start(config: IssuerConfig, clock: Clock) -> anyhow::Result<Self> {
        let listener = crate::ports::bind("the issuer", config.listen).await?;
        let base = format!("http://{}/realms/{REALM}", listener.local_addr()?);
        let rotate_every = config.rotate_every;
        let realm = Arc::new(routes::Realm::new(base, config, clock)?);
        let listening = Listening::serve(listener, routes::router(Arc::clone(&realm)));
        let rotating = Arc::downgrade(&realm);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(rotate_every).await;
                let Some(realm) = rotating.upgrade() else { return };
                if let Err(error) = realm.rotate().await {
                    tracing::error!(%error, "the signing key could not be rotated");
                }
            }
        });
        Ok(Self { realm, _listening: listening })
    }

    /// The issuer identifier: what stands in `iss`, and below which the endpoints lie.
    #[must_use]
    pub fn url(&self) -> &str {
        self.realm.base()
    }

    /// An access token for a demo user, as the password grant would give it.
    ///
    /// # Errors
    /// When there is no such user, or signing fails.
    pub fn token(&self, username: &str) -> anyhow::Result<String> {
        self.realm.user_token(username)
    }

    /// An access token for the service client `id`, as the client-credentials grant would give it.
    ///
    /// # Errors
    /// When there is no such client, or signing fails.
    pub fn service_token(&self, id: &str) -> anyhow::Result<String> {
        self.realm.client_token(id)
    }

    /// A token signed with the current key over claims of the caller's choice: for tests of what
    /// must be refused.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, claims: &serde_json::Value) -> anyhow::Result<String> {
        self.realm.sign(claims)
    }

    /// The stable subject (`sub`) of a user or service account of this realm.
    #[must_use]
    pub fn subject(username: &str) -> String {
        token::subject(username)
    }

    /// Puts a new signing key in use; the one before it stays in the key set, older ones leave it.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub async fn rotate(&self) -> anyhow::Result<()> {
        self.realm.rotate().await
    }
}
