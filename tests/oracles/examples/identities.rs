//! Rules 8 and 18 by example: whose answer it is when several identity functions speak, when the person changes, and when she is late.

use custom_identity_provider::core::{
    AbortReason, Cache, Caller, ErrorCode, Event, Failure, LATE_IDENTITY, Reading, Reason, Rejection, Reply,
    SignOutOrigin, backoff_ceiling,
};

use super::tab::{Deed, PAGE, Tab};
use super::{
    EAGER, PLAIN, anns_tab_again, both_kinds, failed, guests_tab, in_hand, raw, refreshing_ahead, refusal, request,
    tab_that_is_told_nothing, token, unavailable, waits_for,
};
use crate::stage::json::signed;
use crate::stage::{HOUR, MINUTE, SECOND, livechat, settings, signed_jwt, token_of};

const OTHER: u32 = 2;

fn is_identity_changed(event: &Event) -> bool {
    *event == Event::IdentityChanged
}

fn token_or_request(reply: &Reply) -> Result<String, custom_identity_provider::core::RequestId> {
    match reply {
        Reply::Token(grant) => Ok(token_of(grant).access_token.clone()),
        reply => Err(request(reply)),
    }
}

#[test]
fn rule_08_another_person_gets_nothing_of_the_one_before() {
    // Amplify and Supabase: one unkeyed flight handed Alice's token to Bob. supabase-swift#1371: a late refresh overwrites the next user.
    for cache in [Cache::Memory, Cache::Session, Cache::None] {
        let mut tab = Tab::new(cache);
        tab.fetch("ann's", 3_600);
        tab.fresh();
        let anns = tab.latest();
        tab.person = Some("bob");
        assert_eq!(waits_for(&tab.get()), Some(3));
        assert_eq!(tab.outcomes()[1], failed(ErrorCode::IdentityChanged));
        assert!(tab.deeds.contains(&Deed::Stopped(2)));
        assert_eq!(tab.stored, None);
        tab.answer(anns, &raw("ann's, late", 3_600));
        assert_eq!(tab.outcomes()[2], None);
        tab.answer(tab.latest(), &raw("bob's", 3_600));
        assert_eq!(tab.outcomes()[2], token("bob's"));
    }
}

#[test]
fn rule_08_the_answer_itself_notices_that_another_person_is_there() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.person = None;
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::IdentityChanged)]);
    tab.person = Some("ann");
    assert!(!tab.has());
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_08_a_record_of_another_person_is_removed_unread() {
    for person in [None, Some("bob")] {
        let mut tab = tab_that_is_told_nothing(Cache::Session, livechat());
        tab.fetch("ann's", 3_600);
        tab.reload();
        tab.person = person;
        assert!(!tab.has());
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    }
}

#[test]
fn rule_08_for_nobody_the_source_is_not_asked() {
    for kind in both_kinds() {
        let mut tab = Tab::with(settings(Cache::Session, kind));
        tab.person = None;
        for reply in [tab.get(), tab.fresh(), tab.get_under(&EAGER)] {
            assert_eq!(reply, Reply::Refuse(Failure::nobody_signed_in()));
        }
        assert!(!tab.has());
        tab.pass(HOUR);
        assert_eq!(tab.attempts, []);
        assert!(!tab.was_told(|event| matches!(event, Event::CoolingDown { .. } | Event::RequestFailed { .. })));
        tab.person = Some("ann");
        assert!(matches!(tab.get(), Reply::Wait(_)), "no cool-down");
        // Who leaves takes the request along, and again nobody is asked for.
        tab.person = None;
        assert_eq!(tab.get(), Reply::Refuse(Failure::nobody_signed_in()));
        assert_eq!(tab.outcomes(), [failed(ErrorCode::IdentityChanged)]);
        assert_eq!(tab.session.next_wake(), None);
    }
}

#[test]
fn rule_08_who_does_not_say_who_is_signed_in_is_served_all_the_same() {
    for kind in both_kinds() {
        let mut tab = tab_that_is_told_nothing(Cache::Memory, kind);
        tab.person = None;
        assert!(matches!(tab.get(), Reply::Wait(_)));
        assert!(matches!(tab.fresh(), Reply::Wait(_)));
    }
}

#[test]
fn rule_08_a_jwt_is_gone_with_its_person() {
    let mut tab = Tab::with(settings(Cache::Session, signed_jwt()));
    tab.fetch_jwt("ann's", 0, HOUR);
    assert!(tab.stored.is_some());
    tab.person = None;
    assert_eq!(tab.get(), Reply::Refuse(Failure::nobody_signed_in()));
    assert_eq!(tab.stored, None);
    tab.person = Some("ann");
    assert!(!tab.has());
}

