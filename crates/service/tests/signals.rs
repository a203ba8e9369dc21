//! A whole service in this process: SIGTERM lets what runs finish, and the ports close.
//!
//! Alone in its file, since the signal reaches every service of the process.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jobzy_service::config::Env;
use jobzy_service::main::start;

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn request(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn until_ready(addr: SocketAddr) -> String {
    for _ in 0..100 {
        if let Ok(answer) = request(addr, "/health/ready") {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{addr} did not open within two seconds");
}

#[test]
fn sigterm_drains_requests_and_background_work_and_ends_the_service() {
    let (listen, metrics) = (free_port(), free_port());
    let env = Env::from_pairs([("LISTEN_ADDR", listen.to_string()), ("METRICS_ADDR", metrics.to_string())]);
    let (stopped, background) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    let service = std::thread::spawn(move || {
        start("jobzy-test", env, |common| async move {
            let shutdown = common.shutdown.clone();
            common.spawn("background", async move {
                shutdown.requested().await;
                stopped.send(()).unwrap();
            });
            let slow = move || {
                entered.send(()).unwrap();
                async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    "finished"
                }
            };
            Ok(Router::new().route("/slow", get(slow)))
        })
    });
    assert!(until_ready(listen).starts_with("HTTP/1.1 200 "));
    assert!(request(metrics, "/metrics").unwrap().contains("http_requests_total"));

    let slow = std::thread::spawn(move || request(listen, "/slow").unwrap());
    inside.recv_timeout(Duration::from_secs(2)).unwrap();
    let killed = Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().unwrap();
    assert!(killed.success());

    assert!(slow.join().unwrap().ends_with("finished"));
    service.join().unwrap().unwrap();
    background.try_recv().unwrap();
    assert!(TcpStream::connect(listen).is_err() && TcpStream::connect(metrics).is_err());
}
