use axum::body::Body;
use axum::routing::{get, post};
use http::header::ALLOW;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::json::Json;
use crate::problem::ApiResult;

fn common() -> Common {
    let clock = Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap());
    Common::new("jobzy-test", Env::default(), clock, Shutdown::manual().1)
}

fn app() -> Router {
    let router = Router::new()
        .route("/things/{id}", get(|| async { "thing" }))
        .route("/panic", get(|| async { panic!("secret detail") as &str }))
        .route("/echo", post(|Json(body): Json<Value>| async { Json(body) }))
        .route("/refuse", get(|| async { ApiResult::<()>::Err(Problem::forbidden()) }));
    standard_layers(router, &common())
}

async fn call(request: http::request::Builder) -> (http::response::Parts, Vec<u8>) {
    let (parts, body) = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn every_answer_carries_the_correlation_id_and_problems_repeat_it() {
    let (parts, body) = call(http::Request::get("/refuse").header(CORRELATION_ID, "abc")).await;
    assert_eq!(parts.headers[CORRELATION_ID], "abc");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["correlation_id"], "abc");
    let (parts, _) = call(http::Request::get("/things/1")).await;
    assert_eq!(parts.headers[CORRELATION_ID].len(), 36);
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_problems() {
    let (parts, body) = call(http::Request::get("/nowhere")).await;
    assert_eq!(parts.status, 404);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["type"], "urn:jobzy:problem:not-found");
    let (parts, body) = call(http::Request::delete("/things/1")).await;
    assert_eq!(parts.status, 405);
    assert_eq!(parts.headers[ALLOW], "GET,HEAD");
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap()["type"],
        "urn:jobzy:problem:method-not-allowed"
    );
}

#[tokio::test]
async fn a_panic_becomes_a_500_that_hides_its_message() {
    let (parts, body) = call(http::Request::get("/panic")).await;
    assert_eq!(parts.status, 500);
    assert!(!String::from_utf8(body).unwrap().contains("secret"));
}

#[tokio::test]
async fn requests_are_counted_by_route_not_by_path() {
    call(http::Request::get("/things/7391")).await;
    let text = metrics_handle().render();
    assert!(text.contains(r#"http_requests_total{method="GET",path="/things/{id}",status="200"}"#), "{text}");
    assert!(
        text.contains(r#"http_request_seconds_bucket{method="GET",path="/things/{id}",le="0.1"}"#),
        "{text}"
    );
    assert!(!text.contains("7391"), "{text}");
}

#[tokio::test]
async fn health_is_served_beside_the_routes() {
    assert_eq!(call(http::Request::get("/health/live")).await.0.status, 200);
    assert_eq!(call(http::Request::get("/health/ready")).await.0.status, 200);
}

#[tokio::test]
async fn finished_tasks_are_waited_for_and_hanging_ones_end() {
    tokio::time::pause();
    let (trigger, shutdown) = Shutdown::manual();
    let common = Common::new("jobzy-test", Env::default(), Clock::system(), shutdown.clone());
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = Arc::clone(&done);
    common.spawn("good", async move {
        shutdown.requested().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        flag.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    common.spawn("hanging", std::future::pending());
    trigger.trigger();
    common.finish_tasks().await;
    assert!(done.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn addresses_are_checked_and_lose_their_last_slash() {
    let env = Env::from_pairs([("GOOD", "http://a:1/realms/x/"), ("BAD", "localhost:1"), ("FTP", "ftp://a")]);
    let common = Common::new("jobzy-test", env, Clock::system(), Shutdown::manual().1);
    assert_eq!(common.address("GOOD").unwrap(), "http://a:1/realms/x");
    for name in ["BAD", "FTP", "ABSENT"] {
        assert_eq!(common.address(name).unwrap_err().name, name);
    }
}