#[test]
fn rule_08_each_who_waits_is_answered_by_its_own_identity() {
    let mut tab = Tab::new(Cache::Session);
    for caller in 1..=4 {
        tab.get_as(caller);
    }
    tab.says(2, Some("bob"));
    tab.cannot_say(3);
    tab.deeds.clear();
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    let expected = [token("ann's"), failed(ErrorCode::IdentityChanged), failed(ErrorCode::BadIdentity), token("ann's")];
    assert_eq!(tab.outcomes(), expected);
    assert_eq!(tab.attempts.len(), 1);
    // Somebody named another person: that is who is signed in now, and nothing of Ann's is kept.
    assert!(tab.was_told(|event| matches!(event, Event::RequestSucceeded { cached: false, .. })));
    assert!(tab.was_told(is_identity_changed));
    assert_eq!((tab.session.identity(), tab.stored.is_some()), (Some("bob"), false));
    // The first two are refused before the others are answered, and who is signed in changes only after that.
    let position = |wanted: &dyn Fn(&Deed) -> bool| tab.deeds.iter().position(wanted).unwrap();
    let refused = position(&|deed| *deed == Deed::Refused(1, 2, ErrorCode::IdentityChanged));
    let unknown = position(&|deed| *deed == Deed::Refused(1, 3, ErrorCode::BadIdentity));
    let resolved = position(&|deed| *deed == Deed::Resolved(1, "ann's".to_owned()));
    let changed = position(&|deed| *deed == Deed::Told(Event::IdentityChanged));
    assert!(refused < unknown && unknown < resolved && resolved < changed, "{:?}", tab.deeds);
}

#[test]
fn rule_08_who_only_fails_to_know_keeps_nobody_elses_answer_from_the_cache() {
    let mut tab = Tab::new(Cache::Session);
    tab.get_as(1);
    tab.get_as(2);
    tab.cannot_say(1);
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::BadIdentity), token("ann's")]);
    assert!(!tab.was_told(is_identity_changed));
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
    assert!(matches!(tab.get_as(2), Reply::Token(_)));
}

#[test]
fn rule_08_where_nobody_confirms_who_was_named_is_signed_in_and_the_answer_is_nobodys() {
    for (named, others) in [(Some("bob"), Reading::Failed), (None, Reading::Says(Some("carol".to_owned())))] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("ann's", 3_600);
        tab.fresh_as(1);
        tab.fresh_as(2);
        tab.says(1, named);
        tab.others.insert(Caller(2), others.clone());
        tab.deeds.clear();
        tab.answer(tab.latest(), &raw("too late", 3_600));
        let expected = if others == Reading::Failed { ErrorCode::BadIdentity } else { ErrorCode::IdentityChanged };
        assert_eq!(tab.outcomes()[1..], [failed(ErrorCode::IdentityChanged), failed(expected)]);
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
        tab.fresh_as(1);
        tab.fresh_as(2);
        for caller in [1, 2] {
            tab.cannot_say(caller);
        }
        if answers {
            tab.answer(tab.latest(), &raw("nobody's", 3_600));
        } else {
            tab.fail(tab.latest(), Failure::of_status(403, None));
        }
        assert_eq!(tab.outcomes()[1..], [failed(ErrorCode::BadIdentity), failed(ErrorCode::BadIdentity)]);
        let event = Event::RequestFailed { request: 2, duration: 0, code: ErrorCode::BadIdentity, demanded: true };
        assert!(tab.was_told(|told| *told == event), "{:?}", tab.deeds);
        assert!(tab.deeds.contains(&Deed::Dropped(2)));
        assert_eq!(tab.session.next_wake(), None);
        // What Ann had is hers: nobody named anybody else.
        tab.others.clear();
        assert!(tab.has());
        assert!(matches!(tab.fresh(), Reply::Wait(_)), "no cool-down");
    }
}

