//! How long a JSON Web Token is used, what is wrong with one, and whose clock counts (rules 10 and 21).

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::describe;
use crate::scene::{error, fake_clock, fulfilled, number, object, settled, text, value};
use crate::widget_scene::{
    Service, WidgetScene, ask, call, claims, encrypted_token, header, is_token, joined, jwt, jwt_of, now, signed_token,
};

#[wasm_bindgen_test]
async fn rule_10_a_token_of_7_2_seconds_works_and_the_widget_gets_a_new_one_on_expiry() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let authorise = scene.live_assist(&[]);
    let first = call(&authorise);
    settled().await;
    let short = jwt_of("first", 7.2);
    scene.source.answer(0, &short.as_str().into());
    assert_eq!(first.token().await, short);
    clock.advance(6_400.0).await;
    assert_eq!(call(&authorise).token().await, short, "the margin is a tenth of its life");
    assert_eq!(scene.source.count(), 1);
    clock.advance(100.0).await;
    let second = call(&authorise);
    settled().await;
    let refreshed = jwt_of("second", 7.2);
    scene.source.answer(1, &refreshed.as_str().into());
    assert_eq!(second.token().await, refreshed);
    assert_eq!(number(&scene.events.latest("request_succeeded"), "lifetime"), 7_200.0);
}

#[wasm_bindgen_test]
async fn rule_10_a_token_is_not_trusted_beyond_its_exp() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let get = scene.microsoft(&[]);
    let first = ask(&get);
    settled().await;
    // Issued a while ago, by a service that keeps tokens: an hour's token with two minutes left.
    let old = signed_token(
        &header(&[]),
        &claims("old", &[("iat", (now() - 3_480.0).into()), ("exp", (now() + 120.0).into())]),
    );
    scene.source.answer(0, &old.as_str().into());
    is_token(&first, &old).await;
    clock.advance(89_000.0).await;
    is_token(&ask(&get), &old).await;
    clock.advance(1_500.0).await;
    let second = ask(&get);
    settled().await;
    assert_eq!(scene.source.count(), 2);
    let new = jwt("new");
    scene.source.answer(1, &new.as_str().into());
    is_token(&second, &new).await;
}

/// The failure says what is wrong and who has to mend it, and holds nothing of the token.
async fn is_a_bad_answer(answer: &JsValue, named: &str) {
    let scene = WidgetScene::new();
    let promise = ask(&scene.microsoft(&[]));
    settled().await;
    scene.source.answer(0, answer);
    let failure = error(&promise).await;
    let described = describe(&failure);
    assert_eq!(failure.code(), "BAD_ANSWER", "{named}: {described}");
    assert!(!failure.retryable());
    assert!(described.contains(named), "{named} in {described}");
    assert!(described.contains("to be mended in the service that signs it"), "{described}");
    assert!(!described.contains("secret-name"), "{described}");
    for part in answer.as_string().unwrap_or_default().split('.').filter(|part| part.len() > 8) {
        assert!(!described.contains(part) && !scene.events.text().contains(part), "{described}");
    }
    assert_eq!(scene.source.count(), 1, "asking again would not mend it");
}

async fn claim_is_wrong(claim: &str, value: JsValue) {
    is_a_bad_answer(&signed_token(&header(&[]), &claims("secret-name", &[(claim, value)])).into(), claim).await;
}

#[wasm_bindgen_test]
async fn rule_21_a_string_as_exp_or_iat_is_a_bad_answer() {
    let later = now() + 3_600.0;
    claim_is_wrong("exp", format!("{later}").into()).await;
    claim_is_wrong("exp", "2030-01-01T00:00:00Z".into()).await;
    claim_is_wrong("iat", format!("{}", now()).into()).await;
}

#[wasm_bindgen_test]
async fn rule_21_milliseconds_as_exp_or_iat_are_a_bad_answer() {
    claim_is_wrong("exp", js_sys::Date::now().into()).await;
    claim_is_wrong("iat", js_sys::Date::now().into()).await;
    let issued = js_sys::Date::now();
    let both = [("iat", issued.into()), ("exp", (issued + 7_200.0).into())];
    is_a_bad_answer(&signed_token(&header(&[]), &claims("secret-name", &both)).into(), "milliseconds").await;
}

