//! Where things are: addresses, files and limits of one installation of the gateway.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::RouteTable;

/// One installation. Read from a file like `deploy/routes/local.toml`, or made by a program for the ports it
/// found free; then rendered together with the route table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where Envoy's admin interface listens: loopback only, it can do anything.
    pub admin: SocketAddr,
    /// The folder of the filters, as the gateway sees it.
    pub filters: String,
    /// Envoy's route file, as Envoy sees it; replaced atomically, it takes effect without a restart.
    pub routes_file: String,
    /// The file of the access log; standard output when unset.
    #[serde(default)]
    pub access_log: Option<String>,
    /// Origins whose pages may call the API, as a browser spells them.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Proxies in front that append to `X-Forwarded-For`.
    #[serde(default)]
    pub trusted_hops: u32,
    /// Networks of those proxies (Kong asks by address, Envoy by number).
    #[serde(default)]
    pub trusted_addresses: Vec<String>,
    /// Collector of Kong's own spans (OTLP over HTTP), without the path; none when unset. Envoy makes no spans:
    /// the trace context is the correlation-id filter's, and a native tracer would replace it on the way out.
    #[serde(default)]
    pub otlp: Option<String>,
    /// Limits against floods.
    #[serde(default)]
    pub limits: Limits,
    /// Who issues tokens, and where its keys are fetched.
    pub identity: Identity,
    /// Where the sidecars are, by service.
    pub services: BTreeMap<String, Upstream>,
}

/// Limits against floods, for one instance of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections from clients at a time.
    pub connections: u32,
    /// Requests per second from everybody.
    pub requests_per_second: u32,
    /// Requests per second from one address; twice as many at once.
    pub requests_per_second_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, requests_per_second: 20_000, requests_per_second_per_address: 500 }
    }
}

/// Who issues tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `iss` of the tokens: the realm's URL, spelled as the issuer spells it.
    pub issuer: String,
    /// `aud`, one of which a token must name.
    pub audience: Vec<String>,
    /// Where the realm's key set is fetched; it may be nearer than the issuer's public address.
    pub upstream: Upstream,
    /// Seconds between two looks for new keys.
    #[serde(default = "sixty")]
    pub keys_refresh_s: u32,
}

const fn sixty() -> u32 {
    60
}

/// Hosts that answer alike.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `host:port` of each; a name may have several addresses, each of them an instance.
    pub hosts: Vec<String>,
    /// Whether they are spoken to in TLS, verified against the system's authorities. Inside a mesh: no.
    #[serde(default)]
    pub tls: bool,
}

impl Upstream {
    /// One host on this machine.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self { hosts: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()], tls: false }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Host and port of each.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&str, u16)> {
        self.hosts.iter().filter_map(|host| host_port(host))
    }
}

/// Why a deployment does not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentError {
    /// Not TOML, or not of the expected form. The message of the parser quotes the line.
    #[error("the deployment cannot be read: {0}")]
    Form(String),
    /// The table has routes to a service that has no hosts here.
    #[error("the deployment has no hosts for service `{0}`")]
    NoHosts(String),
    /// A host is not `host:port`.
    #[error("`{host}` of `{upstream}` is not host:port")]
    Host {
        /// Whose host.
        upstream: String,
        /// The text.
        host: String,
    },
    /// The issuer is no URL of a realm.
    #[error("the issuer `{0}` is not of the form http(s)://host[:port]/path without a slash at its end")]
    Issuer(String),
    /// A token could be for anybody.
    #[error("at least one audience is needed")]
    Audience,
    /// The admin interface would be reachable from outside.
    #[error("the admin interface must listen on loopback, not on {0}")]
    Admin(SocketAddr),
    /// The rendered text could not be written.
    #[error("rendering failed: {0}")]
    Render(String),
}

impl Deployment {
    /// Reads a deployment in TOML.
    ///
    /// # Errors
    /// When it is not of the expected form. Whether it fits a table is found when both are rendered.
    pub fn parse(toml: &str) -> Result<Self, DeploymentError> {
        toml::from_str(toml).map_err(|error| DeploymentError::Form(error.to_string()))
    }

    /// What rendering relies on.
    ///
    /// # Errors
    /// When a service of the table has no hosts, or an address is not usable.
    pub fn check(&self, table: &RouteTable) -> Result<(), DeploymentError> {
        for service in table.services() {
            if self.services.get(service).is_none_or(|upstream| upstream.hosts.is_empty()) {
                return Err(DeploymentError::NoHosts(service.clone()));
            }
        }
        if self.identity.upstream.hosts.is_empty() {
            return Err(DeploymentError::NoHosts(crate::filters::KEYS_UPSTREAM.to_owned()));
        }
        let all = self.services.iter().map(|(name, upstream)| (name.as_str(), upstream));
        for (name, upstream) in all.chain([(crate::filters::KEYS_UPSTREAM, &self.identity.upstream)]) {
            if let Some(host) = upstream.hosts.iter().find(|host| host_port(host).is_none()) {
                return Err(DeploymentError::Host { upstream: name.to_owned(), host: host.clone() });
            }
        }
        if self.identity.audience.is_empty() {
            return Err(DeploymentError::Audience);
        }
        if !self.admin.ip().is_loopback() {
            return Err(DeploymentError::Admin(self.admin));
        }
        self.issuer_parts().map(|_| ())
    }

    /// Authority and path of the issuer's URL.
    pub(crate) fn issuer_parts(&self) -> Result<(&str, &str), DeploymentError> {
        let issuer = &self.identity.issuer;
        let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
        let parts = rest.and_then(|rest| rest.find('/').map(|at| rest.split_at(at)));
        let usable = |&(authority, path): &(&str, &str)| {
            !authority.is_empty() && !path.ends_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic())
        };
        parts.filter(usable).ok_or_else(|| DeploymentError::Issuer(issuer.clone()))
    }
}

fn host_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    port.parse().ok().filter(|&port| port > 0).map(|port| (host, port))
}
