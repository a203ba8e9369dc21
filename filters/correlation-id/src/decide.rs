//! Which id and which trace a request has.

use jobzy_trace::{CorrelationId, TraceParent};

use crate::entropy::Entropy;

/// What is written into the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The request's id, also for the response.
    pub id: CorrelationId,
    /// Whether the id was made here and must be set; a kept one already stands in the request.
    pub id_is_new: bool,
    /// Replaces whatever `traceparent` the request has.
    pub traceparent: TraceParent,
    /// Whether a new trace was started: a `tracestate` belongs to the old one and must go.
    pub trace_is_new: bool,
}

/// Decides from all lines of the two headers. More than one line is invalid, even if they are equal:
/// what reads the request later might look at another one than we did.
#[must_use]
pub fn decide<'a>(
    ids: impl Iterator<Item = &'a [u8]>,
    traceparents: impl Iterator<Item = &'a [u8]>,
    unix_ms: u64,
    entropy: &Entropy,
) -> Decision {
    let kept = only(ids).and_then(|line| CorrelationId::parse(line).ok());
    let continued = only(traceparents).and_then(|line| TraceParent::parse(line).ok());
    Decision {
        id_is_new: kept.is_none(),
        id: kept.unwrap_or_else(|| CorrelationId::from_uuid_v7(unix_ms, entropy.id)),
        trace_is_new: continued.is_none(),
        traceparent: match continued {
            Some(parent) => parent.child(entropy.span),
            // What starts here is recorded; what keeps the volume down is the collector's sampling.
            None => TraceParent::new(entropy.trace, entropy.span, true),
        },
    }
}

fn only<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    match (lines.next(), lines.next()) {
        (Some(line), None) => Some(line),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decision, decide};
    use crate::entropy::{Entropy, Sources};

    const PARENT: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn entropy() -> Entropy {
        Sources { random: [7; 16], now_ns: 1, context_id: 2, counter: 3 }.mix()
    }

    fn decided(ids: &[&[u8]], parents: &[&[u8]]) -> Decision {
        decide(ids.iter().copied(), parents.iter().copied(), 1_796_000_000_000, &entropy())
    }

    #[test]
    fn a_single_valid_id_is_kept() {
        let decision = decided(&[b"Order_7.retry-2"], &[]);
        assert_eq!((decision.id.as_str(), decision.id_is_new), ("Order_7.retry-2", false));
    }

    #[test]
    fn a_missing_or_invalid_or_repeated_id_is_replaced_by_a_uuid_of_version_7() {
        let long = [b'a'; 65];
        let cases: [&[&[u8]]; 9] = [
            &[],
            &[b""],
            &[b"a b"],
            &[b"a\r\nset-cookie: x"],
            &[b"\xff"],
            &["\u{e4}".as_bytes()],
            &[&long],
            &[b"a", b"a"],
            &[b"a,b"],
        ];
        for ids in cases {
            let decision = decided(ids, &[]);
            assert!(decision.id_is_new, "{ids:?}");
            assert_eq!(decision.id.as_str().as_bytes()[14], b'7', "{ids:?}");
        }
    }

    #[test]
    fn a_valid_trace_is_continued_with_a_span_of_ours() {
        let decision = decided(&[], &[PARENT]);
        let text = decision.traceparent.to_string();
        assert!(!decision.trace_is_new);
        assert!(text.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && text.ends_with("-01"), "{text}");
        assert_ne!(decision.traceparent.parent_id(), "b7ad6b7169203331");
    }

    #[test]
    fn an_invalid_or_repeated_trace_is_restarted() {
        let cases: [&[&[u8]]; 8] = [
            &[],
            &[PARENT, PARENT],
            &[b""],
            &[b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            &[b"00-00000000000000000000000000000000-b7ad6b7169203331-01"],
            &[b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
            &[b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
            &[b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"],
        ];
        for parents in cases {
            let decision = decided(&[], parents);
            assert!(decision.trace_is_new, "{parents:?}");
            assert_ne!(decision.traceparent.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_what_goes_out_is_valid(
            ids: Vec<Vec<u8>>, parents: Vec<Vec<u8>>, random: [u8; 16], ms in 0_u64..(1 << 48),
        ) {
            let entropy = Sources { random, now_ns: 0, context_id: 0, counter: 0 }.mix();
            let ids = ids.iter().map(Vec::as_slice);
            let decision = decide(ids, parents.iter().map(Vec::as_slice), ms, &entropy);
            prop_assert!(jobzy_trace::CorrelationId::parse(decision.id.as_str().as_bytes()).is_ok());
            let traceparent = decision.traceparent.to_string();
            prop_assert!(jobzy_trace::TraceParent::parse(traceparent.as_bytes()).is_ok());
        }
    }
}
