//! Answers that are given again without asking the core (rule 25).

use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{IdentityProvider, come_back, go_online, happen_to_document, settled_promise, sign_out};
use crate::scene::{
    GENERATION, PERSON, Scene, access_token, answer_at_once, code, fake_clock, fulfilled, has_token, is_same,
    local_storage, object, open_tab, raw_token, settled, state,
};

#[wasm_bindgen(module = "/tests/browser/lease.js")]
extern "C" {
    type Looks;
    #[wasm_bindgen(constructor)]
    fn new() -> Looks;
    #[wasm_bindgen(method)]
    fn take(this: &Looks) -> u32;

    #[wasm_bindgen(js_name = spoilClock)]
    fn spoil_clock(how: &str);
    #[wasm_bindgen(js_name = identityThat)]
    fn identity_that(id: &str, act: &Function) -> Function;
    #[wasm_bindgen(js_name = signOutOfATab)]
    fn sign_out_of_a_tab() -> js_sys::Promise;
    #[wasm_bindgen(js_name = callWith)]
    fn call_with(provider: &IdentityProvider, given: &JsValue) -> js_sys::Promise;
}

/// More calls than it takes to be lent an answer.
const BURST: u32 = 12;

/// Options without a listener: who listens hears of every call, and is lent nothing.
fn unheard<'a>(others: &[(&'a str, JsValue)]) -> Vec<(&'a str, JsValue)> {
    [&[("onEvent", JsValue::UNDEFINED)], others].concat()
}

/// A provider with a token, which has just been lent to who calls it: by a clock that stands still.
async fn lending(scene: &Scene, others: &[(&str, JsValue)]) -> (IdentityProvider, Looks) {
    let provider = scene.provider_holding("a", &unheard(others)).await;
    let looks = Looks::new();
    lend(&provider, &looks);
    (provider, looks)
}

fn lend(provider: &IdentityProvider, looks: &Looks) {
    for _ in 0..BURST {
        let _token = provider.get_token();
    }
    looks.take();
    let _token = provider.get_token();
    assert_eq!(looks.take(), 0, "a call of a burst does not");
}

/// The next call asks the core, whatever that answers.
fn asks(provider: &IdentityProvider, looks: &Looks, after: &str) {
    looks.take();
    let _token = provider.get_token();
    assert_eq!(looks.take(), 1, "after {after}");
}

#[wasm_bindgen_test]
async fn rule_25_a_burst_of_calls_is_answered_with_the_same_promise_and_without_the_core() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    let (one, other) = (provider.get_token(), provider.get_token());
    assert!(is_same(&one, &other));
    assert_eq!(looks.take(), 0);
    assert_eq!(access_token(&one).await, "a");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_25_who_is_signed_in_is_asked_at_every_call() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    for (name, person) in [("b", JsValue::from("customer-4712")), ("c", JsValue::NULL), ("d", JsValue::from(4_711))] {
        scene.person.set_id(&person);
        let token = provider.get_token();
        assert_eq!(looks.take(), 1, "{person:?} is not {PERSON}");
        settled().await;
        scene.source.answer(scene.source.count() - 1, &raw_token(name));
        assert_eq!(access_token(&token).await, name);
        lend(&provider, &looks);
    }
    // The same person: numbers are named by their digits.
    scene.person.set_id(&"4711".into());
    assert_eq!(access_token(&provider.get_token()).await, "d");
    assert_eq!(looks.take(), 0);
    scene.person.set_id(&"04711".into());
    assert_eq!(state(&provider.get_token()).await, "pending");
}

#[wasm_bindgen_test]
async fn rule_25_who_cannot_say_who_they_are_is_lent_nothing() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    for wrong in ["".into(), f64::NAN.into(), true.into(), object(&[]), settled_promise().into()] {
        scene.person.set_id(&wrong);
        assert_eq!(code(&provider.get_token()).await, "BAD_IDENTITY", "{wrong:?}");
        scene.person.set_id(&PERSON.into());
        lend(&provider, &looks);
    }
}

