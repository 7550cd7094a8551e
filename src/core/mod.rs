//! The session: a state machine without JavaScript, clock or I/O.
//!
//! It receives facts ("asked for a token at this moment", "request 7 answered") and says what to do ("answer with this",
//! "wait for request 7", "begin request 8", "store", "forget"). Time, randomness and storage come in as arguments, so that every
//! interleaving can be tested on the host.

#![forbid(unsafe_code)]

mod answer;
mod credential;
mod event;
mod failure;
mod fields;
mod json_web_token;
mod lease;
mod lifetime;
mod number;
mod outcome;
mod record;
mod retry;
mod session;
mod sign_out;
mod token;
mod widget;

pub use answer::{Answer, Warning, read_answer};
pub use credential::{Credential, Grant, Jwt, JwtProfile, Kind, refresh_stretch};
pub use event::{AbortReason, Detail, Event, Method, Reason, Rejection, SignOutOrigin, StorageAction};
pub use failure::{ErrorCode, Failure};
pub use fields::{Fields, Value};
pub use lease::{BURST, Burst, LATEST_TIMER, LEASE, Lease};
pub use lifetime::{CREATION_TOLERANCE, LONGEST_LIFETIME, Lifetime, Moment};
pub use number::whole;
pub use outcome::Facts;
pub use record::{RECORD_VERSION, RecordScope, STORAGE_PREFIX, read_record};
pub use retry::{
    BACKOFF_CEILING, BACKOFF_FIRST, BACKOFF_FLOOR, COOL_DOWN_CEILING, COOL_DOWN_FIRST, FREE_REFUSALS,
    LONGEST_RETRY_AFTER, REFUSAL_PAUSE, backoff_ceiling, cool_down_length,
};
pub use session::{
    Attempt, Cache, Caller, Effect, LATE_IDENTITY, Policy, Reading, Reply, RequestCounter, RequestId, Session,
    Settings, TURN_GRACE,
};
pub use sign_out::{FoundMark, News, SignOuts, first_mark};
pub use token::{Account, RawToken, SHORT_LIFETIME, Token};
pub use widget::Widget;
