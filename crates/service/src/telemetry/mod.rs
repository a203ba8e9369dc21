//! Logs and metrics: JSON lines with ECS names on stdout, Prometheus text on a port of its own.
//!
//! Nothing here ever sees a header or a body; callers log identifiers and reasons, never tokens,
//! card numbers or payloads.

mod ecs;

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Env};
pub use ecs::EcsLayer;

/// Upper edges of the time histograms, in seconds; one lies exactly on the 100 ms promise.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Access to the collected metrics; all handles of a process show the same ones.
#[derive(Clone)]
pub struct MetricsHandle(PrometheusHandle);

impl MetricsHandle {
    /// All metrics as Prometheus text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples into their histograms; to be called every few seconds, as samples pile up between scrapes.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl std::fmt::Debug for MetricsHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsHandle")
    }
}

/// Reads `LOG_LEVEL`: a level, or a list such as `info,hyper=warn`. Default `info`.
pub fn log_level(env: &Env) -> Result<Targets, ConfigError> {
    env.parse("LOG_LEVEL", Targets::new().with_default(tracing::Level::INFO))
}

/// Starts logging and metrics for this process. Where something else already logs or counts, as when
/// tests run several services in one process, that stays in place.
pub fn init(service: &'static str, level: Targets) -> MetricsHandle {
    // A second start is no error, see above.
    let _ = tracing_subscriber::registry().with(level).with(EcsLayer::stdout(service)).try_init();
    metrics_handle()
}

/// The process-wide metrics, installed when first asked for.
pub fn metrics_handle() -> MetricsHandle {
    let handle = METRICS.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        // The only error is an empty list.
        let builder = builder.set_buckets(&SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics will be empty");
        }
        handle
    });
    MetricsHandle(handle.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_twice_is_harmless_and_counts_once() {
        let level = || log_level(&Env::default()).unwrap();
        let first = init("jobzy-test", level());
        let second = init("jobzy-test", level());
        metrics::counter!("telemetry_test_total").increment(2);
        for handle in [first, second] {
            assert!(handle.render().contains("telemetry_test_total 2"));
        }
    }

    #[test]
    fn a_bad_level_names_its_variable() {
        let env = Env::from_pairs([("LOG_LEVEL", "a=b=c")]);
        assert_eq!(log_level(&env).unwrap_err().name, "LOG_LEVEL");
    }
}
