//! Faults on demand.

use serde::{Deserialize, Serialize};

/// What goes wrong, for the token and identity_transfer endpoints. Everything absent: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Answer this much later. The request has taken effect by then.
    pub latency_ms: Option<u64>,
    /// Answer with this status, without a body, and do nothing.
    pub status: Option<u16>,
    /// Add `Retry-After` to that status.
    pub retry_after: Option<u64>,
    /// Cut the connection instead of answering, and do nothing.
    pub cut_connection: bool,
    /// Answer with an HTML page and status 200, and do nothing.
    pub html: bool,
    /// With `cut_connection` or `html`: the request does take effect, only its answer is lost.
    pub processed: bool,
    /// Tokens live this long, in seconds.
    pub lifetime_seconds: Option<u64>,
    /// To how many requests it still applies; null: to all, until changed.
    pub remaining: Option<u64>,
}

impl Faults {
    /// The faults of the next request; counts it.
    pub fn take(&mut self) -> Self {
        match self.remaining {
            Some(0) => Self::default(),
            Some(remaining) => {
                let taken = self.clone();
                self.remaining = Some(remaining - 1);
                if remaining == 1 {
                    *self = Self::default();
                }
                taken
            }
            None => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_wear_off_after_the_given_number_of_requests() {
        let mut faults = Faults { status: Some(500), remaining: Some(2), ..Faults::default() };
        assert_eq!(faults.take().status, Some(500));
        assert_eq!(faults.take().status, Some(500));
        assert_eq!(faults.take(), Faults::default());
        assert_eq!(faults, Faults::default());
    }
}
