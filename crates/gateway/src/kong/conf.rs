//! `kong.conf`: what the filters need of Kong itself.

use std::fmt::Write as _;

use crate::deployment::{Deployment, DeploymentError};
use crate::table::RouteTable;

/// Where the image has the declarative configuration.
pub const DECLARATIVE_PATH: &str = "/etc/kong/kong.yml";

/// The settings, in Kong's own form.
///
/// # Errors
/// When the deployment does not fit the table.
pub fn conf(table: &RouteTable, deployment: &Deployment) -> Result<String, DeploymentError> {
    deployment.check(table)?;
    let largest_kib = table.routes().iter().map(|route| route.body_limit_kib).max().unwrap_or(1);
    let mut text = crate::WRITTEN_BY.to_owned();
    for (comment, settings) in sections(deployment, largest_kib) {
        let _ = writeln!(text, "\n# {comment}");
        for (name, value) in settings {
            let _ = writeln!(text, "{name} = {value}");
        }
    }
    Ok(text)
}

type Section = (&'static str, Vec<(&'static str, String)>);

fn sections(deployment: &Deployment, largest_kib: u32) -> Vec<Section> {
    let text = str::to_owned;
    let mut proxies = vec![
        ("headers", text("X-Kong-Request-Id")),
        ("allow_debug_header", text("off")),
        ("real_ip_recursive", text("on")),
        ("real_ip_header", text("X-Forwarded-For")),
    ];
    if !deployment.trusted_addresses.is_empty() {
        proxies.push(("trusted_ips", deployment.trusted_addresses.join(",")));
    }
    let mut sections = vec![
        (
            "Everything comes from one file; the admin interface stays inside.",
            vec![
                ("database", text("off")),
                ("declarative_config", text(DECLARATIVE_PATH)),
                ("proxy_listen", deployment.listen.to_string()),
                ("admin_listen", text("127.0.0.1:8001")),
                ("status_listen", text("0.0.0.0:8100")),
                ("router_flavor", text("traditional_compatible")),
                (
                    "plugins",
                    text(
                        "cors,opentelemetry,prometheus,rate-limiting,request-size-limiting,request-termination,\
                         request-transformer",
                    ),
                ),
            ],
        ),
        ("Clients learn the request's id and nothing about the gateway.", proxies),
        (
            "The filters: a file's name is its filter's name.",
            vec![
                ("wasm", text("on")),
                ("wasm_filters_path", deployment.filters.clone()),
                ("wasm_filters", text("user")),
            ],
        ),
        (
            "Shared data of the filters. There is no default, and without it every access is a trap.",
            vec![("nginx_wasm_shm_kv", text("12m"))],
        ),
        (
            "Filters fetch keys and rate book outside of requests, where the module's own resolver would be used \
             (a public one): use Kong's.",
            vec![
                ("nginx_wasm_proxy_wasm_lua_resolver", text("on")),
                ("nginx_wasm_socket_connect_timeout", text("1s")),
                ("nginx_wasm_socket_send_timeout", text("2s")),
                ("nginx_wasm_socket_read_timeout", text("2s")),
            ],
        ),
        (
            "A filter sees a body only as far as it lies in memory: the buffer holds the largest that any route \
             permits.",
            vec![
                ("nginx_http_client_body_buffer_size", format!("{largest_kib}k")),
                ("nginx_http_client_max_body_size", format!("{largest_kib}k")),
            ],
        ),
        (
            "Slow clients.",
            vec![
                ("nginx_http_client_header_timeout", text("5s")),
                ("nginx_http_client_body_timeout", text("30s")),
                ("nginx_http_keepalive_timeout", text("300s")),
            ],
        ),
        (
            "Shorter than a sidecar's patience, so that no request is sent into a connection that is being closed.",
            vec![("upstream_keepalive_idle_timeout", text("20"))],
        ),
        (
            "TLS to others, the filters' calls included, is verified against the system's authorities.",
            vec![("lua_ssl_trusted_certificate", text("system")), ("lua_ssl_verify_depth", text("3"))],
        ),
    ];
    if deployment.otlp.is_some() {
        let traces = vec![
            ("tracing_instrumentations", text("request,balancer")),
            ("tracing_sampling_rate", text("0.1")),
        ];
        sections.push(("Traces.", traces));
    }
    sections
}
