//! A PostgreSQL server of one test: its own data directory, its own port on loopback, gone when it is dropped.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use identity_service::random::random_token;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// The user that Debian's package makes: PostgreSQL refuses to run as root.
pub const USER: &str = "postgres";

/// What a server shows to those who want to speak in secret, in PEM.
pub struct ServerCertificate {
    pub certificate: String,
    pub key: String,
}

pub struct PostgresServer {
    folder: TempDir,
    programs: PathBuf,
    pub port: u16,
    pub password: String,
    settings: Vec<String>,
    process: Option<Child>,
}

impl PostgresServer {
    /// Makes a database and starts a server for it.
    pub async fn start() -> Self {
        Self::make(None, "127.0.0.1").await
    }

    /// The same, at these addresses.
    pub async fn start_listening(addresses: &str) -> Self {
        Self::make(None, addresses).await
    }

    /// The same, with TLS.
    pub async fn start_encrypted(certificate: ServerCertificate) -> Self {
        Self::make(Some(certificate), "127.0.0.1").await
    }

    async fn make(certificate: Option<ServerCertificate>, addresses: &str) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        let password = random_token().unwrap();
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password).unwrap();
        // The server's disk need not outlast a power cut.
        let mut settings = ["unix_socket_directories=", "fsync=off"].map(str::to_owned).to_vec();
        settings.push(format!("listen_addresses={addresses}"));
        if let Some(ServerCertificate { certificate, key }) = certificate {
            let (certificate_file, key_file) = (folder.path().join("server.pem"), folder.path().join("server.key"));
            fs::write(&certificate_file, certificate).unwrap();
            fs::write(&key_file, key).unwrap();
            // PostgreSQL takes no key that others can read.
            fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}", certificate_file.display()));
            settings.push(format!("ssl_key_file={}", key_file.display()));
        }
        give_to_its_user(&folder);
        let made = as_its_user(&programs.join("initdb"))
            .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"])
            .arg("--pwfile")
            .arg(&password_file)
            .arg(data(&folder))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { folder, programs, port: 0, password, settings, process: None };
        server.start_at_a_free_port().await;
        server
    }

    /// A standby of this server, in step with it: what a client was told is written is on both.
    pub async fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        give_to_its_user(&folder);
        let copied = as_its_user(&self.programs.join("pg_basebackup"))
            .env("PGPASSWORD", &self.password)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string(), "--username", USER])
            .args(["--write-recovery-conf", "--checkpoint", "fast", "--no-sync", "--pgdata"])
            .arg(data(&folder))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let (programs, password, settings) = (self.programs.clone(), self.password.clone(), self.settings.clone());
        let mut standby = Self { folder, programs, port: 0, password, settings, process: None };
        standby.start_at_a_free_port().await;
        // Only now: nobody would answer for the standby before.
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.run("SELECT pg_reload_conf()").await;
        let in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        while sqlx::query_scalar::<_, i64>(in_step).fetch_one(&mut connection).await.unwrap() == 0 {
            assert!(Instant::now() < deadline, "the standby is not in step");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        standby
    }

    /// Makes a primary of a standby, and waits until it is one.
    pub async fn promote(&self) {
        self.run("SELECT pg_promote()").await;
        // It waits for no standby of its own.
        self.run("ALTER SYSTEM SET synchronous_standby_names = ''").await;
        self.run("SELECT pg_reload_conf()").await;
    }

    /// Takes no writes any more, on sessions that are there and on new ones.
    pub async fn make_read_only(&self) {
        self.run("ALTER SYSTEM SET default_transaction_read_only = on").await;
        self.run("SELECT pg_reload_conf()").await;
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        let is_read_only = "SELECT current_setting('transaction_read_only')";
        while sqlx::query_scalar::<_, String>(is_read_only).fetch_one(&mut connection).await.unwrap() != "on" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn run(&self, statement: &'static str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }

    pub fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// The URL of this server and another one, of which the one that takes writes is wanted.
    pub fn url_with(&self, other: &Self) -> String {
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", self.port, other.port);
        self.url().replace(&format!("127.0.0.1:{}", self.port), &hosts)
    }

    /// Starts the server at a port that was free a moment ago, or at the next one where somebody was quicker.
    async fn start_at_a_free_port(&mut self) {
        for _ in 0..10 {
            self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            match self.try_to_start().await {
                Err(log) if log.contains("Address already in use") => {}
                started => return started.unwrap(),
            }
        }
        panic!("no port stays free");
    }

    /// Starts the server again, and waits until it answers.
    pub async fn resume(&mut self) {
        self.try_to_start().await.unwrap();
    }

    /// Starts it, and waits until it answers; the error is its log.
    async fn try_to_start(&mut self) -> Result<(), String> {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut process = as_its_user(&self.programs.join("postgres"))
            .arg("-D")
            .arg(data(&self.folder))
            .args(["-p", &self.port.to_string()])
            .args(self.settings.iter().flat_map(|setting| ["-c", setting.as_str()]))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while PgConnection::connect(&self.url()).await.is_err() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap();
            if process.try_wait().unwrap().is_some() {
                return Err(format!("PostgreSQL ended: {}", log()));
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not answer: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Ends the server at once, as a power cut would: no connection is said good-bye to.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let told = Command::new("kill").arg("-QUIT").arg(process.id().to_string()).status().unwrap();
            assert!(told.success() && process.wait().is_ok());
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a folder the server's user's, where that is another one.
fn give_to_its_user(folder: &TempDir) {
    if is_root() {
        let user = format!("{USER}:");
        let given = Command::new("chown").arg("--recursive").arg(user).arg(folder.path()).status().unwrap();
        assert!(given.success(), "the folder could not be given to {USER}");
    }
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// One of PostgreSQL's programs, which on Linux ends with this test, however the test ends.
fn as_its_user(program: &Path) -> Command {
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]);
        if is_root() {
            command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
        }
        command.arg("--").arg(program);
        command
    } else {
        Command::new(program)
    };
    // The folder of the one who runs the test may be closed to the server's user.
    command.current_dir("/");
    command
}

/// The server's programs: Debian keeps them out of PATH, by version; the newest is taken.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin")).filter(|folder| folder.join("postgres").is_file());
    let newest = debian.max_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|name| name.parse::<u32>().ok())
    });
    let in_path = || {
        let paths = std::env::var_os("PATH")?;
        std::env::split_paths(&paths).find(|folder| folder.join("postgres").is_file())
    };
    newest.or_else(in_path).expect("PostgreSQL's server is missing; `cargo xtask setup` installs it")
}
