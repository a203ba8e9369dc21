//! `/health/live` and `/health/ready`: is the process running, and can it do its work.
//!
//! Live never looks at anything outside the process, otherwise a slow database would get every
//! replica restarted. Ready runs all registered checks at once, each bounded by [`CHECK_TIMEOUT`].
//! Neither is routed through the gateway.

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

/// How long one check may take before it counts as down.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Outcome = Result<(), String>;
type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

enum Part {
    Checked(Check),
    Off(String),
}

type NamedPart = (String, Arc<Part>);

/// The registered checks; clones share them.
#[derive(Clone, Default)]
pub struct Health(Arc<RwLock<Vec<NamedPart>>>);

impl Health {
    /// Registers a part this service cannot work without.
    pub fn check<F, Fut, E>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let boxed: Check = Arc::new(move || {
            let running = check();
            Box::pin(async move { running.await.map_err(|error| error.to_string()) })
        });
        self.push(name.into(), Part::Checked(boxed));
    }

    /// Shows an integration that configuration has switched off; it does not make the service unready.
    pub fn off(&self, name: impl Into<String>, reason: impl Into<String>) {
        let (name, reason) = (name.into(), reason.into());
        tracing::info!(integration = %name, reason = %reason, "integration is off");
        self.push(name, Part::Off(reason));
    }

    fn push(&self, name: String, part: Part) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push((name, Arc::new(part)));
    }

    /// Runs all checks: whether all are up, and the body of `/health/ready`.
    pub async fn ready(&self) -> (bool, Value) {
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let results = futures::future::join_all(parts.into_iter().map(|(name, part)| async move {
            let (up, shown) = probe(&name, &part).await;
            (name, up, shown)
        }));
        let mut all_up = true;
        let mut shown = Map::new();
        for (name, up, value) in results.await {
            all_up &= up;
            shown.insert(name, value);
        }
        (all_up, json!({ "status": if all_up { "up" } else { "down" }, "checks": shown }))
    }

    /// The two routes.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let health = self.clone();
        let ready = move || {
            let health = health.clone();
            async move {
                let (up, body) = health.ready().await;
                answer(if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
            }
        };
        Router::new()
            .route("/health/live", get(|| async { answer(StatusCode::OK, &json!({ "status": "up" })) }))
            .route("/health/ready", get(ready))
    }
}

/// Shows names only; the checks are closures.
impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(parts.iter().map(|(name, _)| name)).finish()
    }
}

async fn probe(name: &str, part: &Part) -> (bool, Value) {
    let check = match part {
        Part::Off(reason) => return (true, json!({ "status": "off", "reason": reason })),
        Part::Checked(check) => check,
    };
    let outcome = tokio::time::timeout(CHECK_TIMEOUT, check()).await;
    match outcome.unwrap_or_else(|_| Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs()))) {
        Ok(()) => (true, json!({ "status": "up" })),
        Err(reason) => {
            // The reason may name hosts and tables: it belongs in the log, not in an answer.
            tracing::warn!(check = %name, error.message = %reason, "health check is down");
            (false, json!({ "status": "down" }))
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_part_down_makes_the_whole_unready_and_hides_why() {
        let health = Health::default();
        health.check("good", || async { Ok::<_, String>(()) });
        health.check("bad", || async { Err("db.internal:3306 refused") });
        let (up, body) = health.ready().await;
        assert!(!up);
        assert_eq!(body["checks"]["good"]["status"], "up");
        assert_eq!(body["checks"]["bad"], json!({ "status": "down" }));
    }

    #[tokio::test]
    async fn a_part_that_is_off_is_shown_and_does_no_harm() {
        let health = Health::default();
        health.off("chat", "CHATWOOT_URL is not set");
        let (up, body) = health.ready().await;
        assert!(up);
        assert_eq!(body["checks"]["chat"]["status"], "off");
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_counts_as_down() {
        let health = Health::default();
        health.check("slow", std::future::pending::<Result<(), String>>);
        assert!(!health.ready().await.0);
    }
}
