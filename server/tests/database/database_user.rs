//! As whom the service comes to PostgreSQL: where its password may be, and what its user has to be allowed.

use std::{fs, os::unix::fs::PermissionsExt};

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection, raw_sql};

use crate::{
    postgres_server::{PostgresServer, USER},
    site::Site,
};

const WRONG_PASSWORD: &str = "password authentication failed for user \"postgres\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_may_be_in_a_file_that_nobody_else_can_read() {
    let server = PostgresServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let without = server.url().replace(&format!(":{}@", server.password), "@");
    let site = Site::new(Some(without)).await;
    let file = folder.path().join(".pgpass");
    let write = |text: &str, mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let line = |password: &str| format!("127.0.0.1:{}:postgres:{USER}:{password}\n", server.port);
    let named = [("PGPASSFILE", file.to_str().unwrap())];
    let at_home = [("HOME", folder.path().to_str().unwrap())];

    write(&format!("# a comment\nelsewhere:*:*:*:hunter2\n{}", line(&server.password)), 0o600);
    for variables in [named, at_home] {
        let replica = site.replica_with("replica", &variables);
        assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204);
        assert_eq!(replica.log().matches("WARN").count(), 0, "{}", replica.log());
    }
    for (text, mode, reasons) in [
        (line(&server.password), 0o640, &["Permissions are not strict enough", WRONG_PASSWORD][..]),
        (line("hunter2"), 0o600, &[WRONG_PASSWORD]),
        // The password alone is no line of such a file, and yet a secret.
        ("hunter2\n".to_owned(), 0o600, &[WRONG_PASSWORD]),
        (server.password.clone(), 0o600, &[WRONG_PASSWORD]),
    ] {
        write(&text, mode);
        let said = site.refusal(&named);
        assert!(reasons.iter().all(|reason| said.contains(reason)), "{reasons:?}: {said}");
        assert!(!said.contains("hunter2") && !said.contains(&server.password), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_in_the_url_may_hold_any_character_and_is_not_shown() {
    let server = PostgresServer::start().await;
    let mut own = PgConnection::connect(&server.url()).await.unwrap();
    raw_sql("CREATE ROLE identity LOGIN PASSWORD 'ä:/@%?# '; CREATE SCHEMA AUTHORIZATION identity")
        .execute(&mut own)
        .await
        .unwrap();
    let site = Site::new(None).await;
    let url = |password: &str| format!("postgres://identity:{password}@127.0.0.1:{}/postgres", server.port);
    let right = url("%C3%A4%3A%2F%40%25%3F%23%20");
    let replica = site.replica_with("replica", &[("IDENTITY_SERVICE_DATABASE_URL", &right)]);
    assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204);
    let said = site.refusal(&[("IDENTITY_SERVICE_DATABASE_URL", &url("hunter2"))]);
    assert!(said.contains("password authentication failed for user \"identity\""), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_owns_a_schema_or_the_database() {
    let server = PostgresServer::start().await;
    let mut own = PgConnection::connect(&server.url()).await.unwrap();
    for statement in [
        "CREATE ROLE identity LOGIN PASSWORD 'identity'",
        "CREATE ROLE owner LOGIN PASSWORD 'owner'",
        "CREATE ROLE guest LOGIN PASSWORD 'guest'",
        "CREATE DATABASE owned OWNER owner",
        "CREATE SCHEMA AUTHORIZATION identity",
        "CREATE SCHEMA customers AUTHORIZATION identity",
    ] {
        sqlx::query(statement).execute(&mut own).await.unwrap();
    }
    let site = Site::new(None).await;
    let url = |user: &str, rest: &str| format!("postgres://{user}:{user}@127.0.0.1:{}/{rest}", server.port);
    for url in
        [url("owner", "owned"), url("identity", "postgres"), url("identity", "postgres?options[search_path]=customers")]
    {
        let variables = [("IDENTITY_SERVICE_DATABASE_URL", url.as_str())];
        for replica in [site.replica_with("one", &variables), site.replica_with("two", &variables)] {
            assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204);
        }
    }
    let said = site.refusal(&[("IDENTITY_SERVICE_DATABASE_URL", &url("guest", "postgres"))]);
    assert!(said.contains("permission denied for schema public"), "{said}");
    let tables = "SELECT schemaname::text FROM pg_tables WHERE tablename = 'authorization_code' ORDER BY 1";
    let schemas: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut own).await.unwrap();
    assert_eq!(schemas, ["customers", "identity"]);
}

/// The server, or a limit for the user, may allow fewer sessions than this process would open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_fewer_sessions_than_a_replica_may_open_its_requests_wait_for_one_that_is_free() {
    let server = PostgresServer::start().await;
    let mut own = PgConnection::connect(&server.url()).await.unwrap();
    for statement in
        ["CREATE ROLE owner LOGIN PASSWORD 'owner'", "CREATE DATABASE owned OWNER owner CONNECTION LIMIT 2"]
    {
        sqlx::query(statement).execute(&mut own).await.unwrap();
    }
    let site = Site::new(None).await;
    let url = format!("postgres://owner:owner@127.0.0.1:{}/owned", server.port);
    let variables = [("IDENTITY_SERVICE_DATABASE_URL", url.as_str()), ("IDENTITY_SERVICE_DATABASE_CONNECTIONS", "20")];
    let replica = site.replica_with("replica", &variables);
    let customers: Vec<String> = (0..60).map(|number| format!("customer-{number}")).collect();
    let answers = join_all(customers.iter().map(|customer| site.put_record(&replica, customer).send())).await;
    for answer in answers {
        assert_eq!(answer.unwrap().status(), 204, "{}", replica.log());
    }
}

/// On a computer with IPv6, where the host of a URL stands in brackets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_reached_by_its_address_of_either_kind() {
    let server = PostgresServer::start_listening("127.0.0.1,::1").await;
    let site = Site::new(None).await;
    let has_version_6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let hosts =
        ["127.0.0.1", "localhost"].into_iter().chain(["[::1]", "[::1]:1,[::1]"].into_iter().filter(|_| has_version_6));
    for host in hosts {
        let url = server.url().replace("127.0.0.1", host);
        let replica = site.replica_with("replica", &[("IDENTITY_SERVICE_DATABASE_URL", &url)]);
        assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204, "{host}");
    }
}
