//! `jobzy-local run` starts everything, walks the tour and keeps serving; `jobzy-local tour` ends after it.
//!
//! Exit codes: 0 when every step of the tour held (and, for `run`, the end was asked for), 1 when one
//! did not or a part failed, 64 when the command line or a variable of the environment is wrong.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jobzy_local::stack::{Database, Layout, Ports, Stack, StackConfig};
use jobzy_local::tour::{self, TourConfig};
use jobzy_service::clock::Clock;
use jobzy_service::config::Env;
use tokio::signal::unix::{SignalKind, signal};

/// The exit code for a wrong command line or environment (sysexits.h, EX_USAGE).
const USAGE: u8 = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Run,
    Tour,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mode = match std::env::args().nth(1).as_deref() {
        Some("run") => Mode::Run,
        Some("tour") => Mode::Tour,
        _ => return say(USAGE, "usage: jobzy-local run|tour"),
    };
    let env = Env::from_process();
    let database = match Database::from_url(env.optional("DATABASE_URL").as_deref()) {
        Ok(database) => database,
        Err(error) => return say(USAGE, &format!("{error:#}")),
    };
    let envoy = match find_envoy(&env.string("PATH", "")) {
        Ok(envoy) => envoy,
        Err(error) => return say(1, &format!("{error:#}")),
    };
    let config = StackConfig { ports: Ports::standard(), layout: layout(), database, envoy, concurrency: 1 };
    match serve(mode, config).await {
        Ok(code) => code,
        Err(error) => say(1, &format!("{error:#}")),
    }
}

async fn serve(mode: Mode, config: StackConfig) -> anyhow::Result<ExitCode> {
    let mut end = signal(SignalKind::terminate())?;
    let home = config.layout.home.clone();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "Starting the issuer, the Stripe sandbox, four sidecars and Envoy ...")?;
    let mut stack = Stack::start(config).await?;
    let tour = TourConfig {
        gateway: stack.gateway(),
        issuer: stack.issuer().url().to_owned(),
        out_dir: home,
        now: Clock::system().now(),
    };
    let outcome = tokio::select! {
        outcome = tour::walk(tour, &mut stdout) => outcome?,
        died = stack.watch() => return died.map(|()| ExitCode::FAILURE),
    };
    let held = outcome.failed.is_empty();
    if mode == Mode::Run && held {
        hints(&mut stdout, &stack)?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = end.recv() => {}
            died = stack.watch() => return died.map(|()| ExitCode::FAILURE),
        }
        writeln!(stdout, "\nEnding ...")?;
    }
    stack.stop().await;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a person may try next, with a token that is good for some minutes.
fn hints(out: &mut impl Write, stack: &Stack) -> anyhow::Result<()> {
    let gateway = stack.gateway();
    let token = stack.issuer().token("customer")?;
    let issuer = stack.issuer().url();
    writeln!(
        out,
        "\nServing on {gateway} until Ctrl-C. Try:\n\n\
         curl -si '{gateway}/api/v1/pricing/quotes?service=home-cleaning&quantity=3&postal_code=00100&date={date}'\n\n\
         TOKEN={token}\n\
         curl -si {gateway}/api/v1/jobs -H \"authorization: Bearer $TOKEN\"\n\n\
         # a fresh token, for any of customer, provider, operator, finance, pricing-admin:\n\
         curl -s {issuer}/protocol/openid-connect/token \\\n  \
         -d grant_type=password -d client_id=jobzy-web -d username=operator -d password=demo",
        date = tour::tomorrow(Clock::system().now())?,
    )?;
    Ok(())
}

/// Where things are below the current folder, which is the root of the project.
fn layout() -> Layout {
    let programs = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    Layout {
        home: PathBuf::from(".local"),
        programs: programs.unwrap_or_else(|| PathBuf::from("target/debug")),
        filters: PathBuf::from("dist"),
        route_table: PathBuf::from("deploy/routes/routes.toml"),
    }
}

fn find_envoy(path: &str) -> anyhow::Result<PathBuf> {
    jobzy_local::stack::find_envoy(path, Path::new(".local"))
        .context("no envoy on the PATH nor in .local; `deploy/local/install.sh run` installs it")
}

fn say(code: u8, message: &str) -> ExitCode {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "jobzy-local: {message}");
    ExitCode::from(code)
}
