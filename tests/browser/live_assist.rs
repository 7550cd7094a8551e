//! Live Assist: the function that is called by name, its implicit flow and its code flow, and asking the person to sign in.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{Eavesdropper, IdentityError, describe, network_error, sign_out, source_error};
use crate::scene::{Scene, contents, fake_clock, fulfilled, is_same, object, settled, text, value, with};
use crate::widget_scene::{
    Callback, Service, WidgetScene, ask, authorise_chat_with_callback, call, is_bad_option, is_token, jwt, jwt_of,
};

/// A proof key as LivePerson hands it over.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The code that the source answers with.
fn code(name: &str) -> JsValue {
    object(&[("ssoKey", name.into()), ("redirect_uri", "https://liveperson.net".into())])
}

fn call_with_challenge(function: &Function, challenge: &JsValue) -> Callback {
    let callback = Callback::new();
    function.call2(&JsValue::NULL, &callback.call(), challenge).unwrap();
    callback
}

#[wasm_bindgen_test]
async fn the_implicit_flow_hands_the_token_over_and_concurrent_calls_share_it() {
    let scene = WidgetScene::new();
    let authorise = scene.live_assist(&[]);
    // LivePerson may pass a proof key also where it is of no use.
    let callbacks = [call(&authorise), call_with_challenge(&authorise, &CHALLENGE.into()), call(&authorise)];
    settled().await;
    assert_eq!(scene.source.count(), 1);
    assert!(value(&scene.source.request(0), "codeChallenge").is_undefined());
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    for callback in &callbacks {
        assert_eq!(callback.token().await, token);
        assert_eq!(callback.width(), 1);
    }
    assert_eq!(text(&scene.events.latest("widget_answered"), "widget"), "live_assist");
}

#[wasm_bindgen_test]
async fn a_failure_is_null_and_a_reason_for_a_person_without_secrets() {
    let mut reasons: Vec<String> = Vec::new();
    let said = object(&[("message", "secret-message".into()), ("retryable", false.into())]);
    for failure in [
        source_error(&object(&[("status", 401.into())])),
        source_error(&object(&[("status", 403.into())])),
        source_error(&object(&[("status", 503.into())])),
        source_error(&said),
        IdentityError::new("REFUSED", "secret-message", &object(&[("cause", said.clone())])).into(),
        "secret-message".into(),
    ] {
        let scene = WidgetScene::new();
        scene.person.set_id(&"secret-person".into());
        let callback = call(&scene.live_assist(&[("patience", 0.into())]));
        settled().await;
        scene.source.fail(0, &failure);
        let reason = callback.reason().await;
        assert!(callback.argument(0, 0).is_null());
        assert_eq!(callback.width(), 2);
        assert!(reason.len() > 20 && reason.contains(' ') && reason.ends_with('.'), "no sentence: {reason}");
        for forbidden in ["secret", "NOT_SIGNED_IN", "REFUSED", "SOURCE_FAILED", "UNAVAILABLE", "401", "403", "503"] {
            assert!(!reason.contains(forbidden), "{forbidden} in {reason}");
        }
        reasons.push(reason);
    }
    assert!(reasons[0].contains("sign in"), "{}", reasons[0]);
    assert!(reasons[2].contains("later"), "{}", reasons[2]);
    for lasting in [1, 3, 4, 5] {
        assert_eq!(reasons[lasting], reasons[1]);
        assert!(!reasons[lasting].contains("later") && !reasons[lasting].contains("sign in"), "{}", reasons[lasting]);
    }
}

#[wasm_bindgen_test]
async fn liveperson_s_own_failure_forms_are_an_option() {
    for (form, expected) in [("null", "null"), ("empty_string", "\"\""), ("empty_object", "{}")] {
        let scene = WidgetScene::new();
        for function in
            [scene.live_assist(&[("failureForm", form.into())]), scene.code_flow(&[("failureForm", form.into())])]
        {
            let callback = call(&function);
            settled().await;
            scene.source.fail(scene.source.count() - 1, &source_error(&object(&[("status", 403.into())])));
            let answer = callback.answer().await;
            assert_eq!(String::from(js_sys::JSON::stringify(&answer).unwrap()), expected);
            assert!(!callback.reason().await.is_empty());
        }
    }
}