#[wasm_bindgen_test]
async fn rule_21_an_exp_that_is_not_after_iat_is_a_bad_answer() {
    claim_is_wrong("exp", (now() - 3_600.0).into()).await;
    let moment = now();
    let both = [("iat", moment.into()), ("exp", moment.into())];
    is_a_bad_answer(&signed_token(&header(&[]), &claims("secret-name", &both)).into(), "exp").await;
}

#[wasm_bindgen_test]
async fn rule_21_a_missing_or_nonsensical_exp_or_iat_is_a_bad_answer() {
    for value in [JsValue::UNDEFINED, JsValue::NULL, true.into(), 0.into(), (-5).into(), object(&[])] {
        claim_is_wrong("exp", value.clone()).await;
        claim_is_wrong("iat", value).await;
    }
    claim_is_wrong("exp", (now() + 366.0 * 86_400.0).into()).await;
}

#[wasm_bindgen_test]
async fn rule_21_another_algorithm_is_a_bad_answer() {
    for algorithm in ["none", "None", "HS256", "RS512", "ES256", "rs256", ""] {
        let token = signed_token(&header(&[("alg", algorithm.into())]), &claims("secret-name", &[]));
        is_a_bad_answer(&token.into(), "RS256").await;
    }
    let token = signed_token(&header(&[("alg", JsValue::UNDEFINED)]), &claims("secret-name", &[]));
    is_a_bad_answer(&token.into(), "alg").await;
}

#[wasm_bindgen_test]
async fn rule_21_what_is_not_three_parts_is_a_bad_answer() {
    let whole = jwt("secret-name");
    let two = whole.rsplit_once('.').unwrap().0.to_owned();
    for text in [two, format!("{whole}.more"), "no-token-at-all".to_owned(), "<!doctype html>".to_owned()] {
        is_a_bad_answer(&text.into(), "form").await;
    }
}

#[wasm_bindgen_test]
async fn rule_21_what_does_not_decode_is_a_bad_answer() {
    is_a_bad_answer(&joined(["{no json".into(), "secret-name".into(), "x".into()].into()).into(), "alg").await;
    is_a_bad_answer(&"!!!.???.###".into(), "alg").await;
    is_a_bad_answer(&joined([header(&[]), "{no json: secret-name".into(), "x".into()].into()).into(), "iat").await;
    let header = signed_token(&header(&[]), &object(&[]));
    let header = header.split('.').next().unwrap();
    is_a_bad_answer(&format!("{header}.%%%.x").into(), "iat").await;
}

#[wasm_bindgen_test]
async fn rule_21_an_answer_that_holds_no_token_is_a_bad_answer() {
    for answer in [object(&[]), object(&[("token", 17.into())]), object(&[("jwt", jwt("secret-name").into())])] {
        let scene = WidgetScene::new();
        let promise = ask(&scene.microsoft(&[]));
        settled().await;
        scene.source.answer(0, &answer);
        let failure = error(&promise).await;
        assert_eq!(failure.code(), "BAD_ANSWER");
        assert!(describe(&failure).contains("token"));
    }
    for answer in [JsValue::UNDEFINED, 17.into(), true.into(), js_sys::Array::new().into()] {
        let scene = WidgetScene::new();
        let promise = ask(&scene.microsoft(&[]));
        settled().await;
        scene.source.answer(0, &answer);
        assert_eq!(error(&promise).await.code(), "BAD_ANSWER", "{answer:?}");
    }
}

#[wasm_bindgen_test]
async fn rule_10_the_same_token_again_after_its_life_ended_here_is_a_bad_answer() {
    let scene = WidgetScene::new();
    let clock = fake_clock();
    let get = scene.microsoft(&[]);
    let first = ask(&get);
    settled().await;
    let kept = jwt_of("secret-name", 60.0);
    scene.source.answer(0, &kept.as_str().into());
    is_token(&first, &kept).await;
    clock.advance(61_000.0).await;
    let second = ask(&get);
    settled().await;
    scene.source.answer(1, &kept.as_str().into());
    let failure = error(&second).await;
    let described = describe(&failure);
    assert_eq!(failure.code(), "BAD_ANSWER");
    assert!(
        described.contains("iat") && described.contains("to be mended in the service that signs it"),
        "{described}"
    );
    assert!(!described.contains(&kept));
}

