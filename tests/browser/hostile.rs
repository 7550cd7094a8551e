//! Pages whose globals are replaced, frozen, missing or throw (rule 24).

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::scene::{Scene, fulfilled};

#[wasm_bindgen(module = "/tests/browser/hostile.js")]
extern "C" {
    #[wasm_bindgen(js_name = hostilePages)]
    fn hostile_pages(phase: &str, kind: &str) -> Promise;
    #[wasm_bindgen(js_name = frozenPage)]
    fn frozen_page() -> Promise;
}

async fn nothing_is_wrong(report: Promise) {
    let report = fulfilled(&report).await.as_string().unwrap();
    assert!(report.is_empty(), "{report}");
}

#[wasm_bindgen_test]
async fn rule_24_globals_that_fail_from_the_import_on() {
    let _scene = Scene::new();
    nothing_is_wrong(hostile_pages("import", "function")).await;
}

#[wasm_bindgen_test]
async fn rule_24_globals_that_fail_from_the_making_on() {
    let _scene = Scene::new();
    nothing_is_wrong(hostile_pages("make", "url")).await;
}

#[wasm_bindgen_test]
async fn rule_24_globals_that_fail_from_a_call_on() {
    let _scene = Scene::new();
    nothing_is_wrong(hostile_pages("call", "function")).await;
    nothing_is_wrong(hostile_pages("call", "url")).await;
}

#[wasm_bindgen_test]
async fn rule_24_frozen_prototypes() {
    let _scene = Scene::new();
    nothing_is_wrong(frozen_page()).await;
}
