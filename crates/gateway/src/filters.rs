//! The JSON configuration of the three filters, made from table and deployment.
//!
//! Both gateways get the same documents; what differs is how an upstream is named (a cluster of Envoy,
//! `host:port` in Kong) and under which property a filter finds the name of the route.

use serde_json::{Map, Value, json};

use crate::deployment::{Deployment, DeploymentError, Upstream};
use crate::table::{NO_ROUTE, Policy, Route, RouteTable};

/// Makes and echoes the correlation id.
pub const CORRELATION_ID: &str = "jobzy_correlation_id";
/// Judges tokens.
pub const JWT_AUTH: &str = "jobzy_jwt_auth";
/// Answers quotes.
pub const PRICING_CACHE: &str = "jobzy_pricing_cache";

/// The name of the upstream that holds the issuer's keys.
pub const KEYS_UPSTREAM: &str = "keycloak";

/// The service that holds the rate book.
const RATE_BOOK_SERVICE: &str = "pricing";
const RATE_BOOK_PATH: &str = "/api/v1/pricing/rate-book";

/// Which gateway a configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Upstreams are clusters; the route is `xds.route_name`.
    Envoy,
    /// Upstreams are `host:port`; the route is `kong.route_name`.
    Kong,
}

impl Host {
    fn route_property(self) -> Value {
        match self {
            Self::Envoy => json!(["xds", "route_name"]),
            Self::Kong => json!(["kong", "route_name"]),
        }
    }

    /// How a filter names an upstream. Kong's filters call one host past Kong's own balancer.
    fn upstream<'a>(self, cluster: &'a str, upstream: &'a Upstream) -> &'a str {
        match self {
            Self::Envoy => cluster,
            Self::Kong => upstream.hosts.first().map_or(cluster, String::as_str),
        }
    }
}

/// Configuration of the correlation-id filter.
#[must_use]
pub fn correlation_id() -> Value {
    json!({ "header": "x-correlation-id" })
}

/// Configuration of the jwt-auth filter with the policies of `routes`. A route it is not told about is closed.
///
/// # Errors
/// When the issuer's URL is not usable.
pub fn jwt_auth<'a>(
    host: Host,
    routes: impl IntoIterator<Item = &'a Route>,
    deployment: &Deployment,
) -> Result<Value, DeploymentError> {
    let identity = &deployment.identity;
    let (authority, realm) = deployment.issuer_parts()?;
    let mut policies: Map<String, Value> =
        routes.into_iter().map(|route| (route.name.clone(), policy(&route.policy))).collect();
    if host == Host::Envoy {
        // What is in no table is answered 404 by the gateway itself, to everybody alike.
        policies.insert(NO_ROUTE.to_owned(), policy(&Policy::Public));
    }
    Ok(json!({
        "issuer": identity.issuer,
        "audience": identity.audience,
        "jwks": {
            "upstream": host.upstream(KEYS_UPSTREAM, &identity.upstream),
            "authority": authority,
            "scheme": identity.upstream.scheme(),
            "path": format!("{realm}/protocol/openid-connect/certs"),
            "refresh_s": identity.keys_refresh_s,
        },
        "route_property": host.route_property(),
        "default": "deny",
        "routes": policies,
        "realm": "jobzy",
    }))
}

fn policy(policy: &Policy) -> Value {
    match policy {
        Policy::Public => json!({ "public": true }),
        Policy::AnyRole(roles) => json!({ "any_role": roles }),
    }
}

/// Configuration of the pricing-cache filter; `None` when the table has no route that it answers.
///
/// # Errors
/// When the deployment has no hosts for the service that holds the rate book.
pub fn pricing_cache(
    host: Host,
    table: &RouteTable,
    deployment: &Deployment,
) -> Result<Option<Value>, DeploymentError> {
    let Some(quote_path) = table.quote_path() else { return Ok(None) };
    let upstream = deployment.services.get(RATE_BOOK_SERVICE);
    let upstream = upstream.ok_or_else(|| DeploymentError::NoHosts(RATE_BOOK_SERVICE.to_owned()))?;
    Ok(Some(json!({
        "upstream": host.upstream(RATE_BOOK_SERVICE, upstream),
        "authority": RATE_BOOK_SERVICE,
        "scheme": upstream.scheme(),
        "path": RATE_BOOK_PATH,
        // A published version must be in force within two seconds.
        "refresh_ms": 1000,
        "unknown_after_ms": 5000,
        "max_entries": 2048,
        "quote_path": quote_path,
        // Envoy can keep a POST's headers back until its body is here, so that a hit opens no request to the
        // sidecar only to abort it. Kong has the body first and would wait for ever.
        "hold_headers": host == Host::Envoy,
    })))
}
