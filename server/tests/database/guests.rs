//! Guests on SQLite and on PostgreSQL, with stores and processes that know nothing of each other: a guest gets one
//! entity, and one customer at most.

use std::{collections::HashSet, time::Duration};

use demo::livechat_accounts::{Faults, random_uuid};
use futures_util::future::join_all;
use identity_service::{
    customer::{CustomerId, EntityId, GuestId},
    customer_store::{Creation, CustomerStore, StoreError},
    livechat::guest_cookie::GuestSecret,
};
use reqwest::Response;
use serde_json::Value;
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::{
    customer_store::{LONG, customer, entity, four, on_both, open},
    postgres_server::PostgresServer,
    site::{Replica, Site, read},
};

const COOKIE: &str = "__Host-livechat-guest";

/// How many customers' leases the database holds.
async fn leases(url: &str) -> i64 {
    let count = "SELECT COUNT(*) FROM creation";
    if url.starts_with("sqlite") {
        sqlx::query_scalar(count).fetch_one(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_scalar(count).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await.unwrap()
    }
}

fn guest() -> GuestId {
    GuestSecret::new().unwrap().id()
}

/// A guest with an entity, which is answered too.
async fn begun(store: &CustomerStore) -> (GuestId, EntityId) {
    let (guest, new) = (guest(), entity(&random_uuid().unwrap()));
    store.begin_guest(&guest, 2000).await.unwrap();
    let Creation::Begun { lease, .. } = store.begin_creation(&guest, LONG).await.unwrap() else { panic!() };
    assert_eq!(store.finish_creation(&guest, &lease, &new).await.unwrap(), new);
    (guest, new)
}

/// What a process does until its customer has an entity, the guest's or a new one.
async fn sign_in(store: &CustomerStore, customer: &CustomerId, guests: &[GuestId]) -> EntityId {
    loop {
        match store.begin_creation(customer, LONG).await.unwrap() {
            Creation::Exists(entity) => return entity,
            Creation::Elsewhere(_) => tokio::task::yield_now().await,
            Creation::Begun { lease, .. } => {
                for guest in guests {
                    if let Some(entity) = store.adopt_guest(customer, &lease, guest, 1000).await.unwrap() {
                        return entity;
                    }
                }
                return store.finish_creation(customer, &lease, &entity(&random_uuid().unwrap())).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_race_for_a_guests_creation_one_creates() {
    on_both(async |url| {
        let stores = four(url).await;
        for _ in 0..40 {
            let guest = guest();
            stores[0].begin_guest(&guest, 2000).await.unwrap();
            let racing = (0..16).map(|racer| {
                let (store, guest) = (stores[racer % 4].clone(), guest.clone());
                tokio::spawn(async move {
                    loop {
                        match store.begin_creation(&guest, LONG).await.unwrap() {
                            Creation::Exists(entity) => return (entity, false),
                            Creation::Elsewhere(_) => tokio::task::yield_now().await,
                            Creation::Begun { lease, one_was_lost } => {
                                assert!(!one_was_lost);
                                let new = entity(&random_uuid().unwrap());
                                return (store.finish_creation(&guest, &lease, &new).await.unwrap(), true);
                            }
                        }
                    }
                })
            });
            let ended: Vec<(EntityId, bool)> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(ended.iter().filter(|(_, created)| *created).count(), 1, "creations of one guest");
            assert!(ended.iter().all(|(entity, _)| *entity == ended[0].0));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_race_for_a_guests_entity_one_adopts_it() {
    on_both(async |url| {
        let stores = four(url).await;
        for round in 0..40 {
            let (guest, guests_entity) = begun(&stores[0]).await;
            let racing = (0..16).map(|racer| {
                let (store, guest) = (stores[racer % 4].clone(), guest.clone());
                let customer = customer(&format!("customer-{round}-{}", racer / 2));
                tokio::spawn(async move { sign_in(&store, &customer, &[guest]).await })
            });
            let ended: Vec<EntityId> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
            assert!(ended.chunks(2).all(|pair| pair[0] == pair[1]), "a customer has two entities");
            let distinct: HashSet<&str> = ended.iter().map(EntityId::as_str).collect();
            assert_eq!(distinct.len(), 8, "two customers share an entity");
            assert_eq!(ended.chunks(2).filter(|pair| pair[0] == guests_entity).count(), 1, "adoptions of one guest");
            assert_eq!(stores[1].guest_expiry(&guest, 1000).await.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_of_two_browsers_adopts_the_guest_of_one() {
    on_both(async |url| {
        let stores = four(url).await;
        for round in 0..40 {
            let guests = [begun(&stores[0]).await, begun(&stores[0]).await];
            let ada = customer(&format!("ada-{round}"));
            let racing = (0..8).map(|racer| {
                let (store, ada) = (stores[racer % 4].clone(), ada.clone());
                let guest = guests[racer % 2].0.clone();
                tokio::spawn(async move { sign_in(&store, &ada, &[guest]).await })
            });
            let ended: Vec<EntityId> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
            assert!(ended.iter().all(|entity| *entity == ended[0]), "one customer has two entities");
            for (guest, entity) in &guests {
                let is_adopted = *entity == ended[0];
                assert_eq!(stores[3].guest_expiry(guest, 1000).await.unwrap().is_none(), is_adopted);
            }
            assert!(guests.iter().any(|(_, entity)| *entity == ended[0]), "nothing was adopted");
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_living_guest_with_an_entity_is_adopted_and_only_of_the_same_account() {
    on_both(async |url| {
        let (store, other, ada) = (open(url, "account").await, open(url, "other").await, customer("ada"));
        let (whose, _) = begun(&store).await;
        let empty = guest();
        store.begin_guest(&empty, 2000).await.unwrap();
        let Creation::Begun { lease, .. } = store.begin_creation(&ada, LONG).await.unwrap() else { panic!() };
        for (guest, now) in [(&guest(), 1000), (&empty, 1000), (&whose, 2000)] {
            assert_eq!(store.adopt_guest(&ada, &lease, guest, now).await.unwrap(), None);
        }
        let Creation::Begun { lease: others, .. } = other.begin_creation(&ada, LONG).await.unwrap() else { panic!() };
        assert_eq!(other.adopt_guest(&ada, &others, &whose, 1000).await.unwrap(), None);
        // The lease is still there, for the creation that follows, and the guest too.
        assert!(matches!(store.begin_creation(&ada, LONG).await.unwrap(), Creation::Elsewhere(_)));
        assert_eq!(store.guest_expiry(&whose, 1999).await.unwrap(), Some(2000));

        // Whoever has an entity, be it since a moment, adopts nothing.
        store.finish_creation(&ada, &lease, &entity("adas")).await.unwrap();
        assert_eq!(store.adopt_guest(&ada, &lease, &whose, 1000).await.unwrap(), None);
        assert_eq!(store.entity(&ada).await.unwrap(), Some(entity("adas")));
        assert_eq!(store.guest_expiry(&whose, 1000).await.unwrap(), Some(2000));
    })
    .await;
}

#[tokio::test]
async fn an_adoption_gives_its_lease_back() {
    on_both(async |url| {
        let (store, ada) = (open(url, "account").await, customer("ada"));
        let (guest, entity) = begun(&store).await;
        let Creation::Begun { lease, .. } = store.begin_creation(&ada, LONG).await.unwrap() else { panic!() };
        assert_eq!(store.adopt_guest(&ada, &lease, &guest, 1000).await.unwrap(), Some(entity.clone()));
        assert_eq!(store.entity(&ada).await.unwrap(), Some(entity));
        assert_eq!(leases(url).await, 0, "a lease that is left stays for ever");
        assert!(matches!(store.begin_creation(&guest, LONG).await, Err(StoreError::GuestEnded)));
    })
    .await;
}

#[tokio::test]
async fn a_guest_that_has_ended_does_not_come_back() {
    on_both(async |url| {
        let (store, guest) = (open(url, "account").await, guest());
        assert!(matches!(store.begin_creation(&guest, LONG).await, Err(StoreError::GuestEnded)));
        store.begin_guest(&guest, 2000).await.unwrap();
        let Creation::Begun { lease, .. } = store.begin_creation(&guest, LONG).await.unwrap() else { panic!() };
        store.end_guest(&guest).await.unwrap();
        store.end_guest(&guest).await.unwrap();
        let late = store.finish_creation(&guest, &lease, &entity("late")).await;
        assert!(matches!(late, Err(StoreError::GuestEnded)), "{late:?}");
        store.extend_guest(&guest, 9000).await.unwrap();
        store.abandon_creation(&guest, &lease).await.unwrap();
        assert_eq!(store.guest_expiry(&guest, 0).await.unwrap(), None);
        assert_eq!(store.entity(&guest).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_guests_lease_is_given_back_taken_over_and_told_as_lost() {
    on_both(async |url| {
        let (store, guest) = (open(url, "account").await, guest());
        store.begin_guest(&guest, 2000).await.unwrap();
        let Creation::Begun { lease, .. } = store.begin_creation(&guest, LONG).await.unwrap() else { panic!() };
        let Creation::Elsewhere(remaining) = store.begin_creation(&guest, LONG).await.unwrap() else { panic!() };
        assert!(!remaining.is_zero() && remaining <= LONG, "{remaining:?}");
        store.abandon_creation(&guest, &lease).await.unwrap();
        // One that runs out at once, as if its process had died.
        let dead = store.begin_creation(&guest, Duration::ZERO).await.unwrap();
        let Creation::Begun { lease: dead, one_was_lost: false } = dead else { panic!("{dead:?}") };
        let alive = store.begin_creation(&guest, LONG).await.unwrap();
        let Creation::Begun { lease: alive, one_was_lost: true } = alive else { panic!("{alive:?}") };
        store.abandon_creation(&guest, &dead).await.unwrap();
        assert!(matches!(store.begin_creation(&guest, LONG).await.unwrap(), Creation::Elsewhere(_)));
        assert_eq!(store.finish_creation(&guest, &alive, &entity("alive")).await.unwrap(), entity("alive"));
        assert_eq!(store.finish_creation(&guest, &dead, &entity("dead")).await.unwrap(), entity("alive"));
        assert_eq!(store.entity(&guest).await.unwrap(), Some(entity("alive")));
    })
    .await;
}

#[tokio::test]
async fn guests_are_removed_when_their_time_is_over_and_not_before() {
    on_both(async |url| {
        let store = open(url, "account").await;
        let ((whose, _), other) = (begun(&store).await, guest());
        store.begin_guest(&other, 2001).await.unwrap();
        store.remove_old_guests(2000).await.unwrap();
        assert_eq!(store.guest_expiry(&whose, 0).await.unwrap(), Some(2000));
        store.extend_guest(&other, 3000).await.unwrap();
        store.remove_old_guests(2500).await.unwrap();
        assert_eq!(store.guest_expiry(&whose, 0).await.unwrap(), None);
        assert_eq!(store.guest_expiry(&other, 2999).await.unwrap(), Some(3000));
        assert_eq!(store.guest_expiry(&other, 3000).await.unwrap(), None);
    })
    .await;
}

impl Site {
    async fn guest(&self, replica: &Replica, cookie: &str) -> Response {
        let request = self.http.post(format!("{}/livechat/guest", replica.url)).header("origin", &replica.url);
        request.header("cookie", cookie).send().await.unwrap()
    }
}

fn cookie_of(response: &Response) -> String {
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with(COOKIE), "{set}");
    set.split(';').next().unwrap().to_owned()
}

/// Guests of all replicas: each is created once, whoever is asked, and adopted once, whoever asks.
async fn each_guest_is_created_once_and_adopted_once(site: &Site, replicas: &[Replica]) {
    const GUESTS: usize = 10;
    let at = |number: usize| &replicas[number % replicas.len()];
    let mut cookies = Vec::new();
    for number in 0..GUESTS {
        // The first answer is none, so that there is a cookie without an entity, for which all can race.
        site.stand_in.ledger().faults = Faults { status: Some(503), ..Faults::default() };
        let failed = site.guest(at(number), "").await;
        assert_eq!(failed.status(), 503);
        let cookie = cookie_of(&failed);
        site.stand_in.ledger().faults = Faults { latency_ms: Some(100), ..Faults::default() };
        let racing = (0..40).map(|racer| site.guest(at(racer), &cookie));
        let mut named = HashSet::new();
        for response in join_all(racing).await {
            named.insert(read(response).await["entity_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(named.len(), 1, "entities of one guest");
        let entity = named.into_iter().next().unwrap();
        assert_eq!(site.stand_in.ledger().customers.len(), cookies.len() * 4 + 1, "creations");

        let racing = (0..16).map(|racer| {
            let request = site.post(at(racer), "/livechat/token", &format!("customer-{number}-{}", racer % 4));
            let request = request.header("cookie", &cookie);
            async move {
                let response = request.send().await.unwrap();
                assert!(response.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
                read(response).await["entity_id"].as_str().unwrap().to_owned()
            }
        });
        let ended = join_all(racing).await;
        let by_customer: Vec<HashSet<&String>> =
            (0..4).map(|customer| ended.iter().skip(customer).step_by(4).collect()).collect();
        assert!(by_customer.iter().all(|entities| entities.len() == 1), "a customer has two entities");
        let adopted = by_customer.iter().filter(|entities| entities.contains(&entity)).count();
        assert_eq!(adopted, 1, "adoptions of one guest");
        // Nobody comes back to it, although each replica has kept a token of it.
        for replica in replicas {
            let next: Value = read(site.guest(replica, &format!("{cookie}; other=1")).await).await;
            assert_ne!(next["entity_id"].as_str().unwrap(), entity);
            site.stand_in.ledger().customers.remove(next["entity_id"].as_str().unwrap());
        }
        cookies.push(cookie);
    }
    let logs: Vec<String> = replicas.iter().map(Replica::log).collect();
    for cookie in &cookies {
        let secret = cookie.split('=').nth(1).unwrap();
        assert!(!logs.iter().any(|log| log.contains(secret)), "a guest's cookie is in a log");
    }
    let adoptions: usize = logs.iter().map(|log| log.matches(r#""outcome":"adopted""#).count()).sum();
    assert_eq!(adoptions, GUESTS, "adoptions in the logs");
}

fn replicas(site: &Site, count: usize) -> Vec<Replica> {
    let variables = [("IDENTITY_SERVICE_GUESTS", "true"), ("IDENTITY_SERVICE_ADOPT_GUESTS", "true")];
    (0..count).map(|number| site.replica_with(&format!("replica-{number}"), &variables)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_is_created_and_adopted_once_at_four_replicas() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    each_guest_is_created_once_and_adopted_once(&site, &replicas(&site, 4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_is_created_and_adopted_once_at_two_processes_on_sqlite() {
    let site = Site::new(None).await;
    each_guest_is_created_once_and_adopted_once(&site, &replicas(&site, 2)).await;
}