#[wasm_bindgen_test]
async fn rule_14_silence_is_answered_after_8_s_once() {
    for is_code_flow in [false, true] {
        let scene = WidgetScene::new();
        let clock = fake_clock();
        let callback = call(&if is_code_flow { scene.code_flow(&[]) } else { scene.live_assist(&[]) });
        clock.advance(7_999.0).await;
        assert_eq!(callback.count(), 0);
        clock.advance(1.0).await;
        assert!(callback.answer().await.is_null());
        assert!(callback.reason().await.contains("later"));
        scene.source.answer(0, &if is_code_flow { code("late") } else { jwt("late").into() });
        clock.advance(60_000.0).await;
        assert_eq!(callback.count(), 1);
    }
}

#[wasm_bindgen_test]
async fn rule_14_what_is_no_callback_throws_a_type_error_at_once() {
    let scene = WidgetScene::new();
    for function in [scene.live_assist(&[]), scene.code_flow(&[])] {
        for wrong in [JsValue::UNDEFINED, JsValue::NULL, object(&[]), CHALLENGE.into()] {
            let thrown = function.call1(&JsValue::NULL, &wrong).unwrap_err();
            assert!(thrown.is_instance_of::<js_sys::TypeError>(), "{thrown:?}");
        }
    }
    settled().await;
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
async fn rule_14_a_callback_that_throws_hurts_nobody_else() {
    let scene = WidgetScene::new();
    let eavesdropper = Eavesdropper::new();
    let authorise = scene.live_assist(&[]);
    let broken = Callback::new();
    broken.throw_from_now_on();
    authorise.call1(&JsValue::NULL, &broken.call()).unwrap();
    let sound = call(&authorise);
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(sound.token().await, token);
    assert_eq!(broken.token().await, token);
    assert!(!eavesdropper.text().contains(&token));
}

#[wasm_bindgen_test]
async fn the_reason_stays_the_same_while_a_failure_cools_down() {
    for (failure, word) in [(401, "sign in"), (503, "later")] {
        let scene = WidgetScene::new();
        let authorise = scene.live_assist(&[("patience", 0.into())]);
        let first = call(&authorise);
        settled().await;
        scene.source.fail(0, &source_error(&object(&[("status", failure.into())])));
        let reason = first.reason().await;
        assert!(reason.contains(word), "{reason}");
        let second = call(&authorise);
        if failure == 401 {
            // A refusal because nobody is signed in cools nothing down.
            settled().await;
            scene.source.fail(1, &source_error(&object(&[("status", failure.into())])));
        }
        assert_eq!(second.reason().await, reason);
        assert!(second.argument(0, 0).is_null());
        assert_eq!(scene.source.count(), if failure == 401 { 2 } else { 1 });
    }
}

#[wasm_bindgen_test]
async fn rule_08_another_person_never_gets_the_token_or_code_of_the_first() {
    for is_code_flow in [false, true] {
        let scene = WidgetScene::new();
        let authorise = if is_code_flow { scene.code_flow(&[]) } else { scene.live_assist(&[]) };
        let answer = |name: &str| if is_code_flow { JsValue::from(name) } else { jwt(name).into() };
        let first = call(&authorise);
        settled().await;
        scene.person.set_id(&"customer-2".into());
        scene.source.answer(0, &answer("first"));
        assert!(first.answer().await.is_null(), "code flow: {is_code_flow}");
        assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "IDENTITY_CHANGED");
        let second = call(&authorise);
        settled().await;
        assert_eq!(text(&scene.source.request(1), "identity"), "customer-2");
        let own = answer("second");
        scene.source.answer(1, &own);
        assert!(is_same(&second.answer().await, &own));
        assert_eq!(first.count(), 1);
    }
}

#[wasm_bindgen_test]
async fn a_callback_may_ask_again_while_it_is_answered() {
    let scene = WidgetScene::new();
    let authorise = scene.live_assist(&[]);
    let inner = Callback::new();
    let again = Function::new_with_args("authorise, inner", "return () => authorise(inner)");
    let outer: Function = again.call2(&JsValue::NULL, &authorise, &inner.call()).unwrap().unchecked_into();
    authorise.call1(&JsValue::NULL, &outer).unwrap();
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(inner.token().await, token);
    assert_eq!(scene.source.count(), 1);
}

