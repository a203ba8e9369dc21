//! Between the host and [`crate::decide`]: one request.

use jobzy_host::headers::{self, Headers};
use jobzy_host::{body, clock, local, log};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::decide::{Asked, Decision, MAX_BODY, is_json, query_of};
use crate::glue::Worker;
use crate::status;
use crate::verify::{Head, Pending, Verdict};

const VERSION: &str = "x-rate-book-version";
const CACHE_STATUS: &str = "cache-status";

/// One request on its way to the sidecar, and its answer back.
pub(crate) struct Request {
    /// None when the configuration was refused; the host should not ask us then.
    worker: Option<Worker>,
    state: State,
}

enum State {
    /// Not a quote request.
    Foreign,
    /// A POST whose body is not here yet.
    Reading,
    /// The sidecar answers; this filter has no part in it.
    Bypassed,
    /// The sidecar answers with what it should be.
    Missed(Pending),
    /// Answered here.
    Answered,
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, is_last: bool) -> Action {
        let Some(worker) = self.worker.clone() else { return Action::Continue };
        let Some(path) = headers::request_value(":path") else { return Action::Continue };
        let Some(query) = query_of(&path, &worker.config.quote_path) else { return Action::Continue };
        match headers::request_value(":method").as_deref() {
            Some(b"GET") => self.decide(&worker, Asked::Query(query)),
            Some(b"POST") => {
                let request = Headers::of_request();
                let is_json =
                    is_json(request.single("content-type"), request.first("content-encoding").is_some());
                if is_last || !is_json || request.may_be_truncated() {
                    self.settle(&worker, Decision::Bypass)
                } else {
                    self.state = State::Reading;
                    // WasmX has the body before it proxies; a pause here would be for ever.
                    if worker.config.hold_headers { Action::Pause } else { Action::Continue }
                }
            }
            _ => Action::Continue,
        }
    }

    fn on_http_request_body(&mut self, size: usize, is_last: bool) -> Action {
        match (&self.state, self.worker.clone()) {
            (State::Answered, _) => Action::Pause,
            (State::Reading, Some(worker)) if size > MAX_BODY => self.settle(&worker, Decision::Bypass),
            (State::Reading, Some(_)) if !is_last => Action::Pause,
            (State::Reading, Some(worker)) => match body::of_request(size) {
                Some(json) => self.decide(&worker, Asked::Json(&json)),
                None => self.settle(&worker, Decision::Bypass),
            },
            _ => Action::Continue,
        }
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        match (&self.state, self.worker.clone()) {
            (State::Answered, _) => Action::Pause,
            // The body ended without saying so. Nobody sends a quote request like that.
            (State::Reading, Some(worker)) => self.settle(&worker, Decision::Bypass),
            _ => Action::Continue,
        }
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        let (own, response) = match &mut self.state {
            State::Foreign => return Action::Continue,
            State::Answered => {
                // The sidecar says so too. Set here and not added to the reply: a gateway may have added it already.
                let _ = headers::set_response("x-content-type-options", b"nosniff");
                return Action::Continue;
            }
            // The gateway itself answered before the body was here, or there was none.
            State::Reading | State::Bypassed => (status::BYPASS, Headers::of_response()),
            State::Missed(pending) => {
                let response = Headers::of_response();
                let announced = announce(pending, &response);
                if announced.is_none() {
                    self.state = State::Bypassed;
                }
                (announced.unwrap_or(status::MISS), response)
            }
        };
        let value = status::behind(response.lines(CACHE_STATUS), own);
        let _ = headers::set_response(CACHE_STATUS, value.as_bytes());
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, is_last: bool) -> Action {
        let (State::Missed(pending), Some(worker)) = (&mut self.state, &self.worker) else {
            return Action::Continue;
        };
        let verdict = match (size, body::of_response(size)) {
            (0, _) => pending.compare(b"", is_last),
            (_, Some(part)) => pending.compare(&part, is_last),
            // Not readable, so nothing is known.
            (_, None) => Verdict::Other,
        };
        if verdict == Verdict::More {
            return Action::Continue;
        }
        if let Ok(mut edge) = worker.edge.try_borrow_mut()
            && edge.compared(pending, verdict)
        {
            worker.metrics.stored.increment();
        }
        if verdict == Verdict::Contradiction {
            worker.metrics.contradictions.increment();
            log::warn(&format!(
                "{} is not what rate book {} gives; reading the rate book again",
                pending.id, pending.version
            ));
        }
        self.state = State::Bypassed;
        Action::Continue
    }
}

impl Request {
    pub(crate) const fn new(worker: Option<Worker>) -> Self {
        Self { worker, state: State::Foreign }
    }

    fn decide(&mut self, worker: &Worker, asked: Asked<'_>) -> Action {
        let now_ms = clock::now_ms();
        let decision = worker.edge.try_borrow().map_or(Decision::Bypass, |edge| edge.decide(asked, now_ms));
        self.settle(worker, decision)
    }

    fn settle(&mut self, worker: &Worker, decision: Decision) -> Action {
        worker.metrics.count(&decision);
        match decision {
            Decision::Bypass => self.state = State::Bypassed,
            Decision::Miss(pending) => self.state = State::Missed(pending),
            Decision::Hit { version, body } => {
                let version = version.to_string();
                let headers = [
                    ("content-type", "application/json"),
                    (VERSION, version.as_str()),
                    (CACHE_STATUS, status::HIT),
                ];
                self.state = State::Answered;
                local::send(200, &headers, &body);
                return Action::Pause;
            }
        }
        Action::Continue
    }
}

/// What the response's headers promise; `None` when the answer cannot be the expected one.
fn announce(pending: &mut Pending, response: &Headers) -> Option<&'static str> {
    let status = headers::response_value(":status");
    pending.announce(Head {
        status: status.as_deref(),
        version: response.single(VERSION),
        content_length: response.single("content-length"),
        content_type: response.single("content-type"),
        is_encoded: response.first("content-encoding").is_some(),
    })
}
