//! Microsoft Omnichannel: the function for `setAuthTokenProvider`, its registration, and `getAuthToken` for Microsoft's npm packages.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{
    Eavesdropper, IdentityError, UnhandledRejections, heard_of_storage, network_error, sign_out, source_error,
};
use crate::scene::{
    error, fake_clock, fulfilled, identity_error, is_same, object, open_tab, settled, state, text, value, window, with,
};
use crate::widget_scene::{
    Callback, LiveChatSdk, Service, WidgetScene, ask, auth_token_provider, call, connect_omnichannel, get_auth_token,
    is_bad_option, is_token, jwt, undo_later,
};

#[wasm_bindgen_test]
async fn the_callback_is_given_a_token() {
    let scene = WidgetScene::new();
    let provider = scene.omnichannel(&[]);
    let callback = call(&provider);
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(callback.token().await, token);
    assert_eq!(callback.width(), 1, "the document's callback takes the token alone");
    assert!(value(&scene.events.latest("widget_answered"), "ok").is_truthy());
    assert_eq!(text(&scene.events.latest("widget_answered"), "widget"), "omnichannel");
}

#[wasm_bindgen_test]
async fn rule_03_concurrent_calls_share_a_request_and_later_ones_the_token() {
    let scene = WidgetScene::new();
    let (provider, get) = (scene.omnichannel(&[]), scene.microsoft(&[]));
    let callbacks = [call(&provider), call(&provider), call(&scene.omnichannel(&[]))];
    let promise = ask(&get);
    settled().await;
    assert_eq!(scene.source.count(), 1);
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    for callback in &callbacks {
        assert_eq!(callback.token().await, token);
    }
    is_token(&promise, &token).await;
    assert_eq!(call(&provider).token().await, token);
    assert_eq!(scene.source.count(), 1, "the default cache is in memory");
}