// The code flow.

#[wasm_bindgen_test]
async fn a_code_is_handed_on_as_it_is() {
    let extended = with(&code("a"), &[("state", "more".into())]);
    for answer in [JsValue::from("a-code"), "123456".into(), code("a"), extended] {
        let scene = WidgetScene::new();
        let callback = call(&scene.code_flow(&[]));
        settled().await;
        scene.source.answer(0, &answer);
        let given = callback.answer().await;
        assert_eq!(js_sys::JSON::stringify(&given).unwrap(), js_sys::JSON::stringify(&answer).unwrap());
        assert_eq!(callback.width(), 1);
    }
}

#[wasm_bindgen_test]
async fn rule_15_every_call_gets_a_code_of_its_own() {
    let scene = WidgetScene::new();
    let authorise = scene.code_flow(&[]);
    let callbacks = [call(&authorise), call(&authorise), call_with_challenge(&authorise, &CHALLENGE.into())];
    settled().await;
    assert_eq!(scene.source.count(), 3, "concurrent calls share nothing");
    // Answered in another order than asked.
    for index in [2, 0, 1] {
        scene.source.answer(index, &code(&format!("code-{index}")));
    }
    for (index, callback) in callbacks.iter().enumerate() {
        assert_eq!(text(&callback.answer().await, "ssoKey"), format!("code-{index}"));
    }
    let _later = call(&authorise);
    settled().await;
    assert_eq!(scene.source.count(), 4, "nothing is cached");
    assert!(!contents(&crate::scene::session_storage()).contains("code-"));
}

#[wasm_bindgen_test]
async fn rule_15_a_code_that_comes_too_late_is_given_to_nobody() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let authorise = scene.code_flow(&[]);
    let late = call(&authorise);
    clock.advance(8_000.0).await;
    assert!(late.answer().await.is_null());
    let next = call(&authorise);
    settled().await;
    assert_eq!(scene.source.count(), 2, "the next call asks for itself");
    scene.source.answer(0, &code("late"));
    settled().await;
    assert_eq!((late.count(), next.count()), (1, 0));
    scene.source.answer(1, &code("next"));
    assert_eq!(text(&next.answer().await, "ssoKey"), "next");
}

#[wasm_bindgen_test]
async fn rule_15_two_functions_of_one_scope_share_no_code() {
    let scene = WidgetScene::new();
    let callbacks = [call(&scene.code_flow(&[])), call(&scene.code_flow(&[]))];
    settled().await;
    assert_eq!(scene.source.count(), 2);
    for (index, callback) in callbacks.iter().enumerate() {
        scene.source.answer(index as u32, &code(&format!("code-{index}")));
        assert_eq!(text(&callback.answer().await, "ssoKey"), format!("code-{index}"));
    }
}

#[wasm_bindgen_test]
async fn rule_15_one_call_s_failure_is_not_another_s() {
    let scene = WidgetScene::new();
    let authorise = scene.code_flow(&[]);
    let (failing, sound) = (call(&authorise), call(&authorise));
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 403.into())])));
    scene.source.answer(1, &code("b"));
    assert!(failing.answer().await.is_null());
    assert_eq!(text(&sound.answer().await, "ssoKey"), "b");
}

#[wasm_bindgen_test]
async fn a_proof_key_reaches_a_function_source() {
    let scene = WidgetScene::new();
    let authorise = scene.code_flow(&[]);
    let _bound = call_with_challenge(&authorise, &CHALLENGE.into());
    let _unbound = [
        call(&authorise),
        call_with_challenge(&authorise, &JsValue::NULL),
        call_with_challenge(&authorise, &JsValue::UNDEFINED),
    ];
    settled().await;
    assert_eq!(text(&scene.source.request(0), "codeChallenge"), CHALLENGE);
    for index in 1..4 {
        assert!(value(&scene.source.request(index), "codeChallenge").is_undefined(), "each call has its own");
    }
}

