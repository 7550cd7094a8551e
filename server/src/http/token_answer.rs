//! A signed token as an answer: JSON, or the token alone for who asks for plain text.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::answer::{Outcome, answered, json_answer};

#[derive(Serialize)]
struct SignedToken<'a> {
    token: &'a str,
}

/// Answers with `{"token": "…"}`, or as text when `Accept` prefers that.
pub fn token_answer(headers: &HeaderMap, token: String) -> Response {
    let answer = if prefers_text(headers) {
        token.into_response()
    } else {
        json_answer(&SignedToken { token: &token }, token.len())
    };
    let mut response = answered(answer, Outcome::Signed);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether text/plain is asked for by name, and more than JSON. Of two equally wanted ones the first counts.
fn prefers_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, bool)> = None;
    for range in accepted.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let text = media_type == "text/plain";
        if !text && media_type != "application/json" {
            continue;
        }
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if weight > best.map_or(0.0, |(best, _)| best) {
            best = Some((weight, text));
        }
    }
    best.is_some_and(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_for_who_asks_for_it_by_name() {
        for (accept, text) in [
            ("text/plain", true),
            ("TEXT/plain; q=0.5, */*; q=0.1", true),
            ("text/plain, application/json;q=0.9", true),
            ("application/json, text/plain, */*", false),
            ("text/plain;q=0.5, application/json", false),
            ("text/plain;q=0", false),
            ("text/plain;q=x", false),
            ("text/*", false),
            ("*/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(prefers_text(&headers), text, "{accept}");
        }
        assert!(!prefers_text(&HeaderMap::new()));
    }
}