/// How a source may fail, and the code that it fails with.
fn failures() -> [(JsValue, &'static str); 4] {
    [
        (source_error(&object(&[("status", 401.into())])), "NOT_SIGNED_IN"),
        (source_error(&object(&[("status", 403.into())])), "REFUSED"),
        (source_error(&object(&[])), "SOURCE_FAILED"),
        (IdentityError::new("NOT_SIGNED_IN", "nobody", &object(&[])).into(), "NOT_SIGNED_IN"),
    ]
}

#[wasm_bindgen_test]
async fn rule_14_a_failure_is_answered_once_with_null() {
    for (failure, code) in failures() {
        let scene = WidgetScene::new();
        let callback = call(&scene.omnichannel(&[]));
        settled().await;
        scene.source.fail(0, &failure);
        assert!(callback.answer().await.is_null(), "{code}");
        assert_eq!(callback.width(), 1);
        let told = scene.events.latest("widget_answered");
        assert!(value(&told, "ok").is_falsy());
        assert_eq!(text(&told, "code"), code);
        assert_eq!(scene.events.count("widget_answered"), 1);
    }
}

#[wasm_bindgen_test]
async fn rule_14_a_source_or_an_identity_that_throws_is_answered_once_with_null() {
    let thrower = Function::new_no_args("throw new Error('broken')");
    for (option, code) in [("source", "SOURCE_FAILED"), ("identity", "BAD_IDENTITY")] {
        let scene = WidgetScene::new();
        let callback = call(&scene.omnichannel(&[(option, thrower.clone().into())]));
        assert!(callback.answer().await.is_null());
        assert_eq!(text(&scene.events.latest("widget_answered"), "code"), code);
    }
}

#[wasm_bindgen_test]
async fn rule_14_silence_is_answered_with_null_after_8_s_and_a_late_answer_is_not_heard() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let provider = scene.omnichannel(&[]);
    let callback = call(&provider);
    clock.advance(7_999.0).await;
    assert_eq!(callback.count(), 0);
    clock.advance(1.0).await;
    assert!(callback.answer().await.is_null());
    assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "TIMED_OUT");
    let token = jwt("late");
    scene.source.answer(0, &token.as_str().into());
    settled().await;
    clock.advance(60_000.0).await;
    assert_eq!(callback.count(), 1);
    assert_eq!(call(&provider).token().await, token, "it serves the next call");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_14_a_source_that_keeps_failing_is_answered_within_8_s() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    scene.source.answer_by(&Function::new_no_args("return Promise.reject(new TypeError('Failed to fetch'))"));
    let callback = call(&scene.omnichannel(&[]));
    clock.advance(8_000.0).await;
    assert!(callback.answer().await.is_null());
    assert!(scene.source.count() > 1, "it was tried again");
    clock.advance(60_000.0).await;
    assert_eq!(callback.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_14_a_callback_that_throws_hurts_nobody_else() {
    let scene = WidgetScene::new();
    let eavesdropper = Eavesdropper::new();
    let unhandled = UnhandledRejections::new();
    let provider = scene.omnichannel(&[]);
    let broken = Callback::new();
    broken.throw_from_now_on();
    provider.call1(&JsValue::NULL, &broken.call()).unwrap();
    let sound = call(&provider);
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(sound.token().await, token);
    assert_eq!(broken.token().await, token);
    assert!(eavesdropper.text().contains("the widget's callback threw"));
    assert!(!eavesdropper.text().contains(&token));
    assert_eq!(unhandled.seen(), 0);
}

#[wasm_bindgen_test]
async fn rule_14_what_is_no_callback_throws_a_type_error_at_once() {
    let scene = WidgetScene::new();
    let provider = scene.omnichannel(&[]);
    for wrong in [JsValue::UNDEFINED, JsValue::NULL, object(&[]), "callback".into(), 17.into()] {
        let thrown = provider.call1(&JsValue::NULL, &wrong).unwrap_err();
        assert!(thrown.is_instance_of::<js_sys::TypeError>(), "{thrown:?}");
    }
    settled().await;
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
async fn nobody_is_signed_in_means_null_and_the_chat_goes_on() {
    // The source says so.
    let scene = WidgetScene::new();
    let promise = ask(&scene.microsoft(&[]));
    settled().await;
    scene.source.answer(0, &JsValue::NULL);
    assert!(fulfilled(&promise).await.is_null());
    // The service answers 401; it is asked again, for somebody may have signed in.
    let scene = WidgetScene::new();
    let service = Service::new();
    service.answers(401, "application/problem+json", "{}");
    let get = scene.microsoft(&[("source", "/omnichannel/token".into())]);
    assert!(fulfilled(&ask(&get)).await.is_null());
    assert!(fulfilled(&ask(&get)).await.is_null());
    assert_eq!(service.count(), 2);
    // The service answers null.
    let scene = WidgetScene::new();
    let service = Service::new();
    service.answers(200, "application/json", "null");
    assert!(fulfilled(&ask(&scene.microsoft(&[("source", "/omnichannel/token".into())]))).await.is_null());
}

#[wasm_bindgen_test]
async fn an_identity_of_null_means_null_without_asking_the_source() {
    let scene = WidgetScene::new();
    scene.person.set_id(&JsValue::NULL);
    assert!(fulfilled(&ask(&scene.microsoft(&[]))).await.is_null());
    assert!(call(&scene.omnichannel(&[])).answer().await.is_null());
    assert_eq!(scene.source.count(), 0);
    assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "NOT_SIGNED_IN");
    scene.person.set_id(&"customer-4711".into());
    let _promise = ask(&scene.microsoft(&[]));
    settled().await;
    assert_eq!(scene.source.count(), 1, "nothing cools down: nobody was asked");
}

#[wasm_bindgen_test]
async fn get_auth_token_takes_microsoft_s_arguments_also_in_the_middle_of_a_conversation() {
    let scene = WidgetScene::new();
    let get = scene.microsoft(&[]);
    let ask_mid_way = || -> Promise {
        let context = object(&[("isMidAuthEnabled", true.into())]);
        get.call2(&JsValue::NULL, &"function-name".into(), &context).unwrap().unchecked_into()
    };
    scene.person.set_id(&JsValue::NULL);
    assert!(fulfilled(&ask_mid_way()).await.is_null(), "signed out: the chat goes on unauthenticated");
    scene.person.set_id(&"customer-4711".into());
    let promise = ask_mid_way();
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    is_token(&promise, &token).await;
}

#[wasm_bindgen_test]
async fn rule_14_get_auth_token_settles_within_8_s_and_rejects_with_any_other_failure() {
    for (failure, code) in failures() {
        let scene = WidgetScene::new();
        let promise = ask(&scene.microsoft(&[]));
        settled().await;
        scene.source.fail(0, &failure);
        if code == "NOT_SIGNED_IN" {
            assert!(fulfilled(&promise).await.is_null());
        } else {
            assert_eq!(error(&promise).await.code(), code);
        }
    }
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let promise = ask(&scene.microsoft(&[]));
    clock.advance(7_999.0).await;
    assert_eq!(state(&promise).await, "pending");
    clock.advance(1.0).await;
    assert_eq!(state(&promise).await, "rejected");
    let failure = error(&promise).await;
    assert_eq!(failure.code(), "TIMED_OUT");
    assert!(failure.retryable());
}

#[wasm_bindgen_test]
async fn rule_04_a_rejection_of_get_auth_token_that_nobody_hears_is_no_unhandled_rejection() {
    let scene = WidgetScene::new();
    let unhandled = UnhandledRejections::new();
    let _nobody_listens = ask(&scene.microsoft(&[]));
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 403.into())])));
    settled().await;
    assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "REFUSED");
    assert_eq!(unhandled.seen(), 0);
}

