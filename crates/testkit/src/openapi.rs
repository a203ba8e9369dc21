//! Holds an OpenAPI document to the router it describes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What OpenAPI and axum both know as a method; everything else in a path item is no operation.
const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];
/// Where the document itself is served. It may describe that, and need not.
const ITSELF: &str = "/openapi.json";

/// Asserts that the document has the paths and methods of the `.route("...", get(..).post(..))` calls in `lib_rs`, no
/// more and no less, that its operations say what a client needs, and that its references lead somewhere.
///
/// Every operation has its own `operationId`, a `summary`, an answer 2xx, and an error answer; every error answer has a
/// schema. Names in braces within a path are the router's.
///
/// # Panics
/// With everything that is wrong, one line each.
pub fn assert_lists_the_routes(openapi_json: &str, lib_rs: &str) {
    let document: Value = serde_json::from_str(openapi_json).expect("the OpenAPI document is JSON");
    let routed = routes(lib_rs);
    assert!(!routed.is_empty(), "no .route( in the source of the router");
    let operations = operations(&document);
    let documented = operations.keys().cloned().collect::<BTreeSet<_>>();
    let undocumented = routed.difference(&documented).filter(|(path, _)| path != ITSELF);
    let mut wrong: Vec<String> =
        undocumented.map(|(path, method)| format!("{method} {path}: not documented")).collect();
    wrong.extend(documented.difference(&routed).map(|(path, method)| format!("{method} {path}: not routed")));
    let mut names = BTreeSet::new();
    for ((path, method), operation) in &operations {
        let mut missing = faults(&document, operation, path);
        let name = operation["operationId"].as_str().unwrap_or_default();
        if !names.insert(name) {
            missing.push(format!("the operationId {name:?} is taken"));
        }
        wrong.extend(missing.iter().map(|what| format!("{method} {path}: {what}")));
    }
    dangling(&document, &document, &mut wrong);
    assert!(wrong.is_empty(), "the OpenAPI document is wrong:\n{}", wrong.join("\n"));
}

fn operations(document: &Value) -> BTreeMap<(String, String), &Value> {
    let paths = document["paths"].as_object().expect("the OpenAPI document has paths");
    let of_path = |(path, item): (&String, &'_ Value)| {
        let item = item.as_object().expect("a path item is an object");
        let methods = item.keys().filter(|key| METHODS.contains(&key.as_str()));
        methods.map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
    };
    let keys = paths.iter().flat_map(of_path);
    keys.map(|(path, method)| {
        let operation = &paths[&path][&method];
        ((path, method), operation)
    })
    .collect()
}

fn faults(document: &Value, operation: &Value, path: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for field in ["operationId", "summary"] {
        if operation[field].as_str().is_none_or(|text| text.trim().is_empty()) {
            faults.push(format!("no {field}"));
        }
    }
    let empty = serde_json::Map::new();
    let responses = operation["responses"].as_object().unwrap_or(&empty);
    if !responses.keys().any(|status| status.starts_with('2')) {
        faults.push("no answer 2xx".to_owned());
    }
    let is_error = |status: &str| status.starts_with(['4', '5']) || status == "default";
    if path != ITSELF && !responses.keys().any(|status| is_error(status)) {
        faults.push("no error answer".to_owned());
    }
    for (status, response) in responses.iter().filter(|(status, _)| is_error(status)) {
        let content = resolve(document, response).and_then(|response| response["content"].as_object());
        if !content.is_some_and(|types| types.values().any(|media| media["schema"].is_object())) {
            faults.push(format!("the answer {status} has no schema"));
        }
    }
    faults
}

/// `value`, or what it refers to.
fn resolve<'d>(document: &'d Value, value: &'d Value) -> Option<&'d Value> {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(value),
    }
}

/// References to outside the document count as dangling: the document is served alone.
fn dangling(document: &Value, value: &Value, wrong: &mut Vec<String>) {
    if resolve(document, value).is_none() {
        wrong.push(format!("{} leads nowhere", value["$ref"]));
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|field| dangling(document, field, wrong)),
        Value::Array(items) => items.iter().for_each(|item| dangling(document, item, wrong)),
        _ => {}
    }
}

