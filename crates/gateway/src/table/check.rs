//! The rules a table must hold.

use super::path::Overlap;
use super::{Fault, Policy, ROLES, Route, Segment, TAKEN, TableError};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// First segments of what sidecars serve for each other and for the operator.
const INTERNAL: [&str; 3] = ["internal", "health", "metrics"];

pub(super) fn check(services: &[String], routes: &[Route]) -> Result<(), TableError> {
    for (at, route) in routes.iter().enumerate() {
        let earlier = routes.get(..at).unwrap_or_default();
        alone(services, route)
            .and_then(|()| beside(earlier, route))
            .map_err(|fault| TableError::Route { route: route.name.clone(), fault })?;
    }
    Ok(())
}

fn ensure(holds: bool, fault: Fault) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(fault) }
}

fn alone(services: &[String], route: &Route) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let named = (1..=64).contains(&route.name.len()) && route.name.bytes().all(plain);
    ensure(named && !TAKEN.contains(&route.name.as_str()), Fault::Name)?;
    ensure(services.contains(&route.service), Fault::UnknownService(route.service.clone()))?;
    ensure((1..=1024).contains(&route.body_limit_kib), Fault::BodyLimit)?;
    ensure((100..=60_000).contains(&route.timeout_ms), Fault::Timeout)?;
    methods(route)?;
    match route.path.segments().first() {
        Some(Segment::Literal(first)) => {
            if let Some(internal) = INTERNAL.into_iter().find(|internal| first == internal) {
                return Err(Fault::InternalPath(internal));
            }
        }
        // It would match what is internal too.
        _ => return Err(Fault::Path("its first segment is no template")),
    }
    if let Policy::AnyRole(roles) = &route.policy
        && let Some(unknown) = roles.iter().find(|role| !ROLES.contains(&role.as_str()))
    {
        return Err(Fault::UnknownRole(unknown.clone()));
    }
    // A cached answer has no reader: nothing in its key says whose it is.
    let cacheable = route.policy == Policy::Public && route.path.is_exact();
    ensure(route.cache.is_none() || cacheable, Fault::Cache)?;
    let rewritable =
        |path: &str| route.path.is_exact() && super::Path::template(path).is_ok_and(|p| p.is_exact());
    ensure(route.upstream_path.as_deref().is_none_or(rewritable), Fault::UpstreamPath)
}

fn methods(route: &Route) -> Result<(), Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for method in &route.methods {
        ensure(METHODS.contains(&method.as_str()), Fault::UnknownMethod(method.clone()))?;
        ensure(!seen.contains(&method.as_str()), Fault::Methods)?;
        seen.push(method);
    }
    ensure(!seen.is_empty(), Fault::Methods)
}

fn beside(earlier: &[Route], route: &Route) -> Result<(), Fault> {
    for other in earlier {
        ensure(other.name != route.name, Fault::DuplicateName)?;
        ensure(other.cache.is_none() || route.cache.is_none(), Fault::Cache)?;
        if !route.methods.iter().any(|method| other.methods.contains(method)) {
            continue;
        }
        match route.path.overlap(&other.path) {
            Overlap::Same => return Err(Fault::DuplicateMatch(other.name.clone())),
            Overlap::Ambiguous => return Err(Fault::Ambiguous(other.name.clone())),
            Overlap::None | Overlap::Ordered => {}
        }
    }
    Ok(())
}