#[wasm_bindgen_test]
async fn rule_25_a_person_whose_name_is_written_otherwise_for_the_core_is_not_taken_for_who_is_called_that() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    scene.person.set_id(&"\0\"ann\"".into());
    let provider = scene.provider_holding("a", &unheard(&[])).await;
    (0..BURST).for_each(|_| drop(provider.get_token()));
    scene.person.set_id(&"\0\"\\u0000\\\"ann\\\"\"".into());
    assert_eq!(state(&provider.get_token()).await, "pending");
}

#[wasm_bindgen_test]
async fn rule_25_whatever_the_core_is_told_or_asked_ends_a_lease() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    let tab = open_tab().await;
    let other = scene.provider_with(&unheard(&[("margin", 1.into())]));
    answer_at_once(&scene.source);
    type Told<'a> = (&'a str, Box<dyn Fn() + 'a>);
    let told: [Told; 13] = [
        ("invalidate", Box::new(|| drop(provider.invalidate()))),
        ("getFreshToken", Box::new(|| drop(provider.get_fresh_token()))),
        ("hasToken", Box::new(|| drop(provider.has_token()))),
        ("another handle's call", Box::new(|| drop(other.get_token()))),
        ("another handle", Box::new(|| drop(scene.provider_with(&unheard(&[]))))),
        ("a listener", Box::new(|| drop(scene.provider_with(&[("licenseId", (scene.license + 700_000).into())])))),
        ("freeze", Box::new(|| happen_to_document("freeze"))),
        ("resume", Box::new(|| happen_to_document("resume"))),
        ("visibilitychange", Box::new(|| happen_to_document("visibilitychange"))),
        ("pageshow", Box::new(come_back)),
        ("online", Box::new(go_online)),
        ("sign_out", Box::new(|| drop(sign_out()))),
        ("sign_out in another tab", Box::new(|| drop(tab.sign_out()))),
    ];
    for (name, tell) in told {
        let heard = name.ends_with("tab").then(sign_out_of_a_tab);
        tell();
        if let Some(heard) = heard {
            fulfilled(&heard).await;
            settled().await;
        }
        asks(&provider, &looks, name);
        settled().await;
        access_token(&provider.get_token()).await;
        lend(&provider, &looks);
    }
}

#[wasm_bindgen_test]
async fn rule_25_an_answer_of_the_source_ends_a_lease() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    let elsewhere = scene.provider_with(&unheard(&[("licenseId", (scene.license + 500_000).into())]));
    let waiting = elsewhere.get_token();
    settled().await;
    lend(&provider, &looks);
    scene.source.answer(1, &raw_token("b"));
    fulfilled(&waiting).await;
    asks(&provider, &looks, "an answer");
}

#[wasm_bindgen_test]
async fn rule_25_a_lease_ends_after_a_millisecond_whichever_way_the_clock_goes() {
    let scene = Scene::new();
    let clock = fake_clock();
    let (provider, looks) = lending(&scene, &[]).await;
    for by in [1.0, -1.0, 600_000.0, -600_000.0] {
        clock.move_wall(by);
        asks(&provider, &looks, &format!("{by} ms"));
        lend(&provider, &looks);
    }
}

#[wasm_bindgen_test]
async fn rule_25_a_timer_ends_a_lease_where_the_wall_clock_is_set_back() {
    let scene = Scene::new();
    let clock = fake_clock();
    let (provider, looks) = lending(&scene, &[]).await;
    clock.advance(5.0).await;
    clock.move_wall(-5.0);
    asks(&provider, &looks, "five milliseconds by the monotonic clock");
}

#[wasm_bindgen_test]
async fn rule_25_a_clock_that_says_nothing_ends_a_lease_and_keeps_nobody_from_the_token() {
    for how in ["throws", "NaN", "text"] {
        let (scene, _clock) = (Scene::new(), fake_clock());
        let (provider, looks) = lending(&scene, &[]).await;
        spoil_clock(how);
        asks(&provider, &looks, how);
        assert_eq!(access_token(&provider.get_token()).await, "a", "{how}");
    }
}