#[wasm_bindgen_test]
async fn rule_08_another_person_never_gets_the_token_of_the_first() {
    let scene = WidgetScene::new();
    let get = scene.microsoft(&[]);
    let first = ask(&get);
    settled().await;
    let token = jwt("first");
    scene.source.answer(0, &token.as_str().into());
    is_token(&first, &token).await;
    let running = {
        scene.person.set_id(&"customer-2".into());
        ask(&get)
    };
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.person.set_id(&"customer-3".into());
    scene.source.answer(1, &jwt("second").into());
    assert_eq!(error(&running).await.code(), "IDENTITY_CHANGED");
}

#[wasm_bindgen_test]
async fn rule_08_a_change_of_identity_answers_the_callback_with_null_once() {
    let scene = WidgetScene::new();
    let provider = scene.omnichannel(&[]);
    let callback = call(&provider);
    settled().await;
    scene.person.set_id(&"customer-2".into());
    scene.source.answer(0, &jwt("first").into());
    assert!(callback.answer().await.is_null());
    assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "IDENTITY_CHANGED");
    let second = call(&provider);
    settled().await;
    let token = jwt("second");
    scene.source.answer(1, &token.as_str().into());
    assert_eq!(second.token().await, token);
    assert_eq!(callback.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_08_a_page_that_does_not_know_who_is_signed_in_leaves_it_to_the_source() {
    for identity in [JsValue::NULL, JsValue::UNDEFINED] {
        let scene = WidgetScene::new();
        let promise = ask(&scene.microsoft(&[("identity", identity)]));
        settled().await;
        assert!(value(&scene.source.request(0), "identity").is_null());
        let token = jwt("a");
        scene.source.answer(0, &token.as_str().into());
        is_token(&promise, &token).await;
    }
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_means_null_for_who_waits_and_a_new_token_afterwards() {
    let scene = WidgetScene::new();
    let (provider, get) = (scene.omnichannel(&[]), scene.microsoft(&[]));
    let callback = call(&provider);
    let promise = ask(&get);
    settled().await;
    fulfilled(&sign_out()).await;
    assert!(callback.answer().await.is_null());
    assert!(fulfilled(&promise).await.is_null());
    assert!(scene.source.signal(0).aborted());
    let _next = call(&provider);
    settled().await;
    assert_eq!(scene.source.count(), 2);
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_in_another_tab_means_null_and_a_new_token_too() {
    let scene = WidgetScene::new();
    let get = scene.microsoft(&[]);
    let first = ask(&get);
    settled().await;
    scene.source.answer(0, &jwt("first").into());
    fulfilled(&first).await;
    let tab = open_tab().await;
    let heard = scene.events.first("signed_out");
    fulfilled(&tab.sign_out()).await;
    assert_eq!(text(&fulfilled(&heard).await, "origin"), "other_tab");
    let second = ask(&get);
    settled().await;
    assert_eq!(scene.source.count(), 2, "what it held is forgotten");
    let heard = heard_of_storage();
    fulfilled(&tab.sign_out()).await;
    fulfilled(&heard).await;
    assert!(fulfilled(&second).await.is_null());
}

#[wasm_bindgen_test]
async fn rule_11_a_refresh_ahead_answers_at_once_and_its_failure_costs_nothing() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let provider = scene.omnichannel(&[("refreshAhead", 60_000.into())]);
    let first = call(&provider);
    settled().await;
    let token = jwt("first");
    scene.source.answer(0, &token.as_str().into());
    first.token().await;
    clock.advance(3_520_000.0).await;
    assert_eq!(call(&provider).token().await, token);
    settled().await;
    assert_eq!(text(&scene.source.request(1), "reason"), "ahead");
    scene.source.fail(1, &source_error(&object(&[("status", 403.into())])));
    assert_eq!(call(&provider).token().await, token);
}

#[wasm_bindgen_test]
async fn rule_09_without_a_cache_every_call_asks_the_source() {
    let scene = WidgetScene::new();
    let get = scene.microsoft(&[("cache", "none".into())]);
    for index in 0..3 {
        let promises = [ask(&get), ask(&get)];
        settled().await;
        assert_eq!(scene.source.count(), index + 1, "concurrent calls still share");
        let token = jwt(&format!("{index}"));
        scene.source.answer(index, &token.as_str().into());
        for promise in &promises {
            is_token(promise, &token).await;
        }
    }
}

// Registration.

/// A connection, which is undone at the end of the test, also of one that fails: no later one shall hear it.
fn connect(scene: &WidgetScene, others: &[(&str, JsValue)]) -> Function {
    let connection = connect_omnichannel(&scene.widget_options(others)).expect("the options are right");
    undo_later(&connection);
    connection
}

fn undo(connection: &Function) {
    connection.call0(&JsValue::NULL).unwrap();
}

fn registered(sdk: &LiveChatSdk) -> Function {
    sdk.provider().dyn_into().expect("a provider is registered")
}

#[wasm_bindgen_test]
async fn an_sdk_that_is_there_already_gets_the_provider_at_once_and_once() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let _connection = connect(&scene, &[]);
    assert_eq!(sdk.history(), "set");
    sdk.ready();
    assert_eq!(sdk.history(), "set", "it is registered already");
    let callback = call(&registered(&sdk));
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(callback.token().await, token);
}

#[wasm_bindgen_test]
async fn an_sdk_that_comes_later_gets_the_provider_at_lcw_ready() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    let _connection = connect(&scene, &[]);
    sdk.appear();
    settled().await;
    assert_eq!(sdk.history(), "");
    sdk.ready();
    assert_eq!(sdk.history(), "set");
    settled().await;
    assert_eq!(scene.source.count(), 0, "no token is asked for before a chat");
}

