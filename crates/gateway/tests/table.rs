//! What a route table may say, and which route a request gets.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of the functions that clippy knows as tests"
)]

use jobzy_gateway::RouteTable;
use jobzy_gateway::table::{Fault, Policy, Segment, TableError};
use proptest::prelude::*;

const HEAD: &str = r#"
services = ["booking"]
[defaults]
body_limit_kib = 64
timeout_ms = 5000
"#;

/// A route that breaks no rule, with some lines replaced by others.
fn route(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = format!(
        "[[route]]\nname = \"{name}\"\nservice = \"booking\"\npath = \"/api/v1/jobs\"\n\
         methods = [\"GET\"]\nroles = [\"customer\"]\n"
    );
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

fn parse(routes: &[String]) -> Result<RouteTable, TableError> {
    RouteTable::parse(&format!("{HEAD}{}", routes.concat()))
}

#[track_caller]
fn refused(changes: &[(&str, &str)], fault: Fault) {
    let expected = TableError::Route { route: "jobs".to_owned(), fault };
    assert_eq!(parse(&[route("jobs", changes)]), Err(expected), "{changes:?}");
}

const PATH: &str = "path = \"/api/v1/jobs\"";
const METHODS: &str = "methods = [\"GET\"]";
const ROLES: &str = "roles = [\"customer\"]";

#[test]
fn a_route_without_a_policy_is_refused_by_name() {
    refused(&[(ROLES, "")], Fault::NoPolicy);
    refused(&[(ROLES, "public = false")], Fault::NoPolicy);
    refused(&[(ROLES, "roles = []")], Fault::NoPolicy);
    refused(&[(ROLES, "public = true\nroles = [\"customer\"]")], Fault::TwoPolicies);
    refused(&[(ROLES, "roles = [\"custmer\"]")], Fault::UnknownRole("custmer".to_owned()));
    let message = parse(&[route("jobs", &[(ROLES, "")])]).unwrap_err().to_string();
    assert!(message.starts_with("route `jobs`: no policy"), "{message}");
}

#[test]
fn a_route_to_nowhere_is_refused() {
    refused(&[("\"booking\"", "\"bookings\"")], Fault::UnknownService("bookings".to_owned()));
}

#[test]
fn what_is_for_use_inside_cannot_be_routed() {
    for inside in ["internal", "health", "metrics"] {
        refused(&[(PATH, &format!("path = \"/{inside}/x\""))], Fault::InternalPath(inside));
        refused(&[(PATH, &format!("prefix = \"/{inside}/\""))], Fault::InternalPath(inside));
    }
    refused(&[(PATH, "path = \"/{anything}/events\"")], Fault::Path("its first segment is no template"));
}

#[test]
fn a_path_has_one_spelling() {
    for path in [
        "api",
        "/api/",
        "/api//jobs",
        "/api/./jobs",
        "/api/../jobs",
        "/a%2fb",
        "/a b",
        "/a/{B}",
        "/a/{}",
        "/",
    ] {
        let table = parse(&[route("jobs", &[(PATH, &format!("path = \"{path}\""))])]);
        let refused = matches!(&table, Err(TableError::Route { fault: Fault::Path(_), .. }));
        assert!(refused, "{path}: {table:?}");
    }
    refused(&[(PATH, "")], Fault::PathOrPrefix);
    refused(&[(PATH, "path = \"/a\"\nprefix = \"/a/\"")], Fault::PathOrPrefix);
}

#[test]
fn limits_have_limits() {
    refused(&[(ROLES, "public = true\nbody_limit_kib = 0")], Fault::BodyLimit);
    refused(&[(ROLES, "public = true\nbody_limit_kib = 1025")], Fault::BodyLimit);
    refused(&[(ROLES, "public = true\ntimeout_ms = 99")], Fault::Timeout);
    refused(&[(ROLES, "public = true\ntimeout_ms = 60001")], Fault::Timeout);
}

#[test]
fn methods_are_known_and_named_once() {
    refused(&[(METHODS, "methods = []")], Fault::Methods);
    refused(&[(METHODS, "methods = [\"GET\", \"GET\"]")], Fault::Methods);
    refused(&[(METHODS, "methods = [\"get\"]")], Fault::UnknownMethod("get".to_owned()));
    refused(&[(METHODS, "methods = [\"OPTIONS\"]")], Fault::UnknownMethod("OPTIONS".to_owned()));
    refused(&[(METHODS, "methods = [\"GET\"]\nidempotent = true")], Fault::Idempotent);
}

#[test]
fn only_what_everybody_may_read_is_cached() {
    refused(&[(ROLES, "roles = [\"customer\"]\ncache = \"quote\"")], Fault::Cache);
    let template = (PATH, "path = \"/api/{version}/jobs\"");
    refused(&[template, (ROLES, "public = true\ncache = \"quote\"")], Fault::Cache);
}

#[test]
fn two_routes_do_not_share_a_name_or_a_request() {
    let fault = |routes: &[String]| match parse(routes) {
        Err(TableError::Route { route, fault }) => (route, fault),
        other => panic!("{other:?}"),
    };
    let first = route("a", &[]);
    assert_eq!(fault(&[first.clone(), route("a", &[(PATH, "path = \"/b\"")])]).1, Fault::DuplicateName);
    let same = fault(&[first, route("b", &[])]);
    assert_eq!(same, ("b".to_owned(), Fault::DuplicateMatch("a".to_owned())));
    let one = route("a", &[(PATH, "path = \"/x/{a}\"")]);
    let renamed = route("b", &[(PATH, "path = \"/x/{b}\"")]);
    assert_eq!(fault(&[one, renamed]).1, Fault::DuplicateMatch("a".to_owned()));
    let left = route("a", &[(PATH, "path = \"/x/{a}/c\"")]);
    let right = route("b", &[(PATH, "path = \"/x/b/{c}\"")]);
    assert_eq!(fault(&[left, right]).1, Fault::Ambiguous("a".to_owned()));
}

#[test]
fn another_method_on_the_same_path_is_another_route() {
    let table = parse(&[route("read", &[]), route("make", &[(METHODS, "methods = [\"POST\"]")])]).unwrap();
    let name = |method| table.find(method, "/api/v1/jobs").map(|route| route.name.as_str());
    assert_eq!((name("GET"), name("POST"), name("PUT")), (Some("read"), Some("make"), None));
}

#[test]
fn a_post_is_sent_again_only_if_it_says_so() {
    let post = |extra: &str| {
        let table = parse(&[route("a", &[(METHODS, &format!("methods = [\"POST\"]\n{extra}"))])]).unwrap();
        table.routes()[0].idempotent
    };
    assert!(!post(""));
    assert!(post("idempotent = true"));
    assert!(parse(&[route("a", &[])]).unwrap().routes()[0].idempotent);
}

#[test]
fn the_more_specific_route_comes_first_wherever_it_stands() {
    let table = parse(&[
        route("below", &[(PATH, "prefix = \"/api/v1/\"")]),
        route("one", &[(PATH, "path = \"/api/v1/{job}\"")]),
        route("exact", &[(PATH, "path = \"/api/v1/me\"")]),
        route("deeper", &[(PATH, "prefix = \"/api/v1/me/\"")]),
    ])
    .unwrap();
    let name = |path| table.find("GET", path).map(|route| route.name.as_str());
    assert_eq!(name("/api/v1/me"), Some("exact"));
    assert_eq!(name("/api/v1/you"), Some("one"));
    assert_eq!(name("/api/v1/me/x"), Some("deeper"));
    assert_eq!(name("/api/v1/you/x"), Some("below"));
    assert_eq!(name("/api/v1/"), Some("below"));
    assert_eq!(name("/api/v1"), None);
    assert_eq!(name("/api/v10"), None);
}

fn committed() -> RouteTable {
    RouteTable::parse(include_str!("../../../deploy/routes/routes.toml")).unwrap()
}

#[test]
fn the_committed_table_gives_each_request_its_route() {
    let table = committed();
    for (method, path, expected) in [
        ("GET", "/api/v1/pricing/quotes", Some("quotes")),
        ("POST", "/api/v1/pricing/quotes", Some("quotes")),
        ("GET", "/api/v1/pricing/rate-books/7", Some("rate_book_version")),
        ("POST", "/api/v1/pricing/rate-books", Some("rate_book_publish")),
        ("GET", "/api/v1/jobs/job_1", Some("job")),
        ("POST", "/api/v1/jobs/job_1/check-in", Some("job_check_in")),
        ("PUT", "/api/v1/providers/me", Some("provider_profile")),
        ("GET", "/api/v1/providers/prv_1", Some("provider")),
        ("GET", "/api/v1/invoices/inv_1/pdf", Some("invoice_pdf")),
        ("POST", "/webhooks/stripe", Some("stripe_webhook")),
        ("GET", "/openapi/payment.json", Some("payment_openapi")),
        ("GET", "/openapi/paymentxjson", None),
        ("DELETE", "/api/v1/jobs/job_1", None),
        ("GET", "/api/v1/jobs/", None),
        ("POST", "/internal/events", None),
        ("GET", "/metrics", None),
        ("GET", "/health/ready", None),
        ("GET", "/openapi.json", None),
    ] {
        assert_eq!(table.find(method, path).map(|route| route.name.as_str()), expected, "{method} {path}");
    }
    assert_eq!(table.quote_path(), Some("/api/v1/pricing/quotes"));
}

#[test]
fn nothing_but_prices_documents_and_webhooks_is_public() {
    let table = committed();
    let public = table.routes().iter().filter(|route| route.policy == Policy::Public);
    let mut names: Vec<&str> = public.map(|route| route.name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "booking_openapi",
        "correlation_openapi",
        "payment_openapi",
        "price_list",
        "pricing_openapi",
        "quotes",
        "rate_book",
        "stripe_webhook",
    ];
    assert_eq!(names, expected);
}

proptest! {
    /// Paths made of the table's own segments and strangers.
    #[test]
    fn no_route_behind_the_chosen_one_is_more_specific(picks in prop::collection::vec(any::<prop::sample::Index>(), 1..7)) {
        let table = committed();
        let mut words: Vec<&str> = table.routes().iter().flat_map(|route| route.path.segments()).filter_map(|segment| {
            match segment { Segment::Literal(text) => Some(text.as_str()), Segment::Parameter => None }
        }).collect();
        words.extend(["job_1", ""]);
        let path: String = picks.iter().map(|pick| format!("/{}", pick.get(&words))).collect();
        for method in ["GET", "POST", "PUT"] {
            let matching: Vec<_> = table.routes().iter()
                .filter(|route| route.path.matches(&path) && route.methods.iter().any(|m| m == method)).collect();
            let literals = |route: &jobzy_gateway::table::Route| {
                route.path.segments().iter().filter(|segment| **segment != Segment::Parameter).count()
            };
            prop_assert_eq!(table.find(method, &path), matching.first().copied());
            prop_assert!(matching.windows(2).all(|pair| literals(pair[0]) > literals(pair[1])), "{}", path);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = RouteTable::parse(&text);
        let _ = parse(&[route("jobs", &[(PATH, &format!("path = {text:?}"))])]);
    }
}
