//! Where a background call goes, validated before the first call.
//!
//! Envoy calls a cluster by its name, WasmX a `host:port`; a bad port makes WasmX trap, and a missing
//! pseudo header traps there too. So the whole target is configuration, checked once.

use thiserror::Error;

/// The target of a background call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    name: String,
    authority: String,
    scheme: &'static str,
    path: String,
}

/// What is wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UpstreamError {
    /// Neither a cluster name nor `host:port`.
    #[error("upstream must be a cluster name or host:port")]
    Name,
    /// Not a host with an optional port.
    #[error("authority must be a host with an optional port")]
    Authority,
    /// Neither `http` nor `https`.
    #[error("scheme must be http or https")]
    Scheme,
    /// Not an absolute path.
    #[error("path must start with a slash and hold no space, control or fragment")]
    Path,
}

impl Upstream {
    /// Checks the parts of a target.
    ///
    /// # Errors
    /// The first part that cannot work on both gateways.
    pub fn new(name: &str, authority: &str, scheme: &str, path: &str) -> Result<Self, UpstreamError> {
        if !is_host_and_port(name) {
            return Err(UpstreamError::Name);
        }
        if !is_host_and_port(authority) {
            return Err(UpstreamError::Authority);
        }
        let scheme = match scheme {
            "http" => "http",
            "https" => "https",
            _ => return Err(UpstreamError::Scheme),
        };
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(UpstreamError::Path);
        }
        Ok(Self { name: name.to_owned(), authority: authority.to_owned(), scheme, path: path.to_owned() })
    }

    /// Envoy's cluster, or WasmX's `host:port`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four pseudo headers of a GET; both gateways want all of them.
    #[must_use]
    pub fn get(&self) -> Vec<(&str, &str)> {
        vec![
            (":method", "GET"),
            (":path", &self.path),
            (":authority", &self.authority),
            (":scheme", self.scheme),
        ]
    }
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let host_fits = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    host_fits && port_fits
}

#[cfg(test)]
mod tests {
    use super::{Upstream, UpstreamError};

    #[track_caller]
    fn check(name: &str, authority: &str, scheme: &str, path: &str, expected: UpstreamError) {
        assert_eq!(Upstream::new(name, authority, scheme, path), Err(expected));
    }

    #[test]
    fn a_cluster_name_and_a_host_with_port_are_targets() {
        for name in ["keycloak", "outbound_8080.keycloak", "127.0.0.1:8180", "keycloak.svc:8080"] {
            let upstream = Upstream::new(name, "keycloak:8080", "http", "/realms/jobzy/certs?x=1").unwrap();
            assert_eq!(upstream.name(), name);
            assert_eq!(upstream.get().len(), 4);
        }
    }

    #[test]
    fn what_would_trap_or_be_refused_later_is_refused_first() {
        for name in
            ["", ":80", "host:", "host:0", "host:65536", "host:+80", "host:80:90", "a b", "h/p", "\u{e4}"]
        {
            check(name, "a", "http", "/", UpstreamError::Name);
            check("a", name, "http", "/", UpstreamError::Authority);
        }
        for scheme in ["", "HTTP", "ftp", "http:"] {
            check("a", "a", scheme, "/", UpstreamError::Scheme);
        }
        for path in ["", "x", "/a b", "/a#b", "/a\r\nb", "/\u{e4}"] {
            check("a", "a", "http", path, UpstreamError::Path);
        }
    }
}
