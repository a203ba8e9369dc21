//! The HTTP filters in their order; why in this order says the head of the crate.

use serde_yaml_ng::Value;

use crate::deployment::{Deployment, DeploymentError};
use crate::filters::{self, Host};
use crate::table::RouteTable;

/// What happens to requests while a filter is broken.
enum OnFailure {
    /// They are refused until a fresh instance is up, about a second later.
    Reload,
    /// They pass it by.
    Open,
}

pub(super) const BUFFER: &str = "envoy.filters.http.buffer";
pub(super) const CORS: &str = "envoy.filters.http.cors";

pub(super) fn chain(table: &RouteTable, deployment: &Deployment) -> Result<Value, DeploymentError> {
    let jwt_auth = filters::jwt_auth(Host::Envoy, table.routes(), deployment)?;
    let mut chain = vec![
        wasm(filters::CORRELATION_ID, &filters::correlation_id(), &OnFailure::Reload, deployment),
        named(CORS, "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"),
        local_ratelimit(deployment),
        wasm(filters::JWT_AUTH, &jwt_auth, &OnFailure::Reload, deployment),
        // After the token, so that a stranger cannot make the gateway gather bodies; before the price cache,
        // which then gets the body in one piece. Limits are per route.
        map! {
            "name" => BUFFER,
            "disabled" => true,
            "typed_config" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
                "max_request_bytes" => 1024,
            },
        },
    ];
    if let Some(config) = filters::pricing_cache(Host::Envoy, table, deployment)? {
        let mut cache = wasm(filters::PRICING_CACHE, &config, &OnFailure::Open, deployment);
        if let Value::Mapping(fields) = &mut cache {
            fields.insert("disabled".into(), true.into());
        }
        chain.push(cache);
    }
    chain.push(map! {
        "name" => "envoy.filters.http.router",
        "typed_config" => map! {
            "@type" => "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers" => true,
        },
    });
    Ok(Value::Sequence(chain))
}

fn named(name: &str, kind: &str) -> Value {
    map! { "name" => name, "typed_config" => map! { "@type" => kind } }
}

/// A VM of its own per filter: filters may share one only if they are one module.
///
/// `allow_on_headers_stop_iteration` is on only for the filter that holds headers back until it has read the body,
/// which never calls out: while one waits for an answer, the body of its request would go on to the sidecar.
fn wasm(name: &str, config: &serde_json::Value, failure: &OnFailure, deployment: &Deployment) -> Value {
    let failure_policy = match failure {
        OnFailure::Reload => "FAIL_RELOAD",
        OnFailure::Open => "FAIL_OPEN",
    };
    let holds_headers = config.get("hold_headers").and_then(serde_json::Value::as_bool).unwrap_or(false);
    map! {
        "name" => name,
        "typed_config" => map! {
            "@type" => "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config" => map! {
                "name" => name,
                "root_id" => name,
                "failure_policy" => failure_policy,
                "allow_on_headers_stop_iteration" => holds_headers,
                "vm_config" => map! {
                    "vm_id" => name,
                    "runtime" => "envoy.wasm.runtime.v8",
                    "code" => map! {
                        "local" => map! { "filename" => format!("{}/{name}.wasm", deployment.filters) },
                    },
                },
                "configuration" => map! {
                    "@type" => "type.googleapis.com/google.protobuf.StringValue",
                    "value" => config.to_string(),
                },
            },
        },
    }
}

/// A bucket for everybody, and one per address, so that one flood does not shut out the rest.
fn local_ratelimit(deployment: &Deployment) -> Value {
    let limits = &deployment.limits;
    let always = |key: &str| {
        map! {
            "runtime_key" => key,
            "default_value" => map! { "numerator" => 100, "denominator" => "HUNDRED" },
        }
    };
    let bucket = |per_second: u32| {
        map! {
            "max_tokens" => per_second.saturating_mul(2),
            "tokens_per_fill" => per_second,
            "fill_interval" => "1s",
        }
    };
    map! {
        "name" => "envoy.filters.http.local_ratelimit",
        "typed_config" => map! {
            "@type" => "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
            "stat_prefix" => "gateway",
            "token_bucket" => bucket(limits.requests_per_second),
            "filter_enabled" => always("gateway.rate_limit_enabled"),
            "filter_enforced" => always("gateway.rate_limit_enforced"),
            "rate_limits" => list![map! { "actions" => list![map! { "remote_address" => map! {} }] }],
            // An entry without a value stands for every address; the least recently seen make room.
            "descriptors" => list![map! {
                "entries" => list![map! { "key" => "remote_address" }],
                "token_bucket" => bucket(limits.requests_per_second_per_address),
            }],
            "max_dynamic_descriptors" => 20_000,
        },
    }
}
