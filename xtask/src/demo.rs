//! `cargo xtask demo`: the demo page and its identity service on this machine, until Ctrl-C.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::build;
use crate::display;
use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::setup::{self, Asking, Purpose};
use crate::test;
use crate::workspace::Workspace;

/// Where the demo is found when nothing else is there; the stand-in takes the next one.
const PORT: u16 = 8080;
/// How long a server may take to say where it is and to be healthy.
const START: Duration = Duration::from_secs(30);
/// How long a server may take to shut down before it is killed.
const STOP: Duration = Duration::from_secs(10);
const PATROL: Duration = Duration::from_millis(200);

const SITE: &str = "demo-site";
const STAND_IN: &str = "livechat-accounts-stand-in";
/// The environment variable in which both servers expect the secret that they share.
const AGENT_TOKEN: &str = "STAND_IN_AGENT_TOKEN";

/// Set these, and the demo talks to LiveChat itself; the last two are both needed, and one of the first two.
const REAL_ACCOUNT: [&str; 2] = ["LIVECHAT_LICENSE_ID", "LIVECHAT_ORGANIZATION_ID"];
const REAL_CREDENTIALS: [&str; 2] = ["LIVECHAT_CLIENT_ID", "LIVECHAT_AGENT_TOKEN"];

/// What the person asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    port: Option<u16>,
}

impl Options {
    /// None when the words cannot be understood.
    pub fn parse(words: &[&str]) -> Option<Self> {
        match words {
            [] => Some(Self { port: None }),
            ["--port", port] => Some(Self { port: Some(port.parse().ok()?) }),
            [word] => Some(Self { port: Some(word.strip_prefix("--port=")?.parse().ok()?) }),
            _ => None,
        }
    }
}

/// What the servers' threads and the person's signals tell the main thread.
enum News {
    Stop,
    Address(&'static str, String),
}

/// Builds everything, starts it, and waits until the person has seen enough.
pub fn run(workspace: &Workspace, options: &Options) -> Outcome<()> {
    let real = real_livechat(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()))?;
    let ready = setup::run(workspace, &Purpose::Demo, Asking::Once)?;
    build::package(workspace, &ready)?;
    println!("\ndemo: building the servers");
    process::run_shown(test::servers(workspace, &ready)?, |_| ())?;

    let (sender, news) = mpsc::channel();
    let stop = sender.clone();
    ctrlc::set_handler(move || drop(stop.send(News::Stop))).while_doing("listening for Ctrl-C")?;

    let database = database(workspace, real)?;
    let agent_token = if real { None } else { Some(random_token()?) };
    let site = free_port(options.port, PORT)?;
    let mut servers = Servers(Vec::new());
    let mut stand_in_url = None;
    if let Some(token) = &agent_token {
        let port = free_port(None, site.wrapping_add(1))?;
        let mut command = server(workspace, STAND_IN, port);
        command.env(AGENT_TOKEN, token);
        let Some(url) = servers.start(STAND_IN, command, &sender, &news)? else { return Ok(()) };
        stand_in_url = Some(url);
    }
    let mut command = server(workspace, SITE, site);
    command.arg("--database-url").arg(database);
    command.arg("--www").arg(workspace.path("www")).arg("--package").arg(workspace.path("pkg/dist"));
    if let (Some(url), Some(token)) = (&stand_in_url, &agent_token) {
        command.arg("--stand-in-url").arg(url).env(AGENT_TOKEN, token);
    }
    let Some(url) = servers.start(SITE, command, &sender, &news)? else { return Ok(()) };

    println!(
        "\ndemo: {}",
        stand_in_url
            .map_or("against LiveChat itself".to_owned(), |url| format!("LiveChat's accounts are played by {url}"))
    );
    println!("demo: open {url}   (Ctrl-C stops it)\n");
    open_browser(&url);
    servers.watch(&news)
}

/// One of the two servers, as it was built, told where to listen.
fn server(workspace: &Workspace, name: &str, port: u16) -> Command {
    let mut command = process::command(workspace.target().join("debug").join(name));
    command.current_dir(workspace.root()).arg("--listen").arg(format!("127.0.0.1:{port}"));
    command
}

