//! No change to a signed token goes unnoticed, and no input is a surprise.
#![cfg(test)]

mod issuer;

use issuer::{AUDIENCE, ISSUER, NOW, b64, es_header, es256, jwks, keys, payload, rs_header, rs256, with};
use jobzy_token::{Expectations, KeySet, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

fn key_set() -> KeySet {
    KeySet::parse(&jwks(&[keys().rsa_jwk(0, "rsa"), keys().ec_jwk(0, "ec")])).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(Expectations::new(ISSUER, vec![AUDIENCE.to_owned()]))
}

/// The verdict of another implementation on signature, issuer, audience and required claims.
fn second_opinion(token: &str) -> bool {
    let (rsa, ec) = (keys().rsa_jwk(0, "rsa"), keys().ec_jwk(0, "ec"));
    let text = |jwk: &Value, name: &str| jwk[name].as_str().unwrap().to_owned();
    let candidates = [
        (Algorithm::RS256, DecodingKey::from_rsa_components(&text(&rsa, "n"), &text(&rsa, "e")).unwrap()),
        (Algorithm::ES256, DecodingKey::from_ec_components(&text(&ec, "x"), &text(&ec, "y")).unwrap()),
    ];
    candidates.iter().any(|(algorithm, key)| {
        let mut validation = Validation::new(*algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        decode::<Value>(token, key, &validation).is_ok()
    })
}

fn tokens() -> [String; 2] {
    [rs256(&rs_header(), &payload()), es256(&es_header(), &payload())]
}

#[test]
fn the_untouched_tokens_are_accepted_by_both_implementations() {
    for token in tokens() {
        assert!(verifier().verify(&key_set(), &token, NOW).is_ok());
        assert!(second_opinion(&token));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flipped_bit_anywhere_is_refused(which in 0_usize..2, at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = tokens()[which].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(verifier().verify(&key_set(), &changed, NOW).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_flipped_bit_in_the_decoded_parts_is_refused(which in 0_usize..2, part in 0_usize..3, at: prop::sample::Index, bit in 0_u8..8) {
        use base64::Engine;
        let token = tokens()[which].clone();
        let mut parts: Vec<Vec<u8>> = token
            .split('.')
            .map(|part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap())
            .collect();
        let index = at.index(parts[part].len());
        parts[part][index] ^= 1 << bit;
        let changed = parts.iter().map(b64).collect::<Vec<_>>().join(".");
        prop_assert!(verifier().verify(&key_set(), &changed, NOW).is_err(), "{changed}");
    }

    #[test]
    fn swapping_parts_between_two_good_tokens_is_refused(part in 0_usize..3) {
        let other = rs256(&rs_header(), &with(payload(), "realm_access", json!({"roles": ["operator"]})));
        let mut parts: Vec<String> = tokens()[0].split('.').map(str::to_owned).collect();
        let swapped = other.split('.').nth(part).unwrap().to_owned();
        let differs = parts[part] != swapped;
        parts[part] = swapped;
        let verdict = verifier().verify(&key_set(), &parts.join("."), NOW);
        prop_assert_eq!(verdict.is_err(), differs);
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text: String, dotted in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
        prop_assert!(verifier().verify(&key_set(), &text, NOW).is_err());
        prop_assert!(verifier().verify(&key_set(), &dotted, NOW).is_err());
    }

    #[test]
    fn what_we_accept_another_implementation_accepts(
        member in prop::sample::select(vec!["iss", "aud", "sub", "exp", "nbf", "typ", "azp", "realm_access", "x"]),
        value in prop_oneof![
            Just(json!(null)), Just(json!(ISSUER)), Just(json!(AUDIENCE)), Just(json!([AUDIENCE, "x"])), Just(json!("Bearer")),
            Just(json!({"roles": ["a"]})), (NOW - 100..NOW + 100).prop_map(|n| json!(n)), any::<f64>().prop_map(|n| json!(n)),
            any::<String>().prop_map(|s| json!(s)),
        ],
    ) {
        let token = rs256(&rs_header(), &with(payload(), member, value));
        if verifier().verify(&key_set(), &token, NOW).is_ok() {
            prop_assert!(second_opinion(&token));
        }
    }
}
