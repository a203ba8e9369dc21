//! What is rendered for Kong says the same as what is rendered for Envoy.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the functions that clippy knows as tests"
)]

mod common;

use common::{cluster, local, named, names, table, yaml};
use jobzy_gateway::kong;
use jobzy_gateway::table::Policy;
use serde_yaml_ng::Value;

fn declarative() -> Value {
    yaml(&kong::declarative(&table(), &cluster()).unwrap())
}

/// Whether a configuration has every member the filter's own schema asks for, none it does not know, and each
/// of the right type.
fn misfit(schema: &serde_json::Value, config: &serde_json::Value, at: &str) -> Option<String> {
    let right = match schema["type"].as_str() {
        Some("object") => config.is_object(),
        Some("array") => config.is_array(),
        Some("string") => config.is_string(),
        Some("integer" | "number") => config.is_number(),
        Some("boolean") => config.is_boolean(),
        _ => true,
    };
    if !right {
        return Some(format!("{at} is {config}"));
    }
    let members = config.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    if let Some(name) = missing.into_iter().find(|name| !members.contains_key(*name)) {
        return Some(format!("{at} lacks {name}"));
    }
    let (known, others) = (&schema["properties"], &schema["additionalProperties"]);
    members.iter().find_map(|(name, member)| match (&known[name.as_str()], others) {
        (serde_json::Value::Null, serde_json::Value::Bool(false)) => {
            Some(format!("{at} does not know {name}"))
        }
        (serde_json::Value::Null, others) => misfit(others, member, &format!("{at}.{name}")),
        (known, _) => misfit(known, member, &format!("{at}.{name}")),
    })
}

#[test]
fn kong_accepts_the_configuration_of_each_filter() {
    let document = declarative();
    let mut checked = Vec::new();
    for service in document["services"].as_sequence().unwrap() {
        let routes = service["routes"].as_sequence().unwrap();
        let chains =
            std::iter::once(service).chain(routes).filter_map(|owner| owner["filter_chains"].as_sequence());
        for filter in chains.flatten().flat_map(|chain| chain["filters"].as_sequence().unwrap()) {
            let name = filter["name"].as_str().unwrap();
            let folder = name.strip_prefix("jobzy_").unwrap().replace('_', "-");
            let path = format!("{}/../../filters/{folder}/meta.json", env!("CARGO_MANIFEST_DIR"));
            let meta: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let config: serde_json::Value = serde_yaml_ng::from_value(filter["config"].clone()).unwrap();
            assert_eq!(misfit(&meta["config_schema"], &config, name), None);
            checked.push(name);
        }
    }
    checked.sort_unstable();
    checked.dedup();
    assert_eq!(checked, ["jobzy_correlation_id", "jobzy_jwt_auth", "jobzy_pricing_cache"]);
}

/// The Kong service that has a route, and the route.
fn find<'a>(document: &'a Value, route: &str) -> (&'a Value, &'a Value) {
    let services = document["services"].as_sequence().unwrap();
    let mut found = services.iter().flat_map(|service| {
        let routes = service["routes"].as_sequence().unwrap();
        routes.iter().filter(|entry| entry["name"] == *route).map(move |entry| (service, entry))
    });
    let one = found.next().unwrap_or_else(|| panic!("no route {route}"));
    assert!(found.next().is_none(), "{route} twice");
    one
}

#[test]
fn every_route_is_there_behind_the_same_policy() {
    let document = declarative();
    for route in table().routes() {
        let (service, entry) = find(&document, &route.name);
        assert_eq!(service["host"], *format!("{}.upstream", route.service).as_str());
        assert_eq!(service["read_timeout"], u64::from(route.timeout_ms));
        let filters = &service["filter_chains"][0]["filters"];
        assert_eq!(names(filters), ["jobzy_correlation_id", "jobzy_jwt_auth"]);
        let config = &filters[1]["config"];
        assert_eq!(config["default"], *"deny");
        let policy = &config["routes"][route.name.as_str()];
        match &route.policy {
            Policy::Public => assert_eq!(policy["public"], true),
            Policy::AnyRole(roles) => {
                let rendered: Vec<String> = serde_yaml_ng::from_value(policy["any_role"].clone()).unwrap();
                assert_eq!(rendered, *roles);
            }
        }
        let limit = named(&entry["plugins"], "request-size-limiting");
        assert_eq!(limit["config"]["allowed_payload_size"], u64::from(route.body_limit_kib) * 1024);
    }
}

