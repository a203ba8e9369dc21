//! The route file.

use serde_yaml_ng::Value;

use super::{ROUTE_CONFIG, http_filters, milliseconds, replies};
use crate::deployment::Deployment;
use crate::filters::PRICING_CACHE;
use crate::table::{Cache, NO_ROUTE, Route, RouteTable};

pub(super) fn configuration(table: &RouteTable, deployment: &Deployment) -> Value {
    let mut routes: Vec<Value> = table.routes().iter().map(route).collect();
    routes.extend(table.services().first().map(|service| preflight(service)));
    routes.push(no_route());
    map! {
        "@type" => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name" => ROUTE_CONFIG,
        "validate_clusters" => true,
        "virtual_hosts" => list![map! {
            "name" => "api",
            "domains" => list!["*"],
            "typed_per_filter_config" => map! { http_filters::CORS => cors(&deployment.origins, table) },
            "response_headers_to_add" => list![map! {
                "header" => map! { "key" => "x-content-type-options", "value" => "nosniff" },
                "append_action" => "OVERWRITE_IF_EXISTS_OR_ADD",
            }],
            "routes" => routes,
        }],
    }
}

fn cors(origins: &[String], table: &RouteTable) -> Value {
    let mut methods: Vec<&str> =
        table.routes().iter().flat_map(|route| &route.methods).map(String::as_str).collect();
    methods.sort_unstable();
    methods.dedup();
    let origins: Vec<Value> = origins.iter().map(|origin| map! { "exact" => origin.as_str() }).collect();
    map! {
        "@type" => "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match" => origins,
        "allow_methods" => methods.join(","),
        "allow_headers" => crate::CORS_REQUEST_HEADERS.join(","),
        "expose_headers" => crate::CORS_RESPONSE_HEADERS.join(","),
        "max_age" => "600",
        // Tokens travel in a header, never in a cookie.
        "allow_credentials" => false,
        "forward_not_matching_preflights" => false,
    }
}

fn route(route: &Route) -> Value {
    map! {
        "name" => route.name.as_str(),
        "match" => matching(route),
        "route" => action(route),
        "typed_per_filter_config" => per_filter(route),
    }
}

fn matching(route: &Route) -> Value {
    let method = match route.methods.as_slice() {
        [one] => map! { "exact" => one.as_str() },
        several => map! { "safe_regex" => map! { "regex" => several.join("|") } },
    };
    let header = map! { "name" => ":method", "string_match" => method };
    let (key, value) = if route.path.is_exact() {
        ("path", route.path.text().into())
    } else if route.path.is_prefix() {
        ("prefix", route.path.text().into())
    } else {
        ("safe_regex", map! { "regex" => route.path.regex() })
    };
    map! { key => value, "headers" => list![header] }
}

fn action(route: &Route) -> Value {
    let mut action =
        map! { "cluster" => route.service.as_str(), "timeout" => milliseconds(route.timeout_ms) };
    let Value::Mapping(fields) = &mut action else { return action };
    if let Some(path) = &route.upstream_path {
        // With an exact match the whole path is what is replaced.
        fields.insert("prefix_rewrite".into(), path.as_str().into());
    }
    if route.idempotent {
        fields.insert("retry_policy".into(), retry());
    }
    action
}

/// Only what surely did not reach a sidecar is sent again, to another instance if there is one.
fn retry() -> Value {
    map! {
        "retry_on" => "connect-failure,refused-stream,reset-before-request",
        "num_retries" => 2,
        "retry_back_off" => map! { "base_interval" => "0.025s", "max_interval" => "0.250s" },
        "retry_host_predicate" => list![map! {
            "name" => "envoy.retry_host_predicates.previous_hosts",
            "typed_config" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            },
        }],
        "host_selection_retry_max_attempts" => 3,
    }
}

fn per_filter(route: &Route) -> Value {
    let mut filters = map! {
        http_filters::BUFFER => enabled(map! {
            "@type" => "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
            "buffer" => map! { "max_request_bytes" => u64::from(route.body_limit_kib) * 1024 },
        }),
    };
    if let (Some(Cache::Quote), Value::Mapping(fields)) = (route.cache, &mut filters) {
        fields.insert(PRICING_CACHE.into(), enabled(map! {}));
    }
    filters
}

/// Switches a filter on that is off elsewhere.
fn enabled(config: Value) -> Value {
    map! {
        "@type" => "type.googleapis.com/envoy.config.route.v3.FilterConfig",
        "disabled" => false,
        "config" => config,
    }
}

/// The cors filter answers preflights only where there is a route to somewhere. None gets there: what it does
/// not permit it answers too, and no token policy names this route.
fn preflight(service: &str) -> Value {
    let present = |name: &str| map! { "name" => name, "present_match" => true };
    map! {
        "name" => "preflight",
        "match" => map! {
            "prefix" => "/",
            "headers" => list![
                map! { "name" => ":method", "string_match" => map! { "exact" => "OPTIONS" } },
                present("origin"),
                present("access-control-request-method"),
            ],
        },
        "route" => map! { "cluster" => service },
    }
}

/// What is in no table. It stands in the token policies as public, so that it is a 404 for everybody.
fn no_route() -> Value {
    map! {
        "name" => NO_ROUTE,
        "match" => map! { "prefix" => "/" },
        "direct_response" => map! {
            "status" => 404,
            // The status by hand: it is not known yet when this body is made.
            "body_format" => replies::problem("no-such-route", "There is nothing at this path and method", 404.into()),
        },
    }
}
