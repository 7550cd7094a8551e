//! Drives the core with promises, storage and the page's clock. The only code that touches JavaScript.
//!
//! What the platform does better in its own language (`fetch`, reading options, listening) is in `pkg/src`, which decides nothing
//! about tokens; a line of JavaScript costs a page a third of what the same line costs as WebAssembly.

mod clock;
mod driver;
mod error;
mod fields;
mod page;
mod scope;
mod storage;
mod sys;

pub(crate) use driver::{Asker, Driver};
pub(crate) use error::unknown_option;
pub(crate) use page::{
    SessionKey, asked_by_tab, attempt_ended, hear_mark, in_turn, leave_page, look_for_sign_out, session, sign_out,
    wake, went_online,
};
