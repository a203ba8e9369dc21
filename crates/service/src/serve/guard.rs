//! Requests that parse but mean different things to different readers, refused before any routing.
//!
//! The gateway refuses them first; this is for the day it is misconfigured or bypassed.

use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode, Version};

use crate::problem::Problem;

/// The refusal of this request, if there is one.
pub(super) fn refuse<B>(request: &Request<B>) -> Option<Problem> {
    if request.version() != Version::HTTP_11 {
        let title = "Only HTTP/1.1 is spoken here";
        return Some(Problem::new(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "http-version-not-supported",
            title,
        ));
    }
    let Some(host) = single_host(request) else {
        let title = "The request needs exactly one valid Host";
        return Some(Problem::new(StatusCode::BAD_REQUEST, "invalid-host", title));
    };
    // Absolute form must be accepted (RFC 9112 section 3.2.2), but not when it disagrees with Host.
    if request.uri().authority().is_some_and(|authority| *authority != host) {
        let title = "Host and request target disagree";
        return Some(Problem::new(StatusCode::BAD_REQUEST, "invalid-host", title));
    }
    if is_ambiguous(request.uri().path()) {
        let title = "The path can be read in more than one way";
        return Some(Problem::new(StatusCode::BAD_REQUEST, "ambiguous-path", title));
    }
    None
}

fn single_host<B>(request: &Request<B>) -> Option<Authority> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

/// Encoded separators, dot segments and path parameters: nothing we serve has them, and readers decode
/// them at different moments.
fn is_ambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let suspicious = ["%2f", "%5c", "%00", "%25", "\\", ";"].iter().any(|part| lower.contains(part));
    suspicious || lower.replace("%2e", ".").split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, version: Version, hosts: &[&str], expected: Option<&str>) {
        let mut request = Request::get(target).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let refusal = refuse(&request.body(()).unwrap());
        assert_eq!(refusal.as_ref().map(Problem::slug), expected, "{target} {hosts:?}");
    }

    #[test]
    fn host_must_be_said_once_and_agree() {
        check("/a", Version::HTTP_11, &["a:1"], None);
        check("/a", Version::HTTP_11, &["pricing_v2"], None);
        check("/a", Version::HTTP_11, &[], Some("invalid-host"));
        check("/a", Version::HTTP_11, &["a", "a"], Some("invalid-host"));
        check("/a", Version::HTTP_11, &["user@a"], Some("invalid-host"));
        check("/a", Version::HTTP_11, &["a b"], Some("invalid-host"));
        check("http://A/a", Version::HTTP_11, &["a"], None);
        check("http://b/a", Version::HTTP_11, &["a"], Some("invalid-host"));
    }

    #[test]
    fn other_versions_are_refused() {
        check("/a", Version::HTTP_10, &["a"], Some("http-version-not-supported"));
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for path in ["/a/../b", "/a/%2E%2e/b", "/a%2Fb", "/a%5cb", "/a/./b", "/a/..;/b", "/a%00", "/a%252fb"]
        {
            check(path, Version::HTTP_11, &["a"], Some("ambiguous-path"));
        }
        check("/a.b/..c/%C3%A4?x=../;%2f", Version::HTTP_11, &["a"], None);
    }
}
