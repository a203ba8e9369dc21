//! What a refusal says in `WWW-Authenticate`, RFC 6750 section 3.

use std::fmt;

/// The refusals that carry a challenge, with the status RFC 6750, 3.1 gives each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No credentials, or a scheme that is not ours: 401 and no error code.
    NoCredentials,
    /// Credentials that are not exactly one bearer token: 400.
    InvalidRequest,
    /// A token that is not accepted, whatever the reason: 401.
    InvalidToken,
    /// A valid token whose roles do not suffice: 403.
    InsufficientScope,
}

impl Challenge {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoCredentials | Self::InvalidToken => 401,
            Self::InvalidRequest => 400,
            Self::InsufficientScope => 403,
        }
    }

    /// The header's value for a realm.
    #[must_use]
    pub fn header(self, realm: &str) -> String {
        let error = match self {
            Self::NoCredentials => return format!("Bearer realm=\"{}\"", Quoted(realm)),
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        };
        format!("Bearer realm=\"{}\", error=\"{error}\"", Quoted(realm))
    }
}

/// The inside of a quoted-string (RFC 9110, 5.6.4). A realm is configuration; what cannot stand in a
/// header is left out.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars().filter(|c| c.is_ascii_graphic() || *c == ' ') {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    #[track_caller]
    fn check(challenge: Challenge, status: u16, header: &str) {
        assert_eq!((challenge.status(), challenge.header("jobzy").as_str()), (status, header));
    }

    #[test]
    fn each_refusal_has_the_status_and_the_words_of_rfc_6750() {
        check(Challenge::NoCredentials, 401, r#"Bearer realm="jobzy""#);
        check(Challenge::InvalidRequest, 400, r#"Bearer realm="jobzy", error="invalid_request""#);
        check(Challenge::InvalidToken, 401, r#"Bearer realm="jobzy", error="invalid_token""#);
        check(Challenge::InsufficientScope, 403, r#"Bearer realm="jobzy", error="insufficient_scope""#);
    }

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        let header = Challenge::NoCredentials.header("a\"b\\c\r\nx: y\u{e4}");
        assert_eq!(header, r#"Bearer realm="a\"b\\cx: y""#);
    }
}
