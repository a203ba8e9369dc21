//! Ports, folders and the probes that tell when the stack is ready.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::StackConfig;
use crate::http::LoopbackClient;

/// The sidecars, in the order in which they start.
pub const SIDECARS: [&str; 4] = ["pricing", "booking", "payment", "correlation"];

/// One port per listener, all on 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The gateway.
    pub gateway: u16,
    /// Envoy's admin interface.
    pub admin: u16,
    /// The issuer.
    pub issuer: u16,
    /// The Stripe sandbox.
    pub sandbox: u16,
    /// API port of each of [`SIDECARS`].
    pub api: [u16; 4],
    /// Metrics port of each of [`SIDECARS`].
    pub metrics: [u16; 4],
}

impl Ports {
    /// The ports named in the README.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            gateway: 8000,
            admin: 9901,
            issuer: 8180,
            sandbox: 8190,
            api: [8101, 8102, 8103, 8104],
            metrics: [9101, 9102, 9103, 9104],
        }
    }

    /// Ports that are free now, for a stack beside another one.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free() -> anyhow::Result<Self> {
        // All are held at once, so that no port is handed out twice.
        let held =
            (0..12).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<Vec<_>, _>>()?;
        let ports =
            held.iter().map(|port| Ok(port.local_addr()?.port())).collect::<anyhow::Result<Vec<u16>>>()?;
        let [gateway, admin, issuer, sandbox, a, b, c, d, e, f, g, h] = ports[..] else {
            anyhow::bail!("the system handed out too few ports")
        };
        Ok(Self { gateway, admin, issuer, sandbox, api: [a, b, c, d], metrics: [e, f, g, h] })
    }

    /// A loopback address with this port.
    #[must_use]
    pub fn address(&self, port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    /// The API port of the sidecar `name`.
    #[must_use]
    pub fn sidecar(&self, name: &str) -> Option<u16> {
        let at = SIDECARS.iter().position(|&sidecar| sidecar == name)?;
        self.api.get(at).copied()
    }

    /// The metrics port of the sidecar `name`.
    #[must_use]
    pub fn metrics_of(&self, name: &str) -> Option<u16> {
        let at = SIDECARS.iter().position(|&sidecar| sidecar == name)?;
        self.metrics.get(at).copied()
    }

    /// # Errors
    /// When a port is taken: the message names it and what it is for.
    pub(super) async fn expect_all_free(&self) -> anyhow::Result<()> {
        let mut wanted = vec![
            ("the gateway".to_owned(), self.gateway),
            ("Envoy's admin interface".to_owned(), self.admin),
            ("the issuer".to_owned(), self.issuer),
            ("the Stripe sandbox".to_owned(), self.sandbox),
        ];
        for (name, (api, metrics)) in SIDECARS.iter().zip(self.api.iter().zip(&self.metrics)) {
            wanted.push((format!("the {name} sidecar"), *api));
            wanted.push((format!("the metrics of the {name} sidecar"), *metrics));
        }
        for (what, port) in wanted {
            crate::ports::expect_free(&what, self.address(port)).await?;
        }
        Ok(())
    }
}

/// Where files are.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Everything the stack writes lies below.
    pub home: PathBuf,
    /// The sidecars' programs.
    pub programs: PathBuf,
    /// The compiled filters.
    pub filters: PathBuf,
    /// The route table.
    pub route_table: PathBuf,
}

impl Layout {
    /// Databases and stored files.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// One log per child.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.home.join("logs")
    }

    /// Envoy's rendered configuration.
    #[must_use]
    pub fn rendered(&self) -> PathBuf {
        self.home.join("envoy")
    }

    /// The log of the child `name`.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// Makes the folders, and begins the logs anew.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        for folder in [self.data(), self.logs(), self.rendered()] {
            std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        for name in SIDECARS.iter().chain(&["envoy", "access"]) {
            let log = self.log(name);
            if log.exists() {
                std::fs::remove_file(&log).with_context(|| format!("removing {}", log.display()))?;
            }
        }
        for name in SIDECARS {
            must_exist(&self.programs.join(format!("jobzy-{name}")), "make build")?;
        }
        for name in ["correlation_id", "jwt_auth", "pricing_cache"] {
            must_exist(&self.filters.join(format!("jobzy_{name}.wasm")), "./wasm-build.sh")?;
        }
        Ok(())
    }
}

fn must_exist(file: &Path, made_by: &str) -> anyhow::Result<()> {
    ensure!(file.exists(), "{} is missing; `{made_by}` makes it", file.display());
    Ok(())
}

/// One question whose right answer says that a part is ready.
pub(super) struct Probe {
    pub what: String,
    url: String,
    token: Option<String>,
    header: Option<(&'static str, &'static str)>,
}

impl Probe {
    pub async fn ask(&self, client: &LoopbackClient) -> anyhow::Result<()> {
        let mut request = Request::get(&self.url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = client.send(request.body(Full::new(Bytes::new()))?, Duration::from_secs(2)).await?;
        ensure!(answer.status() == 200, "{} answered {}", self.url, answer.status());
        if let Some((name, part)) = self.header {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            ensure!(value.contains(part), "{name} is `{value}`");
        }
        Ok(())
    }
}

/// The sidecars by themselves; then, through the gateway, a request that needs the keys of the issuer,
/// and a quote that needs the rate book at the edge.
pub(super) fn probes(config: &StackConfig, token: &str, date: &str) -> Vec<Probe> {
    let gateway = format!("http://127.0.0.1:{}", config.ports.gateway);
    let mut probes: Vec<Probe> = SIDECARS
        .iter()
        .zip(&config.ports.api)
        .map(|(name, port)| Probe {
            what: format!("the {name} sidecar"),
            url: format!("http://127.0.0.1:{port}/health/ready"),
            token: None,
            header: None,
        })
        .collect();
    probes.push(Probe {
        what: "the gateway's token check".to_owned(),
        url: format!("{gateway}/api/v1/jobs"),
        token: Some(token.to_owned()),
        header: None,
    });
    // A service nobody asks for on the tour, so that the tour's first quote is a miss.
    let quote = "/api/v1/pricing/quotes?service=snow-clearing&quantity=1&postal_code=00100";
    probes.push(Probe {
        what: "the gateway's price cache".to_owned(),
        url: format!("{gateway}{quote}&date={date}"),
        token: None,
        header: Some(("cache-status", "jobzy-edge; fwd=uri-miss")),
    });
    probes
}
