//! The house as `ARCHITECTURE.md` draws it, asserted from what cargo itself knows.
//!
//! A manifest that points the wrong way, a pure crate that gains a runtime through somebody else's
//! feature, a room on the map that does not exist: each fails here with the names involved.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// Which level a member of the workspace is on; it may depend on lower ones only.
const LEVELS: &[(&str, u8)] = &[
    ("crates/money", 0),
    ("crates/ids", 0),
    ("crates/trace", 0),
    ("crates/token", 1),
    ("crates/pricing", 1),
    ("crates/booking", 1),
    ("crates/payment", 1),
    ("crates/correlation", 1),
    ("crates/invoice", 1),
    ("crates/gateway", 1),
    ("crates/service", 2),
    ("crates/store", 2),
    ("crates/events", 2),
    ("crates/command", 2),
    ("crates/host", 2),
    ("filters/correlation-id", 3),
    ("filters/jwt-auth", 3),
    ("filters/pricing-cache", 3),
    ("sidecars/pricing", 3),
    ("sidecars/booking", 3),
    ("sidecars/payment", 3),
    ("sidecars/correlation", 3),
    ("deploy/local", 3),
    ("crates/testkit", CHECKS),
    ("tests", CHECKS),
];

/// The level of programs.
const PROGRAMS: u8 = 3;

/// The level of checks: may depend on anything, and nothing but tests on it.
const CHECKS: u8 = 4;

/// Neighbours that may know each other: events writes to the store's outbox and speaks through the service's client, and
/// a command keeps what the service read in one transaction of the store.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("crates/events", "crates/service"),
    ("crates/events", "crates/store"),
    ("crates/command", "crates/service"),
    ("crates/command", "crates/store"),
];

/// What a pure crate (levels 0 and 1) has nowhere below it.
const IMPURE: &[&str] = &["tokio", "sqlx", "sqlx-core", "hyper", "axum", "reqwest", "mio", "proxy-wasm"];

/// The only members that may name proxy-wasm, and only for wasm32.
const WASM_HOSTS: &[&str] =
    &["crates/host", "filters/correlation-id", "filters/jwt-auth", "filters/pricing-cache"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The workspace as built for one target. Offline: everything is downloaded once it has been built.
fn metadata(target: &str) -> Metadata {
    let options = ["--offline", "--locked", "--filter-platform", target].map(String::from);
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(options).exec().unwrap()
}

fn host() -> Metadata {
    metadata(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
}

/// The folder of a member, from the root.
fn room(package: &Package) -> String {
    let folder = package.manifest_path.parent().unwrap().as_std_path().canonicalize().unwrap();
    folder.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

fn level(room: &str) -> Option<u8> {
    LEVELS.iter().find(|(known, _)| *known == room).map(|(_, level)| *level)
}

#[test]
fn every_room_has_a_level_and_every_level_names_a_room() {
    let rooms: BTreeSet<String> = host().workspace_packages().into_iter().map(room).collect();
    let known: BTreeSet<String> = LEVELS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, known, "give a new crate its level in LEVELS");
}

#[test]
fn a_crate_depends_on_lower_levels_only() {
    let metadata = host();
    let members: BTreeMap<&str, String> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.as_str(), room(package)))
        .collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let from = room(package);
        let own = level(&from).unwrap();
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            let Some(to) = members.get(dependency.name.as_str()) else { continue };
            let neighbour = NEIGHBOURS.contains(&(from.as_str(), to.as_str()));
            if own != CHECKS && !neighbour && level(to).unwrap() >= own {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies that point sideways or upwards: {wrong:?}");
}

#[test]
fn tests_use_lower_levels_the_testkit_and_programs_each_other() {
    let metadata = host();
    let members: BTreeMap<&str, String> = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.as_str(), room(package)))
        .collect();
    for package in metadata.workspace_packages() {
        let from = room(package);
        let own = level(&from).unwrap();
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Development) {
            let Some(to) = members.get(dependency.name.as_str()) else { continue };
            let lower = level(to).unwrap() < own || NEIGHBOURS.contains(&(from.as_str(), to.as_str()));
            // A program is tested with the real programs that it speaks to.
            let programs = own == PROGRAMS && level(to) == Some(PROGRAMS);
            let fine = lower || programs || own == CHECKS || to == "crates/testkit";
            assert!(fine, "the tests of {from} depend on {to}");
        }
    }
}

