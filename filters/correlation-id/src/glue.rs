//! Between the host and [`crate::decide`].

use std::cell::Cell;
use std::rc::Rc;

use jobzy_host::headers::{self, Headers};
use jobzy_host::{clock, log, random};
use jobzy_trace::CorrelationId;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::config::{Config, DEFAULT_HEADER};
use crate::decide::decide;
use crate::entropy::{Entropy, Sources};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    header: Rc<str>,
    made: Rc<Cell<u64>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let json = if size == 0 { None } else { self.get_plugin_configuration() };
        match Config::parse(json.as_deref()) {
            Ok(config) => {
                self.header = config.header.into();
                true
            }
            Err(error) => {
                log::error(&format!("configuration: {error}"));
                false
            }
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let header = if self.header.is_empty() { DEFAULT_HEADER.into() } else { Rc::clone(&self.header) };
        Some(Box::new(Request { header, made: Rc::clone(&self.made), context_id, id: None }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Request {
    header: Rc<str>,
    made: Rc<Cell<u64>>,
    context_id: u32,
    id: Option<CorrelationId>,
}

impl Request {
    fn entropy(&self, now_ns: u64) -> Entropy {
        let counter = self.made.replace(self.made.get().wrapping_add(1));
        Sources { random: random::bytes(), now_ns, context_id: self.context_id, counter }.mix()
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let now_ns = clock::now_ns();
        let entropy = self.entropy(now_ns);
        // A list that may hide a second line of either header is as good as two lines.
        let request = Some(Headers::of_request()).filter(|list| !list.may_be_truncated()).unwrap_or_default();
        let decision =
            decide(request.lines(&self.header), request.lines(TRACEPARENT), now_ns / 1_000_000, &entropy);
        if decision.id_is_new {
            let _ = headers::set_request(&self.header, decision.id.as_str().as_bytes());
        }
        let _ = headers::set_request(TRACEPARENT, decision.traceparent.to_string().as_bytes());
        if decision.trace_is_new {
            let _ = headers::remove_request(TRACESTATE);
        }
        self.id = Some(decision.id);
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        // A response to a request that never reached this filter (the gateway refused it) has a name too.
        let now_ns = clock::now_ns();
        let id = self
            .id
            .take()
            .unwrap_or_else(|| CorrelationId::from_uuid_v7(now_ns / 1_000_000, self.entropy(now_ns).id));
        let _ = headers::set_response(&self.header, id.as_str().as_bytes());
        self.id = Some(id);
        Action::Continue
    }
}