#[wasm_bindgen_test]
async fn a_chat_is_started_when_asked_for_once_and_after_the_registration() {
    for (option, expected) in [
        (JsValue::TRUE, "set, start undefined"),
        (object(&[("inNewWindow", true.into())]), "set, start {\"inNewWindow\":true}"),
        (JsValue::FALSE, "set"),
        (JsValue::UNDEFINED, "set"),
    ] {
        let scene = WidgetScene::new();
        let sdk = LiveChatSdk::new();
        let _connection = connect(&scene, &[("startChat", option)]);
        sdk.appear();
        sdk.ready();
        sdk.ready();
        assert_eq!(sdk.history(), expected);
    }
}

#[wasm_bindgen_test]
async fn a_chat_that_cannot_be_started_goes_to_the_console_and_hurts_nobody() {
    let scene = WidgetScene::new();
    let eavesdropper = Eavesdropper::new();
    let unhandled = UnhandledRejections::new();
    let sdk = LiveChatSdk::new();
    sdk.fail_starting();
    sdk.appear();
    let _connection = connect(&scene, &[("startChat", JsValue::TRUE)]);
    settled().await;
    assert!(eavesdropper.text().contains("Omnichannel's SDK failed"));
    assert_eq!(unhandled.seen(), 0);
}

#[wasm_bindgen_test]
async fn lcw_error_about_authentication_becomes_an_event_with_its_meaning() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let _connection = connect(&scene, &[]);
    for (code, word) in [(2, "failed"), (3, "no token"), (4, "invalid")] {
        scene.events.clear();
        sdk.fail(&code.into());
        let event = scene.events.latest("widget_error");
        assert_eq!(value(&event, "errorCode"), JsValue::from(code));
        assert!(text(&event, "meaning").contains(word), "{}", text(&event, "meaning"));
        assert_eq!(text(&event, "widget"), "omnichannel");
    }
    scene.events.clear();
    for other in [0.into(), 1.into(), 5.into(), "none".into(), JsValue::NULL, JsValue::UNDEFINED, object(&[])] {
        sdk.fail(&other);
    }
    assert_eq!(scene.events.count("widget_error"), 0);
}

