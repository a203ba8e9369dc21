use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{get, post};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::serve::Server;
use crate::shutdown::{Shutdown, ShutdownTrigger};

const SECOND: Duration = Duration::from_secs(1);

async fn serve(router: Router) -> (String, ShutdownTrigger) {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(async move { server.run(router, shutdown.requested()).await });
    (url, trigger)
}

fn request(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_refused_connection_was_surely_not_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error =
        HttpClient::new().send(request(&format!("http://127.0.0.1:{port}/")), SECOND).await.unwrap_err();
    assert!(matches!(error, ClientError::NotSent(_)) && error.surely_not_sent(), "{error}");
}

#[tokio::test]
async fn silence_and_a_connection_closed_after_sending_leave_the_outcome_open() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        });
        let error = HttpClient::new().send(request(&url), SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::Unknown(_)), "{error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = HttpClient::new().send(request(&url), Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error, ClientError::Unknown("no answer within 100 ms".into()));
}

#[tokio::test]
async fn a_large_answer_is_not_read_to_its_end() {
    let (url, _running) = serve(Router::new().route("/", get(|| async { "x".repeat(2000) }))).await;
    let client = HttpClient::new().with_max_response(1000);
    assert_eq!(client.send(request(&url), SECOND).await.unwrap_err(), ClientError::TooLarge(1000));
}

#[tokio::test]
async fn any_status_is_an_answer_and_is_counted() {
    let metrics = crate::telemetry::metrics_handle();
    let (url, _running) = serve(Router::new()).await;
    assert_eq!(HttpClient::new().send(request(&url), SECOND).await.unwrap().status(), 404);
    let peer = url.trim_start_matches("http://");
    let counted = format!(r#"http_client_requests_total{{peer="{peer}",outcome="404"}} 1"#);
    assert!(metrics.render().contains(&counted), "{}", metrics.render());
}

#[tokio::test]
async fn an_address_that_is_not_absolute_is_refused_before_sending() {
    for url in ["/relative", "ftp://a/"] {
        let error = HttpClient::new().send(request(url), SECOND).await.unwrap_err();
        assert!(matches!(error, ClientError::InvalidRequest(_)), "{error}");
    }
}

async fn issuer(expires_in: u64) -> (ServiceToken, Arc<AtomicUsize>, ShutdownTrigger) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let grant = move |headers: http::HeaderMap, body: String| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_eq!(headers["authorization"], "Basic aWQ6cyUyRg==");
            assert_eq!(body, "grant_type=client_credentials");
            tokio::time::sleep(Duration::from_millis(20)).await;
            format!(r#"{{"access_token":"t{number}","expires_in":{expires_in},"token_type":"Bearer"}}"#)
        }
    };
    let (url, running) = serve(Router::new().route("/token", post(grant))).await;
    (ServiceToken::new(HttpClient::new(), format!("{url}/token"), "id", "s/"), asked, running)
}

#[tokio::test]
async fn one_fetch_serves_everybody_until_the_token_is_forgotten() {
    let (token, asked, _running) = issuer(300).await;
    let all = futures::future::join_all((0..20).map(|_| token.bearer())).await;
    assert!(all.iter().all(|bearer| bearer.as_deref() == Ok("t0")));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    token.forget().await;
    let mut headers = http::HeaderMap::new();
    token.authorise(&mut headers).await.unwrap();
    assert_eq!(headers["authorization"], "Bearer t1");
    assert!(!format!("{headers:?}").contains("t1"));
}

#[tokio::test]
async fn a_token_without_life_is_fetched_again() {
    let (token, asked, _running) = issuer(0).await;
    token.bearer().await.unwrap();
    token.bearer().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refusing_issuer_is_an_error_without_the_secret() {
    let (url, _running) = serve(Router::new()).await;
    let token = ServiceToken::new(HttpClient::new(), format!("{url}/token"), "id", "hush");
    let error = token.bearer().await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    assert!(!format!("{token:?} {error}").contains("hush"));
}
