//! Background calls: from `on_tick` only.
//!
//! A call from a request is neither possible here nor wanted: WasmX resumes a paused request by itself
//! after the callback, whatever the callback decided, and crashes when the request was not paused.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;

use crate::headers::Headers;
use crate::upstream::Upstream;

/// The host took no call: the cluster does not exist, or the host is shutting down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDispatched;

/// Starts a GET; its answer comes to `on_http_call_response` with the returned token. `timeout` bounds
/// the whole call in Envoy, each of connect, send and read in WasmX.
///
/// # Errors
/// [`NotDispatched`], and no callback will come.
pub fn get(upstream: &Upstream, extra: &[(&str, &str)], timeout: Duration) -> Result<u32, NotDispatched> {
    let mut headers = upstream.get();
    headers.extend_from_slice(extra);
    hostcalls::dispatch_http_call(upstream.name(), headers, None, Vec::new(), timeout)
        .map_err(|_| NotDispatched)
}

/// An answer to a background call.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status; `None` when there was no answer (refused, timed out, name not found).
    pub status: Option<u16>,
    /// Headers, empty without an answer.
    pub headers: Headers,
    /// Body, empty when there is none or it is longer than permitted.
    pub body: Vec<u8>,
}

/// The answer the current `on_http_call_response` is about. A body of more than `max_bytes` is not
/// copied into the filter. Only `status == Some(200)` means success on both gateways.
#[must_use]
pub fn answer(body_size: usize, max_bytes: usize) -> Answer {
    let headers = Headers::of_call();
    let status = headers
        .single(":status")
        .and_then(|status| std::str::from_utf8(status).ok())
        .and_then(|status| status.parse().ok());
    let body = if body_size == 0 || body_size > max_bytes {
        Vec::new()
    } else {
        // From 0, all of it: WasmX ignores the start.
        hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, body_size)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    Answer { status, headers, body }
}
