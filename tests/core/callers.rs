//! Who is answered with what when several identity functions speak, when nobody was signed in and somebody is, and when nobody is at all.

use custom_identity_provider::core::{
    AbortReason, BACKOFF_FLOOR, Cache, Code, Event, FREE_REFUSALS, Failure, Kind, LATE_IDENTITY, Policy, REFUSAL_PAUSE,
    Reading, Reason, Rejection, Reply, SignOutOrigin, backoff_ceiling, cool_down_length,
};

use crate::tab::{Deed, HOUR, MINUTE, Outcome, SECOND, Tab, livechat, raw, settings, signed};

const PLAIN: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };
const EAGER: Policy = Policy { refresh_ahead: 10 * MINUTE, ..PLAIN };

fn token(text: &str) -> Option<Outcome> {
    Some(Outcome::Token(text.to_owned()))
}

fn failed(code: Code) -> Option<Outcome> {
    Some(Outcome::Failed(code))
}

fn is_identity_changed(event: &Event) -> bool {
    *event == Event::IdentityChanged
}

fn nobody_signed_in() -> Failure {
    Failure::of_status(401, None)
}

/// A tab whose page says who is signed in; nobody, for now.
fn guests_tab(cache: Cache) -> Tab {
    let mut settings = settings(cache, livechat());
    settings.is_identified = true;
    let mut tab = Tab::with(settings);
    tab.person = None;
    tab
}

/// A tab that is loaded again, with Ann's record in storage, and does not know yet that she is signed in.
fn anns_tab_again() -> Tab {
    let mut tab = guests_tab(Cache::Session);
    tab.person = Some("ann");
    tab.fetch("ann's", 3_600);
    tab.pass(MINUTE);
    tab.reload();
    tab.person = None;
    tab
}

#[test]
fn rule_08_each_who_waits_is_answered_by_its_own_identity() {
    let mut tab = Tab::new(Cache::Session);
    for caller in 1..=4 {
        tab.get_as(caller, &PLAIN);
    }
    tab.says(2, Some("bob"));
    tab.disagreeing.insert(3, Reading::Failed);
    tab.deeds.clear();
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    let expected = [token("ann's"), failed(Code::IdentityChanged), failed(Code::BadIdentity), token("ann's")];
    assert_eq!(tab.outcomes(), expected);
    assert_eq!(tab.attempts.len(), 1);
    // Somebody named another person: that is who is signed in now, and nothing of Ann's is kept.
    assert!(tab.was_told(|event| matches!(event, Event::RequestSucceeded { cached: false, .. })));
    assert!(tab.was_told(is_identity_changed));
    assert_eq!((tab.session.identity(), tab.stored.is_some()), (Some("bob"), false));
    // The first two are refused before the others are answered, and who is signed in changes only after that.
    let position = |wanted: &dyn Fn(&Deed) -> bool| tab.deeds.iter().position(wanted).unwrap();
    let refused = position(&|deed| *deed == Deed::Refused(1, 2, Code::IdentityChanged));
    let unknown = position(&|deed| *deed == Deed::Refused(1, 3, Code::BadIdentity));
    let resolved = position(&|deed| *deed == Deed::Resolved(1, "ann's".to_owned()));
    let changed = position(&|deed| *deed == Deed::Told(Event::IdentityChanged));
    assert!(refused < unknown && unknown < resolved && resolved < changed, "{:?}", tab.deeds);
}

#[test]
fn rule_08_who_only_fails_to_know_keeps_nobody_elses_answer_from_the_cache() {
    let mut tab = Tab::new(Cache::Session);
    tab.get_as(1, &PLAIN);
    tab.get_as(2, &PLAIN);
    tab.disagreeing.insert(1, Reading::Failed);
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [failed(Code::BadIdentity), token("ann's")]);
    assert!(!tab.was_told(is_identity_changed));
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
    assert!(matches!(tab.get_as(2, &PLAIN), Reply::Token(_)));
}