#[wasm_bindgen_test]
async fn a_proof_key_that_is_none_is_answered_with_the_failure_form() {
    for wrong in [JsValue::from("short"), "".into(), 17.into(), "=".repeat(43).into(), object(&[])] {
        let scene = WidgetScene::new();
        let callback = call_with_challenge(&scene.code_flow(&[]), &wrong);
        assert!(callback.answer().await.is_null(), "{wrong:?}");
        assert_eq!(scene.source.count(), 0, "a code that is bound to nothing must not be asked for: {wrong:?}");
        assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "BAD_OPTION");
    }
}

#[wasm_bindgen_test]
async fn a_proof_key_reaches_a_service_in_the_json_body() {
    let body = |request: &JsValue| js_sys::JSON::parse(&text(request, "body")).unwrap();
    let scene = WidgetScene::new();
    let service = Service::new();
    service.answers(200, "application/json", r#"{"ssoKey":"a","redirect_uri":"https://liveperson.net"}"#);
    let authorise = scene.code_flow(&[("source", "/live-assist/code".into())]);
    assert_eq!(text(&call_with_challenge(&authorise, &CHALLENGE.into()).answer().await, "ssoKey"), "a");
    let request = service.request(0);
    assert_eq!(text(&request, "method"), "POST");
    assert_eq!(crate::scene::keys(&body(&request)), "code_challenge");
    assert_eq!(text(&body(&request), "code_challenge"), CHALLENGE);
    assert_eq!(text(&value(&request, "headers"), "content-type"), "application/json");
    call(&authorise).answer().await;
    assert!(value(&service.request(1), "body").is_undefined(), "without a proof key nothing is sent");

    // Beside what the page sends.
    let source = object(&[
        ("url", "/live-assist/code".into()),
        ("body", r#"{"redirect_uri":"https://shop.example/"}"#.into()),
        ("headers", object(&[("x-csrf", "1".into())])),
    ]);
    let authorise = scene.code_flow(&[("source", source)]);
    call_with_challenge(&authorise, &CHALLENGE.into()).answer().await;
    let request = service.request(2);
    assert_eq!(text(&body(&request), "redirect_uri"), "https://shop.example/");
    assert_eq!(text(&body(&request), "code_challenge"), CHALLENGE);
    assert_eq!(text(&value(&request, "headers"), "x-csrf"), "1");
    call(&authorise).answer().await;
    assert_eq!(crate::scene::keys(&body(&service.request(3))), "redirect_uri");
}

#[wasm_bindgen_test]
async fn a_service_may_answer_with_a_code_as_text() {
    for (content_type, body, expected) in [
        ("text/plain", "a-code\n", "a-code"),
        ("text/plain", "123456", "123456"),
        ("application/json", "\"a-code\"", "a-code"),
    ] {
        let scene = WidgetScene::new();
        let service = Service::new();
        service.answers(200, content_type, body);
        let callback = call(&scene.code_flow(&[("source", "/live-assist/code".into())]));
        assert_eq!(callback.token().await, expected);
    }
}

#[wasm_bindgen_test]
async fn rule_21_what_is_no_code_is_a_bad_answer() {
    for answer in [
        JsValue::UNDEFINED,
        "".into(),
        17.into(),
        object(&[]),
        with(&code("a"), &[("redirect_uri", JsValue::UNDEFINED)]),
        with(&code("a"), &[("ssoKey", "".into())]),
        with(&code("a"), &[("ssoKey", 17.into())]),
        js_sys::Array::new().into(),
    ] {
        let scene = WidgetScene::new();
        let callback = call(&scene.code_flow(&[]));
        settled().await;
        scene.source.answer(0, &answer);
        assert!(callback.answer().await.is_null(), "{answer:?}");
        assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "BAD_ANSWER", "{answer:?}");
    }
}

// Signing in.

/// The page's own hook, which waits until the test answers it.
fn hook() -> crate::face::Source {
    crate::face::Source::new()
}

#[wasm_bindgen_test]
async fn nobody_is_signed_in_and_the_page_asks_once_for_all_calls() {
    let scene = WidgetScene::new();
    let sign_in = hook();
    scene.person.set_id(&JsValue::NULL);
    let authorise = scene.live_assist(&[("signIn", sign_in.ask().into())]);
    let callbacks = [call(&authorise), call(&authorise)];
    settled().await;
    assert_eq!((sign_in.count(), scene.source.count()), (1, 0));
    assert_eq!(scene.events.count("sign_in_asked"), 1);
    assert!(!sign_in.signal(0).aborted());
    let late = call(&authorise);
    settled().await;
    assert_eq!(sign_in.count(), 1, "the person is being asked already");
    scene.person.set_id(&"customer-4711".into());
    sign_in.answer(0, &JsValue::TRUE);
    settled().await;
    assert_eq!(scene.source.count(), 1);
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    for callback in callbacks.iter().chain([&late]) {
        assert_eq!(callback.token().await, token);
    }
}

#[wasm_bindgen_test]
async fn who_has_signed_in_is_served_at_once_in_spite_of_the_cool_down() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let sign_in = hook();
    let authorise = scene.live_assist(&[("signIn", sign_in.ask().into())]);
    let callback = call(&authorise);
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 401.into())])));
    settled().await;
    // The person needs a while, longer than the widget's deadline for a token.
    clock.advance(60_000.0).await;
    assert_eq!(callback.count(), 0);
    let refused = ask(&scene.microsoft(&[]));
    settled().await;
    sign_in.answer(0, &JsValue::TRUE);
    settled().await;
    let token = jwt("a");
    scene.source.answer(2, &token.as_str().into());
    assert_eq!(callback.token().await, token);
    scene.source.answer(1, &token.as_str().into());
    is_token(&refused, &token).await;

    // Without a pause in between, where the cool-down would still last.
    let scene = WidgetScene::new();
    let sign_in = hook();
    let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into())]));
    settled().await;
    scene.source.answer(0, &JsValue::NULL);
    settled().await;
    sign_in.answer(0, &JsValue::TRUE);
    settled().await;
    scene.source.answer(1, &token.as_str().into());
    assert_eq!(callback.token().await, token);
}

