//! Random schedules of calls, answers, failures, silences, clock jumps and everything else, against the oracle.
//!
//! 100,000 by default; `SCHEDULES` sets another number.

mod driver;
pub mod object;
mod oracle;
mod page;
mod schedule;

use custom_identity_provider::core::Cache;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use driver::play;
use schedule::{Schedule, schedule};

fn schedules() -> u32 {
    match std::env::var("SCHEDULES") {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("SCHEDULES is {number:?}, expected a whole number")),
        Err(_) => 100_000,
    }
}

/// Plays a share of all schedules; the shortest form of what fails is printed.
fn run(percent: u32, schedules_of: &impl Strategy<Value = Schedule>) {
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
    run(50, &schedule(Cache::Session, false));
}

#[test]
fn every_schedule_with_a_token_in_memory_keeps_the_rules() {
    run(25, &schedule(Cache::Memory, false));
}

#[test]
fn every_schedule_without_caching_keeps_the_rules() {
    run(15, &schedule(Cache::None, false));
}

#[test]
fn every_schedule_of_single_use_codes_keeps_the_rules() {
    run(10, &schedule(Cache::Memory, true));
}
