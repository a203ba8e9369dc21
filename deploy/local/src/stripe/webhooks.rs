//! Webhooks: each event posted and signed, again and again until somebody says 2xx.
//!
//! <https://docs.stripe.com/webhooks>: events may come late, twice, and in another order than they happened.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::Full;
use jobzy_service::clock::Clock;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::SandboxConfig;
use super::objects::Event;
use super::shelf::Object;
use crate::http::LoopbackClient;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// After so many attempts nothing is sent again; with doubling pauses that is about seven minutes.
const MAX_ATTEMPTS: u32 = 12;
/// Events are put out of order with those that follow within this time.
const REORDER_WINDOW: Duration = Duration::from_millis(150);
const PAUSE_POLL: Duration = Duration::from_millis(20);
/// Older attempts are forgotten.
const MAX_LOG: usize = 10_000;

/// How webhooks arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manner {
    /// So many times more than once.
    pub duplicate: u32,
    /// So much later.
    pub delay_ms: u64,
    /// Those that happened close together arrive last first.
    pub reorder: bool,
    /// Not at all, until this is switched off.
    pub paused: bool,
}

/// The sending end.
#[derive(Debug)]
pub struct Webhooks {
    shared: Arc<Shared>,
    queue: UnboundedSender<Event>,
}

/// The delivering end.
#[derive(Debug)]
pub struct Deliveries {
    shared: Arc<Shared>,
    queue: UnboundedReceiver<Event>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    secrets: Vec<String>,
    retry_pause: Duration,
    client: LoopbackClient,
    settings: Mutex<Settings>,
}

#[derive(Debug)]
struct Settings {
    url: Option<String>,
    manner: Manner,
    log: Vec<Value>,
}

impl Webhooks {
    /// Both ends.
    pub fn new(config: &SandboxConfig, clock: Clock) -> (Self, Deliveries) {
        let secrets = config.webhook_secret.split(',').map(|secret| secret.trim().to_owned()).collect();
        let settings =
            Settings { url: config.webhook_url.clone(), manner: Manner::default(), log: Vec::new() };
        let shared = Arc::new(Shared {
            clock,
            secrets,
            retry_pause: config.retry_pause,
            client: LoopbackClient::new(),
            settings: Mutex::new(settings),
        });
        let (sender, receiver) = unbounded_channel();
        (Self { shared: Arc::clone(&shared), queue: sender }, Deliveries { shared, queue: receiver })
    }

    /// Sends an event on its way.
    pub fn send(&self, event: Event) {
        // The other end is gone when the sandbox is: nobody is left to be told.
        let _ = self.queue.send(event);
    }

    /// Where webhooks go from now on.
    pub fn set_url(&self, url: Option<String>) {
        self.shared.settings(|settings| settings.url = url);
    }

    /// How they arrive from now on.
    pub fn set_manner(&self, manner: Manner) {
        self.shared.settings(|settings| settings.manner = manner);
    }

    /// Every attempt, oldest first.
    pub fn log(&self) -> Vec<Value> {
        self.shared.settings(|settings| settings.log.clone())
    }
}

impl Deliveries {
    /// Delivers until the sending end is dropped; `delivered` is told the ids of events that arrived.
    pub async fn run(mut self, delivered: impl Fn(&str) + Clone + Send + 'static) {
        while let Some(event) = self.queue.recv().await {
            let mut batch = vec![event];
            while self.shared.settings(|settings| settings.manner.reorder) {
                match tokio::time::timeout(REORDER_WINDOW, self.queue.recv()).await {
                    Ok(Some(event)) => batch.push(event),
                    Ok(None) | Err(_) => break,
                }
            }
            batch.reverse();
            for event in batch {
                self.shared.wait_for_turn().await;
                if self.shared.deliver(&event, 1).await {
                    delivered(&event.id);
                } else if self.shared.settings(|settings| settings.url.is_some()) {
                    tokio::spawn(retry(Arc::clone(&self.shared), event, delivered.clone()));
                }
            }
        }
    }
}

async fn retry(shared: Arc<Shared>, event: Event, delivered: impl Fn(&str)) {
    let mut pause = shared.retry_pause;
    for attempt in 2..=MAX_ATTEMPTS {
        tokio::time::sleep(pause).await;
        pause *= 2;
        shared.wait_for_turn().await;
        if shared.deliver(&event, attempt).await {
            return delivered(&event.id);
        }
    }
    tracing::warn!(event = event.id, "a webhook was given up");
}

impl Shared {
    fn settings<T>(&self, work: impl FnOnce(&mut Settings) -> T) -> T {
        work(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn wait_for_turn(&self) {
        tokio::time::sleep(Duration::from_millis(self.settings(|settings| settings.manner.delay_ms))).await;
        while self.settings(|settings| settings.manner.paused) {
            tokio::time::sleep(PAUSE_POLL).await;
        }
    }

    /// One attempt, with its duplicates; whether the last of them arrived.
    async fn deliver(&self, event: &Event, attempt: u32) -> bool {
        let Some(url) = self.settings(|settings| settings.url.clone()) else { return false };
        let copies = self.settings(|settings| settings.manner.duplicate).saturating_add(1);
        let body = event.to_json().to_string();
        let mut arrived = false;
        for _ in 0..copies {
            let outcome = self.post(&url, body.clone()).await;
            arrived = matches!(outcome, Ok(status) if (200..300).contains(&status));
            let line = json!({
                "event": event.id,
                "type": event.kind,
                "attempt": attempt,
                "url": url,
                "status": outcome.as_ref().ok(),
                "error": outcome.as_ref().err(),
            });
            self.settings(|settings| {
                if settings.log.len() < MAX_LOG {
                    settings.log.push(line);
                }
            });
        }
        arrived
    }

    async fn post(&self, url: &str, body: String) -> Result<u16, String> {
        let request = Request::post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (sandbox)")
            .header("stripe-signature", self.signature(&body))
            .body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client.send(request, TIMEOUT).await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| format!("{error:#}"))
    }

    /// `t=<seconds>,v1=<HMAC-SHA256 of "t.body", hexadecimal>`, one `v1` per secret.
    fn signature(&self, body: &str) -> String {
        let at = self.clock.unix_s();
        let mut header = format!("t={at}");
        for secret in &self.secrets {
            // HMAC takes keys of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
            mac.update(format!("{at}.{body}").as_bytes());
            header.push_str(",v1=");
            header.push_str(&hex::encode(mac.finalize().into_bytes()));
        }
        header
    }
}