#[test]
fn rule_08_where_nobody_confirms_who_was_named_is_signed_in_and_the_answer_is_nobodys() {
    for (named, others) in [(Some("bob"), Reading::Failed), (None, Reading::Says(Some("carol".to_owned())))] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("ann's", 3_600);
        tab.fresh_as(1, &PLAIN);
        tab.fresh_as(2, &PLAIN);
        tab.says(1, named);
        tab.disagreeing.insert(2, others.clone());
        tab.deeds.clear();
        tab.answer(tab.latest(), &raw("too late", 3_600));
        let expected = if others == Reading::Failed { Code::BadIdentity } else { Code::IdentityChanged };
        assert_eq!(tab.outcomes()[1..], [failed(Code::IdentityChanged), failed(expected)]);
        assert_eq!((tab.session.identity(), &tab.stored), (named, &None));
        let why = AbortReason::IdentityChanged;
        assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 2, why }));
        assert!(tab.deeds.contains(&Deed::Dropped(2)));
        assert!(!tab.was_told(|event| matches!(event, Event::RequestSucceeded { .. })));
    }
}

#[test]
fn rule_08_where_nobody_knows_who_is_signed_in_the_request_ends_and_nothing_cools_down() {
    for answers in [true, false] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("earlier", 3_600);
        tab.fresh_as(1, &PLAIN);
        tab.fresh_as(2, &PLAIN);
        for caller in [1, 2] {
            tab.disagreeing.insert(caller, Reading::Failed);
        }
        if answers {
            tab.answer(tab.latest(), &raw("nobody's", 3_600));
        } else {
            tab.fail(tab.latest(), Failure::of_status(403, None));
        }
        assert_eq!(tab.outcomes()[1..], [failed(Code::BadIdentity), failed(Code::BadIdentity)]);
        let event = Event::RequestFailed { request: 2, duration: 0, code: Code::BadIdentity, demanded: true };
        assert!(tab.was_told(|told| *told == event), "{:?}", tab.deeds);
        assert!(tab.deeds.contains(&Deed::Dropped(2)));
        assert_eq!(tab.session.next_wake(), None);
        // What Ann had is hers: nobody named anybody else.
        tab.disagreeing.clear();
        assert!(tab.has(&PLAIN));
        assert!(matches!(tab.fresh(&PLAIN), Reply::Wait(_)), "no cool-down");
    }
}

#[test]
fn rule_02_a_refresh_that_was_joined_is_demanded_even_when_nobody_knows_who_is_signed_in() {
    for joins in [true, false] {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.pass(55 * MINUTE);
        tab.get_as(1, &EAGER);
        assert_eq!(tab.latest().reason, Reason::Ahead);
        if joins {
            tab.fresh_as(2, &PLAIN);
        }
        tab.disagreeing.insert(1, Reading::Failed);
        tab.disagreeing.insert(2, Reading::Failed);
        tab.fail(tab.latest(), Failure::of_status(403, None));
        let is_it = |event: &Event| matches!(event, Event::RequestFailed { code: Code::BadIdentity, demanded, .. } if *demanded == joins);
        assert!(tab.was_told(is_it), "{:?}", tab.deeds);
    }
}

#[test]
fn rule_08_the_answer_to_a_background_refresh_is_confirmed_by_who_began_it() {
    let refreshing = || {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.pass(55 * MINUTE);
        tab.get_as(2, &EAGER);
        assert_eq!(tab.latest().reason, Reason::Ahead);
        tab.deeds.clear();
        tab
    };
    let mut tab = refreshing();
    // Whoever does not wait is not asked.
    tab.says(1, Some("bob"));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert!(tab.was_told(|event| matches!(event, Event::RequestSucceeded { cached: true, .. })));
    let mut tab = refreshing();
    tab.says(2, Some("bob"));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(tab.session.identity(), Some("bob"));
    assert!(!tab.was_told(|event| matches!(event, Event::RequestSucceeded { .. })));
    let mut tab = refreshing();
    // Once somebody has joined, those who wait are.
    tab.fresh_as(3, &PLAIN);
    tab.says(2, Some("bob"));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(tab.outcome(), token("two"));
    assert!(!tab.was_told(is_identity_changed));
}

