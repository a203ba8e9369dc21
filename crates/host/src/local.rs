//! Answers of a filter instead of the sidecar.

use proxy_wasm::hostcalls;

/// Sends an answer; the caller then returns `Action::Pause`. Only during a request's headers or body:
/// later, WasmX leaves the client waiting. WasmX ends the body with a line feed of its own.
pub fn send(status: u16, headers: &[(&str, &str)], body: &[u8]) {
    if hostcalls::send_http_response(u32::from(status), headers.to_vec(), Some(body)).is_err() {
        crate::log::error("the host took no local response");
    }
}
