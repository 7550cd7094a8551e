//! Drives the core with promises, fetch, storage, timers and the page's events. The only code that touches JavaScript.

mod clock;
mod driver;
mod error;
mod fields;
mod http;
mod identity;
mod options;
mod page;
mod source;
mod storage;
mod sys;

pub(crate) use driver::{Asker, Driver};
pub(crate) use options::{Options, signal_option};
pub(crate) use page::{SessionKey, session, sign_out};
pub use sys::{Deferred, IdentityError};