#[test]
fn rule_08_a_failure_that_is_tried_again_is_told_to_who_still_waits_and_changes_nobody() {
    let mut tab = Tab::new(Cache::Session);
    tab.get_as(1, &PLAIN);
    tab.get_as(2, &PLAIN);
    tab.says(2, Some("bob"));
    tab.fail(tab.latest(), Failure::of_status(503, None));
    assert_eq!(tab.outcomes(), [None, failed(Code::IdentityChanged)]);
    assert_eq!(tab.session.identity(), Some("ann"));
    tab.pass(backoff_ceiling(1));
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes()[0], token("ann's"));
    assert_eq!(tab.session.identity(), Some("ann"), "who was refused is not there any more to name anybody");
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
}

#[test]
fn rule_08_a_failure_for_good_is_told_to_who_confirms_and_then_another_is_signed_in() {
    let mut tab = Tab::new(Cache::Session);
    tab.get_as(1, &PLAIN);
    tab.get_as(2, &PLAIN);
    tab.says(2, None);
    tab.fail(tab.latest(), Failure::of_status(403, None));
    assert_eq!(tab.outcomes(), [failed(Code::Refused), failed(Code::IdentityChanged)]);
    assert_eq!(tab.session.identity(), None);
}

#[test]
fn rule_08_an_attempt_that_is_over_is_heard_by_nobody() {
    let ends: [fn(&mut Tab); 5] = [
        |tab| tab.leave(1),
        |tab| tab.sign_out(SignOutOrigin::OtherTab),
        |tab| {
            tab.says(2, Some("bob"));
            tab.get_as(2, &PLAIN);
        },
        |tab| tab.pass(PLAIN.timeout),
        |tab| tab.answer(tab.latest(), &raw("one", 3_600)),
    ];
    for end in ends {
        let mut tab = Tab::new(Cache::Session);
        tab.get_as(1, &PLAIN);
        let over = tab.latest();
        end(&mut tab);
        let (identity, stored) = (tab.session.identity().map(str::to_owned), tab.stored.clone());
        tab.deeds.clear();
        tab.says(1, Some("carol"));
        assert_eq!(tab.session.concerned(over), None);
        tab.answer(over, &raw("late", 3_600));
        tab.fail(over, Failure::of_status(403, None));
        assert_eq!(tab.deeds, []);
        assert_eq!((tab.session.identity().map(str::to_owned), &tab.stored), (identity, &stored));
    }
}

#[test]
fn rule_08_who_leaves_is_asked_no_more_and_others_of_the_same_function_are() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get_as(1, &PLAIN);
    tab.get_as(2, &PLAIN);
    tab.get_as(2, &PLAIN);
    tab.leave(1);
    assert_eq!(tab.session.concerned(tab.latest()).unwrap().len(), 2);
    tab.leave(1);
    let asked: Vec<u32> = tab.session.concerned(tab.latest()).unwrap().iter().map(|caller| caller.0).collect();
    assert_eq!(asked, [1]);
    tab.says(2, Some("bob"));
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [token("ann's"), None, None]);
    assert_eq!(tab.session.identity(), Some("ann"));
}

