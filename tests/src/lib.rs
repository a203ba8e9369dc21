//! What the cross-room tests share: where the project's parts are, and a whole stack on free ports.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use jobzy_local::http::LoopbackClient;
use jobzy_local::stack::{Database, Layout, Ports, Stack, StackConfig, find_envoy};
use jobzy_service::config::Env;
use tempfile::TempDir;

/// The root of the project.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The folder of the programs that `cargo build` made with the profile of this test.
///
/// # Errors
/// When this test does not know its own place.
pub fn programs() -> anyhow::Result<PathBuf> {
    // target/<profile>/<program>, target/<profile>/deps/<test>
    let own = std::env::current_exe()?;
    let folder = own.parent().context("the test stands in no folder")?;
    Ok(if folder.ends_with("deps") { folder.join("..") } else { folder.to_owned() })
}

/// Envoy as the stack would find it.
///
/// # Errors
/// When there is none: `make test` installs it.
pub fn envoy() -> anyhow::Result<PathBuf> {
    let path = Env::from_process().string("PATH", "");
    find_envoy(&path, &root().join(".local")).context("no envoy; `make test` installs it")
}

/// A stack of its own: free ports, a fresh folder, ended when dropped.
#[derive(Debug)]
pub struct World {
    /// The running stack.
    pub stack: Stack,
    /// Everything it writes.
    pub home: TempDir,
}

impl World {
    /// Starts one.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn start(database: Database) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let stack = Stack::start(config(home.path(), database)?).await?;
        Ok(Self { stack, home })
    }
}

/// The configuration of a stack that writes below `home`.
///
/// # Errors
/// When Envoy or free ports are missing.
pub fn config(home: &Path, database: Database) -> anyhow::Result<StackConfig> {
    Ok(StackConfig {
        ports: Ports::free()?,
        layout: Layout {
            home: home.to_owned(),
            programs: programs()?,
            filters: root().join("dist"),
            route_table: root().join("deploy/routes/routes.toml"),
        },
        database,
        envoy: envoy()?,
        concurrency: 1,
    })
}

/// A client that speaks to one base address.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: LoopbackClient,
}

impl Api {
    /// For the server at `base`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), client: LoopbackClient::new() }
    }

    /// Sends a request with these headers and this body.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        self.client.send(request, Duration::from_secs(20)).await
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Response<Bytes>> {
        self.send("GET", path, headers, "").await
    }
}

/// A header's text, empty when it is not there.
#[must_use]
pub fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