#[wasm_bindgen_test]
async fn rule_10_the_same_token_again_does_not_restart_its_life() {
    for skew in [-7_200.0, 0.0, 7_200.0] {
        let scene = WidgetScene::new();
        let clock = fake_clock();
        let get = scene.microsoft(&[]);
        let kept = {
            let times = [("iat", (now() + skew).into()), ("exp", (now() + skew + 100.0).into())];
            signed_token(&header(&[]), &claims("kept", &times))
        };
        let first = ask(&get);
        settled().await;
        scene.source.answer(0, &kept.as_str().into());
        is_token(&first, &kept).await;
        // In its margin of 10 s: still good, but worth asking for another. The service has no other yet.
        clock.advance(92_000.0).await;
        let second = ask(&get);
        settled().await;
        scene.source.answer(1, &kept.as_str().into());
        is_token(&second, &kept).await;
        clock.advance(9_000.0).await;
        let third = ask(&get);
        settled().await;
        scene.source.answer(2, &kept.as_str().into());
        assert_eq!(error(&third).await.code(), "BAD_ANSWER", "skewed by {skew} s");
    }
}

#[wasm_bindgen_test]
async fn rule_10_a_skewed_clock_is_accepted_and_the_life_counted_here() {
    for skew in [-86_400.0, -7_200.0, 7_200.0, 86_400.0] {
        let scene = WidgetScene::new();
        let clock = fake_clock();
        let get = scene.microsoft(&[]);
        let first = ask(&get);
        settled().await;
        let times = [("iat", (now() + skew).into()), ("exp", (now() + skew + 3_600.0).into())];
        let token = signed_token(&header(&[]), &claims("a", &times));
        scene.source.answer(0, &token.as_str().into());
        is_token(&first, &token).await;
        assert_eq!(scene.events.count("clock_skew"), 1, "skewed by {skew} s");
        clock.advance(3_569_000.0).await;
        is_token(&ask(&get), &token).await;
        assert_eq!(scene.source.count(), 1);
        clock.advance(2_000.0).await;
        let _second = ask(&get);
        settled().await;
        assert_eq!(scene.source.count(), 2, "skewed by {skew} s");
    }
}

#[wasm_bindgen_test]
async fn rule_10_clocks_that_agree_make_no_event() {
    let scene = WidgetScene::new();
    let promise = ask(&scene.microsoft(&[]));
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    is_token(&promise, &token).await;
    assert_eq!(scene.events.count("clock_skew"), 0);
}

#[wasm_bindgen_test]
async fn an_encrypted_token_is_for_live_assist_only_and_tells_its_life_in_its_header() {
    let encrypted = |others: &[(&str, JsValue)]| {
        let issued = now();
        let mut fields: Vec<(&str, JsValue)> = vec![
            ("alg", "RSA-OAEP-256".into()),
            ("enc", "A256GCM".into()),
            ("iat", issued.into()),
            ("exp", (issued + 600.0).into()),
        ];
        fields.extend_from_slice(others);
        encrypted_token(&header(&fields))
    };
    let scene = WidgetScene::new();
    let token = encrypted(&[]);
    let callback = call(&scene.live_assist(&[]));
    settled().await;
    scene.source.answer(0, &token.as_str().into());
    assert_eq!(callback.token().await, token);
    assert_eq!(number(&scene.events.latest("request_succeeded"), "lifetime"), 600_000.0);

    for others in [[("exp", JsValue::UNDEFINED)], [("alg", "dir".into())], [("alg", "RSA1_5".into())]] {
        let scene = WidgetScene::new();
        let callback = call(&scene.live_assist(&[]));
        settled().await;
        scene.source.answer(0, &encrypted(&others).into());
        assert!(callback.answer().await.is_null());
        assert_eq!(text(&scene.events.latest("widget_answered"), "code"), "BAD_ANSWER");
    }
    is_a_bad_answer(&token.into(), "form").await;
}