/// The URL of the demo's database. The stand-in forgets its customers when it ends, and so does the database that belongs to it;
/// LiveChat does not forget.
fn database(workspace: &Workspace, real: bool) -> Outcome<String> {
    let folder = workspace.target().join("demo");
    std::fs::create_dir_all(&folder).while_doing(format_args!("creating {}", folder.display()))?;
    if real {
        return Ok(format!("sqlite:{}", folder.join("livechat.sqlite").display()));
    }
    let file = folder.join("stand-in.sqlite");
    for part in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        let old = file.with_extension(part);
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::new(format!("removing {}: {error}", old.display())));
            }
            _ => {}
        }
    }
    Ok(format!("sqlite:{}", file.display()))
}

/// A secret that only this run's two servers know.
fn random_token() -> Outcome<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .while_doing("making the stand-in's secret")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the environment has all that LiveChat itself asks for; half of it is a mistake worth naming.
fn real_livechat(is_set: impl Fn(&str) -> bool) -> Outcome<bool> {
    let account = REAL_ACCOUNT.iter().any(|name| is_set(name));
    let credentials = REAL_CREDENTIALS.map(&is_set);
    match (account, credentials) {
        (false, [false, false]) => Ok(false),
        (true, [true, true]) => Ok(true),
        _ => {
            let mut missing: Vec<&str> = REAL_CREDENTIALS.into_iter().filter(|name| !is_set(name)).collect();
            if !account {
                missing.push("LIVECHAT_LICENSE_ID (or LIVECHAT_ORGANIZATION_ID)");
            }
            Err(Failure::new(format!(
                "some of LiveChat's settings are in the environment, but {} is missing; set it too, or none for the stand-in",
                missing.join(" and ")
            )))
        }
    }
}

/// The wanted port, which must be free; or else the usual one, or else any.
fn free_port(wanted: Option<u16>, usual: u16) -> Outcome<u16> {
    let probe = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    if let Some(port) = wanted {
        return probe(port).map(|address| address.port()).while_doing(format_args!("port {port} cannot be used"));
    }
    probe(usual).or_else(|_| probe(0)).map(|address| address.port()).while_doing("finding a free port")
}

/// The servers that run, newest last; they are stopped when this is dropped, however the demo ends.
struct Servers(Vec<(&'static str, Child)>);

impl Servers {
    /// Starts a server and waits until it is healthy; None when the person stopped the demo meanwhile.
    fn start(
        &mut self,
        name: &'static str,
        mut command: Command,
        sender: &Sender<News>,
        news: &mpsc::Receiver<News>,
    ) -> Outcome<Option<String>> {
        // In a process group of its own, so that the terminal's Ctrl-C reaches it once, through us.
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .while_doing(format_args!("starting {name}"))?;
        if let Some(output) = child.stdout.take() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if let Some(url) = address_in(&line) {
                        drop(sender.send(News::Address(name, url)));
                    }
                    println!("{name}: {line}");
                }
            });
        }
        self.0.push((name, child));
        let deadline = Instant::now() + START;
        let mut address = None;
        while Instant::now() < deadline {
            match news.recv_timeout(PATROL) {
                Ok(News::Stop) => return Ok(None),
                Ok(News::Address(who, url)) if who == name && address.is_none() => address = Some(url),
                Ok(News::Address(..)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.check()?;
            if let Some(url) = address.as_deref().filter(|url| is_healthy(url)) {
                return Ok(Some(url.to_owned()));
            }
        }
        Err(Failure::new(format!(
            "{name} {} within {} s",
            if address.is_none() { "did not say where it listens" } else { "was not healthy" },
            START.as_secs()
        )))
    }

    /// Fails when a server ended by itself.
    fn check(&mut self) -> Outcome<()> {
        for (name, child) in &mut self.0 {
            if let Some(status) = child.try_wait().while_doing(format_args!("watching {name}"))? {
                return Err(Failure::new(format!("{name} ended ({status})")));
            }
        }
        Ok(())
    }

    /// Until the person stops the demo or a server ends by itself.
    fn watch(&mut self, news: &mpsc::Receiver<News>) -> Outcome<()> {
        loop {
            if let Ok(News::Stop) = news.recv_timeout(PATROL) {
                println!("\ndemo: stopping");
                return Ok(());
            }
            self.check()?;
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for (_, child) in &self.0 {
            if let Ok(id) = i32::try_from(child.id()) {
                // It may have ended by itself, and then there is nobody to tell.
                let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            }
        }
        let deadline = Instant::now() + STOP;
        for (name, child) in &mut self.0 {
            while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(PATROL / 10);
            }
            if matches!(child.try_wait(), Ok(None)) {
                eprintln!("demo: {name} does not stop; it is killed");
                drop(child.kill());
                drop(child.wait());
            }
        }
    }
}

