//! Bodies, always from their beginning: WasmX ignores where a read shall start.

use proxy_wasm::hostcalls;
use proxy_wasm::types::BufferType;

/// The request's body, of which the callback said it has `size` bytes. `None` when not all of it is
/// readable: nginx writes a long body to a file, out of reach.
#[must_use]
pub fn of_request(size: usize) -> Option<Vec<u8>> {
    read(BufferType::HttpRequestBody, size)
}

/// The part of the response's body that the callback is about, of `size` bytes.
#[must_use]
pub fn of_response(size: usize) -> Option<Vec<u8>> {
    read(BufferType::HttpResponseBody, size)
}

fn read(buffer: BufferType, size: usize) -> Option<Vec<u8>> {
    let bytes = hostcalls::get_buffer(buffer, 0, size).ok().flatten()?;
    (bytes.len() == size).then_some(bytes)
}
