//! Clusters: where the sidecars and the issuer are, and how a dead instance is found.

use std::net::IpAddr;

use serde_yaml_ng::Value;

use super::socket;
use crate::deployment::{Deployment, Upstream};
use crate::filters::KEYS_UPSTREAM;
use crate::table::RouteTable;

pub(super) fn clusters(table: &RouteTable, deployment: &Deployment) -> Value {
    let services = table.services().iter().filter_map(|name| Some((name, deployment.services.get(name)?)));
    let mut clusters: Vec<Value> = services.map(|(name, upstream)| sidecar(name, upstream)).collect();
    clusters.push(base(KEYS_UPSTREAM, &deployment.identity.upstream));
    Value::Sequence(clusters)
}

fn sidecar(name: &str, upstream: &Upstream) -> Value {
    let mut cluster = base(name, upstream);
    let Value::Mapping(fields) = &mut cluster else { return cluster };
    let mut set = |key: &str, value: Value| fields.insert(Value::from(key), value);
    set("lb_policy", "LEAST_REQUEST".into());
    set("health_checks", list![health_check()]);
    // With two or three instances the default threshold of 50 % would send requests to dead ones.
    set("common_lb_config", map! { "healthy_panic_threshold" => map! { "value" => 0 } });
    // A lone instance is never ejected: that would turn an error into an outage. A name may have many.
    if upstream.hosts.len() > 1 || !is_literal(upstream) {
        set("outlier_detection", outlier_detection());
    }
    set(
        "circuit_breakers",
        map! {
            "thresholds" => list![map! {
                "priority" => "DEFAULT",
                "max_connections" => 1024,
                "max_pending_requests" => 1024,
                "max_requests" => 1024,
                "retry_budget" => map! {
                    "budget_percent" => map! { "value" => 20.0 },
                    "min_retry_concurrency" => 3,
                },
                "track_remaining" => true,
            }],
        },
    );
    cluster
}

fn base(name: &str, upstream: &Upstream) -> Value {
    let endpoints: Vec<Value> = upstream
        .addresses()
        .map(|(host, port)| map! { "endpoint" => map! { "address" => socket(host, port) } })
        .collect();
    let mut cluster = map! {
        "name" => name,
        "type" => if is_literal(upstream) { "STATIC" } else { "STRICT_DNS" },
        "connect_timeout" => "1s",
        "load_assignment" => map! {
            "cluster_name" => name,
            "endpoints" => list![map! { "lb_endpoints" => endpoints }],
        },
        // Shorter than a sidecar's patience with an idle connection: the gateway closes first, so that no
        // request is sent into a connection that is being closed.
        "typed_extension_protocol_options" => map! {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options" => map! { "idle_timeout" => "20s" },
                "explicit_http_config" => map! { "http_protocol_options" => map! {} },
            },
        },
    };
    if upstream.tls
        && let Value::Mapping(fields) = &mut cluster
    {
        fields.insert("transport_socket".into(), tls());
    }
    cluster
}

fn is_literal(upstream: &Upstream) -> bool {
    upstream.addresses().all(|(host, _)| host.parse::<IpAddr>().is_ok())
}

/// The name that is asked for must be the one in the certificate, signed by an authority of the system.
fn tls() -> Value {
    map! {
        "name" => "envoy.transport_sockets.tls",
        "typed_config" => map! {
            "@type" => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "auto_host_sni" => true,
            "auto_sni_san_validation" => true,
            "common_tls_context" => map! {
                "validation_context" => map! {
                    "trusted_ca" => map! { "filename" => "/etc/ssl/certs/ca-certificates.crt" },
                },
            },
        },
    }
}

/// A dead instance is out after at most two intervals and a timeout: 5 s. One success brings it back, since
/// `/health/ready` speaks for all that a sidecar needs. An instance that is out is asked more often: Envoy's
/// first question at its start tends to time out while the filters are being compiled.
fn health_check() -> Value {
    map! {
        "timeout" => "1s",
        "interval" => "2s",
        "no_traffic_interval" => "2s",
        "unhealthy_interval" => "0.5s",
        "unhealthy_threshold" => 2,
        "healthy_threshold" => 1,
        "http_health_check" => map! { "path" => "/health/ready" },
    }
}

/// Counts what the instance did not answer, and a gateway error of its own; not every 5xx, or one poisonous
/// request would take the instances out one by one.
fn outlier_detection() -> Value {
    map! {
        "split_external_local_origin_errors" => true,
        "consecutive_local_origin_failure" => 2,
        "consecutive_gateway_failure" => 5,
        "enforcing_consecutive_gateway_failure" => 100,
        "enforcing_consecutive_5xx" => 0,
        "enforcing_success_rate" => 0,
        "enforcing_local_origin_success_rate" => 0,
        "interval" => "1s",
        "base_ejection_time" => "10s",
        "max_ejection_time" => "60s",
        "max_ejection_percent" => 50,
        "always_eject_one_host" => false,
    }
}
