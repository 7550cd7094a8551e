//! The customer store, by the same tests on SQLite and on PostgreSQL, each time as four processes would use it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use demo::livechat_accounts::random_uuid;
use futures_util::future::join_all;
use identity_service::{
    customer::{CustomerId, EntityId},
    customer_store::{Creation, CustomerStore, Erased, Import, IssuedAuthorizationCode, Redemption, StoreError},
    random::random_bytes,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, migrate::Migrator};

use crate::postgres_server::PostgresServer;

pub const LONG: Duration = Duration::from_secs(600);
/// The database counts a lease in whole milliseconds of the wall clock, a test by the monotonic one.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);

pub fn customer(name: &str) -> CustomerId {
    CustomerId::parse(name).unwrap()
}

pub fn entity(id: &str) -> EntityId {
    EntityId::parse(id).unwrap()
}

pub async fn open(url: &str, account: &str) -> CustomerStore {
    CustomerStore::connect(url, 8, account.to_owned()).await.unwrap()
}

/// Runs a test on SQLite, then on PostgreSQL. It gets the URL of an empty database.
pub async fn on_both(test: impl AsyncFn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    test(&url).await;
    let server = PostgresServer::start().await;
    test(&server.url()).await;
}

/// Sets the clock of the database, by so many seconds from the right time: the one that its statements ask.
async fn set_clock(url: &str, seconds: i64) {
    let milliseconds = seconds * 1000;
    if url.starts_with("postgres") {
        let clock = format!(
            "CREATE OR REPLACE VIEW clock AS
             SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + {milliseconds} AS now"
        );
        let mut database = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(clock)).execute(&mut database).await.unwrap();
    } else {
        let clock = format!(
            "DROP VIEW clock;
             CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) + {milliseconds} AS now"
        );
        let mut database = SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(clock)).execute(&mut database).await.unwrap();
    }
}

/// Four stores that know nothing of each other, opened at the same time.
pub async fn four(url: &str) -> Vec<CustomerStore> {
    join_all((0..4).map(|_| open(url, "account"))).await
}