#[wasm_bindgen_test]
async fn a_sign_in_works_in_the_code_flow_too() {
    let scene = WidgetScene::new();
    let sign_in = hook();
    let authorise = scene.code_flow(&[("signIn", sign_in.ask().into())]);
    let callbacks =
        [call_with_challenge(&authorise, &CHALLENGE.into()), call_with_challenge(&authorise, &CHALLENGE.into())];
    settled().await;
    for index in 0..2 {
        scene.source.answer(index, &JsValue::NULL);
    }
    settled().await;
    assert_eq!(sign_in.count(), 1);
    sign_in.answer(0, &JsValue::TRUE);
    settled().await;
    assert_eq!(scene.source.count(), 4);
    for index in 2..4 {
        assert_eq!(text(&scene.source.request(index), "codeChallenge"), CHALLENGE);
        scene.source.answer(index, &code(&format!("code-{index}")));
    }
    assert_eq!(text(&callbacks[0].answer().await, "ssoKey"), "code-2");
    assert_eq!(text(&callbacks[1].answer().await, "ssoKey"), "code-3");
}

#[wasm_bindgen_test]
async fn who_does_not_sign_in_means_the_failure_form_and_may_be_asked_again() {
    let scene = WidgetScene::new();
    let sign_in = hook();
    let authorise = scene.live_assist(&[("signIn", sign_in.ask().into())]);
    for (index, answer) in
        [JsValue::FALSE, JsValue::UNDEFINED, "yes".into(), 1.into(), object(&[])].into_iter().enumerate()
    {
        let callback = call(&authorise);
        settled().await;
        // After a few refusals in a row the source is asked once a second at most.
        if index < 4 {
            scene.source.answer(index as u32, &JsValue::NULL);
            settled().await;
        }
        sign_in.answer(index as u32, &answer);
        assert!(callback.answer().await.is_null(), "{answer:?}");
        assert!(callback.reason().await.contains("sign in"));
    }
    assert_eq!(scene.source.count(), 4, "only true means that somebody is signed in now");
}

