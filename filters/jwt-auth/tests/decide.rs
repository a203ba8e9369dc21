//! Decisions about requests, with a real verifier and real signatures.
#![cfg(test)]

mod common;

use common::{NOW_MS, NOW_S, bearer, config, payload, set};
use jobzy_jwt_auth::decide::{Call, Decision, Guard};
use jobzy_jwt_auth::refusal::Refusal;
use jobzy_token::TokenError;
use proptest::prelude::*;
use serde_json::json;

fn cold() -> Guard {
    Guard::new(&config())
}

fn warm() -> Guard {
    let mut guard = cold();
    install(&mut guard, &["a"], NOW_MS);
    guard
}

/// What a tick and the issuer's answer do.
fn install(guard: &mut Guard, kids: &[&str], at_ms: u64) {
    guard.keys.fetch_started(at_ms);
    if guard.keys.fetched(set(kids), at_ms) {
        guard.keys_changed();
    }
}

fn ask(guard: &mut Guard, route: &str, lines: &[&[u8]], now_ms: u64) -> Decision {
    guard.decide(Call { route: Some(route), authorization: lines, is_preflight: false, now_ms })
}

fn refusal(decision: Decision) -> Refusal {
    match decision {
        Decision::Refuse(refusal) => refusal,
        passed => panic!("not refused: {passed:?}"),
    }
}

#[track_caller]
fn admitted(decision: Decision, cached: bool) {
    match decision {
        Decision::Admit { identity, cached: given } => {
            assert_eq!((identity.subject.as_str(), given), ("subject-1", cached));
        }
        refused => panic!("not admitted: {refused:?}"),
    }
}

#[test]
fn a_route_without_a_policy_is_closed_even_to_a_good_token() {
    let token = bearer("a", &payload(&["customer", "operator"]));
    for route in [None, Some("unknown"), Some("Open"), Some("")] {
        let call = Call { route, authorization: &[&token], is_preflight: false, now_ms: NOW_MS };
        assert_eq!(refusal(warm().decide(call)), Refusal::ClosedRoute, "{route:?}");
    }
}

#[test]
fn a_public_route_passes_without_identity_whatever_is_sent() {
    let token = bearer("a", &payload(&["customer"]));
    for lines in [&[][..], &[b"Bearer junk".as_slice()], &[b"Basic eA=="], &[&token], &[&token, &token]] {
        assert_eq!(ask(&mut cold(), "open", lines, NOW_MS), Decision::Pass);
    }
}

#[test]
fn a_preflight_passes_everywhere_since_it_cannot_carry_a_token() {
    for route in [None, Some("customers"), Some("open")] {
        let call = Call { route, authorization: &[], is_preflight: true, now_ms: NOW_MS };
        assert_eq!(cold().decide(call), Decision::Pass);
    }
}

#[test]
fn a_token_with_one_of_the_roles_is_admitted_and_told_to_the_sidecar() {
    let token = bearer("a", &payload(&["offline_access", "customer"]));
    let Decision::Admit { identity, .. } = ask(&mut warm(), "customers", &[&token], NOW_MS) else { panic!() };
    assert_eq!(
        identity.headers().collect::<Vec<_>>(),
        [
            ("x-auth-subject", "subject-1"),
            ("x-auth-roles", "offline_access,customer"),
            ("x-auth-client", "jobzy-web")
        ]
    );
}

#[test]
fn a_token_without_a_suitable_role_is_forbidden() {
    for roles in [&["provider"][..], &[], &["customer,operator"], &["CUSTOMER"]] {
        let token = bearer("a", &payload(roles));
        assert_eq!(
            refusal(ask(&mut warm(), "customers", &[&token], NOW_MS)),
            Refusal::Forbidden,
            "{roles:?}"
        );
    }
}

#[test]
fn what_is_sent_decides_between_400_and_401() {
    let token = bearer("a", &payload(&["customer"]));
    for (lines, expected) in [
        (&[][..], Refusal::NoCredentials),
        (&[b"Basic eDp5".as_slice()], Refusal::NoCredentials),
        (&[b""], Refusal::NoCredentials),
        (&[b"Bearer"], Refusal::InvalidRequest),
        (&[b"Bearer a b"], Refusal::InvalidRequest),
        (&[b"Bearer \xff"], Refusal::InvalidRequest),
        (&[&token, &token], Refusal::InvalidRequest),
        (&[b"Bearer abc"], Refusal::InvalidToken(TokenError::Malformed)),
    ] {
        assert_eq!(refusal(ask(&mut warm(), "customers", lines, NOW_MS)), expected, "{lines:?}");
    }
}

#[test]
fn while_no_keys_are_known_a_token_is_not_called_wrong() {
    let token = bearer("a", &payload(&["customer"]));
    assert_eq!(refusal(ask(&mut cold(), "customers", &[&token], NOW_MS)), Refusal::KeysUnavailable);
    assert_eq!(refusal(ask(&mut cold(), "customers", &[], NOW_MS)), Refusal::NoCredentials);
    let mut guard = warm();
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS), false);
    let long = bearer("a", &{
        let mut payload = payload(&["customer"]);
        payload["exp"] = json!(NOW_S + 1_000_000);
        payload
    });
    admitted(ask(&mut guard, "customers", &[&long], NOW_MS), false);
    let expired_keys = NOW_MS + 86_400_000;
    assert_eq!(refusal(ask(&mut guard, "customers", &[&long], expired_keys)), Refusal::KeysUnavailable);
}

