use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use super::*;
use crate::serve::Server;
use crate::shutdown::{Shutdown, ShutdownTrigger};

const AUDIENCE: &str = "jobzy-api";

fn clock() -> Clock {
    Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap())
}

/// An ES256 key; its kid is its seed.
struct Key(u8);

impl Key {
    fn signing(&self) -> SigningKey {
        SigningKey::from_slice(&[self.0; 32]).unwrap()
    }

    fn jwk(&self) -> Value {
        let point = self.signing().verifying_key().to_encoded_point(false);
        let coordinate = |bytes: &[u8]| BASE64.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.0.to_string(),
            "x": coordinate(point.x().unwrap()), "y": coordinate(point.y().unwrap()),
        })
    }

    fn token(&self, issuer: &str, life_s: i64) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.0.to_string() });
        let now = clock().unix_s();
        let payload = json!({
            "iss": issuer, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + life_s, "typ": "Bearer",
            "azp": "jobzy-web", "preferred_username": "customer", "realm_access": { "roles": ["customer"] },
        });
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(payload.to_string()));
        let signature: Signature = self.signing().sign(signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature.to_bytes()))
    }
}

/// An issuer whose keys and mood a test can change.
struct Issuer {
    url: String,
    state: Arc<Published>,
    _running: ShutdownTrigger,
}

struct Published {
    name: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    up: AtomicBool,
    fetched: AtomicUsize,
}

async fn discovery(State(state): State<Arc<Published>>) -> Result<String, StatusCode> {
    let name = state.name.lock().unwrap().clone();
    let url = name.trim_end_matches("/other");
    let up = state.up.load(Ordering::SeqCst);
    up.then(|| json!({ "issuer": name, "jwks_uri": format!("{url}/certs") }).to_string())
        .ok_or(StatusCode::BAD_GATEWAY)
}

async fn certs(State(state): State<Arc<Published>>) -> String {
    state.fetched.fetch_add(1, Ordering::SeqCst);
    json!({ "keys": *state.keys.lock().unwrap() }).to_string()
}

async fn issuer(keys: &[Key]) -> Issuer {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    let state = Arc::new(Published {
        name: Mutex::new(url.clone()),
        keys: Mutex::new(keys.iter().map(Key::jwk).collect()),
        up: AtomicBool::new(true),
        fetched: AtomicUsize::new(0),
    });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/certs", get(certs))
        .with_state(Arc::clone(&state));
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(async move { server.run(router, shutdown.requested()).await });
    Issuer { url, state, _running: trigger }
}

impl Issuer {
    fn authenticator(&self) -> Authenticator {
        Authenticator::start(&self.url, AUDIENCE, HttpClient::new(), clock())
    }

    async fn ready(&self) -> Authenticator {
        let authenticator = self.authenticator();
        wait_until(|| authenticator.is_ready()).await;
        authenticator
    }

    fn fetched(&self) -> usize {
        self.state.fetched.load(Ordering::SeqCst)
    }
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("did not happen within four seconds");
}

fn with(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (AUTHORIZATION, line.parse().unwrap())).collect()
}

fn bearer_of(token: &str) -> HeaderMap {
    with(&[&format!("Bearer {token}")])
}

fn answer(outcome: &Result<Caller, Problem>) -> (u16, &str) {
    outcome.as_ref().map_or_else(|problem| (problem.status().as_u16(), problem.slug()), |_| (200, "ok"))
}

#[tokio::test]
async fn a_good_token_names_its_caller() {
    let issuer = issuer(&[Key(1)]).await;
    let caller = issuer.ready().await.authenticate(&bearer_of(&Key(1).token(&issuer.url, 60))).await.unwrap();
    let expected = Caller {
        subject: "user-1".into(),
        roles: vec!["customer".into()],
        client_id: Some("jobzy-web".into()),
        name: Some("customer".into()),
    };
    assert_eq!(caller, expected);
    assert!(caller.require(&[roles::OPERATOR, roles::CUSTOMER]).is_ok());
    let refusal = caller.require(&[roles::FINANCE]).unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.slug()), (403, "forbidden"));
}