#[test]
fn rule_08_who_waited_for_nobody_is_served_for_who_signs_in() {
    let signs_in: [fn(&mut Tab); 2] = [
        // At the next call, or when the answer comes.
        |tab| assert!(matches!(tab.get_as(2, &PLAIN), Reply::Wait(request) if request.0 == 1)),
        |tab| tab.answer(tab.latest(), &raw("a guest's", 3_600)),
    ];
    for sign_in in signs_in {
        let mut tab = guests_tab(Cache::Session);
        tab.get_as(1, &PLAIN);
        tab.pass(4 * SECOND);
        let guests = tab.latest();
        tab.person = Some("ann");
        tab.deeds.clear();
        sign_in(&mut tab);
        let told = Event::RequestRetrying { request: 1, attempt: 1, code: Code::IdentityChanged, delay: 0 };
        let stopped = tab.deeds.iter().position(|deed| *deed == Deed::Stopped(1)).unwrap();
        let began = tab.deeds.iter().position(|deed| *deed == Deed::Began(1, 2, Reason::Get)).unwrap();
        assert!(tab.was_told(|event| *event == told) && stopped < began, "{:?}", tab.deeds);
        assert_eq!(tab.outcomes()[0], None);
        assert_eq!(tab.stored, None);
        tab.answer(guests, &raw("a guest's", 3_600));
        assert_eq!(tab.outcomes()[0], None);
        // Patience is counted anew.
        assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + PLAIN.timeout));
        tab.fail(tab.latest(), Failure::of_status(503, Some(27 * SECOND)));
        assert_eq!(tab.outcomes()[0], None);
        tab.pass(29 * SECOND);
        tab.answer(tab.latest(), &raw("ann's", 3_600));
        assert_eq!(tab.outcomes()[0], token("ann's"));
        assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
    }
}

#[test]
fn rule_08_what_nobody_was_given_or_refused_says_nothing_about_who_signs_in() {
    let mut tab = guests_tab(Cache::Session);
    tab.fetch("a guest's", 3_600);
    tab.fresh(&PLAIN);
    tab.fail(tab.latest(), Failure::of_status(403, None));
    assert!(matches!(tab.fresh(&PLAIN), Reply::Refuse(_)));
    tab.person = Some("ann");
    tab.deeds.clear();
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)), "neither the guest's token nor the guest's cool-down");
    assert_eq!(tab.stored, None);
    let mut other = raw("ann's", 3_600);
    other["entity_id"] = "another entity".into();
    tab.answer(tab.latest(), &other);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })));
    // And the other way round.
    tab.person = None;
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_08_a_background_refresh_for_nobody_ends_when_somebody_signs_in() {
    let mut tab = guests_tab(Cache::Memory);
    tab.fetch("a guest's", 3_600);
    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
    assert_eq!(tab.latest().reason, Reason::Ahead);
    tab.person = Some("ann");
    tab.get(&PLAIN);
    let why = AbortReason::IdentityChanged;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 2, why }));
    assert!(tab.deeds.contains(&Deed::Stopped(2)) && tab.deeds.contains(&Deed::Dropped(2)));
    assert_eq!(tab.latest().request.0, 3);
}

#[test]
fn rule_08_a_request_in_its_pause_is_carried_over_too() {
    let mut tab = guests_tab(Cache::Memory);
    tab.get_as(1, &PLAIN);
    tab.fail(tab.latest(), Failure::of_status(503, Some(20 * SECOND)));
    tab.person = Some("ann");
    tab.get_as(2, &PLAIN);
    assert_eq!((tab.latest().request.0, tab.latest().number), (1, 2), "at once: it was nobody who was to wait");
    assert!(!tab.deeds.contains(&Deed::Stopped(1)), "nothing ran");
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [token("ann's"), token("ann's")]);
}

#[test]
fn rule_08_a_person_who_leaves_is_not_carried_over() {
    for next in [None, Some("bob")] {
        let mut tab = guests_tab(Cache::Memory);
        tab.person = Some("ann");
        tab.get_as(1, &PLAIN);
        tab.says(2, next);
        assert!(matches!(tab.get_as(2, &PLAIN), Reply::Wait(request) if request.0 == 2));
        assert_eq!(tab.outcomes()[0], failed(Code::IdentityChanged));
    }
}

