//! Where things lie on this machine.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// `.local/` at the workspace root: downloaded programs, templates, run folders. Never committed.
pub(crate) fn local() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local")
}

/// True when this process runs as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// A program on the `PATH`, or in the folders where Debian puts servers.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find programs like a shell does; this is no configuration"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
