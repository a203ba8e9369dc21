//! The four sidecars as children, and the secrets that are made anew at each start.

use std::collections::BTreeMap;

use anyhow::Context;
use jobzy_service::clock::Clock;

use super::StackConfig;
use super::child::Child;
use super::layout::SIDECARS;
use crate::issuer::AUDIENCE;

/// Secrets of one start: they exist in memory and in the children's environment only.
pub struct Secrets {
    pub clients: BTreeMap<&'static str, String>,
    pub stripe_key: String,
    pub webhook: String,
}

impl Secrets {
    pub fn generate(clock: &Clock) -> Self {
        let secret = || hex::encode(clock.random::<24>());
        Self {
            clients: SIDECARS.iter().map(|&name| (name, secret())).collect(),
            stripe_key: format!("sk_test_{}", secret()),
            webhook: format!("whsec_{}", secret()),
        }
    }
}

/// Starts all four; none of them serves before its own migrations are done.
pub fn spawn_all(
    config: &StackConfig,
    secrets: &Secrets,
    databases: &BTreeMap<&'static str, String>,
    issuer: &str,
    stripe: &str,
) -> anyhow::Result<Vec<Child>> {
    SIDECARS
        .iter()
        .map(|&name| {
            let database = databases.get(name).context("a sidecar has no database")?;
            let secret = secrets.clients.get(name).context("a sidecar has no client secret")?;
            let mut env = common(config, name, database, issuer, secret)?;
            env.extend(special(config, name, secrets, stripe)?);
            let program = config.layout.programs.join(format!("jobzy-{name}"));
            Child::spawn(name, &program, &[], &env, config.layout.log(name))
        })
        .collect()
}

fn common(
    config: &StackConfig,
    name: &str,
    database: &str,
    issuer: &str,
    secret: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    let address = |port: Option<u16>| {
        Ok::<_, anyhow::Error>(config.ports.address(port.context("no port")?).to_string())
    };
    Ok(pairs([
        ("LISTEN_ADDR", address(config.ports.sidecar(name))?),
        ("METRICS_ADDR", address(config.ports.metrics_of(name))?),
        ("DATABASE_URL", database.to_owned()),
        ("OIDC_ISSUER", issuer.to_owned()),
        ("OIDC_AUDIENCE", AUDIENCE.to_owned()),
        ("OIDC_CLIENT_ID", format!("jobzy-{name}")),
        ("OIDC_CLIENT_SECRET", secret.to_owned()),
        ("EVENT_SUBSCRIBERS", subscribers(config, name)?),
        ("LOG_LEVEL", "info".to_owned()),
    ]))
}

/// Who hears the events of `name`: the correlation service hears everybody's.
fn subscribers(config: &StackConfig, name: &str) -> anyhow::Result<String> {
    let names: &[&str] = match name {
        "booking" => &["correlation", "payment"],
        "payment" => &["correlation", "booking"],
        "pricing" => &["correlation"],
        _ => &[],
    };
    let entries = names.iter().map(|&name| Ok(format!("{name}={}", base(config, name)?)));
    Ok(entries.collect::<anyhow::Result<Vec<_>>>()?.join(","))
}

fn special(
    config: &StackConfig,
    name: &str,
    secrets: &Secrets,
    stripe: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    Ok(match name {
        "booking" => pairs([("PRICING_URL", base(config, "pricing")?)]),
        "payment" => pairs([
            ("STRIPE_API_BASE", stripe.to_owned()),
            ("STRIPE_SECRET_KEY", secrets.stripe_key.clone()),
            ("STRIPE_WEBHOOK_SECRET", secrets.webhook.clone()),
            ("FILES_DIR", config.layout.data().join("files").display().to_string()),
        ]),
        _ => Vec::new(),
    })
}

fn base(config: &StackConfig, name: &str) -> anyhow::Result<String> {
    Ok(format!("http://127.0.0.1:{}", config.ports.sidecar(name).context("no such sidecar")?))
}

fn pairs<const N: usize>(pairs: [(&str, String); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
