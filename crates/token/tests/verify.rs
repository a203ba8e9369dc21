//! Which tokens are accepted, and why each other one is not.
#![cfg(test)]

mod issuer;

use issuer::{
    AUDIENCE, ISSUER, NOW, b64, es_header, es256, jwks, keys, payload, rs_header, rs256, rs256_text, with,
    without,
};
use jobzy_token::{Claims, Expectations, KeySet, TokenError, Verifier};
use serde_json::{Value, json};

fn key_set() -> KeySet {
    KeySet::parse(&jwks(&[keys().rsa_jwk(0, "rsa"), keys().ec_jwk(0, "ec")])).unwrap()
}

fn verify(token: &str) -> Result<Claims, TokenError> {
    verify_at(token, NOW)
}

fn verify_at(token: &str, now: i64) -> Result<Claims, TokenError> {
    Verifier::new(Expectations::new(ISSUER, vec![AUDIENCE.to_owned()])).verify(&key_set(), token, now)
}

#[track_caller]
fn refused(token: &str, error: TokenError) {
    assert_eq!(verify(token), Err(error), "{}", &token[..token.len().min(300)]);
}

#[track_caller]
fn payload_refused(payload: &Value, error: TokenError) {
    refused(&rs256(&rs_header(), payload), error);
}

#[test]
fn a_user_token_of_either_algorithm_gives_its_claims() {
    for token in [rs256(&rs_header(), &payload()), es256(&es_header(), &payload())] {
        let claims = verify(&token).unwrap();
        assert_eq!(claims.subject, "f1d2c3b4-1111-4222-8333-abcdefabcdef");
        assert_eq!(claims.roles, ["offline_access", "customer"]);
        assert_eq!(claims.client.as_deref(), Some("jobzy-web"));
        assert_eq!(claims.name.as_deref(), Some("customer"));
        assert_eq!(claims.expires_at_s, NOW + 300);
    }
}

#[test]
fn a_service_token_names_its_client_and_a_bare_one_has_no_roles() {
    let service = with(without(payload(), "azp"), "client_id", json!("jobzy-booking"));
    assert_eq!(verify(&rs256(&rs_header(), &service)).unwrap().client.as_deref(), Some("jobzy-booking"));
    let bare = json!({"exp": NOW + 1, "iss": ISSUER, "aud": AUDIENCE, "sub": "a"});
    let claims = verify(&rs256(&rs_header(), &bare)).unwrap();
    assert_eq!((claims.roles.len(), claims.client, claims.name), (0, None, None));
}

#[test]
fn the_types_of_an_access_token_are_accepted_in_any_case() {
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(verify(&rs256(&with(rs_header(), "typ", json!(typ)), &payload())).is_ok(), "{typ}");
    }
}

#[test]
fn tokens_of_another_kind_are_refused_by_their_header() {
    for typ in [
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!("JWE"),
        json!("id+jwt"),
        json!(""),
        json!(1),
        Value::Null,
    ] {
        refused(&rs256(&with(rs_header(), "typ", typ), &payload()), TokenError::HeaderType);
    }
    refused(&rs256(&without(rs_header(), "typ"), &payload()), TokenError::HeaderType);
}

#[test]
fn tokens_of_another_kind_are_refused_by_their_payload() {
    for typ in ["ID", "Refresh", "Offline", "Logout", "bearer", "BEARER", ""] {
        payload_refused(&with(payload(), "typ", json!(typ)), TokenError::TokenUse);
    }
    payload_refused(&with(payload(), "typ", json!(["Bearer"])), TokenError::TokenUse);
    payload_refused(&with(payload(), "typ", Value::Null), TokenError::TokenUse);
}

#[test]
fn no_other_algorithm_is_accepted() {
    let names = [
        "none", "None", "nOnE", "NONE", "", "HS256", "HS384", "RS384", "RS512", "PS256", "ES384", "EdDSA",
        "rs256",
    ];
    for name in names {
        refused(&rs256(&with(rs_header(), "alg", json!(name)), &payload()), TokenError::Algorithm);
    }
    for value in [json!(null), json!(256), json!(["RS256"])] {
        refused(&rs256(&with(rs_header(), "alg", value), &payload()), TokenError::Algorithm);
    }
    refused(&rs256(&without(rs_header(), "alg"), &payload()), TokenError::Algorithm);
}

#[test]
fn a_key_is_not_used_with_another_algorithm() {
    refused(&rs256(&with(rs_header(), "kid", json!("ec")), &payload()), TokenError::Algorithm);
    refused(&es256(&with(es_header(), "kid", json!("rsa")), &payload()), TokenError::Algorithm);
    refused(&es256(&with(rs_header(), "kid", json!("ec")), &payload()), TokenError::Algorithm);
    refused(&rs256(&with(es_header(), "kid", json!("rsa")), &payload()), TokenError::Algorithm);
    refused(&rs256(&es_header(), &payload()), TokenError::Signature);
    refused(&es256(&rs_header(), &payload()), TokenError::Signature);
}

