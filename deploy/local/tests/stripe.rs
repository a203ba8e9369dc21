//! The sandbox as a client of Stripe meets it, over HTTP.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use jobzy_local::http::{Listening, LoopbackClient};
use jobzy_local::stripe::{Sandbox, SandboxConfig};
use jobzy_service::clock::Clock;
use serde_json::{Value, json};

const INTENTS: &str = "/v1/payment_intents";
const HELD: &str = "amount=10000&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card";

struct Stripe {
    sandbox: Sandbox,
    client: LoopbackClient,
}

async fn start() -> Stripe {
    start_with(SandboxConfig::default()).await
}

async fn start_with(config: SandboxConfig) -> Stripe {
    let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
    Stripe { sandbox, client: LoopbackClient::new() }
}

impl Stripe {
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.sandbox.base_url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        self.client.send(request, Duration::from_secs(5)).await
    }

    async fn post(&self, path: &str, form: &str) -> (u16, Value) {
        let reply = self.send("POST", path, &[("authorization", "Bearer sk_test_sandbox")], form).await;
        read(&reply.expect("an answer"))
    }

    async fn keyed(&self, key: &str, path: &str, form: &str) -> anyhow::Result<Response<Bytes>> {
        let headers = [("authorization", "Bearer sk_test_sandbox"), ("idempotency-key", key)];
        self.send("POST", path, &headers, form).await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.send("GET", path, &[("authorization", "Bearer sk_test_sandbox")], "").await;
        let (status, body) = read(&reply.expect("an answer"));
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn control(&self, path: &str, body: Value) -> u16 {
        let reply = self.send("POST", &format!("/_sandbox/{path}"), &[], &body.to_string()).await;
        reply.expect("an answer").status().as_u16()
    }

    async fn held(&self) -> String {
        let (status, intent) = self.post(INTENTS, HELD).await;
        assert_eq!((status, &intent["status"]), (200, &json!("requires_capture")), "{intent}");
        intent["id"].as_str().expect("an id").to_owned()
    }
}

fn read(reply: &Response<Bytes>) -> (u16, Value) {
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or_default())
}

#[track_caller]
fn refused((status, body): &(u16, Value), expected: u16, code: &str) {
    assert_eq!((*status, body["error"]["code"].as_str().unwrap_or_default()), (expected, code), "{body}");
}

#[tokio::test]
async fn only_the_key_opens_it() {
    let stripe = start().await;
    for header in [None, Some("Bearer sk_test_other"), Some("Basic c2tfdGVzdDo="), Some("sk_test_sandbox")] {
        let headers: Vec<(&str, &str)> = header.iter().map(|value| ("authorization", *value)).collect();
        let reply = stripe.send("GET", INTENTS, &headers, "").await.expect("an answer");
        assert_eq!(reply.status(), 401, "{header:?}");
    }
    let basic = [("authorization", "Basic c2tfdGVzdF9zYW5kYm94Og==")];
    assert_eq!(stripe.send("GET", INTENTS, &basic, "").await.expect("an answer").status(), 200);
    refused(&stripe.post("/v1/nothing", "").await, 404, "");
}

#[tokio::test]
async fn what_is_held_is_captured_once_and_the_rest_is_released() {
    let stripe = start().await;
    let id = stripe.held().await;
    let capture = format!("{INTENTS}/{id}/capture");
    let (status, too_much) = stripe.post(&capture, "amount_to_capture=10001").await;
    refused(&(status, too_much), 400, "amount_too_large");
    let (status, intent) =
        stripe.post(&capture, "amount_to_capture=6000&expand[]=latest_charge.balance_transaction").await;
    assert_eq!(
        (status, &intent["status"], &intent["amount_received"]),
        (200, &json!("succeeded"), &json!(6000))
    );
    assert_eq!(intent["amount_capturable"], 0);
    let moved = &intent["latest_charge"]["balance_transaction"];
    assert_eq!(
        (&moved["amount"], &moved["fee"], &moved["net"]),
        (&json!(6000), &json!(115), &json!(5885)),
        "{moved}"
    );
    refused(&stripe.post(&capture, "").await, 400, "payment_intent_unexpected_state");
    refused(
        &stripe.post(&format!("{INTENTS}/{id}/cancel"), "").await,
        400,
        "payment_intent_unexpected_state",
    );
}