#[test]
fn rule_08_the_answer_to_a_background_refresh_is_confirmed_by_who_began_it() {
    let refreshing = || {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.pass(55 * MINUTE);
        tab.policy = EAGER;
        tab.get_as(2);
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
    tab.fresh_as(3);
    tab.says(2, Some("bob"));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(tab.outcome(), token("two"));
    assert!(!tab.was_told(is_identity_changed));
}

#[test]
fn rule_08_a_failure_that_is_tried_again_is_told_to_who_still_waits_and_changes_nobody() {
    let mut tab = Tab::new(Cache::Session);
    tab.get_as(1);
    tab.get_as(2);
    tab.says(2, Some("bob"));
    tab.fail(tab.latest(), Failure::of_status(503, None));
    assert_eq!(tab.outcomes(), [None, failed(ErrorCode::IdentityChanged)]);
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
    tab.get_as(1);
    tab.get_as(2);
    tab.says(2, None);
    tab.fail(tab.latest(), Failure::of_status(403, None));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::Refused), failed(ErrorCode::IdentityChanged)]);
    assert_eq!(tab.session.identity(), None);
}

#[test]
fn rule_08_an_attempt_that_is_over_is_heard_by_nobody() {
    let ends: [fn(&mut Tab); 5] = [
        |tab| tab.leave(1),
        |tab| tab.sign_out(SignOutOrigin::OtherTab),
        |tab| {
            tab.says(2, Some("bob"));
            tab.get_as(2);
        },
        |tab| tab.pass(PLAIN.timeout),
        |tab| tab.answer(tab.latest(), &raw("one", 3_600)),
    ];
    for end in ends {
        let mut tab = Tab::new(Cache::Session);
        tab.get_as(1);
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
    tab.get_as(1);
    tab.get_as(2);
    tab.get_as(2);
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
        |tab| assert!(matches!(tab.get_as(2), Reply::Wait(request) if request.0 == 1)),
        |tab| tab.answer(tab.latest(), &raw("a guest's", 3_600)),
    ];
    for sign_in in signs_in {
        let mut tab = guests_tab(Cache::Session);
        tab.get_as(1);
        tab.pass(4 * SECOND);
        let guests = tab.latest();
        tab.person = Some("ann");
        tab.deeds.clear();
        sign_in(&mut tab);
        let told = Event::RequestRetrying { request: 1, attempt: 1, code: ErrorCode::IdentityChanged, delay: 0 };
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
    tab.fresh();
    tab.fail(tab.latest(), Failure::of_status(403, None));
    assert!(matches!(tab.fresh(), Reply::Refuse(_)));
    tab.person = Some("ann");
    tab.deeds.clear();
    assert!(matches!(tab.get(), Reply::Wait(_)), "neither the guest's token nor the guest's cool-down");
    assert_eq!(tab.stored, None);
    let mut other = raw("ann's", 3_600);
    other["entity_id"] = "another entity".into();
    tab.answer(tab.latest(), &other);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })));
    // And the other way round.
    tab.person = None;
    assert!(matches!(tab.get(), Reply::Wait(_)));
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_08_a_background_refresh_for_nobody_ends_when_somebody_signs_in() {
    let mut tab = guests_tab(Cache::Memory);
    tab.fetch("a guest's", 3_600);
    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    assert_eq!(tab.latest().reason, Reason::Ahead);
    tab.person = Some("ann");
    tab.get();
    let why = AbortReason::IdentityChanged;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 2, why }));
    assert!(tab.deeds.contains(&Deed::Stopped(2)) && tab.deeds.contains(&Deed::Dropped(2)));
    assert_eq!(tab.latest().request.0, 3);
}

#[test]
fn rule_08_a_request_in_its_pause_is_carried_over_too() {
    let mut tab = guests_tab(Cache::Memory);
    tab.get_as(1);
    tab.fail(tab.latest(), Failure::of_status(503, Some(20 * SECOND)));
    tab.person = Some("ann");
    tab.get_as(2);
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
        tab.get_as(1);
        tab.says(2, next);
        assert!(matches!(tab.get_as(2), Reply::Wait(request) if request.0 == 2));
        assert_eq!(tab.outcomes()[0], failed(ErrorCode::IdentityChanged));
    }
}

#[test]
fn rule_08_a_restored_record_answers_only_those_who_have_just_said_to_be_its_person() {
    // Whoever else waits says null still, or somebody else: the source is asked for Ann, and at the answer each is asked.
    for others in [None, Some("bob")] {
        for at_a_call in [true, false] {
            let mut tab = anns_tab_again();
            tab.get_as(1);
            tab.get_as(2);
            tab.says(1, others);
            tab.person = Some("ann");
            if at_a_call {
                assert!(matches!(tab.get_as(3), Reply::Wait(request) if request.0 == 1));
            } else {
                tab.says(1, None);
                tab.answer(tab.latest(), &raw("a guest's", 3_600));
                tab.says(1, others);
            }
            assert_eq!(tab.outcomes()[..2], [None, None]);
            assert_eq!(tab.latest().number, 2);
            tab.answer(tab.latest(), &raw("ann's too", 3_600));
            assert_eq!(tab.outcomes()[..2], [failed(ErrorCode::IdentityChanged), token("ann's too")]);
        }
    }
}

