//! Envoy as a child, with the configuration that the route table renders.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jobzy_gateway::deployment::Upstream;
use jobzy_gateway::{Deployment, RouteTable, envoy};

use super::StackConfig;
use super::child::Child;
use super::layout::SIDECARS;

/// What is the same for every stack on one machine.
const DEPLOYMENT: &str = include_str!("../../../routes/local.toml");

/// Finds Envoy: on `path` (the form of the variable `PATH`), else where the install script puts it in `local`.
///
/// # Errors
/// When there is none.
pub fn find(path: &str, local: &Path) -> anyhow::Result<PathBuf> {
    let installed = local.join("python/envoy/_bin/envoy");
    let places = std::env::split_paths(path).map(|folder| folder.join("envoy")).chain([installed]);
    let Some(found) = places.into_iter().find(|place| place.is_file()) else { bail!("there is no envoy") };
    Ok(found.canonicalize()?)
}

/// Renders the configuration of this stack and starts Envoy with it.
pub fn spawn(config: &StackConfig, issuer: &str) -> anyhow::Result<Child> {
    let layout = &config.layout;
    let table = std::fs::read_to_string(&layout.route_table)
        .with_context(|| format!("reading {}", layout.route_table.display()))?;
    let table = RouteTable::parse(&table)?;
    let mut deployment = Deployment::parse(DEPLOYMENT)?;
    let folder = layout.rendered().canonicalize()?;
    let (bootstrap, routes) = (folder.join("envoy.yaml"), folder.join("routes.yaml"));
    deployment.listen = config.ports.address(config.ports.gateway);
    deployment.admin = config.ports.address(config.ports.admin);
    deployment.filters = layout.filters.canonicalize()?.display().to_string();
    deployment.routes_file = routes.display().to_string();
    deployment.access_log = Some(layout.logs().canonicalize()?.join("access.log").display().to_string());
    deployment.identity.issuer = issuer.to_owned();
    deployment.identity.upstream = Upstream::loopback(config.ports.issuer);
    for name in SIDECARS {
        let port = config.ports.sidecar(name).context("a sidecar has no port")?;
        deployment.services.insert(name.to_owned(), Upstream::loopback(port));
    }
    std::fs::write(&routes, envoy::routes(&table, &deployment)?)?;
    std::fs::write(&bootstrap, envoy::bootstrap(&table, &deployment)?)?;
    let concurrency = config.concurrency.to_string();
    let bootstrap = bootstrap.display().to_string();
    let args = ["-c", &bootstrap, "--concurrency", &concurrency, "--disable-hot-restart", "-l", "warning"];
    Child::spawn("envoy", &config.envoy, &args, &[], layout.log("envoy"))
}
