//! Random schedules of calls, answers, failures, silences, clock jumps and everything else, against the oracle; and of several tabs,
//! against what is guaranteed of sign-outs.
//!
//! 100,000 by default; `SCHEDULES` sets another number.

mod driver;
pub mod object;
mod oracle;
mod page;
mod schedule;
mod tabs;

use std::fmt::Debug;

use custom_identity_provider::core::{Cache, Kind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use driver::play;
use page::livechat;
use schedule::schedule;

fn schedules() -> u32 {
    match std::env::var("SCHEDULES") {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("SCHEDULES is {number:?}, expected a whole number")),
        Err(_) => 100_000,
    }
}

/// Plays a share of all schedules; the shortest form of what fails is printed.
fn run<S: Debug>(percent: u32, schedules_of: &impl Strategy<Value = S>, play: impl Fn(&S)) {
    let cases = u32::try_from((u64::from(schedules()) * u64::from(percent)).div_ceil(100)).unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let outcome = TestRunner::new(config).run(schedules_of, |schedule| {
        play(&schedule);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn every_schedule_with_a_stored_token_keeps_the_rules() {
    run(25, &schedule(Cache::Session, livechat()), play);
}

#[test]
fn every_schedule_with_a_token_in_memory_keeps_the_rules() {
    run(10, &schedule(Cache::Memory, livechat()), play);
}

#[test]
fn every_schedule_without_caching_keeps_the_rules() {
    run(10, &schedule(Cache::None, livechat()), play);
}

#[test]
fn every_schedule_with_a_stored_jwt_keeps_the_rules() {
    run(20, &schedule(Cache::Session, Kind::Jwt { may_be_encrypted: true }), play);
}

#[test]
fn every_schedule_with_a_jwt_in_memory_keeps_the_rules() {
    run(15, &schedule(Cache::Memory, Kind::Jwt { may_be_encrypted: false }), play);
}

#[test]
fn every_schedule_of_jwts_without_caching_keeps_the_rules() {
    run(5, &schedule(Cache::None, Kind::Jwt { may_be_encrypted: false }), play);
}

#[test]
fn every_schedule_of_codes_keeps_the_rules() {
    run(10, &schedule(Cache::Memory, Kind::Code), play);
}

#[test]
fn every_schedule_of_codes_with_a_storage_keeps_the_rules() {
    run(5, &schedule(Cache::Session, Kind::Code), play);
}

#[test]
fn every_schedule_of_tabs_hears_of_sign_outs_and_of_nothing_else() {
    run(30, &tabs::schedule(), tabs::play);
}