#[wasm_bindgen_test]
async fn a_token_that_omnichannel_calls_invalid_is_forgotten_and_no_other() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let _connection = connect(&scene, &[]);
    let provider = registered(&sdk);
    let callback = call(&provider);
    settled().await;
    scene.source.answer(0, &jwt("a").into());
    callback.token().await;
    for code in [2, 3] {
        sdk.fail(&code.into());
        settled().await;
        call(&provider).token().await;
        assert_eq!(scene.source.count(), 1);
    }
    sdk.fail(&4.into());
    settled().await;
    let _next = call(&provider);
    settled().await;
    assert_eq!(scene.source.count(), 2);
}

#[wasm_bindgen_test]
async fn what_is_undone_takes_its_provider_back_and_listens_no_longer() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let connection = connect(&scene, &[]);
    undo(&connection);
    assert_eq!(sdk.history(), "set, remove");
    sdk.ready();
    sdk.fail(&4.into());
    undo(&connection);
    assert_eq!(sdk.history(), "set, remove");
    assert_eq!(scene.events.count("widget_error"), 0);

    // Before the SDK was there.
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    undo(&connect(&scene, &[]));
    sdk.appear();
    sdk.ready();
    assert_eq!(sdk.history(), "");
}

#[wasm_bindgen_test]
async fn what_is_undone_leaves_another_s_provider_alone() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let connection = connect(&scene, &[]);
    let other = Function::new_no_args("");
    Function::from(value(&sdk.sdk(), "setAuthTokenProvider")).call1(&JsValue::NULL, &other).unwrap();
    undo(&connection);
    assert_eq!(sdk.history(), "set, set");
    assert!(is_same(&sdk.provider(), &other));
}

#[wasm_bindgen_test]
async fn an_sdk_that_throws_goes_to_the_console_and_hurts_nobody() {
    for method in ["setAuthTokenProvider", "startChat"] {
        let scene = WidgetScene::new();
        let eavesdropper = Eavesdropper::new();
        let unhandled = UnhandledRejections::new();
        let sdk = LiveChatSdk::new();
        sdk.break_method(method);
        sdk.appear();
        let _connection = connect(&scene, &[("startChat", JsValue::TRUE)]);
        settled().await;
        assert!(eavesdropper.text().contains("Omnichannel's SDK failed"), "{method}");
        assert_eq!(unhandled.seen(), 0, "{method}");
        assert_eq!(scene.source.count(), 0, "{method}");
    }
}

#[wasm_bindgen_test]
async fn a_provider_that_somebody_removed_is_registered_again_at_the_next_lcw_ready() {
    let scene = WidgetScene::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let _connection = connect(&scene, &[]);
    Function::from(value(&sdk.sdk(), "removeAuthTokenProvider")).call0(&JsValue::NULL).unwrap();
    sdk.ready();
    assert_eq!(sdk.history(), "set, remove, set");
}

