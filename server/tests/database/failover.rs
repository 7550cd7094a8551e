//! PostgreSQL behind networks that go silent, slow or away, and through failovers: nobody waits for long, nobody is
//! doubled or lost, and the service is back within two seconds of the cause's end.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use sqlx::{Connection, PgConnection};

use crate::{
    network::Network,
    postgres_server::PostgresServer,
    site::{Replica, Site},
};

/// No request may hang for longer.
const LONGEST: Duration = Duration::from_secs(12);
/// How soon after the end of its cause a fault has to be over.
const BACK: Duration = Duration::from_secs(2);

/// Requests that need the database, more than there are sessions.
fn requests(site: &Site, replica: &Replica) -> Vec<RequestBuilder> {
    let some = (0..6).flat_map(|number| {
        let customer = format!("customer-{number}");
        [site.put_record(replica, &customer), site.post(replica, "/omnichannel/token", &customer)]
    });
    some.collect()
}

/// Sends them all at the same time: how many were well, and how long the slowest took. None may be anything else than
/// well or a refusal that says when to come again.
async fn all(site: &Site, replica: &Replica) -> (usize, Duration) {
    let began = Instant::now();
    let answers = join_all(requests(site, replica).into_iter().map(|request| request.timeout(LONGEST).send())).await;
    let mut well = 0;
    for answer in answers {
        let answer = answer.expect("a request hangs");
        match answer.status().as_u16() {
            200 | 204 => well += 1,
            503 => assert!(answer.headers().contains_key("retry-after")),
            status => panic!("{status}"),
        }
    }
    (well, began.elapsed())
}

/// Every one of them is well.
async fn all_well(site: &Site, replica: &Replica) -> Duration {
    let (well, slowest) = all(site, replica).await;
    assert_eq!(well, requests(site, replica).len(), "after {slowest:?}: {}", replica.log());
    slowest
}

/// Asks until all are well, which has to be soon.
async fn back(site: &Site, replica: &Replica, what: &str) {
    let ended = Instant::now();
    loop {
        let began = Instant::now();
        let (well, _) = all(site, replica).await;
        if well == requests(site, replica).len() {
            println!("{what}: back {:?} after the cause's end", began - ended);
            assert!(began - ended < BACK, "{what}: back only after {:?}", began - ended);
            return;
        }
        assert!(ended.elapsed() < Duration::from_secs(60), "{what}: {well} are well, and no more become so");
    }
}

async fn behind_a_network() -> (PostgresServer, Network, Site, Replica) {
    let server = PostgresServer::start().await;
    let network = Network::to(server.port).await;
    let site = Site::new(Some(network.url(&server.url(), server.port))).await;
    let replica = site.replica("replica", 8);
    all_well(&site, &replica).await;
    (server, network, site, replica)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_a_network_forgets_are_left_after_one_short_wait() {
    let (_server, network, site, replica) = behind_a_network().await;
    for _ in 0..2 {
        network.forget_connections();
        // Idle for longer than a session is trusted.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let slowest = all_well(&site, &replica).await;
        println!("forgotten connections: the slowest of {} took {slowest:?}", requests(&site, &replica).len());
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
        let slowest = all_well(&site, &replica).await;
        assert!(slowest < Duration::from_secs(1), "the second time too: {slowest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_a_slow_a_resetting_and_an_absent_network_are_survived() {
    let (_server, network, site, replica) = behind_a_network().await;

    network.silence();
    let (well, slowest) = all(&site, &replica).await;
    assert_eq!(well, 0, "nothing goes through");
    println!("silence: refused within {slowest:?}");
    network.heal();
    back(&site, &replica, "silence").await;

    network.reset();
    back(&site, &replica, "resets").await;

    network.cut();
    let (well, slowest) = all(&site, &replica).await;
    assert!(well == 0 && slowest < Duration::from_secs(4), "{well} in {slowest:?}");
    network.heal();
    back(&site, &replica, "cut").await;

    network.delay(Duration::from_millis(100));
    all_well(&site, &replica).await;
    network.heal();
    back(&site, &replica, "delay").await;
}

/// A failover behind one address: the old primary lives on and takes no writes, and the sessions there are well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_a_failover_leaves_read_only_are_left_for_the_new_primary() {
    let old = PostgresServer::start().await;
    let new = old.standby().await;
    let network = Network::to(old.port).await;
    let site = Site::new(Some(network.url(&old.url(), old.port))).await;
    let replica = site.replica("replica", 8);
    all_well(&site, &replica).await;

    old.make_read_only().await;
    let (well, _) = all(&site, &replica).await;
    assert_eq!(well, 6, "reading goes on where nothing can be written");
    new.promote().await;
    network.lead_to(new.port);
    back(&site, &replica, "read-only sessions").await;
}

/// Several hosts in the URL: the one that takes writes is found, whichever it is and however it changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let mut old = PostgresServer::start().await;
    let new = old.standby().await;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let hosts = |ports: &[u16]| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        old.url().replace(&format!("127.0.0.1:{}", old.port), &hosts.join(","))
    };
    let (in_order, in_disorder) = (hosts(&[old.port, new.port]), hosts(&[dead, new.port, old.port]));
    let site = Site::new(Some(in_order)).await;
    let replica = site.replica("replica", 8);
    let named =
        format!("{in_disorder}?target_session_attrs=read-write&connect_timeout=1&keepalives=1&keepalives_idle=30");
    let other = site.replica_with("other", &[("IDENTITY_SERVICE_DATABASE_URL", &named)]);
    for replica in [&replica, &other] {
        all_well(&site, replica).await;
    }
    old.stop();
    new.promote().await;
    tokio::join!(back(&site, &replica, "failover"), back(&site, &other, "failover, other order"));
}

/// The first of several hosts is gone without a word, and the second, too: the third is reached although nobody waits so long for all three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_stay_silent_keep_nobody_from_the_one_that_answers() {
    let server = PostgresServer::start().await;
    let networks = [Network::to(server.port).await, Network::to(server.port).await];
    let hosts: Vec<String> = networks
        .iter()
        .map(|network| network.port)
        .chain([server.port])
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let url = server.url().replace(&format!("127.0.0.1:{}", server.port), &hosts.join(","));
    let site = Site::new(None).await;
    let with = |query: &str| format!("{url}?{query}");
    let replicas = ["connect_timeout=10", "connect_timeout=3"]
        .map(|query| site.replica_with(query, &[("IDENTITY_SERVICE_DATABASE_URL", &with(query))]));
    for replica in &replicas {
        all_well(&site, replica).await;
    }
    networks.iter().for_each(Network::silence);
    // Those who had a session there wait until it is thought dead.
    for replica in &replicas {
        all(&site, replica).await;
    }
    for replica in &replicas {
        back(&site, replica, "silent hosts").await;
        let slowest = all_well(&site, replica).await;
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    }
    // Also at the start.
    let began = Instant::now();
    let late = site.replica_with("late", &[("IDENTITY_SERVICE_DATABASE_URL", &with("connect_timeout=30"))]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    all_well(&site, &late).await;
}

/// Backends are ended one by one and all at once, as an administrator or a pooler does: nobody notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_the_server_ends_cost_no_request() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replica = site.replica("replica", 8);
    all_well(&site, &replica).await;
    let mut administrator = PgConnection::connect(&server.url()).await.unwrap();
    for _ in 0..3 {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let ended: i64 = sqlx::query_scalar(end).fetch_one(&mut administrator).await.unwrap();
        assert!(ended > 0);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        all_well(&site, &replica).await;
    }
}
