//! The filter's configuration: read once, checked whole, refused with the JSON path of the fault.

use std::collections::BTreeMap;

pub use jobzy_host::config::ConfigError;
use jobzy_host::config::{fault, parse, upstream, within};
use jobzy_host::upstream::Upstream;
use jobzy_token::{Expectations, Policies, Policy};
use serde::Deserialize;

use crate::keys::Timing;

/// The configuration, compiled.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a token must say.
    pub expectations: Expectations,
    /// Where the issuer's keys are.
    pub jwks: Upstream,
    /// When they are fetched.
    pub timing: Timing,
    /// Whether workers pass keys to each other through shared data.
    pub share_keys: bool,
    /// The host property that holds the route's name.
    pub route_property: Vec<String>,
    /// Who may use which route.
    pub policies: Policies,
    /// The realm named in challenges.
    pub realm: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    issuer: String,
    audience: Vec<String>,
    jwks: RawJwks,
    route_property: Vec<String>,
    default: Default,
    routes: BTreeMap<String, RawPolicy>,
    realm: String,
    #[serde(default = "thirty")]
    leeway_s: u32,
    #[serde(default = "eight_kib")]
    max_token_bytes: usize,
}

/// There is one default. It stands in the configuration so that a reader sees it.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Default {
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJwks {
    upstream: String,
    authority: String,
    scheme: String,
    path: String,
    #[serde(default = "sixty")]
    refresh_s: u64,
    #[serde(default = "ten")]
    unknown_kid_refresh_s: u64,
    #[serde(default = "one_day")]
    max_stale_s: u64,
    #[serde(default = "two_thousand")]
    timeout_ms: u64,
    #[serde(default = "yes")]
    share: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    #[serde(default)]
    public: Option<bool>,
    #[serde(default)]
    any_role: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}
const fn ten() -> u64 {
    10
}
const fn thirty() -> u32 {
    30
}
const fn sixty() -> u64 {
    60
}
const fn one_day() -> u64 {
    86_400
}
const fn two_thousand() -> u64 {
    2000
}
const fn eight_kib() -> usize {
    8192
}

impl Config {
    /// Reads the plugin configuration.
    ///
    /// # Errors
    /// The first fault; the filter then refuses to start.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let raw: Raw = parse(json)?;
        let Default::Deny = raw.default;

        within("$.leeway_s", u64::from(raw.leeway_s), 0, 300)?;
        within("$.max_token_bytes", u64::try_from(raw.max_token_bytes).unwrap_or(u64::MAX), 256, 65_536)?;
        not_empty("$.issuer", &raw.issuer)?;
        not_empty("$.realm", &raw.realm)?;
        names("$.audience", &raw.audience)?;
        names("$.route_property", &raw.route_property)?;
        let mut expectations = Expectations::new(raw.issuer, raw.audience);
        expectations.leeway_s = raw.leeway_s;
        expectations.max_token_bytes = raw.max_token_bytes;
        Ok(Self {
            expectations,
            timing: raw.jwks.timing()?,
            share_keys: raw.jwks.share,
            jwks: raw.jwks.upstream()?,
            route_property: raw.route_property,
            policies: policies(raw.routes)?,
            realm: raw.realm,
        })
    }
}

impl RawJwks {
    fn timing(&self) -> Result<Timing, ConfigError> {
        within("$.jwks.refresh_s", self.refresh_s, 5, 86_400)?;
        within("$.jwks.unknown_kid_refresh_s", self.unknown_kid_refresh_s, 1, 3600)?;
        within("$.jwks.max_stale_s", self.max_stale_s, self.refresh_s, 7 * 86_400)?;
        within("$.jwks.timeout_ms", self.timeout_ms, 100, 30_000)?;
        Ok(Timing {
            refresh_ms: self.refresh_s.saturating_mul(1000),
            unknown_kid_ms: self.unknown_kid_refresh_s.saturating_mul(1000),
            max_stale_ms: self.max_stale_s.saturating_mul(1000),
            timeout_ms: self.timeout_ms,
        })
    }

    fn upstream(&self) -> Result<Upstream, ConfigError> {
        upstream("$.jwks", &self.upstream, &self.authority, &self.scheme, &self.path)
    }
}

fn policies(routes: BTreeMap<String, RawPolicy>) -> Result<Policies, ConfigError> {
    routes
        .into_iter()
        .map(|(route, raw)| {
            let path = format!("$.routes.{route}");
            let policy = match (raw.public, raw.any_role) {
                (Some(true), None) => Policy::Public,
                (None, Some(roles)) => {
                    names(&format!("{path}.any_role"), &roles)?;
                    Policy::AnyRole(roles)
                }
                _ => return Err(fault(&path, &"must be either {\"public\":true} or {\"any_role\":[...]}")),
            };
            Ok((route, policy))
        })
        .collect()
}