#[wasm_bindgen_test]
async fn a_sign_in_that_fails_or_throws_means_the_failure_form_and_is_heard_of_in_the_console() {
    let eavesdropper_word = "signIn failed";
    let thrower = Function::new_no_args("throw new Error('no dialog')");
    let rejecter = Function::new_no_args("return Promise.reject(new Error('no dialog'))");
    for broken in [thrower, rejecter] {
        let scene = WidgetScene::new();
        let eavesdropper = Eavesdropper::new();
        scene.person.set_id(&JsValue::NULL);
        let callback = call(&scene.live_assist(&[("signIn", broken.into())]));
        assert!(callback.answer().await.is_null());
        assert!(eavesdropper.text().contains(eavesdropper_word));
    }
}

#[wasm_bindgen_test]
async fn a_sign_in_that_is_silent_ends_after_its_own_time_and_is_told_so() {
    for (option, time) in [(JsValue::UNDEFINED, 300_000.0), (20_000.into(), 20_000.0)] {
        let scene = WidgetScene::new();
        let _eavesdropper = Eavesdropper::new();
        let clock = fake_clock();
        scene.person.set_id(&JsValue::NULL);
        let sign_in = hook();
        let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into()), ("signInTimeout", option)]));
        clock.advance(time - 1.0).await;
        assert_eq!(callback.count(), 0);
        assert!(!sign_in.signal(0).aborted());
        clock.advance(1.0).await;
        assert!(callback.answer().await.is_null());
        assert!(sign_in.signal(0).aborted());
        sign_in.answer(0, &JsValue::TRUE);
        settled().await;
        assert_eq!(callback.count(), 1);
    }
}

#[wasm_bindgen_test]
async fn rule_14_a_source_that_is_silent_after_the_sign_in_is_answered_within_another_8_s() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    scene.person.set_id(&JsValue::NULL);
    let sign_in = hook();
    let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into())]));
    clock.advance(20_000.0).await;
    scene.person.set_id(&"customer-4711".into());
    sign_in.answer(0, &JsValue::TRUE);
    clock.advance(7_999.0).await;
    assert_eq!((scene.source.count(), callback.count()), (1, 0));
    clock.advance(1.0).await;
    assert!(callback.answer().await.is_null());
    assert!(callback.reason().await.contains("later"));
}

#[wasm_bindgen_test]
async fn a_sign_in_may_answer_at_once() {
    let scene = WidgetScene::new();
    let callback = call(&scene.live_assist(&[("signIn", Function::new_no_args("return true").into())]));
    settled().await;
    scene.source.answer(0, &JsValue::NULL);
    settled().await;
    assert_eq!(scene.source.count(), 2);
    let token = jwt("a");
    scene.source.answer(1, &token.as_str().into());
    assert_eq!(callback.token().await, token);
}

#[wasm_bindgen_test]
async fn rule_07_who_signs_out_while_a_call_waits_is_asked_to_sign_in_once() {
    let scene = WidgetScene::new();
    let sign_in = hook();
    let authorise = scene.live_assist(&[("signIn", sign_in.ask().into())]);
    let callbacks = [call(&authorise), call(&authorise)];
    settled().await;
    fulfilled(&sign_out()).await;
    settled().await;
    assert_eq!(sign_in.count(), 1);
    sign_in.answer(0, &JsValue::FALSE);
    for callback in &callbacks {
        assert!(callback.answer().await.is_null());
        assert!(callback.reason().await.contains("sign in"));
    }
}

#[wasm_bindgen_test]
async fn who_signs_in_and_is_still_nobody_is_not_asked_for_ever() {
    let scene = WidgetScene::new();
    scene.person.set_id(&JsValue::NULL);
    let sign_in = hook();
    let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into())]));
    settled().await;
    sign_in.answer(0, &JsValue::TRUE);
    assert!(callback.answer().await.is_null());
    assert_eq!(sign_in.count(), 1);
}

