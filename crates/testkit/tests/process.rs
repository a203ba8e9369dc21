//! Children end with their guard, and with the test process even when that is killed.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jobzy_testkit::{http, ports, process};

fn sleeper() -> process::Child {
    let mut command = process::command("sleep");
    command.arg("600");
    process::spawn(command).expect("sleep starts")
}

/// A zombie is dead: it only waits to be asked for its exit code.
fn is_alive(id: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

#[track_caller]
fn assert_ends(id: u32) {
    for _ in 0..500 {
        if !is_alive(id) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("process {id} is still there after five seconds");
}

#[test]
fn a_child_is_killed_when_its_guard_is_dropped() {
    let mut child = sleeper();
    let id = child.id();
    assert!(child.is_running() && is_alive(id));
    drop(child);
    assert!(!is_alive(id));
}

#[test]
fn a_child_outlives_the_thread_that_asked_for_it() {
    let mut child = std::thread::spawn(sleeper).join().expect("no panic");
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.is_running());
}

#[test]
#[ignore = "not a test: run in a process of its own by the next one, which kills it"]
fn a_process_with_a_child() {
    let child = sleeper();
    eprintln!("child {}", child.id());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_child_dies_with_a_test_process_that_is_killed() {
    let mut parent = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--ignored", "--exact", "a_process_with_a_child", "--nocapture"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let lines = BufReader::new(parent.stderr.take().expect("it is piped")).lines();
    let id = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("child ")?.parse::<u32>().ok())
        .expect("it names its child");
    assert!(is_alive(id));
    parent.kill().expect("SIGKILL");
    parent.wait().expect("it is gone");
    assert_ends(id);
}

#[tokio::test]
async fn a_port_said_to_be_free_can_be_served_and_asked() {
    let port = ports::free();
    assert!(!ports::wait_open(port, Duration::from_millis(100), || true));
    let mut command = process::command("python3");
    command
        .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = process::spawn(command).expect("python3 starts");
    assert!(ports::wait_open(port, Duration::from_secs(20), || true));
    let client = http::Client::new();
    let reply = client.get(&format!("http://127.0.0.1:{port}/nothing-here"), &[]).await.expect("an answer");
    assert_eq!((reply.status, reply.header("connection")), (404, Some("close")));
}
