//! First requests race for new customers, over real processes, one of which is killed: each customer gets one entity.

use std::{
    collections::HashSet,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use demo::livechat_accounts::Faults;
use futures_util::future::join_all;
use identity_service::customer::CustomerId;
use serde_json::Value;

use crate::{
    postgres_server::PostgresServer,
    site::{Replica, Site, until},
};

const CUSTOMERS: usize = 50;
/// How many requests race for each of them, all at the same time.
const REQUESTS: usize = 500;
/// For how many customers at a time.
const LANES: usize = 4;
/// The most that one answer may take: a creation's at LiveChat, and what the database is waited for.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);
/// The most that all of it may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// The clients, and what they know in the end.
struct Race {
    site: Site,
    urls: Vec<String>,
    /// Which of the replicas may be killed.
    mortal: Option<usize>,
    next_customer: AtomicUsize,
    /// By customer, every entity that any answer named.
    named: Vec<Mutex<HashSet<String>>>,
    served: AtomicUsize,
    /// Requests that lost their replica and went on at the next.
    moved: AtomicUsize,
    /// Answers that said "later".
    tried_again: AtomicUsize,
    /// How long the slowest answer took.
    slowest: Mutex<Duration>,
}

impl Race {
    fn new(site: Site, replicas: &[Replica], mortal: Option<usize>) -> Arc<Self> {
        // Two sockets of this process for each request that runs are more than many systems give by default.
        let own = std::process::id().to_string();
        let allowed = Command::new("prlimit").args(["--pid", &own, "--nofile=6000:"]).status().unwrap();
        assert!(allowed.success(), "this test needs 6000 open files");
        Arc::new(Self {
            site,
            urls: replicas.iter().map(|replica| format!("{}/livechat/token", replica.url)).collect(),
            mortal,
            next_customer: AtomicUsize::new(0),
            named: (0..CUSTOMERS).map(|_| Mutex::default()).collect(),
            served: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
            tried_again: AtomicUsize::new(0),
            slowest: Mutex::default(),
        })
    }

    /// Serves all customers, so many at a time.
    async fn run(self: &Arc<Self>) {
        let lanes = (0..LANES).map(|_| {
            let race = Arc::clone(self);
            tokio::spawn(async move {
                loop {
                    let number = race.next_customer.fetch_add(1, Ordering::SeqCst);
                    if number >= CUSTOMERS {
                        return;
                    }
                    let session = race.site.session(&customer(number));
                    join_all((0..REQUESTS).map(|racer| race.ask(number, racer, &session))).await;
                }
            })
        });
        let all = tokio::time::timeout(DEADLINE, join_all(lanes)).await.expect("somebody is not served");
        all.into_iter().for_each(Result::unwrap);
    }

    /// One client: asks until it is served, and leaves a replica that is gone for the next.
    async fn ask(&self, number: usize, racer: usize, session: &str) {
        let mut replica = racer % self.urls.len();
        let answer: Value = loop {
            let asked = Instant::now();
            let answer = self.site.http.post(&self.urls[replica]).bearer_auth(session).send().await;
            let (status, body) = match answer {
                Ok(answer) => (answer.status().as_u16(), answer.bytes().await),
                Err(error) => (0, Err(error)),
            };
            {
                let mut slowest = self.slowest.lock().unwrap();
                *slowest = asked.elapsed().max(*slowest);
            }
            match (status, body) {
                (200, Ok(body)) => break serde_json::from_slice(&body).unwrap(),
                (503 | 504, Ok(_)) => {
                    self.tried_again.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                (status, Ok(body)) => panic!("{status}: {}", String::from_utf8_lossy(&body)),
                (_, Err(error)) => {
                    assert_eq!(Some(replica), self.mortal, "a replica that lives did not answer: {error:?}");
                    self.moved.fetch_add(1, Ordering::SeqCst);
                    replica = (replica + 1) % self.urls.len();
                    // It may be the only one, and is started again.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        let entity = answer["entity_id"].as_str().unwrap();
        let whose = self.site.stand_in.ledger().tokens[answer["access_token"].as_str().unwrap()].entity.clone();
        assert_eq!(entity, whose, "the token belongs to another entity than the answer says");
        self.named[number].lock().unwrap().insert(entity.to_owned());
        self.served.fetch_add(1, Ordering::SeqCst);
    }

    /// What is stored of each customer, which has to be what every answer named.
    async fn stored(&self) -> HashSet<String> {
        assert_eq!(self.served.load(Ordering::SeqCst), CUSTOMERS * REQUESTS);
        let (store, mut all) = (self.site.store().await, HashSet::new());
        for (number, named) in self.named.iter().enumerate() {
            let entity = store.entity(&CustomerId::parse(&customer(number)).unwrap()).await.unwrap().unwrap();
            let stored = HashSet::from([entity.as_str().to_owned()]);
            assert_eq!(*named.lock().unwrap(), stored, "entities of {}", customer(number));
            all.extend(stored);
        }
        assert_eq!(all.len(), CUSTOMERS, "two customers share an entity");
        all
    }

    /// Whether the replica that was killed lost no more than the entities that it was creating, and whether the logs
    /// tell of them.
    async fn lost_little(&self, what: &str, began: Instant, killed: &str, replicas: &[Replica]) {
        let stored = self.stored().await;
        let (created, tokens) = {
            let ledger = self.site.stand_in.ledger();
            (ledger.customers.clone(), ledger.tokens.clone())
        };
        let lost: Vec<&String> = created.difference(&stored).collect();
        self.report(what, began, lost.len());
        assert_eq!(created.len(), CUSTOMERS + lost.len(), "an entity is stored that LiveChat did not create");
        for entity in &lost {
            let askers = tokens.values().filter(|token| token.entity == **entity).map(|token| token.client_id.as_str());
            let askers: HashSet<&str> = askers.collect();
            assert_eq!(askers, HashSet::from([killed]), "a living replica lost an entity");
        }
        // One was being created when the replica died, and no more than it worked on at that time.
        assert!((1..=LANES).contains(&lost.len()), "{} entities are lost", lost.len());
        let told =
            |replica: &Replica| replica.log().matches("an earlier creation of this customer never came back").count();
        // No answer waits for its line.
        until("a line for each lost one", || replicas.iter().map(told).sum::<usize>() >= lost.len()).await;
        let told: usize = replicas.iter().map(told).sum();
        assert!((lost.len()..=LANES).contains(&told), "{} entities are lost, the logs tell of {told}", lost.len());
    }

    /// The figures, for who runs this with --nocapture.
    fn report(&self, what: &str, began: Instant, lost: usize) {
        let ledger = self.site.stand_in.ledger();
        println!(
            "{what}: {} requests served in {:.1} s, {} creations, {lost} lost, {} tokens asked of LiveChat, {} requests moved, {} told to come later, the slowest answer after {:?}",
            self.served.load(Ordering::SeqCst),
            began.elapsed().as_secs_f64(),
            ledger.customers.len(),
            ledger.tokens_issued,
            self.moved.load(Ordering::SeqCst),
            self.tried_again.load(Ordering::SeqCst),
            self.slowest.lock().unwrap(),
        );
    }
}

fn customer(number: usize) -> String {
    format!("customer-{number}")
}

/// Kills the replica when LiveChat has created an entity for it, and has not yet answered.
async fn kill_in_a_creation(site: &Site, replica: &mut Replica) {
    let mut known = HashSet::new();
    until("a fifth of the customers", || {
        known = site.stand_in.ledger().customers.clone();
        known.len() >= CUSTOMERS / 5
    })
    .await;
    until("the replica creates a customer", || {
        let ledger = site.stand_in.ledger();
        ledger.customers.difference(&known).any(|entity| {
            let mut tokens = ledger.tokens.values().filter(|token| token.entity == *entity);
            tokens.all(|token| token.client_id == replica.client_id)
        })
    })
    .await;
    replica.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entity_for_each_customer_from_four_replicas_one_of_which_is_killed() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let mut replicas = site.replicas(4, 8);
    // The kill has to fall between a creation and its answer.
    site.stand_in.ledger().faults = Faults { latency_ms: Some(500), ..Faults::default() };
    let (mortal, began) = (2, Instant::now());
    let race = Race::new(site, &replicas, Some(mortal));
    tokio::join!(race.run(), kill_in_a_creation(&race.site, &mut replicas[mortal]));

    race.lost_little("four replicas on PostgreSQL", began, &replicas[mortal].client_id, &replicas).await;
}

/// The primary is lost with no good-bye in the middle of it, and its standby takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entity_for_each_customer_from_four_replicas_through_a_failover() {
    let mut primary = PostgresServer::start().await;
    let standby = primary.standby().await;
    let site = Site::new(Some(primary.url_with(&standby))).await;
    let replicas = site.replicas(4, 8);
    site.stand_in.ledger().faults = Faults { latency_ms: Some(500), ..Faults::default() };
    let began = Instant::now();
    let race = Race::new(site, &replicas, None);
    let fail_over = async {
        until("a fifth of the customers", || race.site.stand_in.ledger().customers.len() >= CUSTOMERS / 5).await;
        primary.stop();
        standby.promote().await;
    };
    tokio::join!(race.run(), fail_over);
    let stored = race.stored().await;
    race.report("four replicas through a failover", began, 0);
    assert_eq!(race.site.stand_in.ledger().customers, stored, "LiveChat has a customer more than once, or nobody's");
    let slowest = *race.slowest.lock().unwrap();
    assert!(slowest < LONGEST_ANSWER, "an answer took {slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entity_for_each_customer_from_one_process_on_sqlite() {
    let site = Site::new(None).await;
    let replicas = site.replicas(1, 8);
    // So that all who race for a customer are there before its creation is answered.
    site.stand_in.ledger().faults = Faults { latency_ms: Some(200), ..Faults::default() };
    let began = Instant::now();
    let race = Race::new(site, &replicas, None);
    race.run().await;
    let stored = race.stored().await;
    race.report("one process on SQLite", began, 0);
    let ledger = race.site.stand_in.ledger();
    assert_eq!(ledger.customers, stored);
    assert_eq!(ledger.tokens_issued, u64::try_from(CUSTOMERS).unwrap(), "LiveChat is asked once for each customer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entity_for_each_customer_from_one_process_on_sqlite_that_is_killed_and_started_again() {
    let site = Site::new(None).await;
    let mut replicas = site.replicas(1, 8);
    site.stand_in.ledger().faults = Faults { latency_ms: Some(500), ..Faults::default() };
    let began = Instant::now();
    let race = Race::new(site, &replicas, Some(0));
    let killed = replicas[0].client_id.clone();
    let kill_and_start = async {
        kill_in_a_creation(&race.site, &mut replicas[0]).await;
        let address = replicas[0].url.trim_start_matches("http://").to_owned();
        replicas.push(race.site.replica_with("replica-0-again", &[("IDENTITY_SERVICE_LISTEN", &address)]));
    };
    tokio::join!(race.run(), kill_and_start);
    race.lost_little("one process on SQLite, killed and started again", began, &killed, &replicas).await;
}
