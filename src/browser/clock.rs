//! Both clocks, read together.

use crate::core::Moment;

use super::sys;

/// What both clocks say now. The monotonic one is `performance.now()`.
pub(super) fn now() -> Moment {
    Moment { wall: js_sys::Date::now() as i64, monotonic: sys::monotonic_now() as i64 }
}
