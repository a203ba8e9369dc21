//! Which keys of a published set are used.
#![cfg(test)]

mod issuer;

use issuer::{
    AUDIENCE, ISSUER, NOW, b64, es_header, es256, jwks, keys, payload, rs_header, rs256, with, without,
};
use jobzy_token::jwks::{MAX_BYTES, MAX_KEYS};
use jobzy_token::{Expectations, JwksError, KeySet, TokenError, Verifier};
use proptest::prelude::*;
use rsa::BigUint;
use serde_json::{Value, json};

fn verifier() -> Verifier {
    Verifier::new(Expectations::new(ISSUER, vec![AUDIENCE.to_owned()]))
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(&jwks(keys)).unwrap()
}

#[track_caller]
fn unusable(key: Value) {
    assert_eq!(
        KeySet::parse(&jwks(std::slice::from_ref(&key))).unwrap_err(),
        JwksError::NoUsableKey,
        "{key}"
    );
    // It must not spoil the set either.
    let set = set(&[key, keys().ec_jwk(0, "ec")]);
    assert_eq!(set.len(), 1);
    assert!(verifier().verify(&set, &es256(&es_header(), &payload()), NOW).is_ok());
}

#[test]
fn an_encryption_key_beside_the_signing_key_is_skipped() {
    let encryption = with(with(keys().rsa_jwk(1, "enc"), "use", json!("enc")), "alg", json!("RSA-OAEP"));
    let set = set(&[encryption, keys().rsa_jwk(0, "rsa")]);
    assert_eq!(set.len(), 1);
    assert!(verifier().verify(&set, &rs256(&rs_header(), &payload()), NOW).is_ok());
}

#[test]
fn keys_for_another_purpose_are_not_used() {
    for purpose in [json!("enc"), json!("SIG"), json!(""), json!(null), json!(["sig"])] {
        unusable(with(keys().rsa_jwk(0, "rsa"), "use", purpose));
    }
    for operations in [json!(["sign"]), json!(["encrypt"]), json!([]), json!("verify"), json!(null)] {
        unusable(with(keys().rsa_jwk(0, "rsa"), "key_ops", operations));
    }
    assert_eq!(set(&[with(without(keys().rsa_jwk(0, "rsa"), "use"), "key_ops", json!(["verify"]))]).len(), 1);
}

#[test]
fn keys_of_another_algorithm_or_type_are_not_used() {
    for alg in ["RS384", "RS512", "PS256", "RSA-OAEP", "HS256", "ES256", "none", "", "rs256"] {
        unusable(with(keys().rsa_jwk(0, "rsa"), "alg", json!(alg)));
    }
    for alg in ["ES384", "RS256", "EdDSA", "ECDH-ES"] {
        unusable(with(keys().ec_jwk(0, "e"), "alg", json!(alg)));
    }
    unusable(json!({"kid": "rsa", "kty": "oct", "alg": "HS256", "use": "sig", "k": b64([7; 32])}));
    unusable(json!({"kid": "rsa", "kty": "oct", "alg": "RS256", "use": "sig", "k": b64([7; 32])}));
    unusable(json!({"kid": "o", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64([7; 32])}));
    for kty in [json!("rsa"), json!("EC"), json!(""), json!(null), json!(1)] {
        unusable(with(keys().rsa_jwk(0, "rsa"), "kty", kty));
    }
    for curve in ["P-384", "secp256k1", "p-256", ""] {
        unusable(with(keys().ec_jwk(0, "e"), "crv", json!(curve)));
    }
    assert_eq!(
        set(&[without(keys().rsa_jwk(0, "rsa"), "alg"), without(keys().ec_jwk(0, "ec"), "alg")]).len(),
        2
    );
}

#[test]
fn keys_without_a_usable_name_are_not_used() {
    for kid in [json!(""), json!("k".repeat(256)), json!(1), json!(null)] {
        unusable(with(keys().rsa_jwk(0, "rsa"), "kid", kid));
    }
    unusable(without(keys().rsa_jwk(0, "rsa"), "kid"));
}

#[test]
fn weak_huge_and_broken_rsa_keys_are_not_used() {
    let number = |bits: usize| (BigUint::from(1_u8) << (bits - 1)) + BigUint::from(1_u8);
    let rsa = |n: &BigUint, e: u64| {
        let e = e.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        json!({"kid": "k", "kty": "RSA", "n": b64(n.to_bytes_be()), "e": b64(e)})
    };
    for bits in [2048, 3072, 4096, 8192] {
        assert_eq!(set(&[rsa(&number(bits), 65537)]).len(), 1, "{bits}");
    }
    for bits in [8, 512, 1024, 2047, 8193, 16384] {
        unusable(rsa(&number(bits), 65537));
    }
    for exponent in [0, 1, 2, 4, 65536, (1 << 33) + 1, u64::MAX] {
        unusable(rsa(&number(2048), exponent));
    }
    unusable(rsa(&(number(2048) + BigUint::from(1_u8)), 65537));
    for (member, value) in
        [("n", json!("")), ("n", json!("+/==")), ("n", json!(1)), ("e", json!("")), ("e", json!("AQAB="))]
    {
        unusable(with(rsa(&number(2048), 65537), member, value));
    }
    unusable(without(rsa(&number(2048), 65537), "e"));
}

