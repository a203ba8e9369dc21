//! What surrounds every sidecar's routes, and what every sidecar starts with.
//!
//! From the outside in: request context (correlation id, trace), access log and metrics, panics to
//! 500, then `/health/*` and the sidecar's router, with 404 and 405 as problem+json.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::auth::Authenticator;
use crate::client::{HttpClient, ServiceToken};
use crate::clock::Clock;
use crate::config::{ConfigError, Env};
use crate::context::{CORRELATION_ID, RequestContext};
use crate::health::Health;
use crate::problem::Problem;
use crate::shutdown::Shutdown;
use crate::telemetry::{MetricsHandle, metrics_handle};

/// How long background work may take to stop after the server has drained.
const TASK_DRAIN: Duration = Duration::from_secs(5);

/// Extra headers on every answer: JSON is never to be sniffed into something else, nor kept by a shared cache
/// unless the route says so.
const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// What a sidecar is handed at its start; clones share everything.
#[derive(Clone, Debug)]
pub struct Common {
    /// `jobzy-<name>`, in logs and metrics.
    pub service: &'static str,
    /// The environment, for the sidecar's own configuration.
    pub env: Env,
    /// The clock.
    pub clock: Clock,
    /// The HTTP client.
    pub client: HttpClient,
    /// The health checks; register what the sidecar cannot work without.
    pub health: Health,
    /// The metrics.
    pub metrics: MetricsHandle,
    /// The wish to stop, for background work.
    pub shutdown: Shutdown,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Common {
    /// The parts of a service in this environment.
    pub fn new(service: &'static str, env: Env, clock: Clock, shutdown: Shutdown) -> Self {
        Self {
            service,
            env,
            clock,
            client: HttpClient::new(),
            health: Health::default(),
            metrics: metrics_handle(),
            shutdown,
            tasks: Arc::default(),
        }
    }

    /// Starts verifying tokens by `OIDC_ISSUER` and `OIDC_AUDIENCE`, and makes readiness wait for the keys.
    pub fn authenticator(&self) -> Result<Authenticator, ConfigError> {
        let issuer = self.address("OIDC_ISSUER")?;
        let audience = self.env.required("OIDC_AUDIENCE")?;
        let authenticator = Authenticator::start(&issuer, &audience, self.client.clone(), self.clock.clone());
        let checked = authenticator.clone();
        self.health.check("identity", move || {
            let ready = checked.is_ready();
            async move { if ready { Ok(()) } else { Err("no signing keys are known") } }
        });
        Ok(authenticator)
    }

    /// The token to show to other services, by `OIDC_ISSUER`, `OIDC_CLIENT_ID` and `OIDC_CLIENT_SECRET`.
    pub fn service_token(&self) -> Result<ServiceToken, ConfigError> {
        // Keycloak's layout below the realm; discovery would only repeat it, later and fallibly.
        let token_url = format!("{}/protocol/openid-connect/token", self.address("OIDC_ISSUER")?);
        let id = self.env.required("OIDC_CLIENT_ID")?;
        let secret = self.env.required("OIDC_CLIENT_SECRET")?;
        Ok(ServiceToken::new(self.client.clone(), token_url, &id, &secret))
    }

    /// A required http or https address, without a slash at its end.
    pub fn address(&self, name: &str) -> Result<String, ConfigError> {
        let address = self.env.required(name)?;
        let address = address.trim_end_matches('/');
        let uri: http::Uri = address.parse().map_err(|error| ConfigError::new(name, error))?;
        if uri.authority().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(ConfigError::new(name, "must be an http or https address"));
        }
        Ok(address.to_owned())
    }

    /// Runs background work until it ends; it should end soon after `shutdown`. Needs a tokio runtime.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        let watched = async move {
            let outcome = AssertUnwindSafe(work).catch_unwind().await;
            if outcome.is_err() || !shutdown.is_requested() {
                tracing::error!(task = name, panicked = outcome.is_err(), "background work ended early");
            }
        };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(watched);
    }

    /// Waits a bounded time for the background work, then aborts what is left.
    pub async fn finish_tasks(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(TASK_DRAIN, all).await.is_err() {
            tracing::warn!(tasks = tasks.len(), "background work did not stop in time");
        }
        tasks.shutdown().await;
    }
}

/// Adds the standard surroundings to a sidecar's finished router.
pub fn standard_layers(router: Router, common: &Common) -> Router {
    router
        .merge(common.health.router())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This method is not allowed here",
            )
        })
        .layer(from_fn(observe))
        .layer(from_fn_with_state(common.clock.clone(), contextual))
}

/// The metrics server's router.
pub fn metrics_router(metrics: MetricsHandle) -> Router {
    let render = move || {
        let text = metrics.render();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    Router::new().route("/metrics", get(render))
}

async fn contextual(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let context = RequestContext::accept(request.headers(), &clock);
    let id = HeaderValue::from_str(context.correlation_id.as_str());
    let mut response = context.scope(next.run(request)).await;
    let headers = response.headers_mut();
    if let Ok(id) = id {
        headers.insert(CORRELATION_ID, id);
    }
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    response
}

async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let in_flight = metrics::gauge!("http_requests_in_flight");
    in_flight.increment(1.0);
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    in_flight.decrement(1.0);
    let response = outcome.unwrap_or_else(|panic| Problem::internal(&panic_message(&*panic)).into_response());
    let took = begun.elapsed();
    let status = response.status();
    // Unmatched paths are the client's invention and would make a label value each.
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let label = method_label(&method);
    metrics::counter!("http_requests_total", "method" => label, "path" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!("http_request_seconds", "method" => label, "path" => route.clone())
        .record(took.as_secs_f64());
    // Probes come every few seconds and say nothing.
    if !route.starts_with("/health/") {
        tracing::info!(
            http.request.method = label,
            http.route = %route,
            url.path = %path,
            http.response.status_code = status.as_u16(),
            event.duration = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
            "request answered"
        );
    }
    response
}

fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests;
