//! The skeleton all sidecar mains share.
//!
//! ```no_run
//! //! The pricing sidecar: see the library for its routes.
//! use std::process::ExitCode;
//!
//! use axum::Router;
//! # mod jobzy_sidecar_pricing {
//! #     use jobzy_service::config::{ConfigError, Env};
//! #     pub struct Config;
//! #     impl Config { pub fn from_env(_: &Env) -> Result<Self, ConfigError> { Ok(Self) } }
//! # }
//! use jobzy_sidecar_pricing::Config;
//!
//! fn main() -> ExitCode {
//!     jobzy_service::main::run("jobzy-pricing", |common| async move {
//!         let config = Config::from_env(&common.env)?;      // a ConfigError exits with 64
//!         let auth = common.authenticator()?;               // OIDC_ISSUER, OIDC_AUDIENCE
//!         // let db = Db::connect(&config.database_url, DbOptions::default()).await?;
//!         // db.migrate(&migrations()).await?;
//!         // common.health.check("database", { let db = db.clone(); move || { let db = db.clone(); async move { db.ping().await } } });
//!         // common.spawn("outbox", pump.run(common.shutdown.clone()));
//!         // Ok(app(State { db, auth, clock: common.clock.clone() }))
//!         # let _ = (config, auth);
//!         Ok(Router::new())
//!     })
//! }
//! ```
//!
//! Order: environment, log, the sidecar's own start (database, migrations, background work), and only
//! then the ports, so that an open port means a working service. `LISTEN_ADDR` is required,
//! `METRICS_ADDR` optional. After SIGTERM or SIGINT running requests finish, then background work.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | stopped on request |
//! | 1 | could not start: a taken port, an unreachable database; the message says which |
//! | 64 | a variable is missing or malformed; the message names it |

use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;

use crate::app::{Common, metrics_router, standard_layers};
use crate::clock::Clock;
use crate::config::{ConfigError, Env};
use crate::serve::Server;
use crate::shutdown::Shutdown;
use crate::telemetry;

/// `EX_USAGE` of `sysexits.h`.
const EXIT_CONFIG: u8 = 64;
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Anything that keeps a service from starting; `?` makes one of every error. Whoever gets one can only
/// tell people, so it needs no type of its own.
pub type StartError = anyhow::Error;

/// Runs a service to its end with the environment of the process.
pub fn run<F, Fut>(service: &'static str, build: F) -> ExitCode
where
    F: FnOnce(Common) -> Fut,
    Fut: Future<Output = Result<Router, StartError>>,
{
    match start(service, Env::from_process(), build) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For people at a terminal; the same is in the log for machines.
            eprintln!("{service}: {error:#}");
            tracing::error!(error.message = %format_args!("{error:#}"), "cannot run");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Runs a service to its end with the given environment; [`run`] without the exit code.
///
/// # Errors
/// A [`ConfigError`] anywhere in the chain, a port that is taken, or what `build` failed with.
pub fn start<F, Fut>(service: &'static str, env: Env, build: F) -> Result<(), StartError>
where
    F: FnOnce(Common) -> Fut,
    Fut: Future<Output = Result<Router, StartError>>,
{
    let listen: SocketAddr = env.required_parse("LISTEN_ADDR")?;
    let metrics: Option<SocketAddr> = env.optional_parse("METRICS_ADDR")?;
    telemetry::init(service, telemetry::log_level(&env)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let common = Common::new(service, env, Clock::system(), Shutdown::on_signals()?);
        let router = build(common.clone()).await?;
        serve(&common, router, listen, metrics).await
    });
    // Blocking work that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(
    common: &Common,
    router: Router,
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
) -> Result<(), StartError> {
    let server = Server::bind(listen).await?;
    if let Some(addr) = metrics {
        let server = Server::bind(addr).await?;
        let (router, shutdown) = (metrics_router(common.metrics.clone()), common.shutdown.clone());
        common.spawn("metrics", async move { server.run(router, shutdown.requested()).await });
    }
    let (handle, shutdown) = (common.metrics.clone(), common.shutdown.clone());
    common.spawn("metrics-upkeep", async move {
        while tokio::time::timeout(METRICS_UPKEEP, shutdown.requested()).await.is_err() {
            handle.upkeep();
        }
    });
    tracing::info!(address = %server.local_addr(), "listening");
    server.run(standard_layers(router, common), common.shutdown.requested()).await;
    common.finish_tasks().await;
    tracing::info!("stopped");
    Ok(())
}

/// 64 when a [`ConfigError`] is the error or among its causes.
fn exit_code(error: &StartError) -> u8 {
    if error.chain().any(<dyn std::error::Error>::is::<ConfigError>) { EXIT_CONFIG } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_with(pairs: &[(&str, &str)]) -> StartError {
        let env = Env::from_pairs(pairs.iter().copied());
        start("jobzy-test", env, |_| async { Ok(Router::new()) }).unwrap_err()
    }

    #[test]
    fn a_missing_or_bad_variable_exits_with_64_and_is_named() {
        for (pairs, name) in [
            (&[][..], "LISTEN_ADDR"),
            (&[("LISTEN_ADDR", "nowhere")], "LISTEN_ADDR"),
            (&[("LISTEN_ADDR", "127.0.0.1:0"), ("METRICS_ADDR", "x")], "METRICS_ADDR"),
        ] {
            let error = start_with(pairs);
            assert_eq!(exit_code(&error), 64);
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }

    #[test]
    fn a_config_error_from_the_sidecar_itself_exits_with_64() {
        let env = Env::from_pairs([("LISTEN_ADDR", "127.0.0.1:0")]);
        let error = start("jobzy-test", env, |common| async move {
            common.env.required("DATABASE_URL")?;
            Ok(Router::new())
        });
        assert_eq!(exit_code(&error.unwrap_err()), 64);
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let error = start_with(&[("LISTEN_ADDR", &addr)]);
        assert!(error.to_string().contains(&addr), "{error}");
        assert_eq!(exit_code(&error), 1);
    }
}
