//! What the hosts provide: WasmX of Kong 3.9 (ngx_wasm_module 9136e463), of which Envoy 1.40 has all.
//!
//! One letter per parameter, then a colon, then the result: `i` is i32, `l` is i64.

/// Functions of module `env` that our code calls.
const CALLED: [(&str, &str); 20] = [
    ("proxy_add_header_map_value", "iiiii:i"),
    ("proxy_continue_stream", "i:i"),
    ("proxy_define_metric", "iiii:i"),
    ("proxy_get_buffer_bytes", "iiiii:i"),
    ("proxy_get_current_time_nanoseconds", "i:i"),
    ("proxy_get_header_map_pairs", "iii:i"),
    ("proxy_get_header_map_value", "iiiii:i"),
    ("proxy_get_property", "iiii:i"),
    ("proxy_get_shared_data", "iiiii:i"),
    ("proxy_http_call", "iiiiiiiiii:i"),
    ("proxy_increment_metric", "il:i"),
    ("proxy_log", "iii:i"),
    ("proxy_record_metric", "il:i"),
    ("proxy_remove_header_map_value", "iii:i"),
    ("proxy_replace_header_map_value", "iiiii:i"),
    ("proxy_send_local_response", "iiiiiiii:i"),
    ("proxy_set_buffer_bytes", "iiiii:i"),
    ("proxy_set_effective_context", "i:i"),
    ("proxy_set_shared_data", "iiiii:i"),
    ("proxy_set_tick_period_milliseconds", "i:i"),
];

/// Functions that the SDK's traits offer as default methods, so that they are linked into every filter
/// and must exist, although nothing calls them: in WasmX most of them trap, and the others have
/// different effects in the two gateways.
const LINKED_ONLY: [(&str, &str); 15] = [
    ("proxy_call_foreign_function", "iiiiii:i"),
    ("proxy_close_stream", "i:i"),
    ("proxy_dequeue_shared_queue", "iii:i"),
    ("proxy_done", ":i"),
    ("proxy_enqueue_shared_queue", "iii:i"),
    ("proxy_get_status", "iii:i"),
    ("proxy_grpc_call", "iiiiiiiiiiii:i"),
    ("proxy_grpc_cancel", "i:i"),
    ("proxy_grpc_close", "i:i"),
    ("proxy_grpc_send", "iiii:i"),
    ("proxy_grpc_stream", "iiiiiiiii:i"),
    ("proxy_register_shared_queue", "iii:i"),
    ("proxy_resolve_shared_queue", "iiiii:i"),
    ("proxy_set_header_map_pairs", "iii:i"),
    ("proxy_set_property", "iiii:i"),
];

/// Functions of WASI preview 1 that a lean filter needs. WasmX has few more, and those do nothing.
const WASI: [(&str, &str); 6] = [
    ("clock_time_get", "ili:i"),
    ("environ_get", "ii:i"),
    ("environ_sizes_get", "ii:i"),
    ("fd_write", "iiii:i"),
    ("proc_exit", "i:"),
    ("random_get", "ii:i"),
];

/// Whether a function exists in both gateways with this signature. `proxy_get_log_level` does not: it
/// has two parameters in WasmX, and a module that imports it as the ABI says does not load.
pub(super) fn contains(module: &str, name: &str, signature: &str) -> bool {
    let wanted = (name, signature);
    match module {
        "env" => CALLED.contains(&wanted) || LINKED_ONLY.contains(&wanted),
        "wasi_snapshot_preview1" => WASI.contains(&wanted),
        _ => false,
    }
}
