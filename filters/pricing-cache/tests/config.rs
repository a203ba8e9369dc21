//! What the filter accepts as its configuration.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use jobzy_pricing_cache::config::Config;
use serde_json::{Value, json};

fn whole() -> Value {
    json!({
        "upstream": "pricing", "authority": "pricing", "scheme": "http", "path": "/api/v1/pricing/rate-book",
        "refresh_ms": 1000, "unknown_after_ms": 5000, "max_entries": 2048,
        "quote_path": "/api/v1/pricing/quotes", "hold_headers": true
    })
}

#[track_caller]
fn fails(member: &str, value: Value) {
    let mut json = whole();
    json[member] = value;
    let error = Config::parse(json.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("$.{member}: ")), "{error}");
}

#[test]
fn a_whole_configuration_is_compiled() {
    let config = Config::parse(whole().to_string().as_bytes()).unwrap();
    assert_eq!((config.timing.refresh_ms, config.timing.unknown_after_ms), (1000, 5000));
    assert_eq!((config.max_entries, config.rate_book.name()), (2048, "pricing"));
    assert!(config.hold_headers);
}

#[test]
fn a_fault_is_named_by_its_path() {
    fails("upstream", json!("pricing:0"));
    fails("authority", json!(""));
    fails("scheme", json!("ftp"));
    fails("path", json!("rate-book"));
    fails("refresh_ms", json!(99));
    fails("refresh_ms", json!(1.5));
    fails("unknown_after_ms", json!(1000));
    fails("max_entries", json!(0));
    fails("max_entries", json!(65_537));
    fails("hold_headers", json!("yes"));
    for path in ["quotes", "/quotes?x", "/quo tes", "/quotes#x", "/quotes%20", ""] {
        fails("quote_path", json!(path));
    }
    let mut json = whole();
    json["quote_pth"] = json!("/");
    assert!(Config::parse(json.to_string().as_bytes()).is_err());
    for text in ["", "[]", "{", "{} {}"] {
        assert!(Config::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_schema_given_to_kong_says_the_same() {
    let meta: Value = serde_json::from_str(include_str!("../meta.json")).unwrap();
    let schema = &meta["config_schema"];
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["properties"].as_object().unwrap().len(), whole().as_object().unwrap().len());
    for (member, about) in schema["properties"].as_object().unwrap() {
        let mut json = whole();
        json.as_object_mut().unwrap().remove(member).unwrap();
        let parsed = Config::parse(json.to_string().as_bytes());
        let required = schema["required"].as_array().unwrap().contains(&json!(member));
        assert_eq!(parsed.is_err(), required, "{member}");
        assert_eq!(about["default"].is_null(), required, "{member}");
    }
    let edges = ["refresh_ms", "unknown_after_ms", "max_entries"].map(|member| {
        let bound = |bound: &str| schema["properties"][member][bound].as_u64().unwrap();
        (member, bound("minimum"), bound("maximum"))
    });
    for (member, least, most) in edges {
        // The two durations must not stand in each other's way.
        let fits = |value: u64| {
            let mut json = whole();
            (json["refresh_ms"], json["unknown_after_ms"]) = (json!(100), json!(600_000));
            json[member] = json!(value);
            Config::parse(json.to_string().as_bytes()).is_ok()
        };
        let least = if member == "unknown_after_ms" { least + 1 } else { least };
        assert!(fits(least) && fits(most), "{member}");
        assert!(!fits(least - 1) && !fits(most + 1), "{member}");
    }
    let defaults = Config::parse(
        json!({"upstream": "a:1", "authority": "a", "scheme": "https", "path": "/", "quote_path": "/q"})
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    let default = |member: &str| schema["properties"][member]["default"].clone();
    assert_eq!(default("refresh_ms"), json!(defaults.timing.refresh_ms));
    assert_eq!(default("unknown_after_ms"), json!(defaults.timing.unknown_after_ms));
    assert_eq!(default("max_entries"), json!(defaults.max_entries));
    assert_eq!(default("hold_headers"), json!(defaults.hold_headers));
}
