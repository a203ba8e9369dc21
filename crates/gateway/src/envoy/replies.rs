//! Answers that Envoy gives by itself, as problem+json (RFC 9457) like everybody else's.
//!
//! Only what Envoy is the author of is rewritten, told by response flag, by details, or by status codes that no
//! filter of ours uses: the filters write their own problems.

use serde_yaml_ng::Value;

/// One kind of answer: flags that Envoy sets (documented with its access log), the problem it becomes, and
/// the seconds after which to come again.
struct Reply {
    matches: Match,
    slug: &'static str,
    title: &'static str,
    retry_after_s: Option<&'static str>,
}

enum Match {
    Flags(&'static [&'static str]),
    Status(u16),
    Details(&'static str),
}

const REPLIES: [Reply; 7] = [
    Reply {
        matches: Match::Status(429),
        slug: "rate-limited",
        title: "Too many requests",
        retry_after_s: Some("1"),
    },
    Reply {
        matches: Match::Flags(&["UT", "SI", "DT"]),
        slug: "upstream-timeout",
        title: "The service did not answer in time",
        retry_after_s: None,
    },
    Reply {
        matches: Match::Flags(&["UH", "UF", "UO", "UC", "UR", "URX", "LR", "LH", "NC", "UPE", "OM"]),
        slug: "upstream-unavailable",
        title: "The service cannot be reached",
        retry_after_s: Some("2"),
    },
    Reply {
        matches: Match::Status(413),
        slug: "request-too-large",
        title: "The request body is too large",
        retry_after_s: None,
    },
    Reply {
        matches: Match::Status(408),
        slug: "request-timeout",
        title: "The request did not arrive in time",
        retry_after_s: None,
    },
    Reply {
        matches: Match::Status(431),
        slug: "headers-too-large",
        title: "The request headers are too large",
        retry_after_s: None,
    },
    Reply {
        matches: Match::Details(
            "response.code == 400 && (response.code_details in ['path_normalization_failed', 'missing_host_header'] \
             || response.code_details.startsWith('http1.') || response.code_details.startsWith('http2.'))",
        ),
        slug: "request-refused",
        title: "The request is not one that the gateway accepts",
        retry_after_s: None,
    },
];

pub(super) fn configuration() -> Value {
    map! { "mappers" => REPLIES.iter().map(mapper).collect::<Vec<Value>>() }
}

fn mapper(reply: &Reply) -> Value {
    let mut mapper = map! {
        "filter" => filter(&reply.matches),
        "body_format_override" => problem(reply.slug, reply.title, "%RESPONSE_CODE%".into()),
    };
    if let (Some(seconds), Value::Mapping(fields)) = (reply.retry_after_s, &mut mapper) {
        let header = map! {
            "header" => map! { "key" => "retry-after", "value" => seconds },
            "append_action" => "OVERWRITE_IF_EXISTS_OR_ADD",
        };
        fields.insert("headers_to_add".into(), list![header]);
    }
    mapper
}

fn filter(matches: &Match) -> Value {
    match matches {
        Match::Flags(flags) => map! { "response_flag_filter" => map! { "flags" => flags.to_vec() } },
        Match::Status(status) => map! {
            "status_code_filter" => map! {
                "comparison" => map! {
                    "op" => "EQ",
                    "value" => map! {
                        "default_value" => *status,
                        "runtime_key" => format!("gateway.local_reply_{status}"),
                    },
                },
            },
        },
        // A filter's own 400 has other details.
        Match::Details(expression) => map! {
            "extension_filter" => map! {
                "name" => "envoy.access_loggers.extension_filters.cel",
                "typed_config" => map! {
                    "@type" => "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                    "expression" => *expression,
                },
            },
        },
    }
}

/// A body of the house's problem shape; `%...%` is filled in per request.
pub(super) fn problem(slug: &str, title: &str, status: Value) -> Value {
    map! {
        "content_type" => "application/problem+json",
        "json_format" => map! {
            "type" => format!("urn:jobzy:problem:{slug}"),
            "title" => title,
            "status" => status,
            // Cut off, since some refusals come before the filter has looked at what the client sent.
            "correlation_id" => "%REQ(X-CORRELATION-ID):64%",
        },
    }
}