#[test]
fn rule_08_a_change_of_identity_forgets_aborts_and_rejects() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("of ann", 3_600);
    let waiting = request(&tab.fresh());
    tab.person = Some("grace");
    let next = request(&tab.get());
    assert_ne!(next, waiting);
    assert_eq!(tab.rejected[0].1.code, ErrorCode::IdentityChanged);
    assert_eq!(tab.stops, [waiting]);
    assert!(tab.stored.is_none());
}

#[test]
fn rule_08_a_late_answer_never_reaches_the_next_person() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    let of_ada = tab.latest();
    // Nobody calls in between: the answer itself finds another person.
    tab.person = None;
    tab.answer(of_ada, &raw("of ann", 3_600));
    assert!(tab.resolved.is_empty());
    assert_eq!(tab.rejected[0].1.code, ErrorCode::IdentityChanged);
    assert!(tab.stored.is_none());
    // And back again: what was forgotten stays forgotten.
    tab.person = Some("ann");
    assert!(!tab.has());
}

#[test]
fn rule_08_another_persons_record_is_removed_unread() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("of ann", 3_600);
    tab.reload();
    tab.person = Some("grace");
    request(&tab.get());
    assert!(tab.stored.is_none());
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
}

#[test]
fn rule_08_nobody_is_a_person_of_their_own() {
    let mut tab = Tab::new(Cache::Session);
    tab.person = None;
    tab.fetch("of nobody", 3_600);
    tab.person = Some("ann");
    assert!(!tab.has());
}

#[test]
fn rule_08_every_waiter_is_answered_by_its_own_identity() {
    let mut tab = Tab::new(Cache::Session);
    let shared = request(&tab.get());
    assert_eq!(request(&tab.get_as(OTHER)), shared);
    tab.says(OTHER, Some("grace"));
    let attempt = tab.latest();
    tab.answer(attempt, &raw("of ann", 3_600));
    assert_eq!(tab.rejected[0].1.code, ErrorCode::IdentityChanged);
    assert_eq!(tab.resolved.len(), 1, "who still says ann has ann's token");
    assert!(tab.was_told(|event| matches!(event, Event::RequestSucceeded { cached: false, .. })));
    assert!(tab.stored.is_none());
    assert_eq!(tab.session.identity(), Some("grace"), "and then grace is there");
    assert!(!tab.has_as(OTHER));
}

#[test]
fn rule_08_a_waiter_whose_identity_fails_is_refused_alone() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.get_as(OTHER);
    tab.cannot_say(OTHER);
    let attempt = tab.latest();
    tab.answer(attempt, &raw("of ann", 3_600));
    assert_eq!(tab.rejected.len(), 1);
    assert_eq!(tab.rejected[0].1.code, ErrorCode::BadIdentity);
    assert_eq!(tab.resolved.len(), 1);
    assert!(tab.stored.is_some(), "nobody said that somebody else is there");
}

#[test]
fn rule_08_where_nobody_knows_who_is_signed_in_a_request_ends_and_nothing_cools_down() {
    let mut tab = Tab::new(Cache::Memory);
    let waiting = request(&tab.get());
    tab.cannot_say(PAGE);
    let attempt = tab.latest();
    tab.answer(attempt, &raw("of ann", 3_600));
    assert_eq!(tab.rejected[0].1.code, ErrorCode::BadIdentity);
    assert_eq!(tab.dropped, [waiting]);
    assert!(
        tab.was_told(|event| matches!(
            event,
            Event::RequestFailed { code: ErrorCode::BadIdentity, demanded: true, .. }
        ))
    );
    assert_eq!(tab.session.next_wake(), None);
    tab.says(PAGE, Some("ann"));
    request(&tab.get());
}

#[test]
fn rule_08_a_failed_attempt_asks_too_and_who_waits_on_is_asked_again() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.get_as(OTHER);
    tab.says(OTHER, Some("grace"));
    let first = tab.latest();
    tab.fail(first, unavailable());
    assert_eq!(tab.rejected[0].1.code, ErrorCode::IdentityChanged);
    tab.pass(1_000);
    let second = tab.latest();
    assert_eq!(second.number, 2);
    tab.answer(second, &raw("of ann", 3_600));
    assert_eq!(tab.resolved.len(), 1);
    assert!(tab.stored.is_some(), "whoever said grace does not wait any longer");
}

