//! A stateful stand-in for Stripe: payment intents held and captured, refunds with their rules, idempotency keys
//! that remember, and signed webhooks that are retried.
//!
//! ```text
//! routes ──▶ keys (seen before?) ──▶ account (objects and rules) ──▶ answer
//!                                        │ events
//!                                        └──▶ webhooks ──▶ the payment service
//! control: what Stripe's dashboard, a card's holder or bad luck would do
//! ```
//!
//! | `/_sandbox/...` | body | what |
//! |---|---|---|
//! | `POST webhooks` | `{"duplicate":1,"delay_ms":0,"reorder":true,"paused":false}` | how webhooks arrive from now on |
//! | `GET deliveries` | | every attempt to deliver one |
//! | `POST faults` | `{"kind":"error","count":2}` | what the next calls meet: `error`, `rate_limit`, `drop`, `hang` |
//! | `GET, POST payment_intents/{id}/authenticate` | `{"outcome":"succeed"}` or `fail` | the card's holder |
//! | `POST payment_intents/{id}/expire` | | the hold lapses |
//! | `POST refunds/{id}/end` | `{"outcome":"succeed"}` or `fail` | the bank's last word |
//!
//! What it knows of Stripe is in Stripe's public documentation; amounts are play money.

mod account;
mod cards;
mod control;
mod error;
mod form;
mod keys;
mod objects;
mod params;
mod routes;
mod shelf;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobzy_service::clock::Clock;

use crate::http::Listening;
use account::Account;
pub use account::Fee;
use control::Faults;
use keys::Keys;
use webhooks::Webhooks;

/// The version whose shapes are answered.
pub const API_VERSION: &str = "2026-09-30.endive";

/// How often holds are looked at whose time may have come.
const EXPIRY_PACE: Duration = Duration::from_secs(1);

/// What a sandbox starts with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where it listens: loopback, port 0 for a free one.
    pub listen: SocketAddr,
    /// The only key that opens it.
    pub secret_key: String,
    /// Signs webhooks; several, separated by commas, sign each webhook several times, as during a rotation.
    pub webhook_secret: String,
    /// Where webhooks go; nowhere when unset.
    pub webhook_url: Option<String>,
    /// What is kept of every capture.
    pub fee: Fee,
    /// How long a refund takes that does not end at once.
    pub refund_delay: Duration,
    /// The pause before the first repetition of a webhook; it doubles with each.
    pub retry_pause: Duration,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            secret_key: "sk_test_sandbox".to_owned(),
            webhook_secret: "whsec_sandbox".to_owned(),
            webhook_url: None,
            // Stripe's public price for European cards.
            fee: Fee { basis_points: 150, fixed_minor: 25 },
            refund_delay: Duration::from_millis(500),
            retry_pause: Duration::from_millis(100),
        }
    }
}

/// A running sandbox. Dropping it closes the listener and ends deliveries.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    _listening: Listening,
}

/// What the routes work with.
#[derive(Debug)]
struct Shared {
    base_url: String,
    config: SandboxConfig,
    state: Mutex<State>,
    webhooks: Webhooks,
}

/// Everything that one call changes as a whole.
#[derive(Debug)]
struct State {
    account: Account,
    keys: Keys,
    faults: Faults,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes events of what has just changed and sends them on their way, and refunds on theirs.
    fn publish(self: &Arc<Self>, state: &mut State, request: Option<&(String, Option<String>)>) {
        let events = state.account.publish(request);
        for refund in state.account.take_unsettled() {
            let shared = Arc::downgrade(self);
            let delay = self.config.refund_delay;
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let Some(shared) = shared.upgrade() else { return };
                let mut state = shared.state();
                if let Err(error) = state.account.settle_refund(&refund) {
                    tracing::error!(body = %error.body(), "a refund could not be settled");
                }
                shared.publish(&mut state, None);
            });
        }
        for event in events {
            self.webhooks.send(event);
        }
    }
}

impl Sandbox {
    /// Binds the listener and starts answering.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(config: SandboxConfig) -> anyhow::Result<Self> {
        let listener = crate::ports::bind("the Stripe sandbox", config.listen).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let clock = Clock::system();
        let account = Account::new(clock.clone(), config.fee, base_url.clone());
        let (webhooks, deliveries) = Webhooks::new(&config, clock);
        let state = Mutex::new(State { account, keys: Keys::default(), faults: Faults::default() });
        let shared = Arc::new(Shared { base_url, config, state, webhooks });
        let delivered = Arc::downgrade(&shared);
        tokio::spawn(deliveries.run(move |event| {
            if let Some(shared) = delivered.upgrade()
                && let Some(event) = shared.state().account.events.get_mut(event)
            {
                event.pending = false;
            }
        }));
        let expiring = Arc::downgrade(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(EXPIRY_PACE).await;
                let Some(shared) = expiring.upgrade() else { return };
                let mut state = shared.state();
                state.account.expire_due();
                shared.publish(&mut state, None);
            }
        });
        let router = routes::router(Arc::clone(&shared));
        Ok(Self { shared, _listening: Listening::serve(listener, router) })
    }

    /// What stands before `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// Where webhooks go from now on.
    pub fn set_webhook_url(&self, url: Option<String>) {
        self.shared.webhooks.set_url(url);
    }
}