#[test]
fn another_keys_signature_is_refused() {
    let message = format!("{}.{}", b64(rs_header().to_string()), b64(payload().to_string()));
    refused(&format!("{message}.{}", b64(keys().sign_rs256(1, &message))), TokenError::Signature);
    let message = format!("{}.{}", b64(es_header().to_string()), b64(payload().to_string()));
    refused(&format!("{message}.{}", b64(keys().sign_es256(1, &message))), TokenError::Signature);
}

#[test]
fn impossible_signatures_are_refused() {
    for header in [rs_header(), es_header()] {
        let message = format!("{}.{}", b64(header.to_string()), b64(payload().to_string()));
        let genuine = keys().sign_es256(0, &message);
        let zero_r = [&[0; 32], &genuine[32..]].concat();
        let zero_s = [&genuine[..32], &[0; 32]].concat();
        for signature in [
            vec![0],
            vec![0; 64],
            vec![0xff; 64],
            zero_r,
            zero_s,
            genuine[..63].to_vec(),
            [&genuine[..], &[0]].concat(),
            vec![0; 256],
            vec![0xff; 256],
            vec![1; 255],
            vec![1; 257],
            vec![0; 3000],
        ] {
            refused(&format!("{message}.{}", b64(&signature)), TokenError::Signature);
        }
    }
}

#[test]
fn a_header_that_demands_an_extension_is_refused() {
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!(null), json!("b64")] {
        refused(&rs256(&with(rs_header(), "crit", crit), &payload()), TokenError::CriticalHeader);
    }
}

#[test]
fn keys_and_addresses_that_a_header_offers_are_not_looked_at() {
    let own = keys().rsa_jwk(1, "rsa");
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:1/jwks")),
        ("x5u", json!("file:///etc/passwd")),
        ("jwk", own),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = with(rs_header(), name, value);
        assert!(verify(&rs256(&header, &payload())).is_ok(), "{name}");
        let message = format!("{}.{}", b64(header.to_string()), b64(payload().to_string()));
        refused(&format!("{message}.{}", b64(keys().sign_rs256(1, &message))), TokenError::Signature);
    }
}

#[test]
fn a_key_id_is_only_compared() {
    for kid in ["nope", "RSA", "../../etc/passwd", "' or 1=1 --", "rsa\u{0}", "rsa ", "{\"kid\":1}"] {
        let token = rs256(&with(rs_header(), "kid", json!(kid)), &payload());
        refused(&token, TokenError::UnknownKid { kid: kid.to_owned() });
    }
    for kid in [json!(""), json!("k".repeat(256)), json!(1), json!(null), json!(["rsa"])] {
        refused(&rs256(&with(rs_header(), "kid", kid), &payload()), TokenError::KeyId);
    }
    refused(&rs256(&without(rs_header(), "kid"), &payload()), TokenError::KeyId);
}

#[test]
fn only_an_unknown_key_may_be_our_fault_and_only_for_a_token_that_is_otherwise_for_us() {
    let unknown = with(rs_header(), "kid", json!("new"));
    assert!(verify(&rs256(&unknown, &payload())).unwrap_err().may_be_stale_keys());
    for (member, value) in [("iss", json!("http://other")), ("aud", json!("other")), ("exp", json!(NOW - 60))]
    {
        let error = verify(&rs256(&unknown, &with(payload(), member, value))).unwrap_err();
        assert!(!error.may_be_stale_keys(), "{error:?}");
    }
}

#[test]
fn another_issuer_is_refused_in_every_spelling() {
    let spellings = [
        "http://127.0.0.1:8180/realms/jobzy/",
        "HTTP://127.0.0.1:8180/realms/jobzy",
        "http://127.0.0.1:8180/realms/other",
        "https://127.0.0.1:8180/realms/jobzy",
        "",
        " http://127.0.0.1:8180/realms/jobzy",
    ];
    for issuer in spellings {
        payload_refused(&with(payload(), "iss", json!(issuer)), TokenError::Issuer);
    }
    for issuer in [json!([ISSUER]), json!(null), json!(1), json!({})] {
        payload_refused(&with(payload(), "iss", issuer), TokenError::Issuer);
    }
    payload_refused(&without(payload(), "iss"), TokenError::MissingClaim("iss"));
}