#[test]
fn late_identity_a_record_is_left_for_who_may_come() {
    let mut tab = anns_tab_again();
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    assert!(!tab.was_told(|event| matches!(event, Event::RecordRejected { .. })));
    tab.pass(LATE_IDENTITY - 1);
    tab.person = Some("ann");
    tab.deeds.clear();
    // The call that brings her is answered from her record, and so is she who has waited.
    assert!(matches!(tab.get(&PLAIN), Reply::Token(_)));
    assert_eq!(tab.outcomes(), [token("ann's")]);
    assert!(tab.was_told(|event| matches!(event, Event::Restored { .. })));
    let is_hit = |deed: &&Deed| matches!(deed, Deed::Told(Event::CacheHit { .. }));
    assert_eq!(tab.deeds.iter().filter(is_hit).count(), 2, "each of both");
    assert_eq!(tab.session.next_wake(), None, "it is laid aside no longer");
    assert_eq!(tab.attempts.len(), 1, "the guest's alone");
    assert!(tab.deeds.contains(&Deed::Stopped(1)));
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
}

#[test]
fn late_identity_the_answer_to_a_guest_notices_who_came_and_is_not_used() {
    let mut tab = anns_tab_again();
    tab.get(&PLAIN);
    tab.person = Some("ann");
    tab.answer(tab.latest(), &raw("a guest's", 3_600));
    assert_eq!(tab.outcomes(), [token("ann's")]);
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn rule_08_a_restored_record_answers_only_those_who_have_just_said_to_be_its_person() {
    // Whoever else waits says null still, or somebody else: the source is asked for Ann, and at the answer each is asked.
    for others in [None, Some("bob")] {
        for at_a_call in [true, false] {
            let mut tab = anns_tab_again();
            tab.get_as(1, &PLAIN);
            tab.get_as(2, &PLAIN);
            tab.says(1, others);
            tab.person = Some("ann");
            if at_a_call {
                assert!(matches!(tab.get_as(3, &PLAIN), Reply::Wait(request) if request.0 == 1));
            } else {
                tab.disagreeing.insert(1, Reading::Says(None));
                tab.answer(tab.latest(), &raw("a guest's", 3_600));
                tab.says(1, others);
            }
            assert_eq!(tab.outcomes()[..2], [None, None]);
            assert_eq!(tab.latest().number, 2);
            tab.answer(tab.latest(), &raw("ann's too", 3_600));
            assert_eq!(tab.outcomes()[..2], [failed(Code::IdentityChanged), token("ann's too")]);
        }
    }
}

#[test]
fn late_identity_nobody_comes_for_it() {
    let mut tab = anns_tab_again();
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + LATE_IDENTITY));
    tab.fetch("a guest's", 3_600);
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's", "hers is not overwritten");
    tab.pass(LATE_IDENTITY - 1);
    assert!(!tab.was_told(|event| matches!(event, Event::RecordRejected { .. })));
    tab.deeds.clear();
    tab.pass(1);
    let rejected = Deed::Told(Event::RecordRejected { why: Rejection::Scope });
    assert_eq!(tab.deeds, [rejected, Deed::Forgot, Deed::Stored("a guest's".to_owned())]);
    assert_eq!(tab.session.next_wake(), None);
    tab.person = Some("ann");
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
}

#[test]
fn rule_11_a_guests_background_cool_down_does_not_outlive_the_guest() {
    let mut tab = guests_tab(Cache::Session);
    tab.person = Some("ann");
    tab.fetch("ann's", 3_600);
    tab.pass(55 * MINUTE);
    tab.reload();
    tab.person = None;
    tab.fetch("a guest's", 10);
    tab.pass(5 * SECOND);
    assert!(matches!(tab.get(&EAGER), Reply::Token(_)));
    tab.fail(tab.latest(), Failure::of_status(403, Some(HOUR)));
    let before = tab.attempts.len();
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), before, "the background cools down");
    tab.person = Some("ann");
    assert!(matches!(tab.get(&EAGER), Reply::Token(_)));
    assert_eq!((tab.attempts.len(), tab.latest().reason), (before + 1, Reason::Ahead));
}

#[test]
fn late_identity_somebody_else_comes() {
    let mut tab = anns_tab_again();
    tab.get(&PLAIN);
    tab.person = Some("bob");
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    assert_eq!(tab.stored, None);
    tab.answer(tab.latest(), &raw("bob's", 3_600));
    assert_eq!(tab.outcomes(), [token("bob's"), token("bob's")]);
}

