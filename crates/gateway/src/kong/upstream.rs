//! Upstreams: the sidecars' instances and how a dead one is found.

use serde_yaml_ng::Value;

use crate::deployment::{Deployment, Upstream};
use crate::table::RouteTable;

/// The name of a sidecar's upstream, which Kong's services have as their host.
pub(super) fn name(service: &str) -> String {
    format!("{service}.upstream")
}

pub(super) fn upstreams(table: &RouteTable, deployment: &Deployment) -> Value {
    let services = table.services().iter().filter_map(|name| Some((name, deployment.services.get(name)?)));
    Value::Sequence(services.map(|(name, upstream)| self::upstream(name, upstream)).collect())
}

fn upstream(service: &str, upstream: &Upstream) -> Value {
    let targets: Vec<Value> =
        upstream.hosts.iter().map(|host| map! { "target" => host.as_str(), "weight" => 100 }).collect();
    map! {
        "name" => name(service),
        "algorithm" => "least-connections",
        "healthchecks" => map! { "threshold" => 0, "active" => active(upstream), "passive" => passive(upstream) },
        "targets" => targets,
    }
}

/// A dead instance is out after two intervals and a timeout. Only this brings an instance back that the passive
/// check has put out.
fn active(upstream: &Upstream) -> Value {
    map! {
        "type" => upstream.scheme(),
        "http_path" => "/health/ready",
        "timeout" => 1,
        "concurrency" => 10,
        "healthy" => map! { "interval" => 2, "successes" => 1, "http_statuses" => list![200] },
        "unhealthy" => map! {
            "interval" => 2,
            "http_failures" => 2,
            "tcp_failures" => 2,
            "timeouts" => 2,
            "http_statuses" => list![429, 500, 502, 503, 504],
        },
    }
}

/// Refused connections count at once; of answers only a gateway's own, or one poisonous request would put the
/// instances out one by one.
fn passive(upstream: &Upstream) -> Value {
    map! {
        "type" => upstream.scheme(),
        "healthy" => map! { "successes" => 1, "http_statuses" => list![200, 201, 202, 204, 304] },
        "unhealthy" => map! {
            "http_failures" => 5,
            "tcp_failures" => 1,
            "timeouts" => 2,
            "http_statuses" => list![502, 504],
        },
    }
}