#[tokio::test]
async fn what_is_cancelled_cannot_be_captured() {
    let stripe = start().await;
    let id = stripe.held().await;
    let (status, intent) =
        stripe.post(&format!("{INTENTS}/{id}/cancel"), "cancellation_reason=abandoned").await;
    assert_eq!((status, &intent["status"]), (200, &json!("canceled")));
    refused(
        &stripe.post(&format!("{INTENTS}/{id}/capture"), "").await,
        400,
        "payment_intent_unexpected_state",
    );
}

#[tokio::test]
async fn a_declined_card_leaves_an_intent_that_wants_another_one() {
    let stripe = start().await;
    for (card, code, decline) in [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ] {
        let reply = stripe.post(INTENTS, &HELD.replace("pm_card_visa", card)).await;
        refused(&reply, 402, code);
        assert_eq!(reply.1["error"]["decline_code"], decline);
        let id = reply.1["error"]["payment_intent"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(stripe.get(&format!("{INTENTS}/{id}")).await["status"], "requires_payment_method");
        let (status, intent) =
            stripe.post(&format!("{INTENTS}/{id}/confirm"), "payment_method=pm_card_visa").await;
        assert_eq!((status, &intent["status"]), (200, &json!("requires_capture")));
    }
}

#[tokio::test]
async fn a_holder_who_must_authenticate_does_or_does_not() {
    let stripe = start().await;
    let form = HELD.replace("pm_card_visa", "pm_card_threeDSecure2Required");
    for (outcome, status) in [("succeed", "requires_capture"), ("fail", "requires_payment_method")] {
        let (code, intent) = stripe.post(INTENTS, &form).await;
        assert_eq!((code, &intent["status"]), (200, &json!("requires_action")));
        let id = intent["id"].as_str().expect("an id").to_owned();
        let holder = format!("payment_intents/{id}/authenticate");
        assert_eq!(stripe.control(&holder, json!({"outcome": outcome})).await, 200);
        assert_eq!(stripe.get(&format!("{INTENTS}/{id}")).await["status"], status);
        assert_eq!(
            stripe.control(&holder, json!({"outcome": outcome})).await,
            400,
            "there is nothing left to do"
        );
    }
}

#[tokio::test]
async fn refunds_add_up_to_what_was_captured_and_no_further() {
    let stripe = start().await;
    let id = stripe.held().await;
    let refund = |amount: i64| format!("payment_intent={id}&amount={amount}");
    refused(&stripe.post("/v1/refunds", &refund(1)).await, 400, "payment_intent_unexpected_state");
    stripe.post(&format!("{INTENTS}/{id}/capture"), "").await;
    assert_eq!(stripe.post("/v1/refunds", &refund(4000)).await.1["status"], "succeeded");
    let (status, body) = stripe.post("/v1/refunds", &refund(6001)).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("amount")));
    assert_eq!(stripe.post("/v1/refunds", &format!("payment_intent={id}")).await.1["amount"], 6000);
    refused(&stripe.post("/v1/refunds", &refund(1)).await, 400, "charge_already_refunded");
    let charge = stripe.get(&format!("/v1/charges?payment_intent={id}")).await;
    assert_eq!(
        (&charge["data"][0]["amount_refunded"], &charge["data"][0]["refunded"]),
        (&json!(10000), &json!(true))
    );
    let moved = stripe.get("/v1/balance_transactions?limit=100").await;
    let net: i64 =
        moved["data"].as_array().expect("a list").iter().filter_map(|one| one["net"].as_i64()).sum();
    assert_eq!(net, -175, "the fee is not given back");
}