/// Names of all packages that `start` is built with, itself included, without dev-dependencies.
fn closure(metadata: &Metadata, start: &PackageId) -> BTreeMap<String, String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut below = BTreeMap::new();
    let mut waiting = VecDeque::from([(start, String::new())]);
    while let Some((id, way)) = waiting.pop_front() {
        let name = metadata[id].name.to_string();
        let way = if way.is_empty() { name.clone() } else { format!("{way} -> {name}") };
        if below.insert(name, way.clone()).is_some() {
            continue;
        }
        for dependency in &nodes[id].deps {
            if dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development) {
                waiting.push_back((&dependency.pkg, way.clone()));
            }
        }
    }
    below
}

#[track_caller]
fn assert_pure(metadata: &Metadata, package: &Package) {
    let below = closure(metadata, &package.id);
    for impure in IMPURE {
        assert!(!below.contains_key(*impure), "a pure crate has {impure}: {}", below[*impure]);
    }
}

#[test]
fn rules_and_values_know_no_runtime_database_or_filter_host() {
    for target in [host(), metadata("wasm32-wasip1")] {
        let pure = |package: &&Package| level(&room(package)).unwrap() <= 1;
        let packages: Vec<&Package> = target.workspace_packages().into_iter().filter(pure).collect();
        assert_eq!(packages.len(), 10, "levels 0 and 1 of the table");
        for package in packages {
            assert_pure(&target, package);
        }
    }
}

#[test]
fn the_closure_sees_through_several_crates() {
    // Guards the test above: were the walk to stop early, every crate would look pure.
    let metadata = host();
    let sidecar = metadata.workspace_packages().into_iter().find(|p| room(p) == "sidecars/booking").unwrap();
    let below = closure(&metadata, &sidecar.id);
    for expected in ["tokio", "hyper", "sqlx", "mio"] {
        assert!(below.contains_key(expected), "{expected} is below the booking sidecar");
    }
}

#[test]
fn proxy_wasm_is_named_by_host_and_filters_for_wasm32_only() {
    let mut named_by = BTreeSet::new();
    for package in host().workspace_packages() {
        for dependency in package.dependencies.iter().filter(|d| d.name == "proxy-wasm") {
            let room = room(package);
            assert_eq!(
                dependency.target.as_ref().map(ToString::to_string).as_deref(),
                Some(r#"cfg(target_arch = "wasm32")"#),
                "{room} links proxy-wasm natively"
            );
            named_by.insert(room);
        }
    }
    let allowed: BTreeSet<String> = WASM_HOSTS.iter().map(|room| (*room).to_owned()).collect();
    assert!(named_by.is_subset(&allowed), "{named_by:?}");
    assert!(named_by.contains("crates/host"));
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_is_not_published() {
    for package in host().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            package.manifest_path
        );
        assert_eq!(package.publish.as_deref(), Some(&[][..]), "{} could be published", package.name);
    }
}

#[test]
fn every_path_on_the_map_of_rooms_exists_and_no_room_is_missing() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, map) = readme.split_once("## The map of rooms").expect("README.md has a map of rooms");
    let map = map.split("\n## ").next().unwrap();
    // Rows of the table: the first cell names paths in backquotes.
    let first_cells = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let named: BTreeSet<&str> =
        first_cells.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|path| !path.is_empty()).collect();
    for path in &named {
        assert!(root().join(path).exists(), "README.md shows {path}, which does not exist");
    }
    for (room, _) in LEVELS {
        assert!(named.contains(room), "README.md does not show {room}");
    }
}
