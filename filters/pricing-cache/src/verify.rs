//! Whether the sidecar's answer is the one that this filter came to itself.
//!
//! The answer passes while it is compared: WasmX cannot hold response headers back, and nobody waits for
//! a cache. So `cache-status` tells from the headers what the body then has to keep.

use std::rc::Rc;

use crate::status;

/// A quote that is on its way from the sidecar, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The quote's id.
    pub id: String,
    /// The version it was priced with here.
    pub version: u32,
    /// What the sidecar should answer.
    pub expected: Rc<[u8]>,
    seen: usize,
    is_whole_by_length: bool,
}

/// What the sidecar's response headers say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// `:status`
    pub status: Option<&'a [u8]>,
    /// `x-rate-book-version`, when it stands there once.
    pub version: Option<&'a [u8]>,
    /// `content-length`, when it stands there once.
    pub content_length: Option<&'a [u8]>,
    /// `content-type`, when it stands there once.
    pub content_type: Option<&'a [u8]>,
    /// Whether there is a `content-encoding`.
    pub is_encoded: bool,
}

/// What a part of the body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Equal so far.
    More,
    /// All of it is equal.
    Same,
    /// Another quote: at midnight, a clock that is a little ahead prices for another day.
    Other,
    /// The same quote with other bytes: the sidecar has another rate book under the same version.
    Contradiction,
}

impl Pending {
    /// A quote to be compared.
    #[must_use]
    pub fn new(id: String, version: u32, expected: Rc<[u8]>) -> Self {
        Self { id, version, expected, seen: 0, is_whole_by_length: false }
    }

    /// What `cache-status` says about this answer. `None`: it cannot be the expected one.
    #[must_use]
    pub fn announce(&mut self, head: Head<'_>) -> Option<&'static str> {
        let is_ours = head.status == Some(b"200")
            && head.version.and_then(number) == Some(u64::from(self.version))
            && head.content_type == Some(b"application/json")
            && !head.is_encoded;
        if !is_ours {
            return None;
        }
        match head.content_length {
            // It may still be equal, and it is too early to say so.
            None => Some(status::MISS),
            Some(length) => {
                let length = number(length).and_then(|length| usize::try_from(length).ok());
                self.is_whole_by_length = length == Some(self.expected.len());
                self.is_whole_by_length.then_some(status::STORED)
            }
        }
    }

    /// Compares the next part of the body.
    pub fn compare(&mut self, part: &[u8], is_last: bool) -> Verdict {
        let rest = self.expected.get(self.seen..).unwrap_or_default();
        let equal = rest.iter().zip(part).take_while(|(ours, theirs)| ours == theirs).count();
        self.seen = self.seen.saturating_add(equal);
        if equal < part.len() {
            return self.difference();
        }
        match (self.seen == self.expected.len(), is_last) {
            (true, true) => Verdict::Same,
            (true, false) if self.is_whole_by_length => Verdict::Same,
            (false, true) => self.difference(),
            (_, false) => Verdict::More,
        }
    }

    fn difference(&self) -> Verdict {
        // A quote begins with its id.
        let head = r#"{"id":"""#.len().saturating_add(self.id.len());
        if self.seen >= head { Verdict::Contradiction } else { Verdict::Other }
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Head, Pending, Verdict};
    use crate::status;

    const BODY: &[u8] = br#"{"id":"quo_1","total":1}"#;

    fn pending() -> Pending {
        Pending::new("quo_1".to_owned(), 7, BODY.into())
    }

    const HEAD: Head<'_> = Head {
        status: Some(b"200"),
        version: Some(b"7"),
        content_length: Some(b"24"),
        content_type: Some(b"application/json"),
        is_encoded: false,
    };

    #[test]
    fn only_an_answer_of_our_version_and_length_is_announced_as_stored() {
        assert_eq!(pending().announce(HEAD), Some(status::STORED));
        assert_eq!(pending().announce(Head { content_length: None, ..HEAD }), Some(status::MISS));
        for head in [
            Head { status: Some(b"503"), ..HEAD },
            Head { status: None, ..HEAD },
            Head { version: Some(b"8"), ..HEAD },
            Head { version: Some(b"+7"), ..HEAD },
            Head { version: None, ..HEAD },
            Head { content_length: Some(b"25"), ..HEAD },
            Head { content_length: Some(b"x"), ..HEAD },
            Head { content_type: Some(b"text/html"), ..HEAD },
            Head { is_encoded: true, ..HEAD },
        ] {
            assert_eq!(pending().announce(head), None, "{head:?}");
        }
    }

    #[test]
    fn a_body_is_compared_however_it_is_cut() {
        for at in 0..=BODY.len() {
            let (first, second) = BODY.split_at(at);
            let mut by_end = pending();
            assert_eq!(by_end.compare(first, false), Verdict::More, "{at}");
            assert_eq!(by_end.compare(second, true), Verdict::Same, "{at}");
        }
        let mut by_length = pending();
        assert!(by_length.announce(HEAD).is_some());
        assert_eq!(by_length.compare(BODY, false), Verdict::Same);
    }

    #[test]
    fn a_difference_behind_the_id_is_a_contradiction() {
        assert_eq!(pending().compare(br#"{"id":"quo_1","total":2}"#, true), Verdict::Contradiction);
        assert_eq!(pending().compare(br#"{"id":"quo_1","total":1}x"#, true), Verdict::Contradiction);
        assert_eq!(pending().compare(br#"{"id":"quo_1""#, true), Verdict::Contradiction);
        assert_eq!(pending().compare(br#"{"id":"quo_2","total":1}"#, true), Verdict::Other);
        assert_eq!(pending().compare(b"", true), Verdict::Other);
    }
}
