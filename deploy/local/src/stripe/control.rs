//! What no API call does: a card's holder, a bank, the clock, and bad luck.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shared;
use super::error::ApiError;
use super::objects::RefundStatus;
use super::webhooks::Manner;

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is executed and answered 500.
    Error,
    /// It is answered 429 and not executed.
    RateLimit,
    /// It is executed, and the answer breaks off.
    Drop,
    /// It is executed, and the answer comes later.
    Hang(Duration),
}

/// Faults that are still to be met, in order.
#[derive(Debug, Default)]
pub struct Faults(VecDeque<Fault>);

impl Faults {
    /// The fault of the next call.
    pub fn next(&mut self) -> Option<Fault> {
        self.0.pop_front()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    kind: String,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    delay_ms: u64,
}

const fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    outcome: String,
}

type App = State<Arc<Shared>>;

/// The routes below `/_sandbox`.
pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/webhooks", post(webhooks))
        .route("/deliveries", get(deliveries))
        .route("/faults", post(faults))
        .route("/payment_intents/{id}/authenticate", get(ask_holder).post(authenticate))
        .route("/payment_intents/{id}/expire", post(expire))
        .route("/refunds/{id}/end", post(end_refund))
}

async fn webhooks(State(shared): App, body: Bytes) -> Response {
    match parse::<Manner>(&body) {
        Ok(manner) => {
            shared.webhooks.set_manner(manner);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => refused,
    }
}

async fn deliveries(State(shared): App) -> Response {
    axum::Json(json!({"deliveries": shared.webhooks.log()})).into_response()
}

async fn faults(State(shared): App, body: Bytes) -> Response {
    let fault: NewFault = match parse(&body) {
        Ok(fault) => fault,
        Err(refused) => return refused,
    };
    let kind = match fault.kind.as_str() {
        "error" => Fault::Error,
        "rate_limit" => Fault::RateLimit,
        "drop" => Fault::Drop,
        "hang" => Fault::Hang(Duration::from_millis(fault.delay_ms)),
        _ => return bad_request("kind is error, rate_limit, drop or hang"),
    };
    shared.state().faults.0.extend((0..fault.count).map(|_| kind));
    StatusCode::NO_CONTENT.into_response()
}

/// The page that a customer with a browser is sent to.
async fn ask_holder(State(shared): App, Path(id): Path<String>) -> Response {
    if let Err(error) = shared.state().account.intent_json(&id) {
        return shown(Err(error));
    }
    Html(
        "<!doctype html><title>Sandbox bank</title><h1>Is it you who is paying?</h1><form method=post>\
         <button name=outcome value=succeed>Yes</button> <button name=outcome value=fail>No</button></form>",
    )
    .into_response()
}

async fn authenticate(
    State(shared): App,
    Path(id): Path<String>,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let is_form =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let outcome = if is_form {
        crate::http::parse_form(&body).remove("outcome").unwrap_or_default()
    } else {
        match parse::<Outcome>(&body) {
            Ok(outcome) => outcome.outcome,
            Err(refused) => return refused,
        }
    };
    let Some(complete) = succeeded(&outcome) else { return bad_request("outcome is succeed or fail") };
    let mut state = shared.state();
    let done = state.account.authenticate(&id, complete);
    shared.publish(&mut state, None);
    shown(done)
}

async fn expire(State(shared): App, Path(id): Path<String>) -> Response {
    let mut state = shared.state();
    let done = state.account.expire_intent(&id);
    shared.publish(&mut state, None);
    shown(done)
}

async fn end_refund(State(shared): App, Path(id): Path<String>, body: Bytes) -> Response {
    let outcome = match parse::<Outcome>(&body) {
        Ok(outcome) => outcome.outcome,
        Err(refused) => return refused,
    };
    let status = match succeeded(&outcome) {
        Some(true) => RefundStatus::Succeeded,
        Some(false) => RefundStatus::Failed,
        None => return bad_request("outcome is succeed or fail"),
    };
    let mut state = shared.state();
    let done = state.account.end_refund(&id, status).map(|()| json!({"id": id, "status": status.as_str()}));
    shared.publish(&mut state, None);
    shown(done)
}

fn succeeded(outcome: &str) -> Option<bool> {
    match outcome {
        "succeed" => Some(true),
        "fail" => Some(false),
        _ => None,
    }
}

#[expect(clippy::result_large_err, reason = "the refusal is the answer, and is made once per mistake")]
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| bad_request(&error.to_string()))
}

fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": {"message": message}}))).into_response()
}

fn shown(done: Result<Value, ApiError>) -> Response {
    match done {
        Ok(value) => axum::Json(value).into_response(),
        Err(error) => (error.status(), axum::Json(error.body())).into_response(),
    }
}
