//! The session: a state machine without JavaScript, clock or I/O.
