//! Between the host and [`crate::decide`]: one request.

use jobzy_host::headers::{self, Headers};
use jobzy_host::{clock, log, property};
use jobzy_trace::CorrelationId;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::decide::{Call, Decision};
use crate::glue::Worker;
use crate::identity::is_reserved;
use crate::refusal::Refusal;

/// One request on its way to a sidecar.
pub(crate) struct Request {
    /// None when the configuration was refused; the host should not ask us then.
    worker: Option<Worker>,
    is_refused: bool,
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let request = Headers::of_request();
        for name in request.names().filter(|name| is_reserved(name)) {
            let _ = headers::remove_request(name);
        }
        match self.decide(&request) {
            Decision::Pass => {}
            Decision::Admit { identity, .. } => {
                for (name, value) in identity.headers() {
                    let _ = headers::set_request(name, value.as_bytes());
                }
            }
            Decision::Refuse(refusal) => self.refuse(&request, &refusal),
        }
        self.action()
    }

    // A refused request stays refused: a body must not carry it past a pause.
    fn on_http_request_body(&mut self, _: usize, _: bool) -> Action {
        self.action()
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.action()
    }
}

impl Request {
    pub(crate) const fn new(worker: Option<Worker>) -> Self {
        Self { worker, is_refused: false }
    }

    fn decide(&self, request: &Headers) -> Decision {
        let Some(worker) = &self.worker else { return Decision::Refuse(Refusal::KeysUnavailable) };
        let decision = if request.may_be_truncated() {
            Decision::Refuse(Refusal::TooManyHeaders)
        } else {
            let route = property::text(&worker.config.route_property);
            let authorization: Vec<&[u8]> = request.lines("authorization").collect();
            let is_preflight = request.first(":method") == Some(b"OPTIONS")
                && request.first("origin").is_some()
                && request.first("access-control-request-method").is_some();
            let now_ms = clock::now_ms();
            let call = Call { route: route.as_deref(), authorization: &authorization, is_preflight, now_ms };
            match worker.guard.try_borrow_mut() {
                Ok(mut guard) => guard.decide(call),
                Err(_) => Decision::Refuse(Refusal::KeysUnavailable),
            }
        };
        worker.metrics.count(&decision);
        decision
    }

    fn refuse(&mut self, request: &Headers, refusal: &Refusal) {
        self.is_refused = true;
        // The filter before this one made it valid; without that filter it is anybody's.
        let id = request.single("x-correlation-id").and_then(|id| CorrelationId::parse(id).ok());
        let id = id.as_ref().map(CorrelationId::as_str);
        log::info(&format!("refused: {}, correlation id {}", refusal.code(), id.unwrap_or("-")));
        let realm = self.worker.as_ref().map_or("", |worker| &worker.config.realm);
        refusal.problem(realm).send(id);
    }

    const fn action(&self) -> Action {
        if self.is_refused { Action::Pause } else { Action::Continue }
    }
}
