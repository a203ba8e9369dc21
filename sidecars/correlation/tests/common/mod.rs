//! A correlation sidecar on a port of its own, its callers and senders.
#![allow(dead_code, unused_imports, reason = "no test file uses all of it")]

use http::Method;
use jiff::Timestamp;
use jobzy_events::CloudEvent;
use jobzy_ids::EventId;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_sidecar_correlation::{State, app, migrations};
use jobzy_store::{Db, args};
use jobzy_testkit::http::{Client, Reply};
use jobzy_testkit::sidecar::{self, Parts, serve_app};
pub use jobzy_testkit::sidecar::{assert_refused, user};
use serde_json::{Value, json};

pub const EVENTS: &str = "/api/v1/correlation/events";
pub const ENTITIES: &str = "/api/v1/correlation/entities";
pub const LOOKUP: &str = "/api/v1/correlation/lookup";
pub const LINKS: &str = "/api/v1/correlation/links";
pub const RECEIVE: &str = "/internal/events";

/// A running sidecar. Its clock stands still; tokens are checked by the real time.
#[derive(Clone)]
pub struct Sidecar {
    pub base: String,
    pub db: Db,
    pub clock: Clock,
    client: Client,
}

/// Starts one on `url`; it lives as long as the test.
pub async fn start(url: &str) -> Sidecar {
    start_with(url, Clock::fixed("2026-11-23T10:00:00Z".parse().expect("a time"))).await
}

/// The same with a clock, which replicas have to share: ids are drawn from it.
pub async fn start_with(url: &str, clock: Clock) -> Sidecar {
    let parts = Parts::new(url, "jobzy-correlation", &migrations(), Vec::new(), clock.clone()).await;
    let state = State { db: parts.db.clone(), auth: parts.auth, clock: clock.clone() };
    let base = serve_app("jobzy-correlation", app(state), clock.clone()).await;
    Sidecar { base, db: parts.db, clock, client: Client::new() }
}

/// The `authorization` of a service.
pub fn service() -> String {
    sidecar::service("jobzy-booking")
}

/// An external id on the wire, from `system/type/id`.
pub fn external(text: &str) -> Value {
    let mut parts = text.splitn(3, '/');
    let mut part = || parts.next().expect("system/type/id");
    json!({"system": part(), "type": part(), "id": part()})
}

/// An event about these ids.
pub fn event(ids: &[&str]) -> CloudEvent {
    let clock = Clock::system();
    let context = RequestContext::new(&clock);
    CloudEvent {
        id: clock.new_id(EventId::new),
        source: "/jobzy/booking".to_owned(),
        r#type: "jobzy.booking.job_created.v1".to_owned(),
        subject: "job_1".to_owned(),
        time: "2026-11-23T09:59:59Z".parse::<Timestamp>().expect("a time"),
        correlation_id: context.correlation_id,
        traceparent: context.traceparent,
        data: json!({"ids": ids.iter().map(|id| external(id)).collect::<Vec<_>>(), "note": "ä\u{1f600}"}),
    }
}

impl Sidecar {
    /// GET as an operator.
    pub async fn get(&self, path: &str) -> Reply {
        self.get_as(path, &user("operator")).await
    }

    pub async fn get_as(&self, path: &str, authorization: &str) -> Reply {
        let url = format!("{}{path}", self.base);
        self.client.get(&url, &[("authorization", authorization)]).await.expect("an answer")
    }

    pub async fn get_anonymously(&self, path: &str) -> Reply {
        self.client.get(&format!("{}{path}", self.base), &[]).await.expect("an answer")
    }

    pub async fn post_as(&self, path: &str, authorization: &str, body: &Value) -> Reply {
        let url = format!("{}{path}", self.base);
        self.client.post_json(&url, &[("authorization", authorization)], body).await.expect("an answer")
    }

    /// Delivers an event as the pump of another service does.
    pub async fn deliver(&self, event: &CloudEvent) -> Reply {
        self.deliver_bytes(&event.to_json().expect("a good event")).await
    }

    pub async fn deliver_bytes(&self, body: &str) -> Reply {
        let authorization = service();
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/cloudevents+json")];
        let url = format!("{}{RECEIVE}", self.base);
        self.client.send(Method::POST, &url, &headers, body.to_owned()).await.expect("an answer")
    }

    /// Delivers an event about these ids, which has to be taken.
    pub async fn tell(&self, ids: &[&str]) -> CloudEvent {
        let event = event(ids);
        let reply = self.deliver(&event).await;
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{}", reply.text());
        event
    }

    /// The entity that is called so.
    pub async fn look_up(&self, id: &str) -> Value {
        let reply = self.get(&format!("{LOOKUP}?id={id}")).await;
        assert_eq!(reply.status, 200, "{id}: {}", reply.text());
        reply.json()
    }

    /// The story of an entity.
    pub async fn story(&self, entity: &Value) -> Vec<Value> {
        let id = entity["id"].as_str().expect("an id");
        let page: Value = self.get(&format!("{ENTITIES}/{id}/events")).await.json();
        page["events"].as_array().expect("events").clone()
    }

    /// How many rows a table has.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let row = self.db.fetch_optional(sql, args![]).await.expect("a count").expect("one row");
        row.i64("n").expect("a number")
    }
}

/// The ids of an entity as `system/type/id`, sorted.
pub fn ids(entity: &Value) -> Vec<String> {
    let ids = entity["ids"].as_array().expect("ids").iter();
    let mut ids: Vec<String> = ids
        .map(|id| [&id["system"], &id["type"], &id["id"]].map(|part| part.as_str().expect("text")).join("/"))
        .collect();
    ids.sort();
    ids
}
