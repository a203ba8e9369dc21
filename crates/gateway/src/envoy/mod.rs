//! Envoy's configuration: a bootstrap that rarely changes and a route file that Envoy reads again by itself.
//!
//! Written for Envoy 1.40 and accepted by it without a warning.

mod clusters;
mod http_filters;
mod listener;
mod log;
mod replies;
mod route;

use serde_yaml_ng::Value;

use crate::deployment::{Deployment, DeploymentError};
use crate::table::RouteTable;

/// The name under which the listener asks for its routes.
const ROUTE_CONFIG: &str = "jobzy_routes";

/// The bootstrap: admin, listener with its filters, clusters.
///
/// # Errors
/// When the deployment does not fit the table.
pub fn bootstrap(table: &RouteTable, deployment: &Deployment) -> Result<String, DeploymentError> {
    deployment.check(table)?;
    let document = map! {
        // Both are mandatory where routes come from a file.
        "node" => map! { "id" => "jobzy-gateway", "cluster" => "jobzy-gateway" },
        "admin" => map! { "address" => socket(&deployment.admin.ip().to_string(), deployment.admin.port()) },
        // Without a limit of its own Envoy warns, and rightly.
        "overload_manager" => map! {
            "resource_monitors" => list![map! {
                "name" => "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config" => map! {
                    "@type" => "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections" => deployment.limits.connections,
                },
            }],
        },
        "static_resources" => map! {
            "listeners" => list![listener::listener(table, deployment)?],
            "clusters" => clusters::clusters(table, deployment),
        },
    };
    render(&document)
}

/// The route file, for Envoy's file-based route discovery.
///
/// # Errors
/// When the deployment does not fit the table.
pub fn routes(table: &RouteTable, deployment: &Deployment) -> Result<String, DeploymentError> {
    deployment.check(table)?;
    render(&map! { "resources" => list![route::configuration(table, deployment)] })
}

fn render(document: &Value) -> Result<String, DeploymentError> {
    crate::yaml::render(document).map_err(|error| DeploymentError::Render(error.to_string()))
}

fn socket(address: &str, port: u16) -> Value {
    map! { "socket_address" => map! { "address" => address, "port_value" => port } }
}

/// Milliseconds as Envoy spells a duration.
fn milliseconds(ms: u32) -> String {
    format!("{}.{:03}s", ms / 1000, ms % 1000)
}