#[wasm_bindgen_test]
async fn rule_25_who_listens_hears_of_every_call() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let provider = scene.provider_holding("a", &[]).await;
    scene.events.clear();
    (0..3 * BURST).for_each(|_| drop(provider.get_token()));
    assert_eq!(scene.events.count("cache_hit"), 3 * BURST);
}

#[wasm_bindgen_test]
async fn rule_25_a_call_with_something_else_than_nothing_is_the_cores() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let (provider, looks) = lending(&scene, &[]).await;
    for given in [JsValue::NULL, object(&[("signal", JsValue::UNDEFINED)])] {
        assert_eq!(access_token(&call_with(&provider, &given)).await, "a");
        assert_eq!(looks.take(), 1, "{given:?}");
    }
}

#[wasm_bindgen_test]
async fn rule_25_another_handle_of_the_scope_is_answered_by_its_own_rules() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let eager = scene.provider_with(&unheard(&[("refreshAhead", 3_600_000.into())]));
    let careful = scene.provider_with(&unheard(&[("margin", 3_599_999.into())]));
    let clock = fake_clock();
    let (provider, looks) = lending(&scene, &[]).await;
    clock.advance(2_000_000.0).await;
    lend(&provider, &looks);
    assert_eq!(access_token(&eager.get_token()).await, "a");
    settled().await;
    assert_eq!(scene.source.count(), 2, "it refreshes ahead");
    lend(&provider, &looks);
    assert_eq!(state(&careful.get_token()).await, "pending");
}

#[wasm_bindgen_test]
async fn rule_25_in_the_last_stretch_of_a_life_every_call_is_the_cores() {
    let scene = Scene::new();
    let clock = fake_clock();
    let (provider, looks) = lending(&scene, &[("refreshAhead", 600_000.into())]).await;
    clock.advance(3_600_000.0 - 30_000.0 - 600_000.0 - 1.0).await;
    (0..BURST).for_each(|_| drop(provider.get_token()));
    settled().await;
    assert_eq!((scene.source.count(), looks.take()), (1, BURST), "so near to it nothing is lent");
    clock.move_monotonic(1.0);
    assert_eq!(access_token(&provider.get_token()).await, "a");
    settled().await;
    assert_eq!(scene.source.count(), 2, "the refresh begins");
}

#[wasm_bindgen_test]
async fn rule_25_codes_and_tokens_that_are_not_cached_are_not_lent() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    answer_at_once(&scene.source);
    let provider = scene.provider_with(&unheard(&[("cache", "none".into())]));
    for call in 1..=BURST {
        assert_eq!(access_token(&provider.get_token()).await, format!("token-{call}"));
    }
}

#[wasm_bindgen_test]
async fn rule_25_an_identity_function_that_signs_out_is_not_lent_what_it_gave_up() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    thread_local!(static LEAVES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
    let act = Closure::<dyn Fn()>::new(|| {
        if LEAVES.replace(false) {
            let _resolved = sign_out();
        }
    });
    let identity = identity_that(PERSON, act.as_ref().unchecked_ref());
    let (provider, looks) = lending(&scene, &[("identity", identity.into())]).await;
    LEAVES.set(true);
    let token = provider.get_token();
    assert_eq!(state(&token).await, "pending", "another token is asked for");
    assert!(looks.take() > 0);
    assert_eq!(scene.source.count(), 2);
}

#[wasm_bindgen_test]
async fn rule_25_a_few_calls_are_never_lent_an_answer() {
    let (scene, _clock) = (Scene::new(), fake_clock());
    let provider = scene.provider_holding("a", &unheard(&[])).await;
    (0..4).for_each(|_| drop(provider.get_token()));
    // The same window's writes tell nobody.
    local_storage().set_item(GENERATION, "another").unwrap();
    assert_eq!(state(&provider.get_token()).await, "pending");
    assert!(!has_token(&provider).await);
}