#[tokio::test]
async fn every_refusal_has_its_own_status_and_challenge() {
    let keys = KeySet::parse(json!({ "keys": [Key(1).jwk()] }).to_string().as_bytes()).unwrap();
    let authenticator = Authenticator::with_keys("http://issuer", AUDIENCE, keys, clock());
    let good = format!("Bearer {}", Key(1).token("http://issuer", 60));
    let late = format!("Bearer {}", Key(1).token("http://issuer", -60));
    let foreign = format!("Bearer {}", Key(1).token("http://other", 60));
    let unknown = format!("Bearer {}", Key(2).token("http://issuer", 60));
    for (lines, expected, challenge) in [
        (vec![], (401, "unauthenticated"), r#"Bearer realm="jobzy""#),
        (vec!["Basic dTpw"], (401, "unauthenticated"), r#"Bearer realm="jobzy""#),
        (
            vec![&*good, &*good],
            (400, "invalid-authorization"),
            r#"Bearer realm="jobzy", error="invalid_request""#,
        ),
        (
            vec!["Bearer a b"],
            (400, "invalid-authorization"),
            r#"Bearer realm="jobzy", error="invalid_request""#,
        ),
        (vec!["Bearer junk"], (401, "invalid-token"), r#"Bearer realm="jobzy", error="invalid_token""#),
        (vec![&*late], (401, "invalid-token"), r#"Bearer realm="jobzy", error="invalid_token""#),
        (vec![&*foreign], (401, "invalid-token"), r#"Bearer realm="jobzy", error="invalid_token""#),
        (vec![&*unknown], (401, "invalid-token"), r#"Bearer realm="jobzy", error="invalid_token""#),
    ] {
        let outcome = authenticator.authenticate(&with(&lines)).await;
        assert_eq!(answer(&outcome), expected, "{lines:?}");
        let response = axum::response::IntoResponse::into_response(outcome.unwrap_err());
        assert_eq!(response.headers()[WWW_AUTHENTICATE], challenge);
    }
    assert_eq!(answer(&authenticator.authenticate(&with(&[&good])).await), (200, "ok"));
}

#[tokio::test]
async fn without_keys_the_answer_is_503_until_the_issuer_comes_up() {
    let issuer = issuer(&[Key(1)]).await;
    issuer.state.up.store(false, Ordering::SeqCst);
    let authenticator = issuer.authenticator();
    let headers = bearer_of(&Key(1).token(&issuer.url, 60));
    assert_eq!(answer(&authenticator.authenticate(&headers).await), (503, "keys-unavailable"));
    issuer.state.up.store(true, Ordering::SeqCst);
    wait_until(|| authenticator.is_ready()).await;
    assert_eq!(answer(&authenticator.authenticate(&headers).await), (200, "ok"));
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once_with_one_fetch_for_everybody() {
    let issuer = issuer(&[Key(1)]).await;
    let authenticator = issuer.ready().await;
    issuer.state.keys.lock().unwrap().push(Key(2).jwk());
    let headers = bearer_of(&Key(2).token(&issuer.url, 60));
    let before = issuer.fetched();
    let all = futures::future::join_all((0..20).map(|_| authenticator.authenticate(&headers))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(issuer.fetched(), before + 1);
}

#[tokio::test]
async fn a_key_the_issuer_does_not_have_is_401_and_asked_for_once() {
    let issuer = issuer(&[Key(1)]).await;
    let authenticator = issuer.ready().await;
    let headers = bearer_of(&Key(3).token(&issuer.url, 60));
    let before = issuer.fetched();
    for _ in 0..5 {
        assert_eq!(answer(&authenticator.authenticate(&headers).await), (401, "invalid-token"));
    }
    // Another unknown key within the pause: nobody can say yet, and the issuer is left alone.
    let other = bearer_of(&Key(4).token(&issuer.url, 60));
    assert_eq!(answer(&authenticator.authenticate(&other).await), (503, "keys-unavailable"));
    assert_eq!(issuer.fetched(), before + 1);
}

#[tokio::test]
async fn an_unknown_key_while_the_issuer_is_down_is_our_fault_and_known_keys_still_work() {
    let issuer = issuer(&[Key(1)]).await;
    let authenticator = issuer.ready().await;
    issuer.state.up.store(false, Ordering::SeqCst);
    let unknown = bearer_of(&Key(2).token(&issuer.url, 60));
    assert_eq!(answer(&authenticator.authenticate(&unknown).await), (503, "keys-unavailable"));
    let known = bearer_of(&Key(1).token(&issuer.url, 60));
    assert_eq!(answer(&authenticator.authenticate(&known).await), (200, "ok"));
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let issuer = issuer(&[Key(1)]).await;
    *issuer.state.name.lock().unwrap() = format!("{}/other", issuer.url);
    let authenticator = issuer.authenticator();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!authenticator.is_ready());
    assert_eq!(issuer.fetched(), 0);
}

#[tokio::test]
async fn the_background_task_ends_with_the_last_clone() {
    let issuer = issuer(&[Key(1)]).await;
    let authenticator = issuer.ready().await;
    let weak = Arc::downgrade(&authenticator.0);
    drop(authenticator);
    wait_until(|| weak.strong_count() == 0).await;
}