/// Path and method of every `.route(` in Rust source: a literal path, then calls named like methods, chained.
fn routes(source: &str) -> BTreeSet<(String, String)> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut routes = BTreeSet::new();
    for call in code.split(".route(").skip(1) {
        let literal = call.trim_start().strip_prefix('"').expect("the path of a .route( is a string literal");
        let (path, rest) = literal.split_once('"').expect("the string literal ends");
        let (mut depth, mut word) = (1_u32, String::new());
        for character in rest.chars() {
            match character {
                '(' => {
                    let name = word.rsplit("::").next().unwrap_or_default();
                    if depth == 1 && METHODS.contains(&name) {
                        routes.insert((path.to_owned(), name.to_owned()));
                    }
                    depth += 1;
                }
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if character.is_alphanumeric() || matches!(character, '_' | ':') {
                word.push(character);
            } else {
                word.clear();
            }
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{assert_lists_the_routes, routes};

    const ROUTER: &str = r#"
        /// `.route("/comment", get(nothing))`
        // .route("/off", get(nothing))
        Router::new()
            .route("/a/{id}", get(a::show).post(a::make))
            .route(
                "/b",
                axum::routing::put(|| async { get(1) }),
            )
            .route("/openapi.json", get(openapi))
            .with_state(post(state))
    "#;

    fn operation(name: &str) -> Value {
        let problem = json!({"content": {"application/problem+json": {"schema": {"type": "object"}}}});
        json!({
            "operationId": name,
            "summary": "Does it",
            "responses": {"200": {"description": "ok"}, "404": problem},
        })
    }

    fn document() -> Value {
        json!({"paths": {
            "/a/{id}": {"parameters": [], "get": operation("show"), "post": operation("make")},
            "/b": {"put": operation("put")},
        }})
    }

    /// What is said about the document after `change`.
    fn complaint(change: impl FnOnce(&mut Value)) -> String {
        let mut document = document();
        change(&mut document);
        let outcome = std::panic::catch_unwind(|| assert_lists_the_routes(&document.to_string(), ROUTER));
        *outcome.expect_err("refused").downcast::<String>().expect("a message")
    }

    #[test]
    fn routes_are_read_from_source_with_all_their_methods_and_without_comments() {
        let routes = routes(ROUTER);
        let routes: Vec<String> = routes.iter().map(|(path, method)| format!("{method} {path}")).collect();
        assert_eq!(routes, ["get /a/{id}", "post /a/{id}", "put /b", "get /openapi.json"]);
    }

    #[test]
    fn a_document_that_fits_is_good() {
        assert_lists_the_routes(&document().to_string(), ROUTER);
    }

    #[test]
    fn what_is_missing_too_much_or_unsaid_is_named() {
        let said = complaint(|it| it["paths"]["/b"] = json!({"get": operation("get")}));
        assert!(said.contains("put /b: not documented") && said.contains("get /b: not routed"), "{said}");
        let said = complaint(|it| it["paths"]["/b"]["put"] = json!({}));
        for what in ["no operationId", "no summary", "no answer 2xx", "no error answer"] {
            assert!(said.contains(what), "{what}: {said}");
        }
        let said = complaint(|it| it["paths"]["/b"]["put"]["operationId"] = json!("show"));
        assert!(said.contains("put /b: the operationId \"show\" is taken"), "{said}");
        let said =
            complaint(|it| it["paths"]["/b"]["put"]["responses"]["404"] = json!({"description": "gone"}));
        assert!(said.contains("put /b: the answer 404 has no schema"), "{said}");
        let said =
            complaint(|it| it["paths"]["/b"]["put"]["responses"]["404"] = json!({"$ref": "#/components/x"}));
        assert!(said.contains("\"#/components/x\" leads nowhere"), "{said}");
    }
}
