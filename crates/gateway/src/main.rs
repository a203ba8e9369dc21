//! `jobzy-gateway render` writes the gateways' configuration from `deploy/routes/`; `jobzy-gateway check` says
//! which committed file differs from what would be written. Both take the root of the repository as their
//! last argument; without it, the working directory is meant.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jobzy_gateway::files;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let root = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let result = match command.as_deref() {
        Some("render") => render(&root),
        Some("check") => check(&root),
        _ => {
            eprintln!("usage: jobzy-gateway render|check [root of the repository]");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn render(root: &Path) -> Result<(), String> {
    for (path, text) in files::rendered(root).map_err(|error| error.to_string())? {
        let target = root.join(path);
        // Beside and renamed, since an Envoy may be watching: it must never read half a file.
        let beside = target.with_extension("new");
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, &target))
            .map_err(|error| format!("writing {}: {error}", target.display()))?;
        eprintln!("{path}");
    }
    Ok(())
}

fn check(root: &Path) -> Result<(), String> {
    let rendered = files::rendered(root).map_err(|error| error.to_string())?;
    let same = |(path, text): &(&str, String)| {
        std::fs::read_to_string(root.join(path)).is_ok_and(|committed| committed == *text)
    };
    let stale: Vec<&str> = rendered.iter().filter(|file| !same(file)).map(|(path, _)| *path).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("not what deploy/routes/ says: {}; `jobzy-gateway render` writes them", stale.join(", ")))
}
