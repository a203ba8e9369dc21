//! Answers of the filters themselves: problem+json (RFC 9457), one shape with the sidecars.

use serde::Serialize;

/// One refusal: what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// The cause, as in `urn:jobzy:problem:<slug>`.
    pub slug: &'static str,
    /// The cause in words, the same for every occurrence.
    pub title: &'static str,
    /// Headers beside content type and cache control.
    pub headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// The body. The correlation id stands in it because people copy bodies, not headers.
    #[must_use]
    pub fn body(&self, correlation_id: Option<&str>) -> String {
        let kind = format!("urn:jobzy:problem:{}", self.slug);
        let body = Body { kind: &kind, title: self.title, status: self.status, correlation_id };
        // A struct of strings and a number always serialises.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
}

#[cfg(target_arch = "wasm32")]
impl Problem {
    /// Sends the answer; the caller then returns `Action::Pause`. Only during a request's headers or
    /// body: later, WasmX leaves the client waiting.
    pub fn send(&self, correlation_id: Option<&str>) {
        let mut headers = vec![("content-type", "application/problem+json"), ("cache-control", "no-store")];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        crate::local::send(self.status, &headers, self.body(correlation_id).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn the_body_has_the_shape_of_the_sidecars_and_names_the_request() {
        let problem = Problem { status: 403, slug: "forbidden", title: "Not permitted", headers: Vec::new() };
        let body: serde_json::Value = serde_json::from_str(&problem.body(Some("a\"b"))).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:jobzy:problem:forbidden", "title": "Not permitted", "status": 403, "correlation_id": "a\"b"
            })
        );
        assert!(!problem.body(None).contains("correlation_id"));
    }
}
