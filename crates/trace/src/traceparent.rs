//! `traceparent` of the W3C Trace Context recommendation, version 00.

use std::fmt;

/// Where a request stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// Why bytes are no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TraceParentError {
    /// Not `version-traceid-parentid-flags` in lower-case hexadecimal.
    #[error("a traceparent is 00-<32 hex>-<16 hex>-<2 hex> in lower case")]
    Form,
    /// Version ff is forbidden by the recommendation.
    #[error("traceparent version ff is forbidden")]
    Version,
    /// A trace or parent id of zeros only.
    #[error("a trace id or parent id of zeros is invalid")]
    Zero,
}

/// The flag `sampled`.
const SAMPLED: u8 = 0x01;

impl TraceParent {
    /// A trace of its own. Ids of zeros are invalid, so a zero becomes a one.
    #[must_use]
    pub const fn new(trace_id: [u8; 16], parent_id: [u8; 8], sampled: bool) -> Self {
        let trace_id = u128::from_be_bytes(trace_id);
        Self {
            trace_id: if trace_id == 0 { 1 } else { trace_id },
            parent_id: non_zero(u64::from_be_bytes(parent_id)),
            flags: if sampled { SAMPLED } else { 0 },
        }
    }

    /// Reads one header value. Of a version above 00 the known front part counts, as recommended.
    ///
    /// # Errors
    /// When the form, the version or an id is invalid: start a new trace then.
    pub fn parse(bytes: &[u8]) -> Result<Self, TraceParentError> {
        let text = std::str::from_utf8(bytes).map_err(|_| TraceParentError::Form)?;
        let (front, rest) = text.split_at_checked(55).ok_or(TraceParentError::Form)?;
        let mut parts = front.split('-');
        let mut next = |length| hex(parts.next().unwrap_or_default(), length);
        let version = next(2)?;
        let (trace_id, parent_id, flags) = (next(32)?, next(16)?, next(2)?);
        match version {
            0xff => return Err(TraceParentError::Version),
            0 if !rest.is_empty() => return Err(TraceParentError::Form),
            _ if !rest.is_empty() && !rest.starts_with('-') => return Err(TraceParentError::Form),
            _ => {}
        }
        if trace_id == 0 || parent_id == 0 {
            return Err(TraceParentError::Zero);
        }
        let parent_id = u64::try_from(parent_id).map_err(|_| TraceParentError::Form)?;
        let flags = u8::try_from(flags).map_err(|_| TraceParentError::Form)?;
        Ok(Self { trace_id, parent_id, flags: flags & SAMPLED })
    }

    /// The same trace, one step deeper: `span_id` is the new parent.
    #[must_use]
    pub const fn child(self, span_id: [u8; 8]) -> Self {
        Self { parent_id: non_zero(u64::from_be_bytes(span_id)), ..self }
    }

    /// The trace id, 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The id of the span that sent the request, 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> String {
        format!("{:016x}", self.parent_id)
    }

    /// Whether the caller recorded the trace.
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

const fn non_zero(id: u64) -> u64 {
    if id == 0 { 1 } else { id }
}

fn hex(text: &str, length: usize) -> Result<u128, TraceParentError> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != length || !text.bytes().all(lower) {
        return Err(TraceParentError::Form);
    }
    u128::from_str_radix(text, 16).map_err(|_| TraceParentError::Form)
}

#[cfg(test)]
mod tests {
    use super::{TraceParent, TraceParentError};
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[track_caller]
    fn check(text: &str, expected: Result<&str, TraceParentError>) {
        let got = TraceParent::parse(text.as_bytes()).map(|parent| parent.to_string());
        assert_eq!(got.as_deref().map_err(|error| *error), expected, "{text}");
    }

    #[test]
    fn the_recommendations_cases() {
        check(GOOD, Ok(GOOD));
        check(&GOOD.to_uppercase(), Err(TraceParentError::Form));
        check(&GOOD.replace("00-4", "ff-4"), Err(TraceParentError::Version));
        check(&format!("{GOOD}-extra"), Err(TraceParentError::Form));
        check(&format!("{}-extra", GOOD.replacen("00", "01", 1)), Ok(GOOD));
        check(&format!("{}extra", GOOD.replacen("00", "01", 1)), Err(TraceParentError::Form));
        check(
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            Err(TraceParentError::Zero),
        );
        check(&GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)), Err(TraceParentError::Zero));
        check("", Err(TraceParentError::Form));
    }

    proptest! {
        #[test]
        fn a_made_one_is_read_again_and_a_child_stays_in_its_trace(
            trace: [u8; 16], parent: [u8; 8], span: [u8; 8], sampled: bool,
        ) {
            let made = TraceParent::new(trace, parent, sampled);
            prop_assert_eq!(TraceParent::parse(made.to_string().as_bytes()), Ok(made));
            prop_assert_eq!(made.child(span).trace_id(), made.trace_id());
            prop_assert_eq!(made.child(span).sampled(), sampled);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = TraceParent::parse(&bytes);
        }
    }
}
