//! The whole of Jobzy edge on one machine: started in order, watched, and ended together.
//!
//! ```text
//! this process   issuer, Stripe sandbox                     (tasks)
//! children       pricing, booking, payment, correlation     (SIGTERM, then SIGKILL)
//!                envoy with the three filters
//! ```
//!
//! Every child is started through `setpriv --pdeathsig KILL`: the kernel ends it when this process
//! ends, whatever ends it, SIGKILL included. Ports are probed before anything starts, so that a taken
//! one is named in the error instead of in some child's log.

mod child;
mod database;
mod envoy;
mod layout;
mod sidecars;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use jobzy_service::clock::Clock;

use crate::http::LoopbackClient;
use crate::issuer::{Issuer, IssuerConfig};
use crate::stripe::{Sandbox, SandboxConfig};
pub use child::Child;
pub use database::Database;
pub use envoy::find as find_envoy;
pub use layout::{Layout, Ports};

/// How long the stack may take from its first child to a gateway that answers.
const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// What a stack starts with.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Ports of every listener.
    pub ports: Ports,
    /// Where files are: data, logs, rendered configuration, programs, filters.
    pub layout: Layout,
    /// Where the sidecars keep their data.
    pub database: Database,
    /// The Envoy program.
    pub envoy: PathBuf,
    /// Worker threads of Envoy.
    pub concurrency: u32,
}

/// A running stack. Dropping it kills the children.
#[derive(Debug)]
pub struct Stack {
    config: StackConfig,
    issuer: Issuer,
    sandbox: Sandbox,
    children: Vec<Child>,
}

impl Stack {
    /// Starts everything and returns when the gateway answers with all its filters ready.
    ///
    /// # Errors
    /// When a port is taken (named), a program or filter is missing, or a part does not get ready; the
    /// message names the part and the file of its log.
    pub async fn start(config: StackConfig) -> anyhow::Result<Self> {
        config.ports.expect_all_free().await?;
        config.layout.prepare()?;
        let clock = Clock::system();
        let secrets = sidecars::Secrets::generate(&clock);
        let urls = config.database.create(&config.layout).await?;

        let mut realm = IssuerConfig::demo(config.ports.address(config.ports.issuer));
        for (service, secret) in &secrets.clients {
            realm = realm.with_service(&format!("jobzy-{service}"), secret);
        }
        let issuer = Issuer::start(realm, clock.clone()).await?;
        let sandbox = Sandbox::start(SandboxConfig {
            listen: config.ports.address(config.ports.sandbox),
            secret_key: secrets.stripe_key.clone(),
            webhook_secret: secrets.webhook.clone(),
            webhook_url: Some(format!("http://127.0.0.1:{}/webhooks/stripe", config.ports.gateway)),
            ..SandboxConfig::default()
        })
        .await?;

        let mut stack = Self { config, issuer, sandbox, children: Vec::new() };
        let children = sidecars::spawn_all(
            &stack.config,
            &secrets,
            &urls,
            stack.issuer.url(),
            &stack.sandbox.base_url(),
        )?;
        stack.children.extend(children);
        stack.children.push(envoy::spawn(&stack.config, stack.issuer.url())?);
        stack.wait_until_ready().await?;
        Ok(stack)
    }

    /// The gateway's base URL.
    #[must_use]
    pub fn gateway(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.gateway)
    }

    /// The base URL of a sidecar, past the gateway: for tests of what it refuses by itself.
    ///
    /// # Errors
    /// When there is no sidecar of that name.
    pub fn sidecar(&self, name: &str) -> anyhow::Result<String> {
        let port = self.config.ports.sidecar(name).with_context(|| format!("no sidecar is called {name}"))?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// Envoy's admin interface.
    #[must_use]
    pub fn admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.admin)
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The Stripe sandbox.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What it was started with.
    #[must_use]
    pub fn config(&self) -> &StackConfig {
        &self.config
    }

    /// Process ids of the children, by name.
    #[must_use]
    pub fn pids(&self) -> Vec<(String, u32)> {
        self.children.iter().map(|child| (child.name().to_owned(), child.pid())).collect()
    }

    /// Waits until a child ends, which none does by itself.
    ///
    /// # Errors
    /// Always, when it returns: the error names the child and its log.
    pub async fn watch(&mut self) -> anyhow::Result<()> {
        let ends = self.children.iter_mut().map(|child| Box::pin(child.ended()));
        let (error, _, _) = futures::future::select_all(ends).await;
        Err(error)
    }

    /// Ends the children in the order of the traffic, gateway first, each with time to drain.
    pub async fn stop(mut self) {
        while let Some(child) = self.children.pop() {
            child.stop().await;
        }
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let client = LoopbackClient::new();
        let deadline = tokio::time::Instant::now() + START_PATIENCE;
        let date = crate::tour::tomorrow(Clock::system().now())?;
        for probe in layout::probes(&self.config, &self.issuer.token("operator")?, &date) {
            loop {
                for child in &mut self.children {
                    child.still_running()?;
                }
                match probe.ask(&client).await {
                    Ok(()) => break,
                    Err(error) if tokio::time::Instant::now() > deadline => {
                        let logs = self.config.layout.logs();
                        bail!("{} did not get ready: {error:#}; logs are in {}", probe.what, logs.display());
                    }
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            }
        }
        Ok(())
    }
}
