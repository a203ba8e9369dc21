//! The files that are committed, and from what they are written.

use std::path::{Path, PathBuf};

use crate::deployment::{Deployment, DeploymentError};
use crate::table::{RouteTable, TableError};
use crate::{envoy, kong};

/// Why the files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A source cannot be read.
    #[error("reading {path}: {error}")]
    Read {
        /// Of the source.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The route table is refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A deployment is refused.
    #[error("{path}: {error}")]
    Deployment {
        /// The file below the root.
        path: &'static str,
        /// Why.
        error: DeploymentError,
    },
}

/// The route table, below the root of the repository.
pub const TABLE: &str = "deploy/routes/routes.toml";
/// One machine: what `envoy-config/envoy.yaml` is for.
pub const LOCAL: &str = "deploy/routes/local.toml";
/// A cluster: what `kong/` is for.
pub const CLUSTER: &str = "deploy/routes/cluster.toml";

/// Every committed file with its text, rendered from the sources below `root`.
///
/// # Errors
/// When a source cannot be read or is refused.
pub fn rendered(root: &Path) -> Result<Vec<(&'static str, String)>, FilesError> {
    let table = RouteTable::parse(&read(root, TABLE)?)?;
    let local = deployment(root, LOCAL)?;
    let cluster = deployment(root, CLUSTER)?;
    let in_local = |error| FilesError::Deployment { path: LOCAL, error };
    let in_cluster = |error| FilesError::Deployment { path: CLUSTER, error };
    Ok(vec![
        ("envoy-config/envoy.yaml", envoy::bootstrap(&table, &local).map_err(in_local)?),
        ("envoy-config/routes.yaml", envoy::routes(&table, &local).map_err(in_local)?),
        ("kong/kong.yml", kong::declarative(&table, &cluster).map_err(in_cluster)?),
        ("kong/kong.conf", kong::conf(&table, &cluster).map_err(in_cluster)?),
    ])
}

fn deployment(root: &Path, path: &'static str) -> Result<Deployment, FilesError> {
    Deployment::parse(&read(root, path)?).map_err(|error| FilesError::Deployment { path, error })
}

fn read(root: &Path, path: &str) -> Result<String, FilesError> {
    let path = root.join(path);
    std::fs::read_to_string(&path).map_err(|error| FilesError::Read { path, error })
}
