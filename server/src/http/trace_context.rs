//! The trace that a request belongs to, as the caller's `traceparent` says (W3C Trace Context, level 1, section 3.2).

use axum::http::{HeaderMap, HeaderValue};

use crate::random::random_bytes;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// A trace, and the step in it that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    parent_id: String,
    flags: String,
}

impl TraceContext {
    /// What the header says; nothing when there is none, more than one, or one that is not as the document wants it.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let mut parts = value.to_str().ok()?.split('-');
        let mut part = |length: usize| {
            let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            parts.next().filter(|part| part.len() == length && part.bytes().all(lower_hex))
        };
        let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        // Later versions may have more parts; this one has not.
        let too_long = version == "00" && parts.next().is_some();
        if version == "ff" || too_long || is_zero(trace_id) || is_zero(parent_id) {
            return None;
        }
        Some(Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned(), flags: flags.to_owned() })
    }

    /// The trace.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The step in it that asked.
    pub fn parent_id(&self) -> &str {
        &self.parent_id
    }

    /// The header for a question of this service's own within the trace; nothing when no random number could be had.
    pub fn child(&self) -> Option<HeaderValue> {
        let step = u64::from_be_bytes(random_bytes().ok()?).max(1);
        HeaderValue::try_from(format!("00-{}-{step:016x}-{}", self.trace_id, self.flags)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(values: &[&'static str]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_static(value));
        }
        TraceContext::of(&headers)
    }

    #[test]
    fn a_good_header_is_taken_up_and_its_child_stays_in_the_trace() {
        let taken = context(&[GOOD]).unwrap();
        assert_eq!(taken.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(taken.parent_id(), "00f067aa0ba902b7");
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, taken.child().unwrap());
        let child = TraceContext::of(&headers).unwrap();
        assert_eq!(child.trace_id(), taken.trace_id());
        assert_ne!(child.parent_id(), taken.parent_id());
        assert!(context(&["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later"]).is_some());
    }

    #[test]
    fn a_header_that_is_none_is_passed_over() {
        for value in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bx-01",
        ] {
            assert_eq!(context(&[value]), None, "{value}");
        }
        assert_eq!(context(&[]), None);
        assert_eq!(context(&[GOOD, GOOD]), None);
    }
}