#[wasm_bindgen_test]
async fn a_token_that_omnichannel_calls_invalid_while_nobody_can_be_told_hurts_nobody() {
    let scene = WidgetScene::new();
    let unhandled = UnhandledRejections::new();
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let thrower = Function::new_no_args("throw new Error('no session yet')");
    let _connection = connect(&scene, &[("identity", thrower.into())]);
    sdk.fail(&4.into());
    settled().await;
    assert_eq!(scene.events.count("widget_error"), 1);
    assert_eq!(unhandled.seen(), 0);
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_keeps_no_answer_and_no_registration_away() {
    let scene = WidgetScene::new();
    let eavesdropper = Eavesdropper::new();
    let thrower = Function::new_no_args("throw new Error('broken listener')");
    let sdk = LiveChatSdk::new();
    sdk.appear();
    let _connection = connect(&scene, &[("onEvent", thrower.into())]);
    let provider = registered(&sdk);
    let callback = call(&provider);
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(callback.token().await, token);
    sdk.fail(&4.into());
    settled().await;
    let _next = call(&provider);
    settled().await;
    assert_eq!(scene.source.count(), 2, "the invalid token is forgotten all the same");
    assert!(eavesdropper.text().contains("onEvent threw"));
}

// Options.

#[wasm_bindgen_test]
fn wrong_options_are_named() {
    let scene = WidgetScene::new();
    for (option, wrong) in [
        ("licenseId", JsValue::from(12_345_678)),
        ("flow", "implicit".into()),
        ("signIn", Function::new_no_args("").into()),
        ("failureForm", "null".into()),
        ("codeChallenge", "x".repeat(43).into()),
        ("source", 17.into()),
        ("source", JsValue::UNDEFINED),
        ("cache", "local".into()),
        ("identity", "customer-4711".into()),
        ("organizationId", 17.into()),
        ("timeout", (-1).into()),
        ("onEvent", "log".into()),
        ("sauce", "/omnichannel/token".into()),
    ] {
        let options = scene.widget_options(&[(option, wrong)]);
        is_bad_option(auth_token_provider(&options), option);
        is_bad_option(get_auth_token(&options), option);
        is_bad_option(connect_omnichannel(&options), option);
    }
    for wrong in [JsValue::UNDEFINED, JsValue::NULL, "options".into()] {
        is_bad_option(auth_token_provider(&wrong), "options");
    }
    // LiveChat's grants are no source of JWTs.
    let grant = object(&[("grant", "cookie".into()), ("clientId", "client".into())]);
    is_bad_option(auth_token_provider(&scene.widget_options(&[("source", grant)])), "source.grant");
    for nothing_in_it in [JsValue::UNDEFINED, 17.into(), object(&[])] {
        let thrown = auth_token_provider(&scene.widget_options(&[("source", nothing_in_it)])).unwrap_err();
        let message = String::from(identity_error(thrown).message());
        assert!(!message.contains("grant"), "a grant is named, which would be refused: {message}");
    }
    // What only `connectOmnichannel` knows.
    is_bad_option(auth_token_provider(&scene.widget_options(&[("startChat", true.into())])), "startChat");
    is_bad_option(get_auth_token(&scene.widget_options(&[("startChat", true.into())])), "startChat");
    is_bad_option(connect_omnichannel(&scene.widget_options(&[("startChat", "now".into())])), "startChat");
}

#[wasm_bindgen_test]
fn rule_08_a_cache_that_outlives_the_page_needs_an_identity() {
    let scene = WidgetScene::new();
    let nameless = scene.widget_options(&[("identity", JsValue::UNDEFINED)]);
    assert!(auth_token_provider(&nameless).is_ok(), "the default cache is in memory");
    let stored = with(&nameless, &[("cache", "session".into())]);
    is_bad_option(auth_token_provider(&stored), "identity");
    assert!(auth_token_provider(&with(&stored, &[("identity", JsValue::NULL)])).is_ok());
}

#[wasm_bindgen_test]
async fn rule_13_a_network_that_fails_for_a_moment_is_tried_again() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let callback = call(&scene.omnichannel(&[]));
    settled().await;
    scene.source.fail(0, &network_error());
    clock.advance(1_000.0).await;
    let token = jwt("a");
    scene.source.answer(1, &token.as_str().into());
    assert_eq!(callback.token().await, token);
}

#[wasm_bindgen_test]
fn the_functions_need_no_page_with_a_chat() {
    let scene = WidgetScene::new();
    assert!(value(&window(), "Microsoft").is_undefined());
    undo(&connect(&scene, &[("startChat", true.into())]));
}
