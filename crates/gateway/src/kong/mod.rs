//! Kong 3.9's configuration: the declarative file and `kong.conf`.
//!
//! The shape follows two facts about Kong. Timeouts and retries belong to a *service*, so routes are grouped
//! into one Kong service per sidecar, timeout and rewritten path. And a filter chain belongs to a service or a
//! route, the service's filters first; so the correlation id and the token check are the service's, told about
//! exactly its routes, and the price cache is the route's. A public route needs no chain of its own: the
//! policy says that it is public.

mod conf;
mod plugins;
mod upstream;

use serde_json::Value as Json;
use serde_yaml_ng::Value;

use crate::deployment::{Deployment, DeploymentError};
use crate::filters::{self, Host};
use crate::table::{Cache, NO_ROUTE, Route, RouteTable};
pub use conf::conf;

/// The declarative configuration.
///
/// # Errors
/// When the deployment does not fit the table.
pub fn declarative(table: &RouteTable, deployment: &Deployment) -> Result<String, DeploymentError> {
    deployment.check(table)?;
    let services = groups(table).into_iter().map(|(name, routes)| service(&name, &routes, table, deployment));
    let mut services = services.collect::<Result<Vec<Value>, _>>()?;
    services.push(no_route(&table.services().first().cloned().unwrap_or_default()));
    let document = map! {
        "_format_version" => "3.0",
        "_transform" => true,
        "upstreams" => upstream::upstreams(table, deployment),
        "services" => services,
        "plugins" => plugins::global(table, deployment),
    };
    crate::yaml::render(&document).map_err(|error| DeploymentError::Render(error.to_string()))
}

/// Routes by what Kong keeps on the service, in the order in which they must be tried.
fn groups(table: &RouteTable) -> Vec<(String, Vec<&Route>)> {
    let mut groups: Vec<(String, Vec<&Route>)> = Vec::new();
    for route in table.routes() {
        let name = match &route.upstream_path {
            Some(_) => format!("{}-{}", route.service, route.name),
            None => format!("{}-{}ms", route.service, route.timeout_ms),
        };
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, routes)) => routes.push(route),
            None => groups.push((name, vec![route])),
        }
    }
    groups
}

fn service(
    name: &str,
    routes: &[&Route],
    table: &RouteTable,
    deployment: &Deployment,
) -> Result<Value, DeploymentError> {
    let first = routes.first().copied();
    let sidecar = first.map(|route| route.service.as_str()).unwrap_or_default();
    let timeout_ms = first.map_or(0, |route| route.timeout_ms);
    let upstream =
        deployment.services.get(sidecar).ok_or_else(|| DeploymentError::NoHosts(sidecar.to_owned()))?;
    let jwt_auth = filters::jwt_auth(Host::Kong, routes.iter().copied(), deployment)?;
    let entries =
        routes.iter().map(|route| entry(route, table, deployment)).collect::<Result<Vec<_>, _>>()?;
    let mut service = map! {
        "name" => name,
        "protocol" => upstream.scheme(),
        "host" => upstream::name(sidecar),
        "connect_timeout" => 1000,
        "read_timeout" => timeout_ms,
        "write_timeout" => timeout_ms,
        // Above 0, or the balancer does not learn of refused connections. What was already sent is sent again
        // by nobody unless the method is idempotent by definition.
        "retries" => 2,
        "filter_chains" => list![chain(name, vec![
            filter(filters::CORRELATION_ID, filters::correlation_id())?,
            filter(filters::JWT_AUTH, jwt_auth)?,
        ])],
        "routes" => entries,
    };
    if let (Some(path), Value::Mapping(fields)) = (first.and_then(|r| r.upstream_path.as_ref()), &mut service)
    {
        fields.insert("path".into(), path.as_str().into());
    }
    Ok(service)
}

fn entry(route: &Route, table: &RouteTable, deployment: &Deployment) -> Result<Value, DeploymentError> {
    let plain = route.path.is_prefix();
    let path = if plain { route.path.text().to_owned() } else { format!("~{}$", route.path.regex()) };
    let mut entry = map! {
        "name" => route.name.as_str(),
        "protocols" => list!["http", "https"],
        "methods" => route.methods.clone(),
        "paths" => list![path],
        // The whole path is the match, so that with stripping only the service's own path is left.
        "strip_path" => route.upstream_path.is_some(),
        "preserve_host" => false,
        // A filter that reads a body gets it in one piece.
        "request_buffering" => true,
        "response_buffering" => true,
        "plugins" => list![plugins::body_limit(route)],
    };
    let Value::Mapping(fields) = &mut entry else { return Ok(entry) };
    if !plain {
        fields.insert("regex_priority".into(), priority(route, table).into());
    }
    if route.cache == Some(Cache::Quote)
        && let Some(config) = filters::pricing_cache(Host::Kong, table, deployment)?
    {
        let chain = chain(&format!("{}-cache", route.name), vec![filter(filters::PRICING_CACHE, config)?]);
        fields.insert("filter_chains".into(), list![chain]);
    }
    Ok(entry)
}

/// Kong tries expressions by falling priority: as the table does.
fn priority(route: &Route, table: &RouteTable) -> usize {
    table.routes().iter().rev().position(|other| other.name == route.name).unwrap_or_default()
}

fn chain(name: &str, filters: Vec<Value>) -> Value {
    map! { "name" => name, "enabled" => true, "filters" => filters }
}

fn filter(name: &str, config: Json) -> Result<Value, DeploymentError> {
    let config =
        serde_yaml_ng::to_value(config).map_err(|error| DeploymentError::Render(error.to_string()))?;
    Ok(map! { "name" => name, "config" => config })
}

/// What is in no table, in the house's shape. It ends in Kong before any filter, so that Kong's own request id
/// is the one that names it.
fn no_route(sidecar: &str) -> Value {
    map! {
        "name" => NO_ROUTE,
        "host" => upstream::name(sidecar),
        "routes" => list![map! {
            "name" => NO_ROUTE,
            "protocols" => list!["http", "https"],
            "paths" => list!["/"],
            "strip_path" => false,
            "plugins" => list![plugins::not_found()],
        }],
    }
}