#[test]
fn the_audience_must_name_us() {
    for audience in [json!(AUDIENCE), json!([AUDIENCE]), json!(["other", AUDIENCE])] {
        assert!(verify(&rs256(&rs_header(), &with(payload(), "aud", audience))).is_ok());
    }
    for audience in
        [json!("account"), json!([]), json!(""), json!("jobzy-api "), json!(["jobzy"]), json!("JOBZY-API")]
    {
        payload_refused(&with(payload(), "aud", audience), TokenError::Audience);
    }
    for audience in
        [json!(null), json!(1), json!([[AUDIENCE]]), json!([AUDIENCE, 1]), json!({AUDIENCE: true})]
    {
        payload_refused(&with(payload(), "aud", audience), TokenError::InvalidClaim("aud"));
    }
    payload_refused(&without(payload(), "aud"), TokenError::MissingClaim("aud"));
    let nobody = Verifier::new(Expectations::new(ISSUER, Vec::new()));
    assert_eq!(nobody.verify(&key_set(), &rs256(&rs_header(), &payload()), NOW), Err(TokenError::Audience));
}

#[test]
fn a_token_ends_at_exp_plus_the_leeway_and_not_a_second_later() {
    let token = rs256(&rs_header(), &payload());
    let end = NOW + 300 + 30;
    assert!(verify_at(&token, end - 1).is_ok());
    assert_eq!(verify_at(&token, end), Err(TokenError::Expired));
    assert_eq!(verify_at(&token, i64::MAX), Err(TokenError::Expired));
    let claims = verify(&token).unwrap();
    assert!(!claims.is_expired(end - 1, 30) && claims.is_expired(end, 30));
}

#[test]
fn a_token_starts_at_nbf_and_iat_less_the_leeway_and_not_a_second_earlier() {
    for name in ["nbf", "iat"] {
        assert!(verify(&rs256(&rs_header(), &with(payload(), name, json!(NOW + 30)))).is_ok());
        payload_refused(&with(payload(), name, json!(NOW + 31)), TokenError::NotYetValid);
        assert!(verify(&rs256(&rs_header(), &without(payload(), name))).is_ok());
    }
    assert_eq!(verify_at(&rs256(&rs_header(), &payload()), i64::MIN), Err(TokenError::NotYetValid));
}

#[test]
fn without_leeway_the_limits_are_exact() {
    let mut expected = Expectations::new(ISSUER, vec![AUDIENCE.to_owned()]);
    expected.leeway_s = 0;
    let verifier = Verifier::new(expected);
    let token = rs256(&rs_header(), &payload());
    assert!(verifier.verify(&key_set(), &token, NOW + 299).is_ok());
    assert_eq!(verifier.verify(&key_set(), &token, NOW + 300), Err(TokenError::Expired));
    assert!(verifier.verify(&key_set(), &token, NOW).is_ok());
    assert_eq!(verifier.verify(&key_set(), &token, NOW - 1), Err(TokenError::NotYetValid));
}

#[test]
fn dates_are_whole_numbers_in_a_sane_range() {
    let fine = 9_007_199_254_740_992_i64;
    assert!(verify(&rs256(&rs_header(), &with(payload(), "exp", json!(fine)))).is_ok());
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!(-1),
            json!(fine + 1),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1.5),
            json!(1e300),
            json!(1_796_000_300.0),
            json!("1796000300"),
            json!(null),
            json!(true),
            json!([NOW]),
            json!({}),
        ] {
            payload_refused(&with(payload(), name, value), TokenError::InvalidClaim(name));
        }
    }
    payload_refused(&without(payload(), "exp"), TokenError::MissingClaim("exp"));
    let huge = payload().to_string().replace(&format!("\"exp\":{}", NOW + 300), "\"exp\":1e400");
    refused(&rs256_text(&rs_header().to_string(), &huge), TokenError::Malformed);
}

#[test]
fn names_that_end_up_in_headers_and_logs_are_plain() {
    for name in ["sub", "azp", "client_id"] {
        let base = if name == "client_id" { without(payload(), "azp") } else { payload() };
        for value in [
            json!(""),
            json!("a b"),
            json!("a\r\nx-auth-roles: operator"),
            json!("\u{e4}"),
            json!("a\u{0}"),
            json!("a".repeat(256)),
            json!(null),
            json!(7),
            json!(["a"]),
        ] {
            payload_refused(&with(base.clone(), name, value), TokenError::InvalidClaim(name));
        }
    }
    payload_refused(&without(payload(), "sub"), TokenError::MissingClaim("sub"));
    for value in [json!("a\nb"), json!(1), json!("n".repeat(256))] {
        payload_refused(
            &with(payload(), "preferred_username", value),
            TokenError::InvalidClaim("preferred_username"),
        );
    }
    let named = with(payload(), "preferred_username", json!("P\u{e4}ivi K."));
    assert_eq!(verify(&rs256(&rs_header(), &named)).unwrap().name.as_deref(), Some("P\u{e4}ivi K."));
}

