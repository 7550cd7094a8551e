//! Connections to PostgreSQL over TLS: the right server is spoken to in secret, and a wrong one not at all.

use std::{fs, path::PathBuf};

use futures_util::future::join_all;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{
    postgres_server::{PostgresServer, ServerCertificate},
    site::{Site, read},
};

/// Who says which server is the right one.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(parameters, key) }
    }

    /// A certificate for a server of these names, until the end of the year.
    fn certify(&self, names: &[&str], last_year: i32) -> ServerCertificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().pem();
        ServerCertificate { certificate, key: key.serialize_pem() }
    }

    /// Its own certificate, as a file.
    fn file(&self, folder: &TempDir, name: &str) -> PathBuf {
        let file = folder.path().join(name);
        fs::write(&file, self.certificate.pem()).unwrap();
        file
    }
}

const HERE: &[&str] = &["localhost", "127.0.0.1"];
const LONG: i32 = 4000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_of_a_replica_is_encrypted() {
    let (authority, folder) = (Authority::new("the site's"), tempfile::tempdir().unwrap());
    let file = authority.file(&folder, "authority.pem");
    let server = PostgresServer::start_encrypted(authority.certify(HERE, LONG)).await;
    let site = Site::new(Some(server.url())).await;
    let replicas: Vec<_> = HERE
        .iter()
        .map(|host| {
            let parameters = format!("sslmode=verify-full&sslrootcert={}&application_name={host}", file.display());
            let url = format!("{}?{parameters}", server.url().replace("127.0.0.1", host));
            site.replica_with(host, &[("IDENTITY_SERVICE_DATABASE_URL", &url)])
        })
        .collect();
    for (replica, other) in replicas.iter().zip(replicas.iter().rev()) {
        assert_eq!(site.put_record(replica, "ada").send().await.unwrap().status(), 204);
        let code = site.code(replica, "ada").await;
        assert_eq!(site.redeem(other, &code).send().await.unwrap().status(), 200);
        // Each needs the database, so that the replica opens more than one connection.
        let at_once = (0..16).map(|number| {
            let customer = format!("{}-{number}", replica.client_id);
            site.post(replica, "/livechat/token", &customer).send()
        });
        for answer in join_all(at_once).await {
            read(answer.unwrap()).await;
        }
    }
    let connections = "
        SELECT application_name, ssl, coalesce(version, '') FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
        WHERE application_name <> '' ORDER BY 1";
    let mut own = PgConnection::connect(&server.url()).await.unwrap();
    let connections: Vec<(String, bool, String)> = sqlx::query_as(connections).fetch_all(&mut own).await.unwrap();
    for host in HERE {
        let of_replica: Vec<_> = connections.iter().filter(|(name, ..)| name == host).collect();
        assert!(!of_replica.is_empty(), "{connections:?}");
        assert!(of_replica.iter().all(|(_, ssl, version)| *ssl && version == "TLSv1.3"), "{connections:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_be_another_is_refused_and_told_why() {
    let (authority, folder) = (Authority::new("the site's"), tempfile::tempdir().unwrap());
    let right = PostgresServer::start_encrypted(authority.certify(HERE, LONG)).await;
    let elsewhere = PostgresServer::start_encrypted(authority.certify(&["database.example"], LONG)).await;
    let old = PostgresServer::start_encrypted(authority.certify(HERE, 2020)).await;
    let plain = PostgresServer::start().await;
    let site = Site::new(Some(right.url())).await;

    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "\n").unwrap();
    let absent = folder.path().join("absent.pem");
    let full = |file: PathBuf| format!("sslmode=verify-full&sslrootcert={}", file.display());
    let known = full(authority.file(&folder, "authority.pem"));
    let stranger = full(Authority::new("a stranger").file(&folder, "stranger.pem"));
    let of_the_same_name = full(Authority::new("the site's").file(&folder, "same-name.pem"));
    let untrusted = "the server's certificate is of no authority that is trusted";
    for (server, parameters, reason) in [
        (&right, &stranger, untrusted),
        (&right, &of_the_same_name, untrusted),
        (&right, &"sslmode=verify-full".to_owned(), untrusted),
        (&elsewhere, &known, "not valid for name \"127.0.0.1\""),
        (&old, &known, "expired"),
        (&plain, &known, "server does not support TLS"),
        (&plain, &"sslmode=require".to_owned(), "server does not support TLS"),
        (&right, &full(absent), "\"sslrootcert\" cannot be read: No such file"),
        (&right, &full(empty), "\"sslrootcert\" holds no certificate"),
    ] {
        let url = format!("{}?{parameters}", server.url());
        let said = site.refusal(&[("IDENTITY_SERVICE_DATABASE_URL", &url)]);
        assert!(said.starts_with("identity-service: database-url: expected "), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(!said.contains(&server.password), "{said}");
    }

    // What `require` is good for: a secret, shared with whoever answers.
    let url = format!("{}?{}", elsewhere.url(), stranger.replace("verify-full", "require"));
    let replica = site.replica_with("replica", &[("IDENTITY_SERVICE_DATABASE_URL", &url)]);
    assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204);
}
