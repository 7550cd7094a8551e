//! Random schedules of calls, answers, failures, silences, clock jumps and everything else, against the oracle; and of several tabs,
//! against what is guaranteed of sign-outs.

mod driver;
mod nonsense;
mod oracle;
mod page;
mod schedule;
mod sharing;
mod tabs;

use std::fmt::Debug;

use custom_identity_provider::core::{Cache, Kind};
use proptest::prelude::*;

use driver::play;
use page::livechat;
use schedule::schedule;

use crate::stage::{jwt_kind, runner, signed_jwt};

fn run<S: Debug>(thousandths: u32, schedules_of: &impl Strategy<Value = S>, play: impl Fn(&S)) {
    let outcome = runner(thousandths).run(schedules_of, |schedule| {
        play(&schedule);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn every_schedule_with_a_stored_token_keeps_the_rules() {
    run(250, &schedule(Cache::Session, livechat()), play);
}

#[test]
fn every_schedule_with_a_token_in_memory_keeps_the_rules() {
    run(100, &schedule(Cache::Memory, livechat()), play);
}

#[test]
fn every_schedule_without_caching_keeps_the_rules() {
    run(100, &schedule(Cache::None, livechat()), play);
}

#[test]
fn every_schedule_with_a_stored_jwt_keeps_the_rules() {
    run(200, &schedule(Cache::Session, jwt_kind(true)), play);
}

#[test]
fn every_schedule_with_a_jwt_in_memory_keeps_the_rules() {
    run(150, &schedule(Cache::Memory, signed_jwt()), play);
}

#[test]
fn every_schedule_of_jwts_without_caching_keeps_the_rules() {
    run(50, &schedule(Cache::None, signed_jwt()), play);
}

#[test]
fn every_schedule_of_codes_keeps_the_rules() {
    run(100, &schedule(Cache::Memory, Kind::Code), play);
}

#[test]
fn every_schedule_of_codes_with_a_storage_keeps_the_rules() {
    run(50, &schedule(Cache::Session, Kind::Code), play);
}

#[test]
fn every_schedule_of_tabs_that_share_takes_what_may_be_taken_and_nothing_else() {
    run(300, &sharing::schedule(), sharing::play);
}

#[test]
fn every_schedule_of_tabs_hears_of_sign_outs_and_of_nothing_else() {
    run(300, &tabs::schedule(), tabs::play);
}