#[test]
fn roles_are_a_list_of_strings_or_absent() {
    for value in [
        json!(null),
        json!("operator"),
        json!([]),
        json!({"roles": "operator"}),
        json!({"roles": [1]}),
        json!({"roles": null}),
        json!({"roles": [["operator"]]}),
        json!({"roles": vec!["r"; 257]}),
    ] {
        payload_refused(&with(payload(), "realm_access", value), TokenError::InvalidClaim("realm_access"));
    }
    let elsewhere = with(without(payload(), "realm_access"), "roles", json!(["operator"]));
    let elsewhere = with(elsewhere, "resource_access", json!({"jobzy-api": {"roles": ["operator"]}}));
    assert!(verify(&rs256(&rs_header(), &elsewhere)).unwrap().roles.is_empty());
}

#[test]
fn a_repeated_key_is_refused_wherever_it_stands() {
    let header = rs_header().to_string();
    let text = payload().to_string();
    for (from, to) in [
        ("\"exp\":", "\"exp\":1,\"exp\":"),
        ("\"sub\":", "\"sub\":\"other\",\"sub\":"),
        ("\"sub\":", "\"s\\u0075b\":\"other\",\"sub\":"),
        ("\"roles\":[\"offline", "\"roles\":[\"operator\"],\"roles\":[\"offline"),
        ("{\"acr\"", "{\"x\":{\"a\":1,\"a\":2},\"acr\""),
    ] {
        let doubled = text.replace(from, to);
        assert_ne!(doubled, text);
        refused(&rs256_text(&header, &doubled), TokenError::Malformed);
    }
    for (from, to) in [("\"alg\":", "\"alg\":\"none\",\"alg\":"), ("\"kid\":", "\"kid\":\"ec\",\"kid\":")] {
        refused(&rs256_text(&header.replace(from, to), &text), TokenError::Malformed);
    }
}

#[test]
fn what_is_not_three_parts_of_canonical_base64_is_refused() {
    let token = rs256(&rs_header(), &payload());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    for text in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!(".{body}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.{body}.{signature}"),
        format!("{header}=.{body}.{signature}"),
        format!("{header}.{body}.{signature}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        token.replace('.', "-"),
        token.replace('.', ". "),
        format!("{header}.{body}.{signature}!"),
        format!("\u{feff}{token}"),
        format!("{header}.{body}.\u{e4}"),
    ] {
        refused(&text, TokenError::Malformed);
    }
}

#[test]
fn unused_bits_in_the_last_character_make_another_token_and_are_refused() {
    let token = es256(&es_header(), &payload());
    // 64 bytes leave four unused bits in the last character: A and B differ in them only.
    let (front, last) = token.split_at(token.len() - 1);
    assert!("AQgw".contains(last));
    let changed = char::from(last.as_bytes()[0] + 1);
    refused(&format!("{front}{changed}"), TokenError::Malformed);
}

#[test]
fn what_is_not_an_object_of_json_is_refused() {
    let (header, body) = (rs_header().to_string(), payload().to_string());
    for text in ["", "null", "[]", "\"a\"", "1", "{", "{}x", "{\"a\":}", "\u{feff}{}", "\0"] {
        refused(&rs256_text(text, &body), TokenError::Malformed);
        refused(&rs256_text(&header, text), TokenError::Malformed);
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    refused(&rs256_text(&header, &deep), TokenError::Malformed);
    let latin = format!("{}.{}.{}", b64(&header), b64(b"{\"sub\":\"\xe4\"}"), b64([1; 256]));
    refused(&latin, TokenError::Malformed);
}

#[test]
fn a_token_that_is_too_long_is_not_even_decoded() {
    let long = rs256(&rs_header(), &with(payload(), "pad", json!("x".repeat(7000))));
    assert!(long.len() > 8192);
    refused(&long, TokenError::TooLarge);
    refused(&"!".repeat(8193), TokenError::TooLarge);
    refused(&"!".repeat(8192), TokenError::Malformed);
    refused(&"a".repeat(1 << 20), TokenError::TooLarge);
    let full = rs256(&rs_header(), &with(payload(), "pad", json!("x".repeat(5000))));
    assert!(full.len() < 8192 && verify(&full).is_ok());
}

#[test]
fn every_error_has_its_own_code() {
    let errors = [
        TokenError::TooLarge,
        TokenError::Malformed,
        TokenError::CriticalHeader,
        TokenError::HeaderType,
        TokenError::Algorithm,
        TokenError::KeyId,
        TokenError::TokenUse,
        TokenError::Issuer,
        TokenError::Audience,
        TokenError::Expired,
        TokenError::NotYetValid,
        TokenError::MissingClaim("a"),
        TokenError::InvalidClaim("a"),
        TokenError::UnknownKid { kid: "k".into() },
        TokenError::Signature,
    ];
    let mut codes: Vec<_> = errors.iter().map(TokenError::code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), errors.len());
    assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
}