#[wasm_bindgen_test]
async fn the_page_is_not_asked_where_signing_in_would_not_help() {
    for status in [403, 404] {
        let scene = WidgetScene::new();
        let sign_in = hook();
        let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into())]));
        settled().await;
        scene.source.fail(0, &source_error(&object(&[("status", status.into())])));
        assert!(callback.answer().await.is_null());
        assert_eq!(sign_in.count(), 0);
    }
    let scene = WidgetScene::new();
    let sign_in = hook();
    let callback = call(&scene.live_assist(&[("signIn", sign_in.ask().into()), ("patience", 0.into())]));
    settled().await;
    scene.source.fail(0, &network_error());
    assert!(callback.answer().await.is_null());
    assert_eq!(sign_in.count(), 0);
}

// The three widgets together.

#[wasm_bindgen_test]
async fn rule_07_sign_out_is_for_all_three_widgets() {
    let scene = WidgetScene::new();
    let livechat = scene.provider();
    let (omnichannel, live_assist) = (scene.omnichannel(&[]), scene.live_assist(&[]));
    let token = livechat.get_token();
    let callbacks = [call(&omnichannel), call(&live_assist), call(&scene.code_flow(&[]))];
    settled().await;
    assert_eq!(scene.source.count(), 4);
    fulfilled(&sign_out()).await;
    assert_eq!(crate::scene::code(&token).await, "SIGNED_OUT");
    for callback in &callbacks {
        assert!(callback.answer().await.is_null());
    }
    for index in 0..4 {
        assert!(scene.source.signal(index).aborted());
    }
    // And what they hold is forgotten.
    let held = [call(&omnichannel), call(&live_assist)];
    settled().await;
    for (index, callback) in held.iter().enumerate() {
        scene.source.answer(4 + index as u32, &jwt("a").into());
        callback.token().await;
    }
    fulfilled(&sign_out()).await;
    let _again = [call(&omnichannel), call(&live_assist)];
    settled().await;
    assert_eq!(scene.source.count(), 8);
}

#[wasm_bindgen_test]
async fn no_widget_gets_another_s_token_in_memory_or_storage() {
    for cache in ["memory", "session"] {
        let scene = WidgetScene::new();
        let options = [("cache", cache.into())];
        let (omnichannel, live_assist) = (scene.omnichannel(&options), scene.live_assist(&options));
        let livechat = scene.provider_with(&[
            ("cache", cache.into()),
            ("licenseId", JsValue::UNDEFINED),
            ("organizationId", scene.account().into()),
        ]);
        let first = call(&omnichannel);
        settled().await;
        let for_omnichannel = jwt("omnichannel");
        scene.source.answer(0, &for_omnichannel.as_str().into());
        assert_eq!(first.token().await, for_omnichannel);
        let second = call(&live_assist);
        let third = livechat.get_token();
        settled().await;
        assert_eq!(scene.source.count(), 3, "each asks for itself");
        let for_live_assist = jwt("live_assist");
        scene.source.answer(1, &for_live_assist.as_str().into());
        scene.source.answer(2, &crate::scene::raw_token("livechat"));
        assert_eq!(second.token().await, for_live_assist);
        assert_eq!(crate::scene::access_token(&third).await, "livechat");
        assert_eq!(call(&omnichannel).token().await, for_omnichannel);
        assert_eq!(call(&live_assist).token().await, for_live_assist);
        assert_eq!(scene.source.count(), 3);
        let records = contents(&crate::scene::session_storage());
        let keys = ["livechat", "omnichannel", "live_assist"].map(|name| format!("custom_identity_provider:{name}:"));
        assert_eq!(keys.iter().all(|key| records.contains(key.as_str())), cache == "session", "{cache}");
    }
}