/// What a process does until its customer has an entity; true when it was the one that created.
async fn create(store: &CustomerStore, customer: &CustomerId) -> (EntityId, bool) {
    loop {
        match store.begin_creation(customer, LONG).await.unwrap() {
            Creation::Exists(entity) => return (entity, false),
            Creation::Elsewhere(_) => tokio::task::yield_now().await,
            Creation::Begun { lease, one_was_lost } => {
                assert!(!one_was_lost);
                let new = entity(&random_uuid().unwrap());
                return (store.finish_creation(customer, &lease, &new).await.unwrap(), true);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_race_for_a_customer_one_creates() {
    on_both(async |url| {
        let stores = four(url).await;
        for round in 0..40 {
            let ada = customer(&format!("ada-{round}"));
            let racing = (0..16).map(|racer| {
                let (store, ada) = (stores[racer % 4].clone(), ada.clone());
                tokio::spawn(async move { create(&store, &ada).await })
            });
            let ended: Vec<(EntityId, bool)> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(ended.iter().filter(|(_, created)| *created).count(), 1, "creations of one customer");
            assert!(ended.iter().all(|(entity, _)| *entity == ended[0].0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_keeps_others_out_until_it_ends_and_then_one_takes_over() {
    on_both(async |url| {
        let stores = four(url).await;
        let (ada, lease_duration) = (customer("ada"), Duration::from_secs(3));
        let began = Instant::now();
        let first = stores[0].begin_creation(&ada, lease_duration).await.unwrap();
        let Creation::Begun { lease: dead, one_was_lost: false } = first else { panic!("{first:?}") };
        let Creation::Elsewhere(remaining) = stores[1].begin_creation(&ada, LONG).await.unwrap() else { panic!() };
        assert!(!remaining.is_zero() && remaining <= lease_duration, "{remaining:?}");
        let mut taken = Vec::new();
        while taken.is_empty() {
            for store in &stores {
                match store.begin_creation(&ada, LONG).await.unwrap() {
                    Creation::Begun { lease, one_was_lost } => taken.push((lease, one_was_lost)),
                    Creation::Elsewhere(_) => {}
                    Creation::Exists(_) => panic!("nobody stored an entity"),
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(began.elapsed() + CLOCKS_DIFFER >= lease_duration, "the lease was taken before its end");
        let [(alive, true)] = &taken[..] else { panic!("{taken:?}") };
        // The dead one comes back: its lease is not the one that is running.
        stores[0].abandon_creation(&ada, &dead).await.unwrap();
        assert!(matches!(stores[2].begin_creation(&ada, LONG).await.unwrap(), Creation::Elsewhere(_)));
        let stored = stores[1].finish_creation(&ada, alive, &entity("alive")).await.unwrap();
        assert_eq!(stored, entity("alive"));
        // The first that is stored stays, whoever comes later.
        assert_eq!(stores[0].finish_creation(&ada, &dead, &entity("dead")).await.unwrap(), entity("alive"));
        assert_eq!(stores[3].entity(&ada).await.unwrap(), Some(entity("alive")));
    })
    .await;
}

/// Forward, so that it seems to be over, and back, so that it seems to run for long.
#[tokio::test]
async fn a_lease_runs_as_long_as_it_was_taken_for_however_the_databases_clock_is_set() {
    on_both(async |url| {
        for (name, seconds) in [("ada", 86_400), ("bob", -86_400)] {
            let (holder, other) = (open(url, "account").await, open(url, "account").await);
            set_clock(url, 0).await;
            let (customer, lease_duration) = (customer(name), Duration::from_secs(2));
            let began = Instant::now();
            let Creation::Begun { .. } = holder.begin_creation(&customer, lease_duration).await.unwrap() else {
                panic!()
            };
            set_clock(url, seconds).await;
            let mut looks = 0;
            loop {
                match other.begin_creation(&customer, LONG).await.unwrap() {
                    Creation::Begun { one_was_lost: true, .. } => break,
                    Creation::Elsewhere(remaining) => assert!(remaining <= lease_duration, "{seconds}: {remaining:?}"),
                    unexpected => panic!("{unexpected:?}"),
                }
                looks += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(looks > 0 && began.elapsed() >= lease_duration, "{seconds}: taken before its end");
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_free_at_once() {
    on_both(async |url| {
        let (store, ada) = (open(url, "account").await, customer("ada"));
        let Creation::Begun { lease, .. } = store.begin_creation(&ada, LONG).await.unwrap() else { panic!() };
        store.abandon_creation(&ada, &lease).await.unwrap();
        let again = store.begin_creation(&ada, LONG).await.unwrap();
        assert!(matches!(again, Creation::Begun { one_was_lost: false, .. }), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn accounts_share_records_and_codes_but_no_entity() {
    on_both(async |url| {
        let (one, none, ada) = (open(url, "one").await, open(url, "").await, customer("ada"));
        let (stored, _) = create(&one, &ada).await;
        assert_eq!(one.entity(&ada).await.unwrap(), Some(stored));
        assert_eq!(none.entity(&ada).await.unwrap(), None);

        assert_eq!(one.record(&ada).await.unwrap(), None);
        one.put_record(&ada, r#"{"given_name":"Ada"}"#).await.unwrap();
        one.put_record(&ada, r#"{"given_name":"Augusta Ada – ☕"}"#).await.unwrap();
        assert_eq!(none.record(&ada).await.unwrap().unwrap(), r#"{"given_name":"Augusta Ada – ☕"}"#);
        assert_eq!(none.record(&customer("Ada")).await.unwrap(), None);
        none.erase(&ada).await.unwrap();
        none.erase(&ada).await.unwrap();
        assert_eq!(one.record(&ada).await.unwrap(), None);
    })
    .await;
}

fn code(expires_at: i64) -> IssuedAuthorizationCode {
    let redirect_uri = "https://liveperson.net".to_owned();
    IssuedAuthorizationCode {
        customer: customer("ada"),
        redirect_uri,
        code_challenge: Some("challenge".to_owned()),
        expires_at,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_race_for_a_code_one_redeems_it() {
    on_both(async |url| {
        let stores = four(url).await;
        for _ in 0..40 {
            let hash: [u8; 32] = random_bytes().unwrap();
            stores[0].put_code(&hash, &code(2000)).await.unwrap();
            let racing = (0..16).map(|racer| {
                let store = stores[racer % 4].clone();
                tokio::spawn(async move { store.redeem_code(&hash, 1000).await.unwrap() })
            });
            let ended: Vec<Redemption> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
            let redeemed: Vec<&Redemption> =
                ended.iter().filter(|redemption| **redemption != Redemption::Replayed).collect();
            assert_eq!(redeemed, [&Redemption::Redeemed(code(2000))]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_old_unknown_or_used_is_told_as_such() {
    on_both(async |url| {
        let store = open(url, "account").await;
        let (old, used) = ([1; 32], [2; 32]);
        store.put_code(&old, &code(2000)).await.unwrap();
        let without_challenge = IssuedAuthorizationCode { code_challenge: None, ..code(2000) };
        store.put_code(&used, &without_challenge).await.unwrap();
        let taken = store.put_code(&used, &code(9000)).await;
        assert!(matches!(taken, Err(StoreError::Database(_))), "a code of this hash exists: {taken:?}");
        assert_eq!(store.redeem_code(&[3; 32], 1000).await.unwrap(), Redemption::Unknown);
        assert_eq!(store.redeem_code(&old, 2000).await.unwrap(), Redemption::Expired);
        assert_eq!(store.redeem_code(&used, 1999).await.unwrap(), Redemption::Redeemed(without_challenge));
        assert_eq!(store.redeem_code(&used, 9000).await.unwrap(), Redemption::Replayed);
        store.remove_old_codes(2000).await.unwrap();
        assert_eq!(store.redeem_code(&used, 9000).await.unwrap(), Redemption::Replayed);
        store.remove_old_codes(2001).await.unwrap();
        for hash in [old, used] {
            assert_eq!(store.redeem_code(&hash, 1000).await.unwrap(), Redemption::Unknown);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_together_make_the_tables_once() {
    let server = PostgresServer::start().await;
    let opening = (0..8).map(|_| {
        let url = server.url();
        tokio::spawn(async move { open(&url, "account").await })
    });
    for store in join_all(opening).await {
        store.unwrap().check().await.unwrap();
    }
}

/// An upgrade: the first new replica changes the tables, and an old one cannot know what they mean now.
#[tokio::test]
async fn a_database_of_a_newer_version_is_told_as_such_and_open_stores_go_on() {
    on_both(async |url| {
        let running = open(url, "account").await;
        let newer = "
            INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 1000, 'newer', TRUE, checksum, 0 FROM _sqlx_migrations LIMIT 1";
        if url.starts_with("sqlite") {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            sqlx::query(newer).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query(newer).execute(&mut connection).await.unwrap();
        }
        let refused = CustomerStore::connect(url, 8, "account".to_owned()).await;
        assert!(matches!(refused, Err(StoreError::Newer(1000))), "{refused:?}");
        running.put_record(&customer("ada"), "{}").await.unwrap();
    })
    .await;
}

/// SQLite's own patience does not cover this: giving a file its journal fails at once while somebody writes.
#[tokio::test]
async fn a_sqlite_file_that_another_process_is_making_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    let mut other = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let transaction = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut opening = Box::pin(CustomerStore::connect(&url, 8, "account".to_owned()));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut opening).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
    transaction.commit().await.unwrap();
    opening.await.unwrap().check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_make_a_sqlite_file_together_all_start() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let url = format!("sqlite:{}", folder.path().join(format!("{round}.sqlite")).display());
        let opening = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { CustomerStore::connect(&url, 8, "account".to_owned()).await })
        });
        for store in join_all(opening).await {
            let store = store.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
            store.check().await.unwrap();
            store.close().await;
        }
    }
}

/// What the first version of this service left behind.
#[tokio::test]
async fn a_sqlite_file_of_the_first_version_opens_and_keeps_its_customers() {
    let folder = tempfile::tempdir().unwrap();
    let (file, migrations) = (folder.path().join("customers.sqlite"), folder.path().join("migrations"));
    std::fs::create_dir(&migrations).unwrap();
    let first = include_str!("../../migrations/sqlite/0001_customer.sql");
    std::fs::write(migrations.join("0001_customer.sql"), first).unwrap();
    let url = format!("sqlite:{}", file.display());
    let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let migrator = Migrator::new(migrations).await.unwrap();
    // A file whose checksum changed would shut out every database that exists.
    let checksum: String =
        migrator.iter().next().unwrap().checksum.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(checksum, "43cbcf21c45130d9");
    migrator.run(&mut connection).await.unwrap();
    for statement in [
        "PRAGMA journal_mode = WAL",
        "INSERT INTO customer VALUES ('account', 'ada', 'entity-of-ada', 1)",
        "INSERT INTO creation VALUES ('account', 'grace', 'lease', 1)",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let store = four(&url).await.remove(0);
    assert_eq!(store.entity(&customer("ada")).await.unwrap(), Some(entity("entity-of-ada")));
    let taken_over = store.begin_creation(&customer("grace"), LONG).await.unwrap();
    assert!(matches!(taken_over, Creation::Begun { one_was_lost: true, .. }), "{taken_over:?}");
}

/// Tables of a database, by name.
async fn tables(url: &str) -> Vec<String> {
    let query = if url.starts_with("sqlite:") {
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
    } else {
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    };
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        return sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
}

/// For trying things out: the database is as long as the process, whatever becomes of a statement or of who waits for it.
#[tokio::test]
async fn a_database_in_memory_outlives_statements_that_fail_or_are_given_up() {
    for url in ["sqlite::memory:", "sqlite:trial?mode=memory"] {
        let store = open(url, "account").await;
        let (made, _) = create(&store, &customer("ada")).await;
        for _ in 0..20 {
            // Polled once, and left.
            let asked = store.check();
            let _ = tokio::time::timeout(Duration::ZERO, asked).await;
        }
        assert_eq!(store.entity(&customer("ada")).await.unwrap(), Some(made), "{url}");
    }
}

#[tokio::test]
async fn who_only_checks_a_database_changes_nothing_in_it() {
    on_both(async |url| {
        let file = url.strip_prefix("sqlite:");
        CustomerStore::rehearse(url).await.unwrap();
        match file {
            Some(file) => {
                let folder = std::path::Path::new(file).parent().unwrap();
                assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "a file was left");
            }
            None => assert_eq!(tables(url).await, Vec::<String>::new()),
        }
        // The same where somebody else has put something in, which the service's own tables stand beside.
        if file.is_some() {
            let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
            sqlx::query("CREATE TABLE of_another (a INTEGER)").execute(&mut connection).await.unwrap();
        } else {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query("CREATE TABLE of_another (a INTEGER)").execute(&mut connection).await.unwrap();
        }
        CustomerStore::rehearse(url).await.unwrap();
        assert_eq!(tables(url).await, ["of_another"]);
        // Beside one that runs.
        let store = open(url, "account").await;
        CustomerStore::rehearse(url).await.unwrap();
        let (made, _) = create(&store, &customer("ada")).await;
        assert_eq!(store.entity(&customer("ada")).await.unwrap(), Some(made));
        CustomerStore::rehearse(url).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_without_the_urls_secrets() {
    let server = PostgresServer::start().await;
    let right = server.url();
    let mut told = HashSet::new();
    for url in [
        right.replace(&server.password, "hunter2"),
        right.replace("/postgres", "/absent?password=hunter2"),
        right.replace(&format!("postgres:{}@", server.password), "hunter2:hunter2@"),
        format!("{right}?passwrod=hunter2"),
        format!("{right}?sslmode=verify-full"),
        "postgres://me:hunter2@127.0.0.1:1/database".to_owned(),
        "postgres://me:hunter2@127.0.0.1:many/database".to_owned(),
        "postgres://me:hunter2@[::/database".to_owned(),
        "mysql://me:hunter2@127.0.0.1/database".to_owned(),
        "hunter2 is the password".to_owned(),
    ] {
        let error = CustomerStore::connect(&url, 4, String::new()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(&server.password), "{text}");
        assert!(url.starts_with("hunter2") || !text.contains("password is") && !text.contains(":hunter2"), "{text}");
        told.insert(error.to_string());
    }
    assert!(told.len() >= 7, "{told:?}");
}

#[tokio::test]
async fn what_is_imported_overwrites_nothing_unless_it_is_told_to() {
    on_both(async |url| {
        let store = open(url, "account").await;
        let pairs = |list: &[(&str, &str)]| list.iter().map(|(id, of)| (customer(id), entity(of))).collect::<Vec<_>>();
        let first = pairs(&[("ada", "e-1"), ("bob", "e-2"), ("ada", "e-3"), ("ada", "e-1")]);
        let imports = store.import(&first, false).await.unwrap();
        assert_eq!(imports, [Import::New, Import::New, Import::Conflict, Import::Unchanged]);
        let imports = store.import(&pairs(&[("bob", "e-2"), ("ada", "e-4"), ("eve", "e-5")]), true).await.unwrap();
        assert_eq!(imports, [Import::Unchanged, Import::Replaced, Import::New]);
        // Who creates at the same time finds what was imported, and keeps it.
        let Creation::Begun { lease, .. } = store.begin_creation(&customer("gil"), LONG).await.unwrap() else {
            panic!()
        };
        store.import(&pairs(&[("gil", "e-6")]), false).await.unwrap();
        let kept = store.finish_creation(&customer("gil"), &lease, &entity("e-7")).await.unwrap();
        assert_eq!(kept, entity("e-6"));
        // Another account's customers are others.
        let other = open(url, "another").await;
        assert_eq!(other.import(&pairs(&[("ada", "e-8")]), false).await.unwrap(), [Import::New]);

        let all = pairs(&[("ada", "e-4"), ("bob", "e-2"), ("eve", "e-5"), ("gil", "e-6")]);
        let mut found = Vec::new();
        while let Some(some) =
            Some(store.export(found.last().map(|(id, _)| id), 3).await.unwrap()).filter(|some| !some.is_empty())
        {
            assert!(some.len() <= 3);
            found.extend(some);
        }
        assert!(found == all);
    })
    .await;
}

/// Two people may import at once, each a file in its own order.
#[tokio::test]
async fn imports_at_once_do_not_wait_for_each_other_for_ever() {
    on_both(async |url| {
        let mut pairs: Vec<_> = (0..200).map(|n| (customer(&format!("c-{n}")), entity(&format!("e-{n}")))).collect();
        let stores = four(url).await;
        for round in 0..5 {
            let imports = stores.iter().map(|store| {
                pairs.reverse();
                let pairs = pairs.clone();
                async move { store.import(&pairs, round % 2 == 0).await }
            });
            for imported in join_all(imports).await {
                assert!(imported.unwrap().iter().all(|import| matches!(import, Import::New | Import::Unchanged)));
            }
            for store in &stores {
                for (customer, _) in &pairs[..20] {
                    store.erase(customer).await.unwrap();
                }
            }
        }
        // Whatever the order in which it takes them, it tells of each in its own place.
        let lines = [("z", "e-1"), ("c-7", "other"), ("a", "e-2"), ("z", "e-3"), ("c-7", "e-7")];
        let lines = lines.map(|(id, of)| (customer(id), entity(of)));
        stores[0].import(&[(customer("c-7"), entity("e-7"))], true).await.unwrap();
        let told = stores[0].import(&lines, false).await.unwrap();
        assert_eq!(told, [Import::New, Import::Conflict, Import::New, Import::Conflict, Import::Unchanged]);
    })
    .await;
}

/// What was deleted is looked for as somebody does who has the disk, or a backup of it.
#[tokio::test]
async fn nothing_of_whoever_is_erased_stays_in_the_files_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.sqlite");
    let store = open(&format!("sqlite:{}", file.display()), "account").await;
    let people: Vec<_> = (0..300).map(|n| customer(&format!("person-{}", n * 7919 % 1000))).collect();
    for (n, person) in people.iter().enumerate() {
        store.import(&[(person.clone(), entity(&format!("the-entity-of-{n}")))], false).await.unwrap();
        let record =
            format!("{{\"email\":\"the-mail-of-{n}@shop.example\",\"note\":\"{}\"}}", "x".repeat(n * 13 % 900));
        store.put_record(person, &record).await.unwrap();
    }
    // The first one's stays, so that there is something to find.
    for person in &people[1..] {
        store.erase(person).await.unwrap();
    }
    let found = |text: &str| -> usize {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.map(|bytes| bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()).sum()
    };
    for text in ["the-entity-of-", "the-mail-of-"] {
        assert_eq!((found(text), found(&format!("{text}0"))), (1, 1), "{text}");
    }
    // Whoever reads from the log keeps nobody from being erased, and then nothing from being gone later.
    let mut reader = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM customer;").execute(&mut reader).await.unwrap();
    assert_eq!(store.erase(&people[0]).await.unwrap().entities, [entity("the-entity-of-0")]);
    assert!(found("the-mail-of-0") > 0, "nobody read");
    reader.close().await.unwrap();
    store.erase(&customer("nobody")).await.unwrap();
    assert_eq!((found("the-mail-of-"), found("the-entity-of-")), (0, 0));
}

#[tokio::test]
async fn whoever_is_erased_is_nowhere_any_more() {
    on_both(async |url| {
        let (store, other) = (open(url, "account").await, open(url, "another").await);
        let fill = async |name: &str| {
            store.import(&[(customer(name), entity(&format!("{name}-1")))], false).await.unwrap();
            other.import(&[(customer(name), entity(&format!("{name}-2")))], false).await.unwrap();
            store.put_record(&customer(name), "{}").await.unwrap();
            let code = IssuedAuthorizationCode {
                customer: customer(name),
                redirect_uri: "https://site.example".to_owned(),
                code_challenge: None,
                expires_at: i64::MAX,
            };
            store.put_code(&random_bytes().unwrap(), &code).await.unwrap();
        };
        fill("ada").await;
        fill("bob").await;
        let mut erased = store.erase(&customer("ada")).await.unwrap();
        erased.entities.sort_by(|one, two| one.as_str().cmp(two.as_str()));
        assert_eq!(erased, Erased { record: true, entities: vec![entity("ada-1"), entity("ada-2")], codes: 1 });
        assert_eq!(store.erase(&customer("ada")).await.unwrap(), Erased::default());
        assert_eq!(
            (store.entity(&customer("ada")).await.unwrap(), other.export(None, 9).await.unwrap().len()),
            (None, 1)
        );
        let bob = store.erase(&customer("bob")).await.unwrap();
        assert_eq!((bob.record, bob.entities.len(), bob.codes), (true, 2, 1), "others are left as they are");
        // A creation that was under way is forgotten too: the next one has to wait for nobody.
        let Creation::Begun { .. } = store.begin_creation(&customer("ada"), LONG).await.unwrap() else { panic!() };
        store.erase(&customer("ada")).await.unwrap();
        assert!(matches!(store.begin_creation(&customer("ada"), LONG).await.unwrap(), Creation::Begun { .. }));
    })
    .await;
}
