//! A child process that cannot outlive this one.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

/// How long a child may drain after SIGTERM before SIGKILL.
const DRAIN: Duration = Duration::from_secs(5);

/// The kernel promises to end the child with its parent from `setpriv` on. A parent that died before that is noticed
/// here: the child then has another one.
const UNLESS_ORPHANED: &str = r#"test "$PPID" = "$0" && exec "$@""#;

/// A running program, ended when this is dropped.
#[derive(Debug)]
pub struct Child {
    name: String,
    log: PathBuf,
    process: tokio::process::Child,
    pid: u32,
}

impl Child {
    /// Starts `program` with exactly `env` (and PATH), its output appended to `log`.
    ///
    /// The kernel sends it SIGKILL when the thread that called this ends, so this must be called on a
    /// thread that lives as long as the child should: the main thread or a runtime worker, never a
    /// blocking-pool thread.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn spawn(
        name: &str,
        program: &Path,
        args: &[&str],
        env: &[(String, String)],
        log: PathBuf,
    ) -> anyhow::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("opening the log {}", log.display()))?;
        let own = std::process::id().to_string();
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "sh", "-c", UNLESS_ORPHANED, &own])
            .arg(program)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(env.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name} ({})", program.display()))?;
        let pid = process.id().with_context(|| format!("{name} ended at once"))?;
        Ok(Self { name: name.to_owned(), log, process, pid })
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Refuses when it has ended.
    ///
    /// # Errors
    /// Names the child, its status and its log.
    pub fn still_running(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.process.try_wait()? {
            bail!(
                "{} ended with {status}; its log is {}{}",
                self.name,
                self.log.display(),
                self.last_words()
            );
        }
        Ok(())
    }

    /// Waits for its end and says how it was.
    pub async fn ended(&mut self) -> anyhow::Error {
        match self.process.wait().await {
            Ok(status) => {
                anyhow::anyhow!(
                    "{} ended with {status}; its log is {}{}",
                    self.name,
                    self.log.display(),
                    self.last_words()
                )
            }
            Err(error) => anyhow::anyhow!("{} cannot be watched: {error}", self.name),
        }
    }

    /// SIGTERM, time to drain, then SIGKILL.
    pub async fn stop(mut self) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // The process is still ours to wait for, so the id cannot have gone to another one.
            if kill_process(pid, Signal::TERM).is_ok()
                && tokio::time::timeout(DRAIN, self.process.wait()).await.is_ok()
            {
                return;
            }
        }
        if let Err(error) = self.process.kill().await {
            tracing::warn!(%error, name = self.name, "a child could not be killed");
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.iter().rev().map(|line| format!("\n  | {line}")).collect()
    }
}
