//! Who is signed in, and that nobody is given another's token (rule 8).

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{IdentityProvider, Person, sign_out, source_error};
use crate::scene::{
    PERSON, Scene, access_token, code, contents, error, fake_clock, fulfilled, has_token, is_same, local_storage,
    number, object, open_tab, raw_token, session_storage, settled, text, value,
};

#[wasm_bindgen_test]
async fn rule_08_identity_change_rejects_who_waits() {
    let scene = Scene::new();
    let provider = scene.provider();
    let waiting = provider.get_token();
    settled().await;
    scene.person.set_id(&"customer-2".into());
    let token = provider.get_token();
    assert_eq!(code(&waiting).await, "IDENTITY_CHANGED");
    assert!(scene.source.signal(0).aborted());
    settled().await;
    assert_eq!(text(&scene.source.request(1), "identity"), "customer-2");
    scene.source.answer(0, &raw_token("first"));
    scene.source.answer(1, &raw_token("second"));
    assert_eq!(access_token(&token).await, "second");
    assert_eq!(scene.events.count("identity_changed"), 1);
}

#[wasm_bindgen_test]
async fn rule_08_identity_change_forgets_token_and_record() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    scene.person.set_id(&JsValue::NULL);
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
    scene.person.set_id(&PERSON.into());
    assert!(!has_token(&provider).await, "coming back does not bring it back");
}

#[wasm_bindgen_test]
async fn rule_08_an_answer_for_who_left_is_withheld_without_any_call_in_between() {
    let scene = Scene::new();
    let provider = scene.session_provider();
    let waiting = provider.get_token();
    settled().await;
    scene.person.set_id(&"customer-2".into());
    scene.source.answer(0, &raw_token("first"));
    assert_eq!(code(&waiting).await, "IDENTITY_CHANGED");
    assert!(!has_token(&provider).await);
    assert!(!contents(&session_storage()).contains("first"));
}

/// A call whose source fails, and who is signed in when it is to be asked again.
async fn asked_again_while(scene: &Scene, id: JsValue) -> Promise {
    let clock = fake_clock();
    let waiting = scene.session_provider().get_token();
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 503.into())])));
    settled().await;
    scene.person.set_id(&id);
    clock.advance(number(&scene.events.latest("request_retrying"), "delay") + 2.0).await;
    waiting
}

#[wasm_bindgen_test]
async fn rule_08_the_source_is_not_asked_again_while_somebody_else_is_there() {
    // It answers for who is there when it is asked, and who it was asked for may be there again at its answer.
    for (id, failure) in [("customer-2", "IDENTITY_CHANGED"), ("", "BAD_IDENTITY")] {
        let scene = Scene::new();
        let waiting = asked_again_while(&scene, id.into()).await;
        assert_eq!(scene.source.count(), 1);
        assert_eq!(code(&waiting).await, failure);
        scene.person.set_id(&PERSON.into());
        assert!(!has_token(&scene.session_provider()).await);
    }
}

#[wasm_bindgen_test]
async fn rule_08_the_source_is_asked_again_for_who_is_still_there_and_only_for_them() {
    let scene = Scene::new();
    let other = Person::new(&PERSON.into());
    let joined = scene.provider_with(&[("identity", other.identity().into()), ("cache", "session".into())]);
    let clock = fake_clock();
    let (waiting, joined) = (scene.session_provider().get_token(), joined.get_token());
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 503.into())])));
    settled().await;
    other.set_id(&"customer-2".into());
    clock.advance(number(&scene.events.latest("request_retrying"), "delay") + 2.0).await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("second"));
    assert_eq!(access_token(&waiting).await, "second");
    assert_eq!(code(&joined).await, "IDENTITY_CHANGED");
}

#[wasm_bindgen_test]
async fn rule_27_the_source_is_asked_again_for_who_signed_in_meanwhile() {
    let scene = Scene::new();
    scene.person.set_id(&JsValue::NULL);
    let waiting = asked_again_while(&scene, PERSON.into()).await;
    assert_eq!(scene.source.count(), 2);
    assert_eq!(text(&scene.source.request(1), "identity"), PERSON);
    scene.source.answer(1, &raw_token("hers"));
    assert_eq!(access_token(&waiting).await, "hers");
}

#[wasm_bindgen_test]
async fn rule_08_an_identity_that_fails_while_the_source_is_asked_withholds_the_token() {
    let scene = Scene::new();
    let provider = scene.session_provider();
    let waiting = provider.get_token();
    settled().await;
    scene.person.set_id(&"".into());
    scene.source.answer(0, &raw_token("first"));
    assert_eq!(code(&waiting).await, "BAD_IDENTITY");
    scene.person.set_id(&PERSON.into());
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_08_a_record_of_another_identity_is_not_used_and_removed() {
    let scene = Scene::new();
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("first"));
    fulfilled(&token).await;
    before.close();
    assert!(scene.record().is_some());

    scene.person.set_id(&"customer-2".into());
    let provider = scene.session_provider();
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), "scope");
}

