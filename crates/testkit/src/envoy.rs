//! Where the real Envoy is.

use std::path::PathBuf;

use crate::place::{local, program};

/// The `envoy` on the `PATH`, or the one that `make test` put into `.local/`.
///
/// # Panics
/// When there is neither.
pub fn binary() -> PathBuf {
    let candidates = ["envoy/bin/envoy", "envoy/envoy", "bin/envoy", "envoy"];
    program("envoy")
        .or_else(|| candidates.iter().map(|path| local().join(path)).find(|file| file.is_file()))
        .unwrap_or_else(|| {
            panic!("envoy is neither on the PATH nor in .local/: run `make test`, which installs it")
        })
}
