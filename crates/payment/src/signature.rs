//! `Stripe-Signature`: that a webhook comes from Stripe, recently, and unchanged.
//!
//! The header is `t=<unix seconds>,v1=<hex>[,v1=<hex>...]`; `v1` is HMAC-SHA256 over `<t>.<raw body>` with
//! the endpoint's secret, taken literally with its `whsec_`. Several `v1` appear while a secret is rolled,
//! and several secrets are accepted for the same reason. Other schemes (`v0`) are ignored: accepting one
//! would let an attacker choose the weakest. Source: docs.stripe.com/webhooks (verify manually).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How old a signature may be, and how far ahead our clock may be behind, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// Why a webhook is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No time, or no `v1`.
    #[error("the signature header is malformed")]
    Malformed,
    /// Signed too long ago, or in the future.
    #[error("the signature is outside the tolerance of {TOLERANCE_S} s")]
    Time,
    /// No `v1` fits the body under any of our secrets.
    #[error("the signature does not match")]
    Mismatch,
}

/// Checks the header against the body exactly as it came. `now_s` is Unix time in seconds.
///
/// # Errors
/// When the header is malformed, its time is too far from now, or nothing matches.
pub fn verify(header: &str, body: &[u8], secrets: &[String], now_s: i64) -> Result<(), SignatureError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let (Some(time), None) = (times.next(), times.next()) else { return Err(SignatureError::Malformed) };
    let signed_s: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    let decode = |(_, value): (&str, &str)| hex::decode(value).ok().filter(|bytes| bytes.len() == 32);
    let told: Vec<Vec<u8>> = parts().filter(|(name, _)| *name == "v1").filter_map(decode).collect();
    if told.is_empty() {
        return Err(SignatureError::Malformed);
    }
    if now_s.saturating_sub(signed_s).saturating_abs() > TOLERANCE_S {
        return Err(SignatureError::Time);
    }
    // Every pair is compared in full: neither which secret nor which signature matched shows in the time.
    let mut matched = Choice::from(0);
    for secret in secrets {
        let expected = mac(secret, time, body)?;
        for signature in &told {
            matched |= expected.as_slice().ct_eq(signature.as_slice());
        }
    }
    if matched.into() { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn mac(secret: &str, time: &str, body: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| SignatureError::Mismatch)?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::{SignatureError, verify};
    use proptest::prelude::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const V1: &str = "95a3fd7f0f6ce7693c04d0dc7b0e77234e7e0b588a980b80b26e094da8fcd88e";
    const T: i64 = 1_760_000_000;

    #[track_caller]
    fn check(header: &str, body: &[u8], secrets: &[&str], now_s: i64, expected: Result<(), SignatureError>) {
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        assert_eq!(verify(header, body, &secrets, now_s), expected, "{header}");
    }

    #[test]
    fn the_known_vector_verifies() {
        check(&format!("t={T},v1={V1}"), BODY, &["whsec_test"], T, Ok(()));
    }

    #[test]
    fn one_of_several_signatures_and_secrets_is_enough() {
        let header = format!("t={T},v1={},v1={V1},v0=x", "0".repeat(64));
        check(&header, BODY, &["whsec_new", "whsec_test"], T, Ok(()));
    }

    #[test]
    fn the_tolerance_is_300_seconds_both_ways() {
        let header = format!("t={T},v1={V1}");
        check(&header, BODY, &["whsec_test"], T + 300, Ok(()));
        check(&header, BODY, &["whsec_test"], T - 300, Ok(()));
        check(&header, BODY, &["whsec_test"], T + 301, Err(SignatureError::Time));
        check(&header, BODY, &["whsec_test"], T - 301, Err(SignatureError::Time));
    }

    #[test]
    fn another_byte_time_or_secret_does_not_match() {
        let header = format!("t={T},v1={V1}");
        check(
            &header,
            br#"{"id":"evt_1", "object":"event"}"#,
            &["whsec_test"],
            T,
            Err(SignatureError::Mismatch),
        );
        check(&format!("t={},v1={V1}", T + 1), BODY, &["whsec_test"], T, Err(SignatureError::Mismatch));
        check(&header, BODY, &["whsec_tes"], T, Err(SignatureError::Mismatch));
        check(&header, BODY, &[], T, Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_header_without_time_or_signature_is_malformed() {
        let v0_only = format!("t={T},v0={V1}");
        let two_times = format!("t={T},t={T},v1={V1}");
        for header in
            ["", "t=1", &format!("v1={V1}"), &format!("t=x,v1={V1}"), &v0_only, "t=1,v1=zz", &two_times]
        {
            check(header, BODY, &["whsec_test"], T, Err(SignatureError::Malformed));
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic_or_match(header in "\\PC{0,120}") {
            prop_assert!(verify(&header, BODY, &["whsec_test".to_owned()], T).is_err());
        }
    }
}
