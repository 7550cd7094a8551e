//! Authorization codes issued and redeemed at several processes: each is redeemed once, whoever is asked.

use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Map, Value, json};

use crate::{
    postgres_server::PostgresServer,
    site::{CONTACT, ISSUER, LIVE_ASSIST_CLIENT, Replica, Site, read, until},
};

const CODES: usize = 50;
/// How many redemptions race for each code.
const REDEMPTIONS: usize = 20;

/// The claims of a token, checked with the keys that a replica publishes.
async fn claims(site: &Site, replica: &Replica, token: &str) -> Map<String, Value> {
    let url = format!("{}/.well-known/jwks.json", replica.url);
    let keys: JwkSet = serde_json::from_value(read(site.http.get(url).send().await.unwrap()).await).unwrap();
    let id = decode_header(token).unwrap().kid.unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[LIVE_ASSIST_CLIENT]);
    decode(token, &DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap(), &validation).unwrap().claims
}

/// Every code is issued at one replica and redeemed at all.
async fn each_code_is_redeemed_once(site: &Site, replicas: &[Replica]) {
    let at = |number: usize| &replicas[number % replicas.len()];
    let put = site.put_record(at(0), "ada").send().await.unwrap();
    assert_eq!(put.status(), 204);
    let mut codes = Vec::new();
    for number in 0..CODES {
        let code = site.code(at(number), "ada").await;
        let racing = (0..REDEMPTIONS).map(|racer| {
            let request = site.redeem(at(racer), &code);
            tokio::spawn(async move {
                let answer = request.send().await.unwrap();
                (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
            })
        });
        let ended: Vec<(u16, Value)> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
        let (good, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(status, _)| *status == 200);
        assert_eq!(good.len(), 1, "redemptions of one code");
        for (status, body) in refused {
            assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{body}");
        }
        let claims = claims(site, at(number + 1), good[0].1["id_token"].as_str().unwrap()).await;
        assert_eq!(claims["sub"], CONTACT);
        codes.push(code);
    }
    let logs = || -> Vec<String> { replicas.iter().map(Replica::log).collect() };
    let replays = || logs().iter().flat_map(|log| log.lines()).filter(|line| line.contains("replay: ")).count();
    // No answer waits for its line.
    until("every replay's line", || replays() >= CODES * (REDEMPTIONS - 1)).await;
    assert_eq!(replays(), CODES * (REDEMPTIONS - 1), "replays in the logs");
    let logs = logs();
    assert!(!codes.iter().any(|code| logs.iter().any(|log| log.contains(code))), "a code is in a log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_redeemed_once_at_four_replicas() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    each_code_is_redeemed_once(&site, &site.replicas(4, 8)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_redeemed_once_at_one_process_on_sqlite() {
    let site = Site::new(None).await;
    each_code_is_redeemed_once(&site, &site.replicas(1, 8)).await;
}
