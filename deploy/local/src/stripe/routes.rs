//! The API below `/v1`: who calls, with which key, and what the account makes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Method};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::account::Account;
use super::control::{self, Fault};
use super::error::ApiError;
use super::form::Form;
use super::keys::Answer;
use super::params::Params;
use super::{API_VERSION, Shared};

/// Largest body, in bytes.
const MAX_BODY: usize = 256 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// Everything that is served.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().nest("/_sandbox", control::router()).fallback(api).with_state(shared)
}

/// One call as it was read.
struct Call {
    method: Method,
    path: String,
    form: Form,
    key: Option<String>,
}

async fn api(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let request_id = shared.state().account.id("req");
    let fault = shared.state().faults.next();
    if fault == Some(Fault::RateLimit) {
        return refusal(&ApiError::rate_limit(), &request_id);
    }
    let call = match read(&shared, request).await {
        Ok(call) => call,
        Err(error) => return refusal(&error, &request_id),
    };
    let (answer, replayed) = match perform(&shared, &call, &request_id, fault) {
        Ok(done) => done,
        Err(error) => return refusal(&error, &request_id),
    };
    match fault {
        Some(Fault::Drop) => return broken_off(),
        Some(Fault::Hang(pause)) => {
            tokio::time::sleep(pause).await;
            // The key is in use until now, as that of a call that takes so long would be.
            if let (Some(key), false) = (&call.key, replayed) {
                shared.state().keys.keep(key, &answer);
            }
        }
        _ => {}
    }
    respond(answer, replayed)
}

async fn read(shared: &Shared, request: Request) -> Result<Call, ApiError> {
    let (parts, body) = request.into_parts();
    authorised(&parts.headers, &shared.config.secret_key)?;
    let path = parts.uri.path().to_owned();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| ApiError::too_large())?.to_bytes();
    let encoded = match parts.method {
        Method::GET => Bytes::copy_from_slice(parts.uri.query().unwrap_or_default().as_bytes()),
        Method::POST => body,
        _ => return Err(ApiError::no_such_url(&parts.method, &path)),
    };
    let key =
        parts.headers.get(IDEMPOTENCY_KEY).map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    let key = key.filter(|_| parts.method == Method::POST);
    Ok(Call { form: Form::parse(&encoded)?, method: parts.method, path, key })
}

/// `Authorization: Bearer sk_...`, or Basic with the key as the user's name.
fn authorised(headers: &HeaderMap, secret: &str) -> Result<(), ApiError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = given else {
        return Err(ApiError::unauthorised("You did not provide an API key."));
    };
    let key = match given.split_once(' ') {
        Some(("Bearer", key)) => Some(key.to_owned()),
        Some(("Basic", encoded)) => {
            let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            decoded.and_then(|pair| pair.split(':').next().map(str::to_owned))
        }
        _ => None,
    };
    match key {
        Some(key) if key == secret => Ok(()),
        _ => Err(ApiError::unauthorised("Invalid API Key provided.")),
    }
}

/// The answer, and whether it is an old one.
fn perform(
    shared: &Arc<Shared>,
    call: &Call,
    request_id: &str,
    fault: Option<Fault>,
) -> Result<(Answer, bool), ApiError> {
    let mut state = shared.state();
    if let Some(key) = &call.key {
        let fingerprint = call.form.fingerprint(&call.method, &call.path);
        if let Some(answer) = state.keys.begin(key, fingerprint)? {
            return Ok((answer, true));
        }
    }
    let mut outcome = execute(&mut state.account, call);
    let cause = (request_id.to_owned(), call.key.clone());
    shared.publish(&mut state, Some(&cause));
    if fault == Some(Fault::Error) && outcome.is_ok() {
        outcome = Err(ApiError::internal());
    }
    let answer = match outcome {
        Ok(value) => Answer {
            status: http::StatusCode::OK,
            body: value.to_string(),
            request_id: request_id.to_owned(),
        },
        Err(error) if error.executed() => of_error(&error, request_id),
        Err(error) => {
            if let Some(key) = &call.key {
                state.keys.forget(key);
            }
            return Err(error);
        }
    };
    if let Some(key) = &call.key
        && !matches!(fault, Some(Fault::Hang(_)))
    {
        state.keys.keep(key, &answer);
    }
    Ok((answer, false))
}

fn execute(account: &mut Account, call: &Call) -> Result<Value, ApiError> {
    let params = Params::new(call.form.tree());
    let unknown = || ApiError::no_such_url(&call.method, &call.path);
    let parts: Vec<&str> = call.path.strip_prefix("/v1/").ok_or_else(unknown)?.split('/').collect();
    let is_read = call.method == Method::GET;
    let found = match parts[..] {
        ["payment_intents", "search"] if is_read => Some(account.search_intents(params)?),
        [collection] if is_read => account.list(collection, params)?,
        [collection, id] if is_read => account.retrieve(collection, id, params)?,
        ["payment_intents"] => Some(account.create_intent(params)?),
        ["payment_intents", id] => Some(account.update_intent(id, params)?),
        ["payment_intents", id, "confirm"] => Some(account.confirm_intent(id, params)?),
        ["payment_intents", id, "capture"] => Some(account.capture_intent(id, params)?),
        ["payment_intents", id, "cancel"] => Some(account.cancel_intent(id, params)?),
        ["refunds"] => Some(account.create_refund(params)?),
        ["refunds", id] => Some(account.update_refund(id, params)?),
        _ => None,
    };
    let mut value = found.ok_or_else(unknown)?;
    account.expand(&mut value, params)?;
    Ok(value)
}

fn of_error(error: &ApiError, request_id: &str) -> Answer {
    Answer { status: error.status(), body: error.body().to_string(), request_id: request_id.to_owned() }
}

fn refusal(error: &ApiError, request_id: &str) -> Response {
    let mut response = respond(of_error(error, request_id), false);
    if error.status() == http::StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
        response.headers_mut().insert(SHOULD_RETRY, http::HeaderValue::from_static("true"));
    }
    response
}

fn respond(answer: Answer, replayed: bool) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (REQUEST_ID, answer.request_id),
        (VERSION, API_VERSION.to_owned()),
    ];
    let mut response = (answer.status, headers, answer.body).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, http::HeaderValue::from_static("true"));
    }
    response
}

/// An answer that breaks off: the caller cannot know what became of the call.
fn broken_off() -> Response {
    let pause = futures::stream::once(async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Err::<Bytes, _>(std::io::Error::other("broken off"))
    });
    Response::new(Body::from_stream(pause))
}