#[wasm_bindgen_test]
async fn rule_08_nobody_s_record_is_not_used_for_a_person() {
    let scene = Scene::new();
    scene.person.set_id(&JsValue::NULL);
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    assert!(value(&scene.source.request(0), "identity").is_null());
    scene.source.answer(0, &raw_token("nobody"));
    fulfilled(&token).await;
    before.close();
    scene.person.set_id(&PERSON.into());
    assert!(!has_token(&scene.session_provider()).await);
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_08_the_identity_is_not_stored_in_clear() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    let stored = contents(&session_storage());
    assert!(stored.contains("entity-1"), "the record is there");
    assert!(!stored.contains(PERSON));
    assert!(!contents(&local_storage()).contains(PERSON));
    let salted = scene.record().unwrap();
    fulfilled(&sign_out()).await;
    let token = provider.get_token();
    settled().await;
    scene.source.answer(1, &raw_token("a"));
    fulfilled(&token).await;
    let scope = |record: &str| text(&js_sys::JSON::parse(record).unwrap(), "scope");
    assert_ne!(scope(&salted), scope(&scene.record().unwrap()), "one person's digests differ after a sign-out");
}

#[wasm_bindgen_test]
async fn rule_08_a_number_is_an_identity_and_null_is_nobody() {
    let scene = Scene::new();
    let provider = scene.provider();
    let mut waiting = Vec::new();
    for (run, (id, expected)) in [
        (JsValue::from(4711), JsValue::from("4711")),
        (JsValue::from(0), JsValue::from("0")),
        (JsValue::NULL, JsValue::NULL),
    ]
    .into_iter()
    .enumerate()
    {
        scene.person.set_id(&id);
        waiting.push(provider.get_token());
        settled().await;
        assert!(is_same(&value(&scene.source.request(run as u32), "identity"), &expected));
    }
    scene.person.set_id(&JsValue::UNDEFINED);
    let joined = provider.get_token();
    assert!(is_same(&joined, &waiting[2]), "undefined is nobody, like null");
    scene.source.answer(2, &raw_token("a"));
    assert_eq!(access_token(&joined).await, "a");
}

#[wasm_bindgen_test]
async fn rule_08_an_answer_that_is_no_user_id_is_a_bad_identity_of_every_method() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let wrong: [JsValue; 5] =
        ["".into(), object(&[("id", 1.into())]), f64::NAN.into(), true.into(), crate::face::settled_promise().into()];
    for id in wrong {
        scene.person.set_id(&id);
        for method in [
            IdentityProvider::get_token as fn(&IdentityProvider) -> Promise,
            IdentityProvider::get_fresh_token,
            IdentityProvider::has_token,
        ] {
            assert_eq!(code(&method(&provider)).await, "BAD_IDENTITY", "{id:?}");
        }
    }
    assert_eq!(scene.source.count(), 1);
    scene.person.set_id(&PERSON.into());
    assert_eq!(access_token(&provider.get_token()).await, "a", "nothing cached is lost");
}

#[wasm_bindgen_test]
async fn rule_05_invalidate_forgets_whatever_identity_says() {
    for wrong in [JsValue::from(""), true.into(), crate::face::settled_promise().into()] {
        let scene = Scene::new();
        let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
        scene.person.set_id(&wrong);
        assert!(fulfilled(&provider.invalidate()).await.is_undefined());
        assert!(scene.record().is_none());
        scene.person.set_id(&PERSON.into());
        assert!(!has_token(&provider).await);
    }
}

