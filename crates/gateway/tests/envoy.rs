//! What is rendered for Envoy holds what the route table and the house promise.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of the functions that clippy knows as tests"
)]

mod common;

use common::{cluster, local, named, names, table, yaml};
use jobzy_gateway::deployment::{DeploymentError, Upstream};
use jobzy_gateway::{Deployment, envoy};
use serde_yaml_ng::Value;

fn bootstrap(deployment: &Deployment) -> Value {
    yaml(&envoy::bootstrap(&table(), deployment).unwrap())
}

fn manager(bootstrap: &Value) -> &Value {
    &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn virtual_host(deployment: &Deployment) -> Value {
    yaml(&envoy::routes(&table(), deployment).unwrap())["resources"][0]["virtual_hosts"][0].clone()
}

fn filter_config(manager: &Value, name: &str) -> serde_json::Value {
    let config = &named(&manager["http_filters"], name)["typed_config"]["config"];
    serde_json::from_str(config["configuration"]["value"].as_str().unwrap()).unwrap()
}

#[test]
fn filters_stand_in_the_order_that_security_needs() {
    let bootstrap = bootstrap(&local());
    let filters = &manager(&bootstrap)["http_filters"];
    let expected = [
        "jobzy_correlation_id",
        "envoy.filters.http.cors",
        "envoy.filters.http.local_ratelimit",
        "jobzy_jwt_auth",
        "envoy.filters.http.buffer",
        "jobzy_pricing_cache",
        "envoy.filters.http.router",
    ];
    assert_eq!(names(filters), expected);
}

#[test]
fn a_broken_token_filter_refuses_and_a_broken_cache_steps_aside() {
    let bootstrap = bootstrap(&local());
    let filters = &manager(&bootstrap)["http_filters"];
    let policy = |name| named(filters, name)["typed_config"]["config"]["failure_policy"].as_str().unwrap();
    assert_eq!(policy("jobzy_jwt_auth"), "FAIL_RELOAD");
    assert_eq!(policy("jobzy_correlation_id"), "FAIL_RELOAD");
    assert_eq!(policy("jobzy_pricing_cache"), "FAIL_OPEN");
    let text = envoy::bootstrap(&table(), &local()).unwrap();
    assert!(!text.contains("fail_open"), "the old name means another thing");
}

#[test]
fn only_the_filter_that_reads_bodies_may_hold_headers_back() {
    let bootstrap = bootstrap(&local());
    let filters = &manager(&bootstrap)["http_filters"];
    let holds = |name| &named(filters, name)["typed_config"]["config"]["allow_on_headers_stop_iteration"];
    assert_eq!(*holds("jobzy_jwt_auth"), false, "it lets bodies past a filter that waits");
    assert_eq!(*holds("jobzy_correlation_id"), false);
    assert_eq!(*holds("jobzy_pricing_cache"), true);
}

#[test]
fn each_filter_has_a_vm_of_its_own() {
    let bootstrap = bootstrap(&local());
    let filters = manager(&bootstrap)["http_filters"].as_sequence().unwrap().clone();
    let ids: Vec<_> =
        filters.iter().filter_map(|f| f["typed_config"]["config"]["vm_config"]["vm_id"].as_str()).collect();
    assert_eq!(ids, ["jobzy_correlation_id", "jobzy_jwt_auth", "jobzy_pricing_cache"]);
}

#[test]
fn identity_headers_are_stripped_before_the_route_is_chosen() {
    let bootstrap = bootstrap(&local());
    let mutations = &manager(&bootstrap)["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
    assert_eq!(mutations[0]["remove_on_match"]["key_matcher"]["prefix"], *"x-auth-");
    let removed: Vec<_> =
        mutations.as_sequence().unwrap().iter().filter_map(|m| m["remove"].as_str()).collect();
    assert!(removed.contains(&"x-rate-book-version"), "{removed:?}");
}

#[test]
fn a_path_has_one_spelling_when_a_filter_sees_it() {
    let bootstrap = bootstrap(&local());
    let manager = manager(&bootstrap);
    assert_eq!(manager["normalize_path"], true);
    assert_eq!(manager["merge_slashes"], true);
    assert_eq!(manager["path_with_escaped_slashes_action"], *"REJECT_REQUEST");
    assert_eq!(manager["common_http_protocol_options"]["headers_with_underscores_action"], *"REJECT_REQUEST");
}

#[test]
fn the_token_filter_knows_every_route_and_no_other() {
    let bootstrap = bootstrap(&local());
    let config = filter_config(manager(&bootstrap), "jobzy_jwt_auth");
    assert_eq!(config["default"], "deny");
    let policies = config["routes"].as_object().unwrap();
    let host = virtual_host(&local());
    let mut routes = names(&host["routes"]);
    // Nobody but the cors filter answers a preflight.
    routes.retain(|name| *name != "preflight");
    assert!(routes.iter().all(|name| policies.contains_key(*name)), "{routes:?}");
    assert_eq!(policies.len(), routes.len());
    assert_eq!(policies["quotes"], serde_json::json!({ "public": true }));
    assert_eq!(policies["job_accept"], serde_json::json!({ "any_role": ["provider", "operator"] }));
    assert_eq!(policies["no_route"], serde_json::json!({ "public": true }));
}

#[test]
fn keys_come_from_the_upstream_and_are_asked_for_by_the_issuers_name() {
    let bootstrap = bootstrap(&cluster());
    let config = filter_config(manager(&bootstrap), "jobzy_jwt_auth");
    assert_eq!(config["jwks"]["upstream"], "keycloak");
    assert_eq!(config["jwks"]["authority"], "sso.jobzy.example");
    assert_eq!(config["jwks"]["path"], "/realms/jobzy/protocol/openid-connect/certs");
    let clusters = &bootstrap["static_resources"]["clusters"];
    assert_eq!(named(clusters, "keycloak")["type"], *"STRICT_DNS");
}

#[test]
fn every_route_has_its_limits_and_only_quotes_are_cached() {
    let host = virtual_host(&local());
    for route in table().routes() {
        let rendered = named(&host["routes"], &route.name);
        let filters = &rendered["typed_per_filter_config"];
        let buffer = &filters["envoy.filters.http.buffer"];
        assert_eq!(buffer["disabled"], false);
        assert_eq!(buffer["config"]["buffer"]["max_request_bytes"], u64::from(route.body_limit_kib) * 1024);
        assert_eq!(filters["jobzy_pricing_cache"].is_mapping(), route.name == "quotes", "{}", route.name);
        assert_eq!(rendered["route"]["cluster"], *route.service.as_str());
        assert_eq!(rendered["route"]["retry_policy"].is_mapping(), route.idempotent, "{}", route.name);
    }
    assert_eq!(named(&host["routes"], "quotes")["route"]["timeout"], *"2.000s");
    let quotes = named(&host["routes"], "quotes");
    assert_eq!(quotes["match"]["headers"][0]["string_match"]["safe_regex"]["regex"], *"GET|POST");
}

#[test]
fn only_what_never_arrived_is_sent_again() {
    let host = virtual_host(&local());
    let retry = &named(&host["routes"], "job_create")["route"]["retry_policy"];
    assert_eq!(retry["retry_on"], *"connect-failure,refused-stream,reset-before-request");
}

#[test]
fn routes_are_tried_in_the_order_of_the_table_and_the_rest_is_404() {
    let host = virtual_host(&local());
    let table = table();
    let mut expected: Vec<&str> = table.routes().iter().map(|route| route.name.as_str()).collect();
    expected.extend(["preflight", "no_route"]);
    assert_eq!(names(&host["routes"]), expected);
    assert_eq!(named(&host["routes"], "no_route")["direct_response"]["status"], 404);
    let job = named(&host["routes"], "job_history");
    assert_eq!(job["match"]["safe_regex"]["regex"], *"/api/v1/jobs/[^/]+/history");
    let openapi = named(&host["routes"], "booking_openapi");
    assert_eq!(openapi["match"]["path"], *"/openapi/booking.json");
    assert_eq!(openapi["route"]["prefix_rewrite"], *"/openapi.json");
}

#[test]
fn a_lone_instance_is_never_ejected_and_a_dead_one_never_chosen() {
    let (alone, pair) = (bootstrap(&local()), bootstrap(&cluster()));
    let booking = |b: &Value| named(&b["static_resources"]["clusters"], "booking").clone();
    assert!(booking(&alone)["outlier_detection"].is_null());
    assert_eq!(booking(&pair)["outlier_detection"]["max_ejection_percent"], 50);
    for cluster in [booking(&alone), booking(&pair)] {
        assert_eq!(cluster["common_lb_config"]["healthy_panic_threshold"]["value"], 0);
        assert_eq!(cluster["health_checks"][0]["http_health_check"]["path"], *"/health/ready");
    }
    assert_eq!(booking(&alone)["type"], *"STATIC");
}

#[test]
fn tls_to_an_upstream_is_verified() {
    let mut deployment = cluster();
    deployment.identity.upstream = Upstream { hosts: vec!["sso.jobzy.example:443".to_owned()], tls: true };
    let bootstrap = bootstrap(&deployment);
    let tls =
        &named(&bootstrap["static_resources"]["clusters"], "keycloak")["transport_socket"]["typed_config"];
    assert_eq!(tls["auto_sni_san_validation"], true);
    assert!(tls["common_tls_context"]["validation_context"]["trusted_ca"]["filename"].is_string());
    assert_eq!(filter_config(manager(&bootstrap), "jobzy_jwt_auth")["jwks"]["scheme"], "https");
}

#[test]
fn the_access_log_holds_no_token_and_no_query() {
    let bootstrap = bootstrap(&local());
    let format = &manager(&bootstrap)["access_log"][0]["typed_config"]["log_format"]["json_format"];
    let text = serde_yaml_ng::to_string(format).unwrap().to_lowercase();
    for forbidden in ["authorization", "cookie", "req(:path)", "path(wq"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_deployment_that_does_not_fit_is_refused_by_name() {
    let refused = |change: fn(&mut Deployment)| {
        let mut deployment = local();
        change(&mut deployment);
        envoy::routes(&table(), &deployment).unwrap_err()
    };
    let error = refused(|d| drop(d.services.remove("payment")));
    assert_eq!(error, DeploymentError::NoHosts("payment".to_owned()));
    let error = refused(|d| d.services.get_mut("payment").unwrap().hosts = vec!["payment".to_owned()]);
    assert!(matches!(error, DeploymentError::Host { .. }), "{error}");
    for issuer in
        ["sso.example/realms/jobzy", "https://sso.example/realms/jobzy/", "https:///realms", "https://a"]
    {
        let mut deployment = local();
        deployment.identity.issuer = issuer.to_owned();
        let error = envoy::routes(&table(), &deployment).unwrap_err();
        assert_eq!(error, DeploymentError::Issuer(issuer.to_owned()));
    }
    let error = refused(|d| d.identity.audience.clear());
    assert_eq!(error, DeploymentError::Audience);
    let error = refused(|d| d.admin = ([0, 0, 0, 0], 9901).into());
    assert!(matches!(error, DeploymentError::Admin(_)), "{error}");
}