fn not_empty(path: &str, text: &str) -> Result<(), ConfigError> {
    if text.is_empty() { Err(fault(path, &"must not be empty")) } else { Ok(()) }
}

/// A list that admits nothing is a mistake, and so is an empty name in it.
fn names(path: &str, list: &[String]) -> Result<(), ConfigError> {
    if list.is_empty() || list.iter().any(String::is_empty) {
        return Err(fault(path, &"must be a list of at least one non-empty string"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jobzy_token::Policy;
    use serde_json::{Value, json};

    use super::Config;

    fn whole() -> Value {
        json!({
            "issuer": "http://127.0.0.1:8180/realms/jobzy",
            "audience": ["jobzy-api"],
            "jwks": {
                "upstream": "keycloak", "authority": "127.0.0.1:8180", "scheme": "http",
                "path": "/realms/jobzy/protocol/openid-connect/certs", "refresh_s": 60
            },
            "route_property": ["xds", "route_name"],
            "default": "deny",
            "routes": {"quotes": {"public": true}, "jobs-create": {"any_role": ["customer", "operator"]}},
            "realm": "jobzy"
        })
    }

    #[track_caller]
    fn fails(pointer: &str, value: Value, path: &str) {
        let mut json = whole();
        *json.pointer_mut(pointer).unwrap() = value;
        let error = Config::parse(json.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{path}: ")), "{error}");
    }

    #[test]
    fn a_whole_configuration_is_compiled() {
        let config = Config::parse(whole().to_string().as_bytes()).unwrap();
        assert_eq!(config.policies.of(Some("quotes")), Some(&Policy::Public));
        assert_eq!(config.policies.of(Some("jobs")), None);
        assert_eq!(config.expectations.leeway_s, 30);
        assert_eq!(config.timing.refresh_ms, 60_000);
        assert_eq!(config.jwks.name(), "keycloak");
        assert!(config.share_keys);
    }

    #[test]
    fn a_fault_is_named_by_its_path() {
        fails("/issuer", json!(""), "$.issuer");
        fails("/issuer", json!(1), "$.issuer");
        fails("/audience", json!([]), "$.audience");
        fails("/audience", json!([""]), "$.audience");
        fails("/audience", json!("jobzy-api"), "$.audience");
        fails("/jwks/upstream", json!("keycloak:99999"), "$.jwks.upstream");
        fails("/jwks/authority", json!("http://keycloak"), "$.jwks.authority");
        fails("/jwks/scheme", json!("ftp"), "$.jwks.scheme");
        fails("/jwks/path", json!("certs"), "$.jwks.path");
        fails("/jwks/refresh_s", json!(1), "$.jwks.refresh_s");
        fails("/jwks/refresh_s", json!(-1), "$.jwks.refresh_s");
        fails("/route_property", json!([]), "$.route_property");
        fails("/default", json!("allow"), "$.default");
        fails("/realm", json!(""), "$.realm");
        fails("/routes/quotes", json!({}), "$.routes.quotes");
        fails("/routes/quotes", json!({"public": false}), "$.routes.quotes");
        fails("/routes/quotes", json!({"public": true, "any_role": ["customer"]}), "$.routes.quotes");
        fails("/routes/quotes", json!({"public": true, "extra": 1}), "$.routes.quotes.extra");
        fails("/routes/jobs-create/any_role", json!([]), "$.routes.jobs-create.any_role");
        fails("/routes/jobs-create/any_role", json!([1]), "$.routes.jobs-create.any_role[0]");
    }

    #[test]
    fn the_schema_given_to_kong_names_exactly_the_members_that_are_read() {
        let whole_schema: Value = serde_json::from_str(include_str!("../meta.json")).unwrap();
        for (schema, pointer) in [("/config_schema", ""), ("/config_schema/properties/jwks", "/jwks")] {
            let schema = whole_schema.pointer(schema).unwrap();
            for (member, about) in schema["properties"].as_object().unwrap() {
                let mut json = whole();
                let object = json.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
                let required = schema["required"].as_array().unwrap().contains(&json!(member));
                // What is there is left out, what is not is set to the default the schema promises.
                if object.remove(member).is_none() {
                    object.insert(member.clone(), about["default"].clone());
                }
                assert_eq!(
                    Config::parse(json.to_string().as_bytes()).is_err(),
                    required,
                    "{pointer}/{member}"
                );
            }
            assert_eq!(schema["additionalProperties"], json!(false));
        }
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for member in ["issuer", "audience", "jwks", "route_property", "default", "routes", "realm"] {
            let mut json = whole();
            json.as_object_mut().unwrap().remove(member);
            let error = Config::parse(json.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{member}`")), "{error}");
        }
        for text in ["", "{", "[]", &format!("{} {{}}", whole())] {
            assert!(Config::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
