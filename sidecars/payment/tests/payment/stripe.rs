//! A Stripe of the tests' own: intents, refunds, lists, stored idempotency keys, and failures where a test wants them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use jobzy_service::serve::Server;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What happens to the next POST.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 500 without having done anything; stored under the key, as Stripe does.
    Error,
    /// 500, and it was done.
    ErrorAfterwards,
    /// 429, and nothing is stored.
    RateLimit,
    /// The answer comes when a permit is given; it is done at once.
    Late(Arc<Semaphore>),
}

/// A running one.
#[derive(Clone)]
pub struct Stripe {
    pub port: u16,
    inner: Arc<Mutex<Account>>,
}

#[derive(Default)]
struct Account {
    intents: Vec<Value>,
    refunds: Vec<Value>,
    keys: HashMap<String, (String, u16, Value)>,
    faults: Vec<Fault>,
    posts: Vec<String>,
    made: u32,
}

pub const KEY: &str = "sk_test_of_the_tests";

impl Stripe {
    pub async fn start() -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let stripe = Self { port: server.local_addr().port(), inner: Arc::default() };
        let router = Router::new().fallback(answer).with_state(stripe.clone());
        tokio::spawn(async move { server.run(router, std::future::pending()).await });
        stripe
    }

    pub fn fail_next(&self, fault: Fault) {
        self.inner.lock().unwrap().faults.push(fault);
    }

    /// Every intent there is.
    pub fn intents(&self) -> Vec<Value> {
        self.inner.lock().unwrap().intents.clone()
    }

    pub fn refunds(&self) -> Vec<Value> {
        self.inner.lock().unwrap().refunds.clone()
    }

    /// Paths of the POSTs that came, repeated ones included.
    pub fn posts(&self) -> Vec<String> {
        self.inner.lock().unwrap().posts.clone()
    }

    /// The customer authenticates: the money is held.
    pub fn authenticate(&self) -> Value {
        let mut account = self.inner.lock().unwrap();
        let intent = account.intents.iter_mut().find(|intent| intent["status"] == "requires_action").unwrap();
        hold(intent);
        intent.clone()
    }
}

async fn answer(
    State(stripe): State<Stripe>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(text("authorization"), format!("Bearer {KEY}"));
    assert!(!text("stripe-version").is_empty());
    let path = uri.path().strip_prefix("/v1/").unwrap().to_owned();
    let parse = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<HashMap<String, String>>();
    if method == Method::GET {
        let query = parse(uri.query().unwrap_or_default().as_bytes());
        return reply(stripe.inner.lock().unwrap().read(&path, &query));
    }
    let (key, form) = (text("idempotency-key"), parse(&body));
    assert!(!key.is_empty());
    let (outcome, late) =
        stripe.inner.lock().unwrap().post(&path, &form, &key, &String::from_utf8_lossy(&body));
    if let Some(late) = late {
        late.acquire().await.unwrap().forget();
    }
    reply(outcome)
}

fn reply((status, body): (u16, Value)) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

type Form = HashMap<String, String>;

