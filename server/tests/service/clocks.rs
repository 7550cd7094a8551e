//! Clocks that are set while the service works: the database's, and a replica's. Nobody is doubled, nobody is lost, everybody is answered.

use std::{collections::HashSet, time::Duration};

use demo::livechat_accounts::Faults;
use futures_util::future::join_all;
use identity_service::livechat::guests::GuestSettings;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, sqlite::SqliteConnectOptions};

use crate::support::{Given, Server, TestClock, World, until};

/// What clocks are set by, forward and back, in seconds.
const STEPS: [i64; 8] = [3600, -3600, 86_400, -86_400, 31_536_000, -31_536_000, 30, 0];
const CUSTOMERS: usize = 12;
const DAY: u64 = 86_400;

/// Sets the database's clock, by so many seconds from the right time.
pub async fn set_database_clock(world: &World, seconds: i64) {
    let file = SqliteConnectOptions::new().filename(world.database_file());
    let mut database = file.busy_timeout(Duration::from_secs(20)).connect().await.unwrap();
    let milliseconds = seconds * 1000;
    let clock = format!(
        "BEGIN IMMEDIATE; DROP VIEW clock;
         CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) + {milliseconds} AS now; COMMIT;"
    );
    sqlx::raw_sql(AssertSqlSafe(clock)).execute(&mut database).await.unwrap();
}

/// Every customer asks at both replicas, several times at once, while `step` is called again and again in the middle of the creations.
async fn race(world: &World, other: &Server, mut step: impl AsyncFnMut(i64)) {
    world.faults(Faults { latency_ms: Some(1000), ..Faults::default() });
    let ask = async |number: usize, server: &Server| {
        let session = world.session(&format!("customer-{number}"));
        let answer = world.http.post(server.url("/livechat/token")).bearer_auth(session).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        let answer: Value = answer.json().await.unwrap();
        (number, answer["entity_id"].as_str().unwrap().to_owned())
    };
    let all = (0..CUSTOMERS).flat_map(|number| [(number, &world.server), (number, other), (number, &world.server)]);
    let asking = join_all(all.map(|(number, server)| ask(number, server)));
    let stepping = async {
        until("creations that are under way", || world.customers() > 0).await;
        for seconds in STEPS {
            step(seconds).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    let (named, ()) = tokio::join!(asking, stepping);
    let named: HashSet<_> = named.into_iter().collect();
    assert_eq!(named.len(), CUSTOMERS, "somebody has two entities");
    assert_eq!(world.customers(), CUSTOMERS, "LiveChat has a customer twice, or nobody's");
    let stored: HashSet<_> =
        join_all((0..CUSTOMERS).map(|number| ask(number, &world.server))).await.into_iter().collect();
    assert_eq!(stored, named, "somebody is lost");
}

#[tokio::test]
async fn nobody_is_doubled_or_lost_while_the_databases_clock_is_set() {
    let world = World::new().await;
    let (_other, server) = world.another().await;
    race(&world, &server, async |seconds| set_database_clock(&world, seconds).await).await;
}

#[tokio::test]
async fn nobody_is_doubled_or_lost_while_a_replicas_clock_is_set() {
    let world = World::new().await;
    let (clock, its) = TestClock::new();
    let (_other, server) = world.another_by(its, Given::default()).await;
    race(&world, &server, async |seconds| clock.set(seconds)).await;
}

/// Neither a replica's clock alone nor the database's alone ends a guest, nor removes its record.
#[tokio::test]
async fn no_guest_is_lost_while_a_clock_is_set() {
    let given = || {
        let lifetime = Duration::from_secs(90 * DAY);
        Given { guests: Some(GuestSettings { adopt: true, lifetime, secure_cookie: true }), ..Given::default() }
    };
    let world = World::with(given()).await;
    let (clock, its) = TestClock::new();
    let (_other, server) = world.another_by(its, given()).await;
    let ask = async |server: &Server, cookie: &str| {
        let request =
            world.http.post(server.url("/livechat/guest")).header("origin", server.url("")).header("cookie", cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let set = answer
            .headers()
            .get("set-cookie")
            .map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned());
        let body: Value = answer.json().await.unwrap();
        (set.unwrap_or_else(|| cookie.to_owned()), body["entity_id"].clone())
    };
    let (cookie, entity) = ask(&world.server, "").await;
    for seconds in STEPS {
        clock.set(seconds);
        assert_eq!(
            ask(&server, &cookie).await,
            (cookie.clone(), entity.clone()),
            "a replica's clock is set by {seconds} s"
        );
        // A new guest has the old ones removed.
        ask(&server, "").await;
        assert_eq!(ask(&world.server, &cookie).await, (cookie.clone(), entity.clone()), "{seconds}");
    }
    for seconds in STEPS {
        set_database_clock(&world, seconds).await;
        ask(&server, "").await;
        for server in [&server, &world.server] {
            assert_eq!(
                ask(server, &cookie).await,
                (cookie.clone(), entity.clone()),
                "the database's clock is set by {seconds} s"
            );
        }
    }
}
