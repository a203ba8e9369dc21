//! What `cache-status` says (RFC 9211).

/// Answered here.
pub const HIT: &str = "jobzy-edge; hit";
/// This filter had no part in the answer: the rate book is unknown, or the request has no price.
pub const BYPASS: &str = "jobzy-edge; fwd=bypass";
/// The quote was not here.
pub const MISS: &str = "jobzy-edge; fwd=uri-miss";
/// The quote was not here, and now is.
pub const STORED: &str = "jobzy-edge; fwd=uri-miss; stored";

/// A longer list of others is not carried on.
const MAX_OTHERS: usize = 512;

/// Our member behind those of whoever is closer to the origin.
#[must_use]
pub fn behind<'a>(others: impl Iterator<Item = &'a [u8]>, own: &str) -> String {
    let mut list = String::new();
    for line in others {
        let text = line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ').then_some(line);
        let Some(text) = text.and_then(|line| std::str::from_utf8(line).ok()).map(str::trim) else {
            continue;
        };
        if !text.is_empty() && list.len().saturating_add(text.len()) <= MAX_OTHERS {
            list.push_str(text);
            list.push_str(", ");
        }
    }
    list.push_str(own);
    list
}

#[cfg(test)]
mod tests {
    use super::{HIT, STORED, behind};

    #[test]
    fn the_list_begins_with_the_origin() {
        let others = [&b"jobzy-pricing; fwd=miss; stored"[..], b"", b"x\r\ny", b"\xff", b"other; hit "];
        assert_eq!(
            behind(others.into_iter(), STORED),
            "jobzy-pricing; fwd=miss; stored, other; hit, jobzy-edge; fwd=uri-miss; stored"
        );
        assert_eq!(behind(std::iter::once(&[b'a'; 513][..]), HIT), HIT);
    }
}