#[test]
fn rule_08_an_aborted_attempt_is_heard_by_nobody_however_late_it_settles() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let dead = tab.latest();
    tab.sign_out(SignOutOrigin::OtherTab);
    tab.person = Some("grace");
    let of_grace = request(&tab.get_as(OTHER));
    assert_eq!(tab.readings(dead), None, "the old handle's identity is not read");
    tab.says(PAGE, Some("ann"));
    tab.answer(dead, &raw("of ann", 3_600));
    let attempt = tab.latest();
    tab.answer(attempt, &raw("of grace", 3_600));
    assert_eq!(tab.resolved.iter().map(|(request, _)| *request).collect::<Vec<_>>(), [of_grace]);
}

#[test]
fn rule_08_a_record_that_was_laid_aside_answers_nobody_who_has_not_said_whose_it_is() {
    let mut tab = anns_tab_again();
    let waiting = request(&tab.get());
    tab.says(OTHER, Some("ann"));
    assert_eq!(token_or_request(&tab.get_as(OTHER)), Err(waiting));
    assert!(tab.resolved.is_empty());
    let of_ada = tab.latest();
    tab.answer(of_ada, &raw("new", 3_600));
    assert_eq!(tab.rejected[0].1.code, ErrorCode::IdentityChanged, "who says nobody has nothing of ann's");
    assert_eq!(token_of(&tab.resolved[0].1).access_token, "new");

    let mut tab = anns_tab_again();
    request(&tab.get());
    request(&tab.get_as(OTHER));
    tab.says(OTHER, Some("ann"));
    request(&tab.get_as(OTHER));
    assert!(tab.resolved.is_empty(), "not all who wait have said so");
}

#[test]
fn rule_08_to_forget_nobody_is_asked_who_is_signed_in() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.cannot_say(PAGE);
    tab.invalidate();
    assert!(tab.stored.is_none());
    assert_eq!(refusal(tab.get()).code, ErrorCode::BadIdentity);
}

#[test]
fn rule_08_the_identity_of_who_began_a_background_refresh_is_read_and_nobody_is_refused() {
    let mut tab = refreshing_ahead();
    let ahead = tab.latest();
    tab.says(PAGE, Some("grace"));
    tab.answer(ahead, &raw("of ann", 3_600));
    assert!(tab.rejected.is_empty());
    assert_eq!(tab.dropped.last(), Some(&ahead.request));
    assert!(!tab.has());

    let mut tab = refreshing_ahead();
    let ahead = tab.latest();
    tab.cannot_say(PAGE);
    tab.answer(ahead, &raw("two", 3_600));
    assert!(tab.rejected.is_empty());
    assert!(
        tab.was_told(|event| matches!(
            event,
            Event::RequestFailed { code: ErrorCode::BadIdentity, demanded: false, .. }
        ))
    );
    tab.says(PAGE, Some("ann"));
    assert_eq!(in_hand(&tab.get()), "one");
}

#[test]
fn rule_08_whom_a_handle_named_is_forgotten_when_its_request_is_tried_again() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.get_as(OTHER);
    tab.says(OTHER, Some("grace"));
    let first = tab.latest();
    tab.fail(first, unavailable());
    tab.pass(1_000);
    let second = tab.latest();
    tab.cannot_say(PAGE);
    tab.says(OTHER, Some("ann"));
    let readings = tab.readings(second).unwrap();
    tab.get_as(OTHER);
    tab.confirm(second, &readings);
    tab.tell_answer(second, &raw("of ann", 3_600));
    assert_eq!(tab.session.identity(), Some("ann"));
    assert!(tab.stored.is_some());
}

#[test]
fn rule_08_whom_a_handle_named_is_forgotten_when_everything_ends_meanwhile() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.get_as(OTHER);
    tab.says(OTHER, Some("grace"));
    let first = tab.latest();
    let readings = tab.readings(first).unwrap();
    tab.confirm(first, &readings);
    tab.sign_out(SignOutOrigin::ThisTab);
    tab.tell_answer(first, &raw("of ann", 3_600));
    tab.says(OTHER, Some("ann"));
    tab.get();
    let second = tab.latest();
    tab.cannot_say(PAGE);
    let readings = tab.readings(second).unwrap();
    tab.get_as(OTHER);
    tab.confirm(second, &readings);
    tab.tell_answer(second, &raw("of ann", 3_600));
    assert_eq!(tab.session.identity(), Some("ann"));
    assert!(tab.has_as(OTHER));
}