#[test]
fn late_identity_a_guests_token_that_is_over_takes_nothing_along() {
    let mut tab = anns_tab_again();
    tab.fetch("a guest's", 5);
    tab.pass(5 * SECOND);
    assert!(!tab.has(&PLAIN));
    tab.person = Some("ann");
    assert!(matches!(tab.get(&PLAIN), Reply::Token(_)));
}

#[test]
fn late_identity_no_token_whose_life_is_over_is_stored_in_the_records_place() {
    let mut tab = anns_tab_again();
    tab.fetch("a guest's", 5);
    tab.pass(LATE_IDENTITY);
    assert_eq!(tab.stored, None);
    tab.now.wall -= MINUTE;
    assert!(!tab.has(&PLAIN));
}

#[test]
fn late_identity_is_not_waited_for_where_the_page_says_nothing_or_somebody_may_have_left() {
    let mut tab = anns_tab_again();
    tab.settings.is_identified = false;
    tab.reload();
    assert!(!tab.has(&PLAIN));
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    let ends: [fn(&mut Tab); 3] =
        [|tab| tab.sign_out(SignOutOrigin::OtherTab), Tab::invalidate, |tab| tab.may_have_left()];
    for end in ends {
        let mut tab = anns_tab_again();
        assert!(!tab.has(&PLAIN));
        end(&mut tab);
        assert_eq!((tab.session.next_wake(), &tab.stored), (None, &None));
        tab.person = Some("ann");
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    }
    // While somebody is signed in, another's record is rejected at once.
    let mut tab = anns_tab_again();
    tab.person = Some("bob");
    assert!(!tab.has(&PLAIN));
    assert_eq!((tab.session.next_wake(), &tab.stored), (None, &None));
}

#[test]
fn late_identity_works_for_widgets_that_authenticate_people_too() {
    let mut settings = settings(Cache::Session, Kind::Jwt { may_be_encrypted: false });
    settings.is_identified = true;
    let mut tab = Tab::with(settings);
    tab.fetch_answer(&signed("ann's", tab.now.wall, HOUR));
    tab.reload();
    tab.person = None;
    assert_eq!(tab.get(&PLAIN), Reply::Refuse(Failure::nobody_signed_in()));
    tab.person = Some("ann");
    assert!(matches!(tab.get(&PLAIN), Reply::Token(_)));
    assert_eq!(tab.attempts.len(), 0);
}

#[test]
fn rule_27_who_signs_in_is_served_at_once_however_often_nobody_was_refused() {
    for refusals in 1..=FREE_REFUSALS + 3 {
        let mut tab = guests_tab(Cache::Session);
        while tab.callers.len() < refusals as usize {
            if let Reply::Refuse(_) = tab.get(&PLAIN) {
                tab.pass(REFUSAL_PAUSE);
            } else {
                tab.fail(tab.latest(), nobody_signed_in());
            }
        }
        tab.person = Some("ann");
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)), "after {refusals}");
    }
}

#[test]
fn rule_27_the_first_refusals_in_a_row_cost_nothing_and_each_further_one_a_pause() {
    let mut tab = guests_tab(Cache::Session);
    for _ in 0..FREE_REFUSALS {
        tab.get(&PLAIN);
        tab.fail(tab.latest(), nobody_signed_in());
        assert_eq!(tab.outcome(), failed(Code::NotSignedIn));
    }
    for _ in 0..3 {
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
        tab.fail(tab.latest(), nobody_signed_in());
        tab.pass(100);
        let Reply::Refuse(failure) = tab.get(&PLAIN) else { panic!("a pause") };
        let expected = Failure { retry_after: Some(REFUSAL_PAUSE - 100), ..nobody_signed_in() };
        assert_eq!(failure, expected);
        tab.pass(REFUSAL_PAUSE - 101);
        assert!(matches!(tab.get(&PLAIN), Reply::Refuse(_)));
        tab.pass(1);
    }
    // A success ends the row.
    tab.fetch("a guest's", 3_600);
    for _ in 0..FREE_REFUSALS {
        assert!(matches!(tab.fresh(&PLAIN), Reply::Wait(_)));
        tab.fail(tab.latest(), nobody_signed_in());
    }
    assert!(matches!(tab.fresh(&PLAIN), Reply::Wait(_)));
}

