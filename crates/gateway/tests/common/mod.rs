//! The committed table and deployments, and a way into rendered YAML.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the functions that clippy knows as tests"
)]

use jobzy_gateway::{Deployment, RouteTable};
use serde_yaml_ng::Value;

pub fn table() -> RouteTable {
    RouteTable::parse(include_str!("../../../../deploy/routes/routes.toml")).unwrap()
}

pub fn local() -> Deployment {
    Deployment::parse(include_str!("../../../../deploy/routes/local.toml")).unwrap()
}

pub fn cluster() -> Deployment {
    Deployment::parse(include_str!("../../../../deploy/routes/cluster.toml")).unwrap()
}

pub fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap()
}

/// The elements of a sequence by their `name`.
pub fn named<'a>(sequence: &'a Value, name: &str) -> &'a Value {
    let elements = sequence.as_sequence().unwrap();
    elements.iter().find(|element| element["name"] == *name).unwrap_or_else(|| panic!("no element {name}"))
}

pub fn names(sequence: &Value) -> Vec<&str> {
    sequence.as_sequence().unwrap().iter().map(|element| element["name"].as_str().unwrap()).collect()
}
