//! Kong's own plugins: what the gateway does without a filter of ours. They run before the filters.

use serde_yaml_ng::Value;

use crate::deployment::Deployment;
use crate::table::{Route, RouteTable};
use crate::{IDENTITY_HEADERS, INTERNAL_HEADERS};

pub(super) fn global(table: &RouteTable, deployment: &Deployment) -> Value {
    let mut plugins = vec![cors(&deployment.origins, table), rate_limit(deployment), strip(), prometheus()];
    if let Some(collector) = &deployment.otlp {
        plugins.push(opentelemetry(collector));
    }
    Value::Sequence(plugins)
}

fn plugin(name: &str, config: Value) -> Value {
    map! { "name" => name, "config" => config }
}

/// A preflight ends here, before anybody asks for a token.
fn cors(origins: &[String], table: &RouteTable) -> Value {
    let mut methods: Vec<String> = table.routes().iter().flat_map(|route| route.methods.clone()).collect();
    methods.push("OPTIONS".to_owned());
    methods.sort_unstable();
    methods.dedup();
    plugin(
        "cors",
        map! {
            "origins" => origins.to_vec(),
            "methods" => methods,
            "headers" => crate::CORS_REQUEST_HEADERS.to_vec(),
            "exposed_headers" => crate::CORS_RESPONSE_HEADERS.to_vec(),
            // Tokens travel in a header, never in a cookie.
            "credentials" => false,
            "max_age" => 600,
            "preflight_continue" => false,
        },
    )
}

/// Per address and node. Kong's default key would be the consumer, which no filter sets.
fn rate_limit(deployment: &Deployment) -> Value {
    plugin(
        "rate-limiting",
        map! {
            "second" => deployment.limits.requests_per_second_per_address,
            "limit_by" => "ip",
            "policy" => "local",
            "fault_tolerant" => true,
            "hide_client_headers" => false,
        },
    )
}

/// The token filter strips them again: identity must not hang on one line of configuration.
fn strip() -> Value {
    let headers: Vec<&str> = IDENTITY_HEADERS.iter().chain(&INTERNAL_HEADERS).copied().collect();
    plugin("request-transformer", map! { "remove" => map! { "headers" => headers } })
}

fn prometheus() -> Value {
    plugin(
        "prometheus",
        map! {
            "status_code_metrics" => true,
            "latency_metrics" => true,
            "bandwidth_metrics" => true,
            "upstream_health_metrics" => true,
            "per_consumer" => false,
        },
    )
}

/// An empty `extract` begins the trace at the edge: nobody outside decides what is recorded.
fn opentelemetry(collector: &str) -> Value {
    plugin(
        "opentelemetry",
        map! {
            "traces_endpoint" => format!("{collector}/v1/traces"),
            "resource_attributes" => map! { "service.name" => "gateway" },
            "sampling_rate" => 0.1,
            "propagation" => map! {
                "extract" => list![],
                "clear" => list!["tracestate", "baggage"],
                "inject" => list!["w3c"],
                "default_format" => "w3c",
            },
        },
    )
}

/// The largest body of a route; the whole of it is read, with or without a length in front.
pub(super) fn body_limit(route: &Route) -> Value {
    plugin(
        "request-size-limiting",
        map! {
            "allowed_payload_size" => u64::from(route.body_limit_kib) * 1024,
            "size_unit" => "bytes",
            "require_content_length" => false,
        },
    )
}

pub(super) fn not_found() -> Value {
    let body = r#"{"type":"urn:jobzy:problem:no-such-route","title":"There is nothing at this path and method","status":404}"#;
    plugin(
        "request-termination",
        map! { "status_code" => 404, "content_type" => "application/problem+json", "body" => body },
    )
}
