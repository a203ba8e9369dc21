//! The route table: what the gateway lets through, and whom.
//!
//! A parsed table is in the order in which routes must be tried: exact paths and templates before prefixes,
//! the more specific before the less. What cannot be ordered is refused, so that no reader of the table has
//! to know which of two routes a gateway would take.

mod check;
mod parse;
mod path;

pub use path::{Path, Segment};

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    services: Vec<String>,
    routes: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The gateway's name of it.
    pub name: String,
    /// Whose sidecar answers.
    pub service: String,
    /// Which paths.
    pub path: Path,
    /// Which methods, upper case.
    pub methods: Vec<String>,
    /// Who may.
    pub policy: Policy,
    /// What may answer instead of the sidecar.
    pub cache: Option<Cache>,
    /// Largest request body, in KiB.
    pub body_limit_kib: u32,
    /// How long the caller waits at most, in milliseconds.
    pub timeout_ms: u32,
    /// Whether a request that surely never arrived may be sent again.
    pub idempotent: bool,
    /// What the sidecar is asked for instead of the path.
    pub upstream_path: Option<String>,
}

/// Who may use a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Anybody.
    Public,
    /// The bearer of a valid token with one of these realm roles.
    AnyRole(Vec<String>),
}

/// What may answer instead of a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// The price cache filter.
    Quote,
}

/// Realm roles that a policy may name.
pub const ROLES: [&str; 6] = ["customer", "provider", "operator", "pricing-admin", "finance", "service"];

/// Names of routes that the gateway adds.
pub(crate) const TAKEN: [&str; 2] = [NO_ROUTE, "preflight"];

/// The name of the answer to everything that is not in the table.
pub const NO_ROUTE: &str = "no_route";

impl RouteTable {
    /// Reads and checks a table in TOML; the form is explained at the head of `deploy/routes/routes.toml`.
    ///
    /// # Errors
    /// When it is not of that form, or a route contradicts itself, another one, or the house rules: the
    /// error names the route.
    pub fn parse(toml: &str) -> Result<Self, TableError> {
        let (services, routes) = parse::parse(toml)?;
        check::check(&services, &routes)?;
        let mut table = Self { services, routes };
        table.routes.sort_by_key(|route| route.path.precedence());
        Ok(table)
    }

    /// The services that routes lead to.
    #[must_use]
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// The routes in the order in which they must be tried.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route that answers `method` on `path` (without a query), if any: what both gateways must do.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.methods.iter().any(|m| m == method) && route.path.matches(path))
    }

    /// The exact path of the route that the price cache answers.
    #[must_use]
    pub fn quote_path(&self) -> Option<&str> {
        let quote = self.routes.iter().find(|route| route.cache == Some(Cache::Quote))?;
        Some(quote.path.text())
    }
}

/// Why a table is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Not TOML, or not of the expected form. The message of the parser quotes the line.
    #[error("the route table cannot be read: {0}")]
    Form(String),
    /// A rule is broken by one route.
    #[error("route `{route}`: {fault}")]
    Route {
        /// Its name.
        route: String,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with a route.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what the variant means")]
pub enum Fault {
    #[error("a name is 1 to 64 of a-z, 0-9 and _, and `no_route` and `preflight` are taken")]
    Name,
    #[error("the name is given to two routes")]
    DuplicateName,
    #[error("no service is called `{0}`")]
    UnknownService(String),
    #[error("exactly one of `path` and `prefix` is needed")]
    PathOrPrefix,
    #[error("the path is not usable: {0}")]
    Path(&'static str),
    #[error("`{0}` is for use inside only and cannot be routed")]
    InternalPath(&'static str),
    #[error("it answers the same requests as `{0}`")]
    DuplicateMatch(String),
    #[error("some requests match it and `{0}`, and neither is more specific")]
    Ambiguous(String),
    #[error("no policy: say `public = true` or `roles = [...]`")]
    NoPolicy,
    #[error("two policies: `public` and `roles` exclude each other")]
    TwoPolicies,
    #[error("`{0}` is no realm role")]
    UnknownRole(String),
    #[error("at least one method is needed, each at most once")]
    Methods,
    #[error("`{0}` is not a method that is routed")]
    UnknownMethod(String),
    #[error("GET and PUT are always idempotent; say so of POST only")]
    Idempotent,
    #[error("the price cache answers public routes with an exact path, and one route only")]
    Cache,
    #[error("a body limit is 1 to 1024 KiB")]
    BodyLimit,
    #[error("a timeout is 100 to 60000 ms")]
    Timeout,
    #[error("`upstream_path` needs a `path` without a template, and to be a path")]
    UpstreamPath,
}