impl Account {
    fn post(
        &mut self,
        path: &str,
        form: &Form,
        key: &str,
        body: &str,
    ) -> ((u16, Value), Option<Arc<Semaphore>>) {
        self.posts.push(path.to_owned());
        if let Some((known, status, answer)) = self.keys.get(key) {
            assert_eq!(known, body, "one key, two forms");
            return ((*status, answer.clone()), None);
        }
        let fault = (!self.faults.is_empty()).then(|| self.faults.remove(0));
        let internal = || (500, json!({"error": {"type": "api_error"}}));
        let (outcome, late) = match fault {
            None => (self.execute(path, form), None),
            Some(Fault::Error) => (internal(), None),
            Some(Fault::ErrorAfterwards) => {
                self.execute(path, form);
                (internal(), None)
            }
            Some(Fault::RateLimit) => {
                return (
                    (429, json!({"error": {"type": "invalid_request_error", "code": "rate_limit"}})),
                    None,
                );
            }
            Some(Fault::Late(permit)) => (self.execute(path, form), Some(permit)),
        };
        // Refusals before execution are not stored.
        if outcome.0 != 400 {
            self.keys.insert(key.to_owned(), (body.to_owned(), outcome.0, outcome.1.clone()));
        }
        (outcome, late)
    }

    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{}", self.made)
    }

    fn execute(&mut self, path: &str, form: &Form) -> (u16, Value) {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["payment_intents"] => self.create(form),
            ["refunds"] => self.refund(form),
            ["payment_intents", id, action] => {
                let Some(intent) = self.intents.iter_mut().find(|intent| intent["id"] == id) else {
                    return (
                        404,
                        json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}}),
                    );
                };
                change(intent, action, form)
            }
            _ => (404, json!({"error": {"type": "invalid_request_error"}})),
        }
    }

    fn create(&mut self, form: &Form) -> (u16, Value) {
        assert_eq!((form["capture_method"].as_str(), form["confirm"].as_str()), ("manual", "true"));
        let method = form["payment_method"].as_str();
        if !method.starts_with("pm_card_") {
            let error = json!({"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"});
            return (400, json!({"error": error}));
        }
        let (id, charge) = (self.id("pi"), self.id("ch"));
        let amount: i64 = form["amount"].parse().unwrap();
        let mut intent = json!({
            "id": id, "object": "payment_intent", "amount": amount, "currency": form["currency"],
            "status": "requires_capture", "amount_capturable": 0, "amount_received": 0, "charge_to_be": charge,
            "client_secret": "hush", "metadata": metadata(form),
        });
        let outcome = match method {
            "pm_card_visa_chargeDeclined" => {
                let error =
                    json!({"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"});
                intent["status"] = json!("requires_payment_method");
                intent["last_payment_error"] = error.clone();
                let mut error = error;
                error["payment_intent"] = intent.clone();
                (402, json!({"error": error}))
            }
            "pm_card_threeDSecure2Required" => {
                intent["status"] = json!("requires_action");
                (200, intent.clone())
            }
            _ => {
                hold(&mut intent);
                (200, intent.clone())
            }
        };
        self.intents.push(intent);
        outcome
    }

    fn refund(&mut self, form: &Form) -> (u16, Value) {
        let amount: i64 = form["amount"].parse().unwrap();
        let intent = form["payment_intent"].clone();
        let given: i64 = self
            .refunds
            .iter()
            .filter(|r| r["payment_intent"] == intent.as_str() && r["status"] != "failed")
            .map(|r| r["amount"].as_i64().unwrap())
            .sum();
        let of = self.intents.iter().find(|known| known["id"] == intent.as_str()).unwrap();
        if given + amount > of["amount_received"].as_i64().unwrap() {
            let error = json!({"type": "invalid_request_error", "code": "charge_already_refunded"});
            return (400, json!({"error": error}));
        }
        let refund = json!({
            "id": self.id("re"), "object": "refund", "status": "succeeded", "amount": amount, "currency": "eur",
            "payment_intent": intent, "metadata": metadata(form),
        });
        self.refunds.push(refund.clone());
        (200, refund)
    }

    fn read(&self, path: &str, query: &Form) -> (u16, Value) {
        let list = |data: Vec<Value>| (200, json!({"object": "list", "data": data, "has_more": false}));
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["payment_intents"] => list(self.intents.iter().rev().cloned().collect()),
            ["payment_intents", id] => match self.intents.iter().find(|intent| intent["id"] == id) {
                Some(intent) => (200, intent.clone()),
                None => (404, json!({"error": {"code": "resource_missing"}})),
            },
            ["refunds"] => {
                let of = query["payment_intent"].as_str();
                list(self.refunds.iter().filter(|refund| refund["payment_intent"] == of).cloned().collect())
            }
            ["balance_transactions"] => {
                let charge = query["source"].as_str();
                let captured = self
                    .intents
                    .iter()
                    .find(|intent| intent["latest_charge"] == charge && intent["status"] == "succeeded");
                list(
                    captured
                        .map(|_| json!({"id": format!("txn_{charge}"), "fee": 250, "currency": "eur"}))
                        .into_iter()
                        .collect(),
                )
            }
            _ => (404, json!({})),
        }
    }
}

fn hold(intent: &mut Value) {
    intent["status"] = json!("requires_capture");
    intent["amount_capturable"] = intent["amount"].clone();
    intent["latest_charge"] = intent["charge_to_be"].clone();
}

fn change(intent: &mut Value, action: &str, form: &Form) -> (u16, Value) {
    let status = intent["status"].as_str().unwrap().to_owned();
    let allowed = match action {
        "capture" => status == "requires_capture",
        "cancel" => !["succeeded", "canceled"].contains(&status.as_str()),
        _ => false,
    };
    if !allowed {
        let error = json!({"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "payment_intent": intent});
        return (400, json!({"error": error}));
    }
    intent["amount_capturable"] = json!(0);
    if action == "capture" {
        let amount: i64 = form["amount_to_capture"].parse().unwrap();
        intent["amount_received"] = json!(amount);
        intent["status"] = json!("succeeded");
    } else {
        intent["status"] = json!("canceled");
        intent["cancellation_reason"] = json!(form["cancellation_reason"]);
    }
    (200, intent.clone())
}

fn metadata(form: &Form) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}
