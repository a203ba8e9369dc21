//! The server against raw TCP: what malformed, slow and silent clients get.
#![cfg(test)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use jobzy_service::app::{Common, standard_layers};
use jobzy_service::clock::Clock;
use jobzy_service::config::Env;
use jobzy_service::extract::RawBody;
use jobzy_service::serve::{Limits, Server};
use jobzy_service::shutdown::{Shutdown, ShutdownTrigger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

struct Running {
    addr: SocketAddr,
    trigger: ShutdownTrigger,
    server: JoinHandle<()>,
}

const SHORT: Duration = Duration::from_millis(300);

fn limits() -> Limits {
    Limits {
        body_bytes: 1000,
        head: SHORT,
        body: SHORT,
        idle: SHORT * 3,
        write: SHORT,
        drain: SHORT * 4,
        ..Limits::default()
    }
}

async fn start_with(limits: Limits) -> Running {
    let (trigger, shutdown) = Shutdown::manual();
    let common = Common::new("jobzy-test", Env::default(), Clock::system(), shutdown.clone());
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(SHORT).await;
                "slow"
            }),
        )
        .route("/hang", get(|| async { std::future::pending::<&str>().await }))
        .route("/big", get(|| async { "x".repeat(64 * 1024 * 1024) }))
        .route("/body", post(|RawBody(body): RawBody| async move { body.len().to_string() }));
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().with_limits(limits);
    let addr = server.local_addr();
    let router = standard_layers(router, &common);
    let server = tokio::spawn(async move { server.run(router, shutdown.requested()).await });
    Running { addr, trigger, server }
}

async fn start() -> Running {
    start_with(limits()).await
}

/// Sends bytes and reads until the server closes, or gives up after two seconds.
async fn talk(addr: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    read_to_close(&mut stream).await
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the server leaves the connection open");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 4096];
    let length =
        tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn malformed_requests_are_answered_with_a_problem_and_closed() {
    let running = start().await;
    let te = "Transfer-Encoding: chunked\r\n";
    for (request, status, slug) in [
        (
            format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n{te}\r\n0\r\n\r\n"),
            "400",
            "ambiguous-framing",
        ),
        (
            format!("POST /body HTTP/1.1\r\nHost: a\r\n{te}Content-Length: 3\r\n\r\n0\r\n\r\n"),
            "400",
            "ambiguous-framing",
        ),
        (
            "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx".into(),
            "400",
            "ambiguous-framing",
        ),
        ("GET / HTTP/1.1\nHost: a\n\n".into(), "400", "ambiguous-framing"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".into(), "400", "invalid-host"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400", "invalid-host"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), "400", "invalid-host"),
        ("GET /a/../ HTTP/1.1\r\nHost: a\r\n\r\n".into(), "400", "ambiguous-path"),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n".into(), "505", "http-version-not-supported"),
    ] {
        let answer = talk(running.addr, &request).await;
        assert!(answer.contains(&format!(" {status} ")), "{request:?}: {answer}");
        assert!(answer.contains(&format!("urn:jobzy:problem:{slug}")), "{request:?}: {answer}");
        assert!(answer.contains("correlation_id") && answer.contains("x-correlation-id: "), "{answer}");
    }
}

#[tokio::test]
async fn what_hyper_refuses_itself_stays_refused() {
    let running = start().await;
    let many: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (head, status) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(40_000)), "431"),
    ] {
        let answer = talk(running.addr, &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{:.60?}: {answer}", head);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_and_without_a_length() {
    let running = start().await;
    let known = format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n{}", "x".repeat(1001));
    let chunked = format!(
        "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1001)
    );
    for request in [known, chunked] {
        let answer = talk(running.addr, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body-too-large"), "{answer}");
    }
}

#[tokio::test]
async fn a_chunked_body_is_read_and_its_connection_carries_nothing_more() {
    let running = start().await;
    let smuggled = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                    GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = talk(running.addr, smuggled).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n3"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_slow_body_is_given_up_with_408() {
    let running = start().await;
    let answer = talk(running.addr, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body-timeout"), "{answer}");
}

#[tokio::test]
async fn a_slow_head_is_closed_however_it_trickles() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    let begun = Instant::now();
    for byte in "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(read_to_close(&mut stream).await, "");
    let took = begun.elapsed();
    assert!(took >= SHORT && took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let running = start().await;
    let begun = Instant::now();
    assert_eq!(talk(running.addr, "").await, "");
    assert!(begun.elapsed() >= SHORT * 2, "closed too early: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_for_the_idle_time_and_then_closed() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(read_some(&mut stream).await.ends_with("hello"));
        // Longer than the head's limit, shorter than the idle one.
        tokio::time::sleep(SHORT * 2).await;
    }
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_small_body_nobody_reads_does_not_cost_the_connection() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    for _ in 0..2 {
        stream
            .write_all(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            .await
            .unwrap();
        assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 404 "));
    }
}

#[tokio::test]
async fn pipelined_requests_are_all_answered() {
    let running = start().await;
    let answer = talk(running.addr, &"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3)).await;
    assert_eq!(answer.matches("hello").count(), 3, "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_cut_off() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    stream.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT * 4).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(read.is_err() || answer.len() < 64 * 1024 * 1024, "{} bytes came", answer.len());
}

#[tokio::test]
async fn surplus_connections_wait_until_one_ends() {
    let running = start_with(Limits { connections: 1, ..limits() }).await;
    let first = TcpStream::connect(running.addr).await.unwrap();
    let mut second = TcpStream::connect(running.addr).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let early = tokio::time::timeout(SHORT, second.read(&mut [0; 16])).await;
    assert!(early.is_err(), "served beyond the cap");
    drop(first);
    assert!(read_some(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_drain_lets_running_requests_finish_and_takes_no_new_ones() {
    // Neither idle connections nor a fresh one may make use of their idle time or of the drain's.
    let long = Duration::from_secs(20);
    let running = start_with(Limits { idle: long, drain: long, ..limits() }).await;
    let mut slow = TcpStream::connect(running.addr).await.unwrap();
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut silent = TcpStream::connect(running.addr).await.unwrap();
    let mut kept = TcpStream::connect(running.addr).await.unwrap();
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_some(&mut kept).await;
    running.trigger.trigger();
    let begun = Instant::now();
    assert!(read_to_close(&mut slow).await.ends_with("slow"));
    assert_eq!(read_to_close(&mut silent).await, "");
    assert_eq!(read_to_close(&mut kept).await, "");
    running.server.await.unwrap();
    assert!(begun.elapsed() < SHORT * 3, "idle connections held the drain up: {:?}", begun.elapsed());
    assert!(TcpStream::connect(running.addr).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_even_when_a_request_does_not() {
    let running = start().await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    stream.write_all(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    running.trigger.trigger();
    tokio::time::timeout(Duration::from_secs(5), running.server).await.unwrap().unwrap();
    assert!(begun.elapsed() >= SHORT * 4, "{:?}", begun.elapsed());
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error() {
    let running = start().await;
    let error = Server::bind(running.addr).await.unwrap_err();
    assert!(error.to_string().contains(&running.addr.to_string()), "{error}");
}