#[wasm_bindgen_test]
async fn rule_19_tokens_codes_and_identities_appear_in_no_event_error_reason_or_log() {
    let scene = WidgetScene::new();
    let eavesdropper = Eavesdropper::new();
    let clock = fake_clock();
    scene.person.set_id(&"secret-person".into());
    let mut said = String::new();
    let token = jwt("secret-token");
    let two_parts = token.rsplit_once('.').unwrap().0.to_owned();

    let authorise = scene.live_assist(&[("cache", "none".into())]);
    for answer in [JsValue::from(token.as_str()), two_parts.as_str().into(), jwt_of("secret-token", -9.0).into()] {
        let callback = call(&authorise);
        settled().await;
        scene.source.answer(scene.source.count() - 1, &answer);
        callback.answer().await;
        if callback.width() == 2 {
            said += &callback.reason().await;
        }
        clock.advance(60_000.0).await;
    }
    let authorise = scene.code_flow(&[]);
    for answer in [code("secret-code"), with(&code("secret-code"), &[("redirect_uri", 17.into())])] {
        let callback = call_with_challenge(&authorise, &CHALLENGE.into());
        settled().await;
        scene.source.answer(scene.source.count() - 1, &answer);
        callback.answer().await;
        if callback.width() == 2 {
            said += &callback.reason().await;
        }
        clock.advance(60_000.0).await;
    }
    let get = scene.microsoft(&[("cache", "none".into())]);
    let promise = ask(&get);
    settled().await;
    scene.source.answer(scene.source.count() - 1, &two_parts.as_str().into());
    said += &describe(&crate::scene::error(&promise).await.into());

    let everything =
        [said, scene.events.text(), eavesdropper.text(), contents(&crate::scene::session_storage())].join("\n");
    assert!(everything.contains("BAD_ANSWER") && everything.contains("widget_answered"));
    let body = token.split('.').nth(1).unwrap();
    for secret in ["secret-", body, CHALLENGE, "contact-1"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

#[wasm_bindgen_test]
async fn the_function_may_be_assigned_under_any_name() {
    let scene = WidgetScene::new();
    let owner = object(&[("lpGetAuthenticationToken", scene.live_assist(&[]).into())]);
    let callback = Callback::new();
    let assigned: Function = value(&owner, "lpGetAuthenticationToken").unchecked_into();
    let answer = assigned.call1(&owner, &callback.call()).unwrap();
    assert!(answer.is_undefined());
    settled().await;
    scene.source.answer(0, &jwt("a").into());
    callback.token().await;
    assert!(is_same(&value(&owner, "lpGetAuthenticationToken"), &assigned));
}

#[wasm_bindgen_test]
fn wrong_options_are_named() {
    let scene = WidgetScene::new();
    let make = |others: &[(&str, JsValue)]| authorise_chat_with_callback(&scene.widget_options(others));
    for (option, wrong) in [
        ("flow", JsValue::from("explicit")),
        ("licenseId", 12_345_678.into()),
        ("startChat", true.into()),
        ("signIn", true.into()),
        ("signInTimeout", 0.into()),
        ("failureForm", "undefined".into()),
        ("codeChallenge", CHALLENGE.into()),
        ("source", JsValue::UNDEFINED),
        ("cache", "local".into()),
        ("sign_in", Function::new_no_args("").into()),
    ] {
        is_bad_option(make(&[(option, wrong)]), option);
    }
    let code = ("flow", JsValue::from("code"));
    for cache in ["memory", "session"] {
        is_bad_option(make(&[code.clone(), ("cache", cache.into())]), "cache");
    }
    assert!(make(&[code.clone(), ("cache", "none".into())]).is_ok());
    let source = |others: &[(&str, JsValue)]| with(&object(&[("url", "/live-assist/code".into())]), others);
    is_bad_option(make(&[code.clone(), ("source", source(&[("method", "GET".into())]))]), "source.method");
    for body in ["code=1", "[]", "null", "17"] {
        is_bad_option(make(&[code.clone(), ("source", source(&[("body", body.into())]))]), "source.body");
    }
    for flow in ["implicit", "code"] {
        for grant in ["cookie", "identity_token"] {
            let livechat_s = object(&[("grant", grant.into()), ("clientId", "client".into())]);
            is_bad_option(make(&[("flow", flow.into()), ("source", livechat_s)]), "source.grant");
        }
    }
    assert!(make(&[code, ("source", source(&[("body", "{}".into())]))]).is_ok());
    assert!(make(&[("source", source(&[("method", "GET".into())]))]).is_ok(), "a JWT may be asked for by GET");
    // LiveChat's factory knows none of it.
    let livechat = Scene::new();
    for option in ["flow", "signIn", "failureForm", "startChat"] {
        let options = livechat.options(&[(option, "code".into())]);
        let thrown = crate::face::custom_identity_provider(&options).unwrap_err();
        assert!(String::from(crate::scene::identity_error(thrown).message()).contains(option));
    }
}
