//! The listener: what is refused before a filter sees it, and the order of the filters.

use serde_yaml_ng::Value;

use super::{ROUTE_CONFIG, http_filters, log, replies, socket};
use crate::INTERNAL_HEADERS;
use crate::deployment::{Deployment, DeploymentError};
use crate::table::RouteTable;

pub(super) fn listener(table: &RouteTable, deployment: &Deployment) -> Result<Value, DeploymentError> {
    Ok(map! {
        "name" => "gateway",
        "address" => socket(&deployment.listen.ip().to_string(), deployment.listen.port()),
        "per_connection_buffer_limit_bytes" => 262_144,
        "filter_chains" => list![map! {
            "filters" => list![map! {
                "name" => "envoy.filters.network.http_connection_manager",
                "typed_config" => connection_manager(table, deployment)?,
            }],
        }],
    })
}

fn connection_manager(table: &RouteTable, deployment: &Deployment) -> Result<Value, DeploymentError> {
    let mut manager = map! {
        "@type" => "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix" => "gateway",
        "codec_type" => "AUTO",
        "use_remote_address" => true,
        "xff_num_trusted_hops" => deployment.trusted_hops,
        "early_header_mutation_extensions" => list![strip()],
        // One spelling per path, or a policy by path could be walked around; what has none is refused.
        "normalize_path" => true,
        "merge_slashes" => true,
        "path_with_escaped_slashes_action" => "REJECT_REQUEST",
        "common_http_protocol_options" => map! {
            // `x_auth_subject` becomes `x-auth-subject` in more than one framework.
            "headers_with_underscores_action" => "REJECT_REQUEST",
            "max_headers_count" => 100,
            "idle_timeout" => "300s",
        },
        "http2_protocol_options" => map! {
            "max_concurrent_streams" => 100,
            "initial_stream_window_size" => 65_536,
            "initial_connection_window_size" => 1_048_576,
        },
        "max_request_headers_kb" => 32,
        // Slow senders: headers, the whole request, and either side of a stream that says nothing.
        "request_headers_timeout" => "5s",
        "request_timeout" => "30s",
        "stream_idle_timeout" => "60s",
        "generate_request_id" => true,
        "preserve_external_request_id" => false,
        "request_id_extension" => map! {
            "typed_config" => map! {
                "@type" => "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason" => false,
                "use_request_id_for_trace_sampling" => false,
            },
        },
        "local_reply_config" => replies::configuration(),
        "access_log" => list![log::access_log(deployment)],
        "rds" => map! {
            "route_config_name" => ROUTE_CONFIG,
            "config_source" => map! {
                "resource_api_version" => "V3",
                "path_config_source" => map! { "path" => deployment.routes_file.as_str() },
            },
        },
    };
    if let Value::Mapping(fields) = &mut manager {
        fields.insert("http_filters".into(), http_filters::chain(table, deployment)?);
    }
    Ok(manager)
}

/// Runs before the route is chosen and before any filter. The filter strips again: on a host without this, and
/// because identity must not hang on one line of configuration.
fn strip() -> Value {
    let mut mutations: Vec<Value> = vec![
        map! { "remove_on_match" => map! { "key_matcher" => map! { "prefix" => "x-auth-", "ignore_case" => true } } },
    ];
    mutations.extend(INTERNAL_HEADERS.iter().map(|&name| map! { "remove" => name }));
    map! {
        "name" => "envoy.http.early_header_mutation.header_mutation",
        "typed_config" => map! {
            "@type" => "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations" => mutations,
        },
    }
}