#[test]
fn rule_08_who_was_named_first_is_there_then() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.get_as(OTHER);
    tab.get_as(3);
    tab.says(OTHER, Some("grace"));
    tab.says(3, None);
    let attempt = tab.latest();
    tab.answer(attempt, &raw("of ann", 3_600));
    assert_eq!(tab.session.identity(), Some("grace"));
}

#[test]
fn late_identity_a_record_is_left_for_who_may_come() {
    let mut tab = anns_tab_again();
    assert!(matches!(tab.get(), Reply::Wait(_)));
    assert!(!tab.was_told(|event| matches!(event, Event::RecordRejected { .. })));
    tab.pass(LATE_IDENTITY - 1);
    tab.person = Some("ann");
    tab.deeds.clear();
    // The call that brings her is answered from her record, and so is she who has waited.
    assert!(matches!(tab.get(), Reply::Token(_)));
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
    tab.get();
    tab.person = Some("ann");
    tab.answer(tab.latest(), &raw("a guest's", 3_600));
    assert_eq!(tab.outcomes(), [token("ann's")]);
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn late_identity_nobody_comes_for_it() {
    let mut tab = anns_tab_again();
    assert!(!tab.has());
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
    assert!(matches!(tab.get(), Reply::Wait(_)));
}

#[test]
fn late_identity_somebody_else_comes() {
    let mut tab = anns_tab_again();
    tab.get();
    tab.person = Some("bob");
    assert!(matches!(tab.get(), Reply::Wait(_)));
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
    assert!(!tab.has());
    tab.person = Some("ann");
    assert!(matches!(tab.get(), Reply::Token(_)));
}

#[test]
fn late_identity_no_token_whose_life_is_over_is_stored_in_the_records_place() {
    let mut tab = anns_tab_again();
    tab.fetch("a guest's", 5);
    tab.pass(LATE_IDENTITY);
    assert_eq!(tab.stored, None);
    tab.now.wall -= MINUTE;
    assert!(!tab.has());
}

#[test]
fn late_identity_is_not_waited_for_where_the_page_says_nothing_or_somebody_may_have_left() {
    let mut tab = anns_tab_again();
    tab.settings.is_identified = false;
    tab.reload();
    assert!(!tab.has());
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    let ends: [fn(&mut Tab); 3] =
        [|tab| tab.sign_out(SignOutOrigin::OtherTab), Tab::invalidate, |tab| tab.may_have_left()];
    for end in ends {
        let mut tab = anns_tab_again();
        assert!(!tab.has());
        end(&mut tab);
        assert_eq!((tab.session.next_wake(), &tab.stored), (None, &None));
        tab.person = Some("ann");
        assert!(matches!(tab.get(), Reply::Wait(_)));
    }
    // While somebody is signed in, another's record is rejected at once.
    let mut tab = anns_tab_again();
    tab.person = Some("bob");
    assert!(!tab.has());
    assert_eq!((tab.session.next_wake(), &tab.stored), (None, &None));
}

#[test]
fn late_identity_works_for_widgets_that_authenticate_people_too() {
    let mut tab = Tab::with(settings(Cache::Session, signed_jwt()));
    tab.fetch_answer(&signed("ann's", tab.now.wall, HOUR));
    tab.reload();
    tab.person = None;
    assert_eq!(tab.get(), Reply::Refuse(Failure::nobody_signed_in()));
    tab.person = Some("ann");
    assert!(matches!(tab.get(), Reply::Token(_)));
    assert_eq!(tab.attempts.len(), 0);
}

#[test]
fn rule_18_who_joins_while_the_others_are_asked_who_is_signed_in_waits_on() {
    let mut tab = Tab::new(Cache::Memory);
    let shared = request(&tab.get());
    tab.cannot_say(PAGE);
    let attempt = tab.latest();
    let readings = tab.readings(attempt).unwrap();
    // The identity that fails has called another handle before.
    assert_eq!(request(&tab.get_as(OTHER)), shared);
    tab.confirm(attempt, &readings);
    assert!(tab.dropped.is_empty());
    tab.tell_answer(attempt, &raw("of ann", 3_600));
    assert_eq!(tab.resolved[0].0, shared);
}