#[test]
fn rule_27_a_refusal_is_no_failure_of_the_source() {
    let mut tab = guests_tab(Cache::Session);
    for _ in 0..FREE_REFUSALS {
        tab.get(&PLAIN);
        tab.fail(tab.latest(), nobody_signed_in());
    }
    tab.get(&PLAIN);
    tab.fail(tab.latest(), Failure::of_status(403, None));
    let reply = tab.get(&PLAIN);
    let Reply::Refuse(failure) = reply else { panic!("a cool-down") };
    assert_eq!((failure.code, failure.retry_after), (Code::CoolingDown, Some(cool_down_length(1))));
}

#[test]
fn rule_27_a_refusal_does_not_cut_a_cool_down_short() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    for _ in 0..FREE_REFUSALS + 2 {
        tab.get(&PLAIN);
    }
    let attempts = tab.attempts.clone();
    tab.fail(attempts[0], Failure::of_status(503, Some(MINUTE)));
    for attempt in &attempts[1..] {
        tab.fail(*attempt, nobody_signed_in());
    }
    tab.pass(MINUTE - 1);
    assert!(matches!(tab.get(&PLAIN), Reply::Refuse(_)));
}

#[test]
fn rule_13_requests_that_fail_side_by_side_are_one_failure() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    for _ in 0..6 {
        tab.get(&PLAIN);
    }
    let first: Vec<_> = tab.attempts.clone();
    for attempt in &first[..5] {
        tab.pass(10);
        tab.fail(*attempt, Failure::of_status(403, None));
    }
    tab.pass(cool_down_length(1) - 1);
    assert!(matches!(tab.get(&PLAIN), Reply::Refuse(_)));
    tab.pass(1);
    // One that begins after a failure that was counted counts, whatever of the earlier ones fails meanwhile.
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    let later = tab.latest();
    tab.pass(10);
    tab.fail(first[5], Failure::of_status(403, None));
    tab.pass(10);
    tab.fail(later, Failure::of_status(403, None));
    tab.pass(cool_down_length(2) - 1);
    assert!(matches!(tab.get(&PLAIN), Reply::Refuse(_)));
    tab.pass(1);
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
}

#[test]
fn rule_13_pauses_are_spread() {
    // Full jitter: a hundred pages whose source failed at once do not come back at once.
    let pauses: std::collections::BTreeSet<i64> = (1..=100)
        .map(|seed| {
            let mut settings = settings(Cache::Memory, livechat());
            settings.seed = seed * 7_919;
            let mut tab = Tab::with(settings);
            tab.get(&PLAIN);
            tab.fail(tab.latest(), Failure::of_status(503, None));
            tab.session.next_wake().unwrap() - tab.now.monotonic
        })
        .collect();
    assert!(pauses.len() > 50, "{pauses:?}");
    let middle = (BACKOFF_FLOOR + backoff_ceiling(1)) / 2;
    assert!(pauses.first().is_some_and(|pause| *pause < middle / 2 + BACKOFF_FLOOR / 2), "{pauses:?}");
    assert!(pauses.last().is_some_and(|pause| *pause > middle + (middle - BACKOFF_FLOOR) / 2), "{pauses:?}");
    // And one page does not come back in the same rhythm for ever.
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    let pauses: std::collections::BTreeSet<i64> = (0..100)
        .map(|_| {
            tab.get(&PLAIN);
            tab.fail(tab.latest(), Failure::of_status(503, None));
            let pause = tab.session.next_wake().unwrap() - tab.now.monotonic;
            tab.leave(tab.latest().request.0);
            pause
        })
        .collect();
    assert!(pauses.len() > 50, "{pauses:?}");
}
