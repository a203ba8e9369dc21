//! Properties of the request: text ones only, and only while handling a request.
//!
//! In a root context (`on_tick`) WasmX crashes on any property; numbers have another encoding in each
//! gateway.

use proxy_wasm::hostcalls;

/// A text property, such as the route's name: `["xds", "route_name"]` in Envoy,
/// `["kong", "route_name"]` in Kong. `None` when it is unknown, empty or no UTF-8.
#[must_use]
pub fn text(path: &[String]) -> Option<String> {
    let path = path.iter().map(String::as_str).collect();
    let value = hostcalls::get_property(path).ok().flatten()?;
    String::from_utf8(value).ok().filter(|value| !value.is_empty())
}
