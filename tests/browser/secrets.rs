//! Tokens and identities stay where they belong (rule 19).

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{Eavesdropper, describe, network_error, sign_out, source_error};
use crate::scene::{
    Scene, contents, error, fake_clock, fulfilled, local_storage, object, raw_token, session_storage, settled, with,
};

/// A text that stands nowhere else.
fn secret(name: &str) -> String {
    format!("{name}-{:x}", (js_sys::Math::random() * 1e15) as u64)
}

#[wasm_bindgen_test]
async fn rule_19_tokens_and_identities_appear_in_no_event_error_log_url_or_foreign_storage() {
    let scene = Scene::new();
    let eavesdropper = Eavesdropper::new();
    let clock = fake_clock();
    let (token, second_token, entity) = (secret("token"), secret("token"), secret("entity"));
    let (identity, second_identity) = (secret("identity"), secret("identity"));
    let answer = |token: &str| with(&raw_token(token), &[("entity_id", entity.as_str().into())]);
    let mut errors: Vec<JsValue> = Vec::new();

    scene.person.set_id(&identity.as_str().into());
    let provider = scene.session_provider();
    let call = provider.get_token();
    settled().await;
    scene.source.fail(0, &network_error());
    clock.advance(600.0).await;
    scene.source.answer(1, &answer(&token));
    fulfilled(&call).await;
    let stored = contents(&session_storage());
    assert!(stored.contains(&token) && !stored.contains(&identity));

    for wrong in [
        with(&answer(&token), &[("expires_in", token.as_str().into())]),
        with(&answer(&token), &[("token_type", token.as_str().into())]),
        token.as_str().into(),
    ] {
        let call = provider.get_fresh_token();
        settled().await;
        scene.source.answer(scene.source.count() - 1, &wrong);
        errors.push(error(&call).await.into());
        errors.push(error(&provider.get_fresh_token()).await.into());
        clock.advance(60_000.0).await;
    }
    let call = provider.get_fresh_token();
    settled().await;
    scene.source.fail(scene.source.count() - 1, &source_error(&object(&[("status", 403.into())])));
    errors.push(error(&call).await.into());
    clock.advance(60_000.0).await;

    let call = provider.get_fresh_token();
    settled().await;
    scene.person.set_id(&second_identity.as_str().into());
    scene.source.answer(scene.source.count() - 1, &answer(&second_token));
    errors.push(error(&call).await.into());
    let call = provider.get_token();
    settled().await;
    fulfilled(&sign_out()).await;
    errors.push(error(&call).await.into());
    scene.person.set_id(&object(&[("id", identity.as_str().into())]));
    errors.push(error(&provider.get_token()).await.into());

    let text = [
        scene.events.text(),
        eavesdropper.text(),
        contents(&local_storage()),
        contents(&session_storage()),
        js_sys::Reflect::get(&js_sys::global(), &"location".into())
            .map(|location| describe(&crate::scene::value(&location, "href")))
            .unwrap(),
        errors.iter().map(describe).collect::<Vec<_>>().join("\n"),
    ]
    .join("\n");
    assert!(text.contains("IDENTITY_CHANGED") && text.contains("SIGNED_OUT") && text.contains("BAD_IDENTITY"));
    for secret in [&token, &second_token, &entity, &identity, &second_identity] {
        assert!(!text.contains(secret.as_str()), "a secret appears in: {text}");
    }
}

#[wasm_bindgen_test]
async fn rule_19_a_url_source_puts_no_identity_into_the_request() {
    let scene = Scene::new();
    let eavesdropper = Eavesdropper::new();
    let identity = secret("identity");
    scene.person.set_id(&identity.as_str().into());
    let provider = scene.provider_with(&[("source", "/no/such/service".into()), ("patience", 0.into())]);
    let failure = error(&provider.get_token()).await;
    assert_eq!(failure.code(), "REFUSED");
    let heard = eavesdropper.text();
    assert!(heard.contains("/no/such/service"), "the request was heard");
    assert!(!heard.contains(&identity) && !describe(&failure).contains(&identity));
}