#[test]
fn leading_zeros_neither_strengthen_a_weak_key_nor_spoil_a_good_one() {
    let mut weak = vec![0; 200];
    weak.extend_from_slice(&((BigUint::from(1_u8) << 1023) + BigUint::from(1_u8)).to_bytes_be());
    unusable(json!({"kid": "k", "kty": "RSA", "n": b64(weak), "e": "AQAB"}));
    let good = with(keys().rsa_jwk(0, "rsa"), "e", json!(b64([0, 1, 0, 1])));
    assert!(verifier().verify(&set(&[good]), &rs256(&rs_header(), &payload()), NOW).is_ok());
}

#[test]
fn points_that_are_not_on_the_curve_are_not_used() {
    let key = keys().ec_jwk(0, "e");
    let other = keys().ec_jwk(1, "e");
    unusable(with(key.clone(), "y", other["y"].clone()));
    for (x, y) in [
        (vec![0; 32], vec![0; 32]),
        (vec![0xff; 32], vec![0xff; 32]),
        (vec![1; 31], vec![1; 33]),
        (vec![], vec![]),
    ] {
        unusable(with(with(key.clone(), "x", json!(b64(x))), "y", json!(b64(y))));
    }
    unusable(without(key, "y"));
}

#[test]
fn of_two_keys_with_one_name_the_first_counts() {
    let set = set(&[keys().rsa_jwk(0, "rsa"), keys().rsa_jwk(1, "rsa")]);
    assert_eq!(set.len(), 1);
    assert!(verifier().verify(&set, &rs256(&rs_header(), &payload()), NOW).is_ok());
}

#[test]
fn one_name_for_two_algorithms_is_two_keys() {
    let set = set(&[keys().rsa_jwk(0, "k"), keys().ec_jwk(0, "k")]);
    assert_eq!(set.len(), 2);
    for token in [
        rs256(&with(rs_header(), "kid", json!("k")), &payload()),
        es256(&with(es_header(), "kid", json!("k")), &payload()),
    ] {
        assert!(verifier().verify(&set, &token, NOW).is_ok());
    }
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    for text in
        ["", "{}", "[]", "null", "{\"keys\":{}}", "{\"keys\":null}", "<html>", "{\"keys\":[],\"keys\":[]}"]
    {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), JwksError::Malformed, "{text}");
    }
    assert_eq!(KeySet::parse(b"{\"keys\":[]}").unwrap_err(), JwksError::NoUsableKey);
    assert_eq!(KeySet::parse(b"{\"keys\":[1,null,\"a\",[]]}").unwrap_err(), JwksError::NoUsableKey);
    let many = vec![json!({}); MAX_KEYS + 1];
    assert_eq!(KeySet::parse(&jwks(&many)).unwrap_err(), JwksError::TooManyKeys);
    assert_eq!(KeySet::parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err(), JwksError::TooLarge);
}

#[test]
fn the_fingerprint_changes_with_the_usable_keys_and_with_nothing_else() {
    let (first, second) = (keys().rsa_jwk(0, "a"), keys().rsa_jwk(1, "a"));
    let base = set(std::slice::from_ref(&first));
    let same = [
        set(&[with(first.clone(), "x5t", json!("other"))]),
        set(&[first.clone(), json!({"kty": "oct", "kid": "x", "k": "AAAA"})]),
    ];
    for same in same {
        assert_eq!(same.fingerprint(), base.fingerprint());
    }
    for other in
        [set(&[second]), set(&[with(first.clone(), "kid", json!("b"))]), set(&[first, keys().ec_jwk(0, "a")])]
    {
        assert_ne!(other.fingerprint(), base.fingerprint());
    }
}

#[test]
fn a_rotated_key_verifies_only_with_the_set_that_has_it() {
    let token = rs256(&with(rs_header(), "kid", json!("new")), &payload());
    let before = set(&[keys().rsa_jwk(1, "old")]);
    let after = set(&[keys().rsa_jwk(1, "old"), keys().rsa_jwk(0, "new")]);
    assert_eq!(verifier().verify(&before, &token, NOW), Err(TokenError::UnknownKid { kid: "new".into() }));
    assert!(verifier().verify(&after, &token, NOW).is_ok());
}

proptest! {
    #[test]
    fn any_document_is_read_without_a_panic(bytes: Vec<u8>, n: String, e: String, kid: String) {
        let _ = KeySet::parse(&bytes);
        let _ = KeySet::parse(&jwks(&[json!({"kid": kid, "kty": "RSA", "n": n, "e": e})]));
    }
}