/// The loopback address in a line that a server prints when it listens, whatever stands around it.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    port.parse::<u16>().ok().map(|port| format!("http://127.0.0.1:{port}"))
}

/// Whether `/healthz` says 200.
fn is_healthy(url: &str) -> bool {
    let ask = || -> Option<String> {
        let address: SocketAddr = url.strip_prefix("http://")?.parse().ok()?;
        let mut stream = TcpStream::connect_timeout(&address, PATROL).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        // In one piece: the other side may close the connection before a second piece comes.
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).ok()?;
        Some(String::from_utf8_lossy(&start).into_owned())
    };
    ask().is_some_and(|start| start.starts_with("HTTP/1.") && start.ends_with(" 200"))
}

/// Opens the browser where there is a display; the address was printed for everybody else.
fn open_browser(url: &str) {
    let Some(browser) = display::of_the_person().filter(|_| display::has_display()) else { return };
    let mut command = process::command(browser);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        eprintln!("demo: the browser could not be opened ({error}); open the address above yourself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        assert_eq!(Options::parse(&[]), Some(Options { port: None }));
        assert_eq!(Options::parse(&["--port", "9000"]), Some(Options { port: Some(9000) }));
        assert_eq!(Options::parse(&["--port=9000"]), Some(Options { port: Some(9000) }));
        for wrong in [&["--port"][..], &["--port", "x"], &["--port", "70000"], &["9000"], &["--port", "1", "2"]] {
            assert_eq!(Options::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn addresses_are_found_in_what_servers_print() {
        assert_eq!(address_in("{\"url\":\"http://127.0.0.1:8080\"}").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(address_in("listening http://127.0.0.1:39123/").as_deref(), Some("http://127.0.0.1:39123"));
        assert_eq!(address_in("listening on http://example.com"), None);
        assert_eq!(address_in("http://127.0.0.1:99999"), None);
    }

    #[test]
    fn half_of_livechats_settings_is_an_error_that_names_the_rest() {
        let with = |names: &'static [&'static str]| real_livechat(|name| names.contains(&name));
        assert_eq!(with(&[]), Ok(false));
        assert_eq!(with(&["LIVECHAT_ORGANIZATION_ID", "LIVECHAT_CLIENT_ID", "LIVECHAT_AGENT_TOKEN"]), Ok(true));
        let failure = with(&["LIVECHAT_LICENSE_ID", "LIVECHAT_CLIENT_ID"]).unwrap_err().to_string();
        assert!(failure.contains("but LIVECHAT_AGENT_TOKEN is missing"), "{failure}");
        let failure = with(&["LIVECHAT_CLIENT_ID", "LIVECHAT_AGENT_TOKEN"]).unwrap_err().to_string();
        assert!(failure.contains("LIVECHAT_ORGANIZATION_ID"), "{failure}");
    }

    #[test]
    fn a_wanted_port_that_is_taken_is_an_error_and_a_usual_one_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(free_port(Some(port), 0).unwrap_err().to_string().contains("cannot be used"));
        assert_ne!(free_port(None, port).unwrap(), port);
    }

    #[test]
    fn only_a_200_is_healthy() {
        for (answer, expected) in
            [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false)]
        {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
                let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                stream.write_all(answer.as_bytes()).unwrap();
                request
            });
            assert_eq!(is_healthy(&url), expected);
            assert_eq!(server.join().unwrap()[0], "GET /healthz HTTP/1.1");
        }
    }
}
