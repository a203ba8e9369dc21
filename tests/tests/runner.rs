//! How the one-machine stack begins and ends.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jobzy_local::stack::{Database, Stack};

#[test]
fn sigkill_of_the_runner_leaves_no_process_behind() {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_stack-holder")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(runner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: Vec<u32> = line.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 5, "four sidecars and Envoy, got `{line}`");
    assert!(pids.iter().all(|&pid| runs(pid)), "a child was gone before the kill");

    runner.kill().unwrap();
    runner.wait().unwrap();

    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        pids.iter().all(|&pid| !runs(pid))
    });
    assert!(gone, "still running: {:?}", pids.iter().filter(|&&pid| runs(pid)).collect::<Vec<_>>());
}

/// Whether the process is there and not merely waiting to be reaped by whoever adopted it.
fn runs(pid: u32) -> bool {
    let stat =
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error() {
    let home = tempfile::tempdir().unwrap();
    let config = jobzy_tests::config(home.path(), Database::Sqlite).unwrap();
    let port = config.ports.sidecar("booking").unwrap();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let error = format!("{:#}", Stack::start(config).await.unwrap_err());
    assert!(error.contains(&port.to_string()) && error.contains("booking"), "{error}");
}
