//! Both clocks, read together.

use crate::core::Moment;

use super::sys;

/// What both clocks say now.
pub(super) fn now() -> Moment {
    Moment { wall: sys::wall_now() as i64, monotonic: sys::monotonic_now() as i64 }
}
