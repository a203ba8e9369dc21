//! Follows where messages begin and end in the bytes of a connection, and notices what makes it ambiguous.
//!
//! hyper drops the Content-Length of a request that also has Transfer-Encoding, and takes a bare
//! line feed as a line end; once parsed, neither can be seen any more. A proxy in front may have
//! read the same bytes differently, which is how requests are smuggled (RFC 9112 sections 2.2, 6.1
//! and 11.2). So the raw heads are looked at here before hyper gets them.
//!
//! Bodies of known length are skipped. A chunked body is not followed: the server closes the
//! connection after such a request, so nothing after it is ever parsed as a request.

/// Longest line kept; hyper refuses heads far shorter.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// What makes the framing of a request ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Content-Length and Transfer-Encoding in one head.
    LengthAndEncoding,
    /// Two Content-Length lines, even equal ones, or one that is not a plain number.
    Length,
    /// A line feed without carriage return, or the reverse.
    LineEnd,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Before a message; empty lines are allowed here.
    Start,
    /// Within a head, after its first byte.
    Head,
    /// This many bytes of body are left.
    Body(u64),
    /// Not followed any more.
    Lost,
}

/// The state of one connection, fed with every byte received.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    line: Vec<u8>,
    length: Option<u64>,
    encoded: bool,
    refusal: Option<Refusal>,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self { state: State::Start, line: Vec::new(), length: None, encoded: false, refusal: None }
    }

    /// The first ambiguity seen; stays, as nothing on this connection can be trusted afterwards.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Whether a head has begun and not ended.
    pub(super) fn mid_head(&self) -> bool {
        self.state == State::Head
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Lost => return,
                State::Body(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left = left.saturating_sub(taken as u64);
                    if *left == 0 {
                        self.state = State::Start;
                    }
                    bytes = bytes.get(taken..).unwrap_or_default();
                    continue;
                }
                State::Start | State::Head => self.head_byte(*first),
            }
            bytes = rest;
        }
    }

    fn head_byte(&mut self, byte: u8) {
        let after_cr = self.line.last() == Some(&b'\r');
        if after_cr != (byte == b'\n') {
            return self.refuse(Refusal::LineEnd);
        }
        if byte != b'\n' {
            if self.line.len() >= MAX_LINE_BYTES {
                self.state = State::Lost;
                return;
            }
            self.line.push(byte);
            if byte != b'\r' {
                self.state = State::Head;
            }
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        match (&self.state, line.is_empty()) {
            (State::Head, true) => self.end_of_head(),
            (State::Head, false) => self.header_line(&line),
            // An empty line before the request line, which RFC 9112 section 2.2 asks to ignore.
            _ => {}
        }
        line.clear();
        self.line = line;
    }

    /// Looks at one line; the request line has no colon before its first blank, so it matches neither name.
    fn header_line(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.encoded = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            match (number(value), self.length) {
                (Some(length), None) => self.length = Some(length),
                _ => self.refuse(Refusal::Length),
            }
        }
    }

    fn end_of_head(&mut self) {
        match (self.length.take(), std::mem::take(&mut self.encoded)) {
            (Some(_), true) => self.refuse(Refusal::LengthAndEncoding),
            (None, true) => self.state = State::Lost,
            (Some(length), false) if length > 0 => self.state = State::Body(length),
            _ => self.state = State::Start,
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
        self.state = State::Lost;
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !plain {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(bytes: &[u8]) -> Framing {
        let mut framing = Framing::new();
        framing.feed(bytes);
        framing
    }

    #[track_caller]
    fn check(text: &str, refusal: Option<Refusal>) {
        assert_eq!(after(text.as_bytes()).refusal(), refusal, "{text:?}");
    }

    #[test]
    fn ambiguous_heads_are_noticed() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", None);
        check("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", None);
        check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None);
        let both = Some(Refusal::LengthAndEncoding);
        check("POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\nTransfer-Encoding: chunked\r\n\r\n", both);
        check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", both);
        check("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", Some(Refusal::Length));
        check("POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", Some(Refusal::Length));
        check("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", Some(Refusal::Length));
        check("GET / HTTP/1.1\nHost: a\n\n", Some(Refusal::LineEnd));
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", Some(Refusal::LineEnd));
        check("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", Some(Refusal::LineEnd));
    }

    #[test]
    fn the_second_request_of_a_connection_is_looked_at_too() {
        check(
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\
             Content-Length: 3\r\n\r\n",
            Some(Refusal::LengthAndEncoding),
        );
    }

    #[test]
    fn bytes_of_a_body_are_no_headers() {
        check(
            "POST / HTTP/1.1\r\nContent-Length: 46\r\n\r\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
            None,
        );
    }

    #[test]
    fn empty_lines_before_a_request_are_ignored() {
        let framing = after(b"\r\n\r\n");
        assert!(framing.state == State::Start && framing.refusal().is_none());
        assert!(after(b"\r\nG").mid_head());
    }

    proptest! {
        #[test]
        fn cutting_the_bytes_anywhere_changes_nothing(cuts in proptest::collection::vec(0_usize..200, 0..6), at in 0_usize..4) {
            let texts = [
                "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\r\nbcGET / HTTP/1.1\r\n\r\n",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\n\n",
                "GET / HTTP/1.1\r\nHo",
            ];
            let bytes = texts[at].as_bytes();
            let whole = after(bytes);
            let mut pieces = Framing::new();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                pieces.feed(&bytes[pair[0]..pair[1]]);
            }
            prop_assert_eq!(pieces.refusal(), whole.refusal());
            prop_assert_eq!(pieces.state, whole.state);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            after(&bytes);
        }
    }
}
