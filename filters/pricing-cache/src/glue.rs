//! Between the host and the filter: one root context per configuration and worker.

use std::cell::RefCell;
use std::rc::Rc;

use jobzy_host::log;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::config::Config;
use crate::decide::Edge;
use crate::metrics::Metrics;
use crate::request::Request;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { worker: None, ticks: false }));
}}

struct Root {
    worker: Option<Worker>,
    ticks: bool,
}

/// What one configuration of the filter has in one worker of the gateway.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) config: Rc<Config>,
    pub(crate) edge: Rc<RefCell<Edge>>,
    pub(crate) metrics: Metrics,
    /// The running question for the rate book.
    pub(crate) question: Option<u32>,
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, _: usize, body_size: usize, _: usize) {
        if let Some(worker) = &mut self.worker {
            worker.book_arrived(token, body_size);
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let json = self.get_plugin_configuration().unwrap_or_default();
        let config = match Config::parse(&json) {
            Ok(config) => config,
            Err(error) => {
                log::error(&format!("configuration: {error}"));
                return false;
            }
        };
        let edge = Rc::new(RefCell::new(Edge::new(&config)));
        let worker = Worker { config: Rc::new(config), edge, metrics: Metrics::define(), question: None };
        // Once per context: WasmX runs a second timer or traps.
        if !std::mem::replace(&mut self.ticks, true) {
            self.set_tick_period(worker.tick_period());
        }
        self.worker = Some(worker);
        true
    }

    fn on_tick(&mut self) {
        if let Some(worker) = &mut self.worker {
            worker.ask_for_book();
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request::new(self.worker.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