#[test]
fn the_price_cache_comes_last_and_on_quotes_only() {
    let document = declarative();
    for route in table().routes() {
        let (_, entry) = find(&document, &route.name);
        let chain = &entry["filter_chains"];
        if route.name == "quotes" {
            assert_eq!(names(&chain[0]["filters"]), ["jobzy_pricing_cache"]);
            assert_eq!(chain[0]["filters"][0]["config"]["upstream"], *"pricing:8101");
        } else {
            assert!(chain.is_null(), "{}", route.name);
        }
    }
}

#[test]
fn patterns_are_tried_in_the_order_of_the_table() {
    let document = declarative();
    let priority = |name: &str| find(&document, name).1["regex_priority"].as_u64().unwrap();
    let table = table();
    assert!(table.routes().windows(2).all(|pair| priority(&pair[0].name) > priority(&pair[1].name)));
    let (_, job) = find(&document, "job");
    assert_eq!(job["paths"][0], *"~/api/v1/jobs/[^/]+$");
    let (service, openapi) = find(&document, "pricing_openapi");
    assert_eq!(openapi["paths"][0], *r"~/openapi/pricing\.json$");
    assert_eq!(
        (&openapi["strip_path"], &service["path"]),
        (&Value::from(true), &Value::from("/openapi.json"))
    );
}

#[test]
fn what_is_in_no_table_is_404() {
    let document = declarative();
    let (service, entry) = find(&document, "no_route");
    assert!(service["filter_chains"].is_null());
    assert_eq!(entry["paths"][0], *"/");
    assert_eq!(named(&entry["plugins"], "request-termination")["config"]["status_code"], 404);
}

#[test]
fn identity_headers_are_stripped_before_the_filters_too() {
    let document = declarative();
    let strip = &named(&document["plugins"], "request-transformer")["config"]["remove"]["headers"];
    let headers: Vec<String> = serde_yaml_ng::from_value(strip.clone()).unwrap();
    for header in ["x-auth-subject", "x-auth-roles", "x-auth-client", "x-rate-book-version"] {
        assert!(headers.iter().any(|stripped| stripped == header), "{header}");
    }
}

#[test]
fn a_dead_instance_is_found_and_let_back() {
    let document = declarative();
    assert_eq!(names(&document["upstreams"]).len(), table().services().len());
    let checks = &named(&document["upstreams"], "booking.upstream")["healthchecks"];
    assert_eq!(checks["active"]["http_path"], *"/health/ready");
    assert_eq!(checks["active"]["unhealthy"]["interval"], 2);
    assert_eq!(checks["passive"]["unhealthy"]["tcp_failures"], 1);
}

#[test]
fn kong_gives_the_filters_what_they_need() {
    let conf = kong::conf(&table(), &cluster()).unwrap();
    for line in [
        "wasm = on",
        "nginx_wasm_shm_kv = 12m",
        "nginx_wasm_proxy_wasm_lua_resolver = on",
        "nginx_http_client_body_buffer_size = 256k",
        "tracing_instrumentations = request,balancer",
        "trusted_ips = 10.0.0.0/8",
    ] {
        assert!(conf.lines().any(|have| have == line), "{line}");
    }
    let without = kong::conf(&table(), &local()).unwrap();
    assert!(!without.contains("tracing_") && !without.contains("trusted_ips"));
}

#[test]
fn each_plugin_that_is_used_is_loaded() {
    let conf = kong::conf(&table(), &cluster()).unwrap();
    let loaded = conf.lines().find_map(|line| line.strip_prefix("plugins = ")).unwrap();
    let loaded: Vec<&str> = loaded.split(',').collect();
    let document = declarative();
    let mut used = names(&document["plugins"]);
    for service in document["services"].as_sequence().unwrap() {
        for route in service["routes"].as_sequence().unwrap() {
            used.extend(names(&route["plugins"]));
        }
    }
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, loaded);
}
