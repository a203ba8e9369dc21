//! The `Authorization` header, RFC 6750 section 2.1.

use thiserror::Error;

/// Why there is no single bearer token although something was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BearerError {
    /// More than one `Authorization` line: two readers could choose differently (RFC 6750, 2 and 3.1).
    #[error("the request has more than one authorization header")]
    Repeated,
    /// Another scheme, such as Basic. By RFC 6750, 3.1 this is as if nothing had been sent.
    #[error("the authorization scheme is not Bearer")]
    OtherScheme,
    /// `Bearer` without a token, or with characters no token has.
    #[error("the bearer token is malformed")]
    Malformed,
}

/// The token of a request, from all its `Authorization` lines; `None` when there is no such line.
///
/// # Errors
/// Anything sent that is not exactly one bearer token: a failed attempt is never taken for none.
pub fn parse<'a>(authorization_lines: &[&'a [u8]]) -> Result<Option<&'a str>, BearerError> {
    let line = match authorization_lines {
        [] => return Ok(None),
        [line] => line,
        _ => return Err(BearerError::Repeated),
    };
    let line = std::str::from_utf8(line).map_err(|_| BearerError::Malformed)?;
    let (scheme, rest) = line.split_once(' ').unwrap_or((line, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(BearerError::OtherScheme);
    }
    let token = rest.trim_start_matches(' ');
    if is_b64token(token) { Ok(Some(token)) } else { Err(BearerError::Malformed) }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`, the whole of it.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(permitted)
}

#[cfg(test)]
mod tests {
    use super::{BearerError, parse};
    use proptest::prelude::*;

    #[test]
    fn one_bearer_line_gives_its_token() {
        for line in ["Bearer abc.d-e_f", "bearer abc.d-e_f", "BEARER   abc.d-e_f"] {
            assert_eq!(parse(&[line.as_bytes()]), Ok(Some("abc.d-e_f")), "{line}");
        }
        assert_eq!(parse(&[b"Bearer abc=="]), Ok(Some("abc==")));
    }

    #[test]
    fn no_line_is_no_attempt() {
        assert_eq!(parse(&[]), Ok(None));
    }

    #[test]
    fn two_lines_are_refused_even_when_equal() {
        assert_eq!(parse(&[b"Bearer abc", b"Bearer abc"]), Err(BearerError::Repeated));
    }

    #[test]
    fn another_scheme_is_named_as_such() {
        for line in
            ["Basic dTpw", "", " ", "Bearerabc", "Bearer,abc", "\tBearer abc", "DPoP abc", "Bearer\tabc"]
        {
            assert_eq!(parse(&[line.as_bytes()]), Err(BearerError::OtherScheme), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for line in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer    ",
            b"Bearer a b",
            b"Bearer abc ",
            b"Bearer a,b",
            b"Bearer abc, Bearer def",
            b"Bearer \"abc\"",
            b"Bearer a\0b",
            b"Bearer a\r\nx: y",
            b"Bearer =",
            b"Bearer a=b",
            b"Bearer \xff\xfe",
            b"Bearer \tabc",
            "Bearer \u{e4}".as_bytes(),
        ] {
            assert_eq!(parse(&[line]), Err(BearerError::Malformed), "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_has_no_space_and_no_control(line: Vec<u8>) {
            if let Ok(Some(token)) = parse(&[&line]) {
                prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
