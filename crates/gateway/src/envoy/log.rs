//! The access log: one JSON line per request, with the names the sidecars use, and without a token, a query
//! or a body.

use serde_yaml_ng::Value;

use crate::deployment::Deployment;

pub(super) fn access_log(deployment: &Deployment) -> Value {
    let format = map! { "json_format" => fields(), "omit_empty_values" => true };
    match &deployment.access_log {
        Some(path) => map! {
            "name" => "envoy.access_loggers.file",
            "typed_config" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path" => path.as_str(),
                "log_format" => format,
            },
        },
        None => map! {
            "name" => "envoy.access_loggers.stdout",
            "typed_config" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                "log_format" => format,
            },
        },
    }
}

fn fields() -> Value {
    map! {
        "@timestamp" => "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "log.level" => "info",
        "message" => "request",
        "service.name" => "gateway",
        // Set by the filters, except on requests that were refused before them.
        "correlation.id" => "%REQ(X-CORRELATION-ID):64%",
        "traceparent" => "%REQ(TRACEPARENT)%",
        "user.id" => "%REQ(X-AUTH-SUBJECT)%",
        "client.address" => "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "http.request.method" => "%REQ(:METHOD)%",
        "url.path" => "%PATH(NQ:ORIG_OR_PATH)%",
        "http.route" => "%ROUTE_NAME%",
        "http.response.status_code" => "%RESPONSE_CODE%",
        "http.request.body.bytes" => "%BYTES_RECEIVED%",
        "http.response.body.bytes" => "%BYTES_SENT%",
        "envoy.flags" => "%RESPONSE_FLAGS%",
        "envoy.details" => "%RESPONSE_CODE_DETAILS%",
        "envoy.attempts" => "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "envoy.upstream" => "%UPSTREAM_HOST%",
        "duration_ms" => "%DURATION%",
        "cache_status" => "%RESP(CACHE-STATUS)%",
    }
}