#[tokio::test]
async fn a_refund_may_take_time_or_come_back() {
    let config = SandboxConfig { refund_delay: Duration::from_millis(50), ..SandboxConfig::default() };
    let stripe = start_with(config).await;
    for (card, first, last) in
        [("pm_card_pendingRefund", "pending", "succeeded"), ("pm_card_refundFail", "succeeded", "failed")]
    {
        let (_, intent) = stripe.post(INTENTS, &HELD.replace("pm_card_visa", card)).await;
        let id = intent["id"].as_str().expect("an id");
        stripe.post(&format!("{INTENTS}/{id}/capture"), "").await;
        let (_, refund) = stripe.post("/v1/refunds", &format!("payment_intent={id}")).await;
        assert_eq!(refund["status"], first);
        let path = format!("/v1/refunds/{}", refund["id"].as_str().expect("an id"));
        until("the refund ends", async || stripe.get(&path).await["status"] == last).await;
    }
}

#[tokio::test]
async fn a_key_has_one_effect_and_remembers_what_was_executed() {
    let stripe = start().await;
    let first = stripe.keyed("k1", INTENTS, HELD).await.expect("an answer");
    let again = stripe.keyed("k1", INTENTS, HELD).await.expect("an answer");
    assert_eq!(first.body(), again.body());
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    let other = stripe.keyed("k1", INTENTS, &HELD.replace("10000", "20000")).await.expect("an answer");
    assert_eq!(
        (other.status(), &read(&other).1["error"]["type"]),
        (StatusCode::BAD_REQUEST, &json!("idempotency_error"))
    );
    // A refusal before execution is forgotten, one after it is kept.
    let unknown = stripe.keyed("k2", INTENTS, "amount=1&colour=red").await.expect("an answer");
    refused(&read(&unknown), 400, "parameter_unknown");
    assert_eq!(stripe.keyed("k2", INTENTS, HELD).await.expect("an answer").status(), 200);
    let declined = HELD.replace("pm_card_visa", "pm_card_chargeDeclined");
    for _ in 0..2 {
        assert_eq!(stripe.keyed("k3", INTENTS, &declined).await.expect("an answer").status(), 402);
    }
    let list = stripe.get(&format!("{INTENTS}?limit=100")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn what_ends_without_a_clear_answer_has_happened_once_all_the_same() {
    let stripe = start().await;
    assert_eq!(stripe.control("faults", json!({"kind": "drop"})).await, 204);
    assert!(stripe.keyed("k1", INTENTS, HELD).await.is_err(), "the answer breaks off");
    let replayed = stripe.keyed("k1", INTENTS, HELD).await.expect("an answer");
    assert_eq!(replayed.status(), StatusCode::OK);
    assert_eq!(replayed.headers()["idempotent-replayed"], "true");

    stripe.control("faults", json!({"kind": "error"})).await;
    assert_eq!(stripe.keyed("k2", INTENTS, HELD).await.expect("an answer").status(), 500);
    assert_eq!(
        stripe.keyed("k2", INTENTS, HELD).await.expect("an answer").status(),
        500,
        "kept, as Stripe keeps it"
    );

    stripe.control("faults", json!({"kind": "rate_limit"})).await;
    assert_eq!(stripe.keyed("k3", INTENTS, HELD).await.expect("an answer").status(), 429);
    assert_eq!(
        stripe.keyed("k3", INTENTS, HELD).await.expect("an answer").status(),
        200,
        "it was not executed"
    );

    stripe.control("faults", json!({"kind": "hang", "delay_ms": 300})).await;
    let slow = stripe.keyed("k4", INTENTS, HELD);
    let early = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stripe.keyed("k4", INTENTS, HELD).await
    };
    let (slow, early) = tokio::join!(slow, early);
    assert_eq!(slow.expect("an answer").status(), 200);
    refused(&read(&early.expect("an answer")), 409, "idempotency_key_in_use");
    assert_eq!(stripe.get(&format!("{INTENTS}?limit=100")).await["data"].as_array().map(Vec::len), Some(4));
}

/// What arrived at the webhook's receiver.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<(String, String)>>>);

impl Inbox {
    fn kinds(&self) -> Vec<String> {
        let held = self.0.lock().expect("no panic while held");
        held.iter()
            .map(|(_, body)| {
                serde_json::from_str::<Value>(body).expect("JSON")["type"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }
}

/// A receiver that answers 500 to the first `failures`.
async fn receiver(failures: usize) -> (String, Inbox, Listening) {
    let inbox = Inbox::default();
    let kept = inbox.clone();
    let left = Arc::new(Mutex::new(failures));
    let take = move |headers: HeaderMap, body: String| {
        let (kept, left) = (kept.clone(), Arc::clone(&left));
        async move {
            let mut left = left.lock().expect("no panic while held");
            if *left > 0 {
                *left -= 1;
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            let signature = headers["stripe-signature"].to_str().expect("text").to_owned();
            kept.0.lock().expect("no panic while held").push((signature, body));
            StatusCode::OK
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let listening = Listening::serve(listener, Router::new().route("/hook", post(take)));
    (url, inbox, listening)
}

const HELD_EVENTS: [&str; 3] =
    ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"];

#[tokio::test]
async fn webhooks_are_signed_by_every_secret_and_sent_until_they_arrive() {
    let (url, inbox, _listening) = receiver(2).await;
    let config = SandboxConfig {
        webhook_secret: "whsec_new,whsec_old".to_owned(),
        webhook_url: Some(url),
        retry_pause: Duration::from_millis(20),
        ..SandboxConfig::default()
    };
    let stripe = start_with(config).await;
    stripe.held().await;
    until("all three arrive", async || inbox.kinds().len() == 3).await;
    let mut kinds = inbox.kinds();
    kinds.sort_unstable();
    let mut expected = HELD_EVENTS;
    expected.sort_unstable();
    assert_eq!(kinds, expected);
    let now = Clock::system().unix_s();
    for (signature, body) in inbox.0.lock().expect("no panic while held").iter() {
        for secret in ["whsec_new", "whsec_old"] {
            let secrets = [secret.to_owned()];
            assert_eq!(jobzy_payment::signature::verify(signature, body.as_bytes(), &secrets, now), Ok(()));
        }
        let other = ["whsec_other".to_owned()];
        assert!(jobzy_payment::signature::verify(signature, body.as_bytes(), &other, now).is_err());
    }
    until("nothing is pending", async || {
        stripe.get("/v1/events?delivery_success=false").await["data"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let log = read(&stripe.send("GET", "/_sandbox/deliveries", &[], "").await.expect("an answer")).1;
    assert_eq!(log["deliveries"].as_array().map(Vec::len), Some(5), "{log}");
}

#[tokio::test]
async fn webhooks_come_twice_late_and_out_of_order_when_told_to() {
    let (url, inbox, _listening) = receiver(0).await;
    let stripe = start_with(SandboxConfig { webhook_url: Some(url), ..SandboxConfig::default() }).await;
    stripe.control("webhooks", json!({"duplicate": 1, "reorder": true})).await;
    stripe.held().await;
    until("all of them arrive", async || inbox.kinds().len() == 6).await;
    let backwards: Vec<&str> = HELD_EVENTS.iter().rev().flat_map(|kind| [*kind, *kind]).collect();
    assert_eq!(inbox.kinds(), backwards);

    stripe.control("webhooks", json!({"paused": true})).await;
    stripe.held().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(inbox.kinds().len(), 6);
    stripe.control("webhooks", json!({})).await;
    until("the pause is over", async || inbox.kinds().len() == 9).await;
    assert_eq!(inbox.kinds()[6..], HELD_EVENTS);
}

async fn until(what: &str, done: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within five seconds: {what}");
}