#[wasm_bindgen_test]
async fn rule_08_every_waiter_is_answered_by_its_own_identity() {
    let scene = Scene::new();
    let other = Person::new(&PERSON.into());
    let begun = scene.provider().get_token();
    let joined = scene.provider_with(&[("identity", other.identity().into())]).get_token();
    settled().await;
    other.set_id(&"customer-2".into());
    scene.source.answer(0, &raw_token("first"));
    assert_eq!(access_token(&begun).await, "first");
    assert_eq!(code(&joined).await, "IDENTITY_CHANGED");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_08_who_joined_keeps_the_answer_when_who_began_has_changed_or_fails() {
    for (said, failure) in [("customer-2", "IDENTITY_CHANGED"), ("", "BAD_IDENTITY")] {
        let scene = Scene::new();
        let other = Person::new(&PERSON.into());
        let begun = scene.provider().get_token();
        let joined = scene.provider_with(&[("identity", other.identity().into())]).get_token();
        settled().await;
        scene.person.set_id(&said.into());
        scene.source.answer(0, &raw_token("first"));
        assert_eq!(code(&begun).await, failure);
        assert_eq!(access_token(&joined).await, "first");
    }
}

#[wasm_bindgen_test]
async fn rule_08_an_attempt_that_was_given_up_is_heard_by_nobody() {
    let scene = Scene::new();
    // As a re-render leaves it: a closure over the person of that time, and a source that does not look at its signal.
    let fixed = js_sys::Function::new_no_args("return 'customer-1'");
    let before = scene.provider_with(&[("identity", fixed.into())]).get_token();
    settled().await;
    let now = scene.provider().get_token();
    assert_eq!(code(&before).await, "IDENTITY_CHANGED");
    settled().await;
    scene.source.answer(0, &raw_token("first"));
    settled().await;
    scene.source.answer(1, &raw_token("second"));
    assert_eq!(access_token(&now).await, "second");
}

#[wasm_bindgen_test]
async fn rule_27_who_waits_as_nobody_and_signs_in_is_served() {
    let scene = Scene::new();
    scene.person.set_id(&JsValue::NULL);
    let provider = scene.provider();
    let waiting = provider.get_token();
    settled().await;
    scene.person.set_id(&PERSON.into());
    scene.source.answer(0, &raw_token("nobody's"));
    settled().await;
    assert_eq!(text(&scene.source.request(1), "identity"), PERSON);
    scene.source.answer(1, &raw_token("hers"));
    assert_eq!(access_token(&waiting).await, "hers");
    assert_eq!(access_token(&provider.get_token()).await, "hers");
    assert_eq!(scene.source.count(), 2);
}

#[wasm_bindgen_test]
async fn rule_27_an_identity_that_comes_late_finds_its_record() {
    let scene = Scene::new();
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("first"));
    fulfilled(&token).await;
    before.close();

    scene.person.set_id(&JsValue::NULL);
    let provider = scene.session_provider();
    let waiting = provider.get_token();
    settled().await;
    scene.person.set_id(&PERSON.into());
    assert!(has_token(&provider).await);
    assert_eq!(access_token(&waiting).await, "first");
    assert!(scene.source.signal(1).aborted(), "nobody's request is not needed any more");
    assert!(scene.record().is_some());
}

#[wasm_bindgen_test]
async fn rule_08_a_record_that_nobody_comes_for_is_removed() {
    let scene = Scene::new();
    let clock = fake_clock();
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("first"));
    fulfilled(&token).await;
    before.close();
    scene.person.set_id(&JsValue::NULL);
    assert!(!has_token(&scene.session_provider()).await);
    clock.advance(9_999.0).await;
    assert!(scene.record().is_some());
    clock.advance(2.0).await;
    assert!(scene.record().is_none());
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), "scope");
}

#[wasm_bindgen_test]
async fn rule_08_identities_that_differ_in_a_lone_surrogate_are_two_persons() {
    let scene = Scene::new();
    let identity =
        js_sys::Function::new_with_args("units", "let at = 0; return () => 'a' + String.fromCharCode(units[at++])");
    let units = js_sys::Array::of2(&0xD800.into(), &0xD801.into());
    let identity = identity.call1(&JsValue::NULL, &units).unwrap();
    let provider = scene.provider_with(&[("identity", identity)]);
    let first = provider.get_token();
    settled().await;
    let second = provider.get_token();
    assert_eq!(code(&first).await, "IDENTITY_CHANGED");
    settled().await;
    let told = js_sys::JsString::from(value(&scene.source.request(1), "identity"));
    assert_eq!(told.char_code_at(1), f64::from(0xD801), "the source is told the identity as the page said it");
    let _unanswered = second;
}

#[wasm_bindgen_test]
async fn rule_08_an_identity_that_throws_is_a_bad_identity_with_its_cause() {
    let scene = Scene::new();
    let thrower = js_sys::Function::new_no_args("throw new RangeError('no session yet')");
    let failure = error(&scene.provider_with(&[("identity", thrower.into())]).get_token()).await;
    assert_eq!(failure.code(), "BAD_IDENTITY");
    assert!(value(&failure, "cause").is_instance_of::<js_sys::RangeError>());
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
async fn rule_08_where_nobody_can_be_signed_in_tokens_are_kept_apart_from_persons() {
    let scene = Scene::new();
    let _holding = scene.provider_holding("a", &[]).await;
    let anonymous = scene.provider_with(&[("identity", JsValue::NULL)]);
    assert!(!has_token(&anonymous).await);
}
