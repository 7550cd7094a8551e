//! What the demo's site knows of its customers, put into the identity service's records at the start.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The context variables of the demo's Omnichannel workstream.
pub const CONTEXT_VARIABLES: [&str; 3] = ["cart_value", "is_vip", "last_order"];

/// The record of each customer, by the site's own id.
fn records() -> [(&'static str, Value); 3] {
    [
        (
            "ada",
            json!({
                "contact_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                "given_name": "Ada",
                "family_name": "Lovelace",
                "lwicontexts": { "cart_value": 249.9, "is_vip": true, "last_order": "A-1843" },
                "lp_sdes": [{ "type": "ctmrinfo", "info": { "ctype": "vip", "customerId": "A-1843" } }],
            }),
        ),
        (
            "grace",
            json!({
                "contact_id": "8d8ac610-566d-4ef0-9c22-186b2a5ed793",
                "given_name": "Grace",
                "family_name": "Hopper",
                "lwicontexts": { "cart_value": 0, "is_vip": false, "last_order": null },
                "lp_sdes": [{ "type": "ctmrinfo", "info": { "ctype": "regular", "customerId": "G-1952" } }],
            }),
        ),
        // Nobody keeps contexts or attributes of this one: a token has to do without.
        (
            "alan",
            json!({
                "contact_id": "c9bf9e57-1685-4c89-bafb-ff5af830be8a",
                "given_name": "Alan",
                "family_name": "Turing",
            }),
        ),
    ]
}

/// Puts every customer's record by the service's own admin API, as a site's back office would. The error names the
/// customer whose record was refused, and the status.
pub async fn put_records(service: &Router, admin_key: &SecretString) -> Result<(), String> {
    for (customer, record) in records() {
        let request = Request::put(format!("/admin/customers/{customer}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", admin_key.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(record.to_string()))
            .map_err(|error| error.to_string())?;
        let response = service.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        if response.status() != StatusCode::NO_CONTENT {
            return Err(format!("the record of {customer} was refused with status {}", response.status().as_u16()));
        }
    }
    Ok(())
}