#[wasm_bindgen_test]
async fn a_token_may_come_alone_or_in_an_object() {
    let scene = WidgetScene::new();
    let promise = ask(&scene.microsoft(&[("cache", "none".into())]));
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &object(&[("token", token.as_str().into())]));
    is_token(&promise, &token).await;
}

#[wasm_bindgen_test]
async fn claims_in_any_language_are_fine() {
    // Such texts make base64url's own characters, and characters of more than one byte.
    for name in ["Žofie Nováková", "李小龍", "🙂🙃", "a?b>c~d", "ÿÿÿ¿¿¿", "\u{2028}\"\\"] {
        let scene = WidgetScene::new();
        let promise = ask(&scene.microsoft(&[]));
        settled().await;
        let token = signed_token(&header(&[]), &claims("a", &[("given_name", name.into()), ("sub", name.into())]));
        scene.source.answer(0, &token.as_str().into());
        is_token(&promise, &token).await;
        assert_eq!(number(&scene.events.latest("request_succeeded"), "lifetime"), 3_600_000.0);
    }
}

#[wasm_bindgen_test]
async fn a_token_may_be_asked_for_by_get_and_no_cache_of_the_browser_keeps_it() {
    let scene = WidgetScene::new();
    let service = Service::new();
    let token = jwt("a");
    service.answers(200, "text/plain", &token);
    let source = object(&[
        ("url", "/omnichannel/token".into()),
        ("method", "GET".into()),
        ("credentials", "include".into()),
        ("headers", object(&[("X-Csrf", "1".into())])),
    ]);
    is_token(&ask(&scene.microsoft(&[("source", source)])), &token).await;
    let request = service.request(0);
    let expected = [("method", "GET"), ("credentials", "include"), ("cache", "no-store")];
    for (name, value) in expected {
        assert_eq!(text(&request, name), value);
    }
    assert_eq!(text(&value(&request, "headers"), "x-csrf"), "1");
}

#[wasm_bindgen_test]
async fn a_service_answers_with_text_or_with_json() {
    let token = jwt("a");
    let quoted = format!("\"{token}\"");
    let json = format!("{{\"token\":{quoted}}}");
    for (content_type, body) in [
        ("text/plain; charset=utf-8", token.as_str()),
        ("text/plain", &format!("{token}\n")),
        ("application/json", &json),
        ("application/json", &quoted),
    ] {
        let scene = WidgetScene::new();
        let service = Service::new();
        service.answers(200, content_type, body);
        is_token(&ask(&scene.microsoft(&[("source", "/omnichannel/token".into())])), &token).await;
        assert_eq!(service.count(), 1);
        assert_eq!(text(&service.request(0), "method"), "POST");
        assert!(text(&service.request(0), "url").ends_with("/omnichannel/token"));
        assert_eq!(text(&service.request(0), "credentials"), "same-origin");
    }
}

#[wasm_bindgen_test]
async fn a_service_that_answers_with_a_page_or_an_empty_object_is_a_bad_answer() {
    for (content_type, body) in [("text/html", "<!doctype html>"), ("application/json", "{}")] {
        let scene = WidgetScene::new();
        let service = Service::new();
        service.answers(200, content_type, body);
        let failure = error(&ask(&scene.microsoft(&[("source", "/omnichannel/token".into())]))).await;
        assert_eq!(failure.code(), "BAD_ANSWER", "{content_type}");
    }
}

#[wasm_bindgen_test]
async fn rule_22_another_sub_of_the_same_person_is_delivered_with_an_event() {
    let scene = WidgetScene::new();
    let get = scene.microsoft(&[("cache", "none".into())]);
    for (index, subject) in ["contact-1", "contact-1", "contact-2"].into_iter().enumerate() {
        let promise = ask(&get);
        settled().await;
        let token = signed_token(&header(&[]), &claims(&format!("{index}"), &[("sub", subject.into())]));
        scene.source.answer(index as u32, &token.as_str().into());
        assert_eq!(fulfilled(&promise).await.as_string().unwrap(), token);
    }
    assert_eq!(scene.events.count("entity_changed"), 1);
}
