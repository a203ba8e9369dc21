//! From TOML to routes, with the defaults filled in.

use serde::Deserialize;

use super::{Cache, Fault, Path, Policy, Route, TableError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    services: Vec<String>,
    defaults: Defaults,
    #[serde(default)]
    route: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    body_limit_kib: u32,
    timeout_ms: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    service: String,
    path: Option<String>,
    prefix: Option<String>,
    methods: Vec<String>,
    #[serde(default)]
    public: bool,
    roles: Option<Vec<String>>,
    cache: Option<CacheName>,
    idempotent: Option<bool>,
    body_limit_kib: Option<u32>,
    timeout_ms: Option<u32>,
    upstream_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CacheName {
    Quote,
}

pub(super) fn parse(toml: &str) -> Result<(Vec<String>, Vec<Route>), TableError> {
    let file: File = toml::from_str(toml).map_err(|error| TableError::Form(error.to_string()))?;
    let defaults = &file.defaults;
    let routes = file.route.into_iter().map(|entry| {
        let name = entry.name.clone();
        route(entry, defaults).map_err(|fault| TableError::Route { route: name, fault })
    });
    Ok((file.services, routes.collect::<Result<_, _>>()?))
}

fn route(entry: Entry, defaults: &Defaults) -> Result<Route, Fault> {
    let path = match (entry.path, entry.prefix) {
        (Some(path), None) => Path::template(&path)?,
        (None, Some(prefix)) => Path::prefix(&prefix)?,
        _ => return Err(Fault::PathOrPrefix),
    };
    let policy = match (entry.public, entry.roles) {
        (true, None) => Policy::Public,
        // An empty list would close the route to everybody, which nobody writes on purpose.
        (false, Some(roles)) if !roles.is_empty() => Policy::AnyRole(roles),
        (false, _) => return Err(Fault::NoPolicy),
        (true, Some(_)) => return Err(Fault::TwoPolicies),
    };
    let posts = entry.methods.iter().any(|method| method == "POST");
    if entry.idempotent.is_some() && !posts {
        return Err(Fault::Idempotent);
    }
    Ok(Route {
        name: entry.name,
        service: entry.service,
        path,
        methods: entry.methods,
        policy,
        cache: entry.cache.map(|CacheName::Quote| Cache::Quote),
        body_limit_kib: entry.body_limit_kib.unwrap_or(defaults.body_limit_kib),
        timeout_ms: entry.timeout_ms.unwrap_or(defaults.timeout_ms),
        idempotent: entry.idempotent.unwrap_or(!posts),
        upstream_path: entry.upstream_path,
    })
}