#[test]
fn a_token_that_was_verified_is_remembered_but_neither_its_end_nor_the_policy() {
    let mut guard = warm();
    let token = bearer("a", &payload(&["customer"]));
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS), false);
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS + 1000), true);
    assert_eq!(refusal(ask(&mut guard, "staff", &[&token], NOW_MS + 1000)), Refusal::Forbidden);
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS + 329_999), true);
    let end = NOW_MS + 330_000;
    assert_eq!(
        refusal(ask(&mut guard, "customers", &[&token], end)),
        Refusal::InvalidToken(TokenError::Expired)
    );
}

#[test]
fn a_token_refused_for_one_route_is_remembered_for_no_other() {
    let mut guard = warm();
    let token = bearer("a", &payload(&["operator"]));
    assert_eq!(refusal(ask(&mut guard, "customers", &[&token], NOW_MS)), Refusal::Forbidden);
    admitted(ask(&mut guard, "staff", &[&token], NOW_MS), true);
    let mut changed = token.clone();
    // The last character of 64 bytes is one of A, Q, g and w.
    *changed.last_mut().unwrap() = b'B';
    assert!(matches!(refusal(ask(&mut guard, "staff", &[&changed], NOW_MS)), Refusal::InvalidToken(_)));
}

#[test]
fn when_the_issuer_withdraws_a_key_its_tokens_are_forgotten() {
    let mut guard = warm();
    let token = bearer("a", &payload(&["customer"]));
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS), false);
    install(&mut guard, &["a"], NOW_MS + 1000);
    admitted(ask(&mut guard, "customers", &[&token], NOW_MS + 1000), true);
    install(&mut guard, &["b"], NOW_MS + 2000);
    assert_eq!(refusal(ask(&mut guard, "customers", &[&token], NOW_MS + 2000)), Refusal::KeysUnavailable);
    install(&mut guard, &["b"], NOW_MS + 12_000);
    let unknown = TokenError::UnknownKid { kid: "a".into() };
    assert_eq!(
        refusal(ask(&mut guard, "customers", &[&token], NOW_MS + 12_001)),
        Refusal::InvalidToken(unknown)
    );
}

#[test]
fn a_rotation_is_answered_with_503_until_the_new_key_is_there() {
    let mut guard = warm();
    let token = bearer("new", &payload(&["customer"]));
    let now = NOW_MS + 15_000;
    assert_eq!(refusal(ask(&mut guard, "customers", &[&token], now)), Refusal::KeysUnavailable);
    assert!(guard.keys.fetch_due(now + 250).is_some());
    install(&mut guard, &["a", "new"], now + 250);
    admitted(ask(&mut guard, "customers", &[&token], now + 300), false);
}

#[test]
fn an_invented_key_is_401_once_the_issuer_was_asked() {
    let mut guard = warm();
    let token = bearer("invented", &payload(&["customer"]));
    let now = NOW_MS + 15_000;
    assert_eq!(refusal(ask(&mut guard, "customers", &[&token], now)), Refusal::KeysUnavailable);
    install(&mut guard, &["a"], now + 250);
    let unknown = TokenError::UnknownKid { kid: "invented".into() };
    assert_eq!(refusal(ask(&mut guard, "customers", &[&token], now + 300)), Refusal::InvalidToken(unknown));
}

#[test]
fn tokens_for_others_never_make_us_ask_the_issuer() {
    let mut guard = warm();
    for (member, value) in
        [("iss", json!("http://other")), ("aud", json!("other")), ("exp", json!(NOW_S - 3600))]
    {
        let mut payload = payload(&["customer"]);
        payload[member] = value;
        let token = bearer("unknown", &payload);
        assert!(matches!(refusal(ask(&mut guard, "customers", &[&token], NOW_MS)), Refusal::InvalidToken(_)));
    }
    assert!(!guard.keys.wants_newer(NOW_MS));
}

proptest! {
    #[test]
    fn nothing_but_a_signed_token_is_ever_admitted(lines: Vec<Vec<u8>>, route in "open|customers|staff|other", suffix: Vec<u8>) {
        let mut guard = warm();
        let prefixed: Vec<Vec<u8>> = lines.iter().map(|line| [b"Bearer ", line.as_slice()].concat()).collect();
        let almost = [bearer("a", &payload(&["customer", "operator"])), suffix.clone()].concat();
        for lines in [lines, prefixed, if suffix.is_empty() { Vec::new() } else { vec![almost] }] {
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let decision = ask(&mut guard, &route, &lines, NOW_MS);
            let expected = if route == "open" { decision == Decision::Pass } else { matches!(decision, Decision::Refuse(_)) };
            prop_assert!(expected, "{:?}", decision);
        }
    }
}
