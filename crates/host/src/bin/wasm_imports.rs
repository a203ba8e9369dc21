//! `wasm_imports FILE...`: fails when a filter asks for more than both gateways have.
//!
//! Exit code 0: every file is fit; 1: a file is not, and why is printed; 64: no file given.

fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_arch = "wasm32"))]
mod run {
    use std::io::Write;
    use std::path::PathBuf;
    use std::process::ExitCode;

    use jobzy_host::module::Module;

    pub(super) fn main() -> ExitCode {
        let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
        let mut out = std::io::stderr().lock();
        if files.is_empty() {
            let _ = writeln!(out, "usage: wasm_imports FILE...");
            return ExitCode::from(64);
        }
        let mut fit = true;
        for file in &files {
            let faults = match std::fs::read(file) {
                Ok(bytes) => {
                    Module::parse(&bytes).map_or_else(|error| vec![error.to_string()], |m| m.faults())
                }
                Err(error) => vec![error.to_string()],
            };
            for fault in faults {
                fit = false;
                let _ = writeln!(out, "{}: {fault}", file.display());
            }
        }
        if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The checker reads files; a filter's build has no use for it.
#[cfg(target_arch = "wasm32")]
mod run {
    pub(super) fn main() -> std::process::ExitCode {
        std::process::ExitCode::from(64)
    }
}
