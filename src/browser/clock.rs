//! Both clocks, read together.

use crate::core::{Moment, whole};

use super::sys;

/// What both clocks say now.
pub(super) fn now() -> Moment {
    Moment { wall: whole(sys::wall_now()), monotonic: whole(sys::monotonic_now()) }
}
