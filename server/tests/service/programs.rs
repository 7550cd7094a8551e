//! The program: a wrong setting stops it with exit code 2 and its name, a right one lets it start and stop.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, net::UnixStream},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity_service::{
    customer_store::{CustomerStore, Redemption},
    random::random_token,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    processes::{ended, program, says_where_it_listens, start_and_stop},
    signing::{CONTACT, Keys},
    support::{now, sign},
};

const SECRET: &str = "a session secret of at least thirty-two bytes";

fn service() -> Command {
    program(env!("CARGO_BIN_EXE_identity-service"))
}

/// Every setting right.
fn right(folder: &std::path::Path) -> Command {
    let mut command = service();
    command
        .env("IDENTITY_SERVICE_AGENT_TOKEN", "an-agent-token")
        .env("IDENTITY_SERVICE_SESSION_SECRET", SECRET)
        .env("IDENTITY_SERVICE_CLIENT_ID", "client")
        .env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization")
        .env("IDENTITY_SERVICE_LISTEN", "127.0.0.1:0")
        .env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", folder.join("customers.sqlite").display()));
    command
}

fn refused(output: &Output, setting: &str) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(setting), "{setting} in {text}");
    assert!(text.contains("expected") || text.contains("invalid value"), "{text}");
    for secret in ["an-agent-token", SECRET, "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_wrong_setting_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "something").unwrap();
    let path = file.to_str().unwrap();
    for (variable, value, setting) in [
        ("IDENTITY_SERVICE_LISTEN", "nowhere", "--listen"),
        ("IDENTITY_SERVICE_LISTEN", "192.0.2.1:80", "listen"),
        ("IDENTITY_SERVICE_LISTEN", "unix:", "--listen"),
        ("IDENTITY_SERVICE_LISTEN", "unix:service.sock", "--listen"),
        ("IDENTITY_SERVICE_LISTEN", "unix:/nowhere/at/all.sock", "listen"),
        ("IDENTITY_SERVICE_SIGNING_KEY", "something", "signing-key"),
        ("IDENTITY_SERVICE_DATABASE_URL", "postgres://me:hunter2@host/db", "database-url"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:/nowhere/at/all.sqlite", "database-url"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:", "without a file's name"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite: ", "without a file's name"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite://", "without a file's name"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:?mode=rwc", "without a file's name"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite://?cache=shared", "without a file's name"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:%20?mode=rwc", "without a file's name"),
        ("IDENTITY_SERVICE_ACCOUNTS_URL", "http://accounts.example", "accounts-url"),
        ("IDENTITY_SERVICE_ACCOUNTS_URL", "accounts", "accounts-url"),
        ("IDENTITY_SERVICE_CLIENT_ID", " ", "client-id"),
        ("IDENTITY_SERVICE_ORGANIZATION_ID", "", "organization-id"),
        ("IDENTITY_SERVICE_LICENSE_ID", "many", "--license-id"),
        ("IDENTITY_SERVICE_AGENT_TOKEN", "", "agent-token"),
        ("IDENTITY_SERVICE_AGENT_TOKEN_FILE", path, "agent-token"),
        ("IDENTITY_SERVICE_SESSION_SECRET", "", "session-secret"),
        ("IDENTITY_SERVICE_SESSION_SECRET", "short", "session-secret"),
        ("IDENTITY_SERVICE_SESSION_JWKS_URL", "https://site.example/keys", "session-jwks-url"),
        ("IDENTITY_SERVICE_SESSION_COOKIE", "a b", "session-cookie"),
        ("IDENTITY_SERVICE_SESSION_ALGORITHM", "RS256", "session-algorithm"),
        ("IDENTITY_SERVICE_SESSION_ALGORITHM", "HS512", "session-secret: expected at least 64 bytes"),
        ("IDENTITY_SERVICE_SESSION_SECRET_ENCODING", "hex", "session-secret-encoding"),
        ("IDENTITY_SERVICE_SESSION_SECRET_ENCODING", "base64", "session-secret: expected base64"),
        ("IDENTITY_SERVICE_SESSION_URL", "https://site.example/me", "session-url"),
        ("IDENTITY_SERVICE_SESSION_INTROSPECTION_URL", "https://site.example/introspect", "session-introspection-url"),
        ("IDENTITY_SERVICE_SESSION_CLIENT_ID", "client", "session-client-id"),
        ("IDENTITY_SERVICE_SESSION_CLIENT_SECRET", "a secret", "session-client-secret"),
        ("IDENTITY_SERVICE_ALLOWED_ORIGIN", "https://shop.example/path", "allowed-origin"),
        ("IDENTITY_SERVICE_ALLOWED_HEADER", "traceparent,two words", "allowed-header"),
        ("IDENTITY_SERVICE_ALLOWED_HEADER", "*", "allowed-header"),
        ("IDENTITY_SERVICE_METRICS_LISTEN", "nowhere", "--metrics-listen"),
        ("IDENTITY_SERVICE_METRICS_LISTEN", "192.0.2.1:80", "metrics-listen"),
        ("IDENTITY_SERVICE_ALLOWED_ORIGIN", "https://a.example,shop", "allowed-origin"),
        ("IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", "-1", "accounts-timeout"),
        ("IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", "NaN", "accounts-timeout"),
        ("IDENTITY_SERVICE_BODY_LIMIT", "0", "body-limit"),
        ("IDENTITY_SERVICE_LEAST_LIFE", "2", "least-life"),
        ("IDENTITY_SERVICE_GUESTS", "often", "--guests"),
        ("IDENTITY_SERVICE_GUEST_LIFETIME", "0", "guest-lifetime"),
        ("IDENTITY_SERVICE_GUEST_LIFETIME", "401", "guest-lifetime"),
        ("IDENTITY_SERVICE_ADOPT_GUESTS", "true", "adopt-guests: expected guests"),
        ("IDENTITY_SERVICE_INSECURE_GUEST_COOKIE", "true", "insecure-guest-cookie: expected guests"),
        ("IDENTITY_SERVICE_FRESH_AFTER", "-5", "fresh-after"),
        ("IDENTITY_SERVICE_LOG_LEVEL", "loud", "--log-level"),
    ] {
        refused(&ended(right(folder.path()).env(variable, value)), setting);
    }
}

/// A secret that is passed over leaves a door shut, or open, and nobody knows why.
#[test]
fn a_variable_that_is_no_text_stops_the_start_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ADMIN_KEY", "SESSION_SECRET", "AGENT_TOKEN", "SIGNING_KEY", "LISTEN", "NOBODY_KNOWS"] {
        let mut command = right(folder.path());
        command.env(format!("IDENTITY_SERVICE_{name}"), OsStr::from_bytes(b"hunter2\xff"));
        refused(&ended(&mut command), &format!("IDENTITY_SERVICE_{name}"));
    }
}

#[test]
fn a_file_that_cannot_be_written_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (_, well) = start_and_stop(right(folder.path()));
    assert!(well);
    // No new one is made in place of a file that has to be there.
    let missing = folder.path().join("missing.sqlite");
    let url = format!("sqlite:{}?mode=rw", missing.display());
    let said = ended(right(folder.path()).env("IDENTITY_SERVICE_DATABASE_URL", url));
    refused(&said, "database-url: expected a database");
    assert!(!missing.exists());
    let (_, well) = {
        let mut command = right(folder.path());
        let url = format!("sqlite:{}?mode=rw", folder.path().join("customers.sqlite").display());
        command.env("IDENTITY_SERVICE_DATABASE_URL", url);
        start_and_stop(command)
    };
    assert!(well);
    let url = format!("sqlite:{}?mode=ro", folder.path().join("customers.sqlite").display());
    refused(
        &ended(right(folder.path()).env("IDENTITY_SERVICE_DATABASE_URL", url)),
        "database-url: expected a database",
    );
}

/// Every variable that a flag of the service or of `keys` reads, as `--help` tells them.
fn variables(arguments: &[&str]) -> Vec<String> {
    let help = String::from_utf8(service().args(arguments).arg("--help").output().unwrap().stdout).unwrap();
    let named = help.split("[env: ").skip(1);
    let named: Vec<String> = named.map(|rest| rest.split(['=', ']']).next().unwrap().to_owned()).collect();
    assert!(named.iter().all(|name| name.starts_with("IDENTITY_SERVICE_")), "{named:?}");
    named
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let names = variables(&[]);
    assert!(names.len() > 30, "{names:?}");
    for empty in ["", " ", "\t \n"] {
        let mut command = right(folder.path());
        let given: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap().to_owned()).collect();
        // As a compose file gives them: every one that is not set, at once.
        command.envs(names.iter().filter(|name| !given.contains(*name)).map(|name| (name, empty)));
        let (line, well) = start_and_stop(command);
        assert!(well, "{empty:?}: {line}");
    }
    let keys = Keys::new();
    for name in variables(&["keys"]) {
        let mut command = service();
        let listed = command.current_dir(keys.folder().parent().unwrap()).env(name, "").args(["keys", "list"]).output();
        assert!(String::from_utf8(listed.unwrap().stdout).unwrap().contains("active"));
    }
}

/// As it comes of a file whose last line ends, or of a list that was written over several lines.
#[test]
fn blanks_around_a_variable_are_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new();
    let file = folder.path().join("agent-token");
    fs::write(&file, "\u{feff}an-agent-token\r\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let database = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    for blanks in [("", "\n"), (" ", " "), ("\t", "\r\n")] {
        let mut command = right_signing(folder.path(), &keys);
        for (name, value) in [
            ("CLIENT_ID", "client"),
            ("ORGANIZATION_ID", "organization"),
            ("LICENSE_ID", "12345678"),
            ("LISTEN", "127.0.0.1:0"),
            ("DATABASE_URL", &database),
            ("DATABASE_CONNECTIONS", "4"),
            ("ACCOUNTS_TIMEOUT", "8"),
            ("KEEP_ALIVE", "75.0"),
            ("BODY_LIMIT", "4096"),
            ("LOG_LEVEL", "info"),
            ("SESSION_SECRET", SECRET),
            ("SESSION_ALGORITHM", "HS256"),
            ("SESSION_SECRET_ENCODING", "text"),
            ("SESSION_COOKIE", "session"),
            ("ALLOWED_ORIGIN", "https://a.example, https://b.example,\n"),
            ("ALLOWED_HEADER", "traceparent , x-csrf-token"),
            ("RECORD_CLAIM", "tier, \n shop"),
            ("GUESTS", "true"),
            ("GUEST_LIFETIME", "30"),
            ("OMNICHANNEL", "1"),
            ("AGENT_TOKEN_FILE", file.to_str().unwrap()),
            ("SIGNING_KEYS", keys.folder().to_str().unwrap()),
            ("METRICS_LISTEN", "127.0.0.1:0"),
        ] {
            command.env(format!("IDENTITY_SERVICE_{name}"), format!("{}{value}{}", blanks.0, blanks.1));
        }
        // Nothing but blanks is as good as nothing, also where a file holds the secret.
        command.env("IDENTITY_SERVICE_AGENT_TOKEN", " \n").env("IDENTITY_SERVICE_ADMIN_KEY", "\n");
        let (line, well) = start_and_stop(command);
        assert!(well, "{blanks:?}: {line}");
    }
    // Help, which shows what is set, shows no password.
    for blank in ["", "\n"] {
        let mut command = right(folder.path());
        command.env("IDENTITY_SERVICE_DATABASE_URL", format!("postgres://me:hunter2@host/database{blank}"));
        let output = command.arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("--database-url") && !help.contains("hunter2"), "{help}");
    }
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(files.contains(&"customers.sqlite".into()), "{files:?}");
    assert!(files.iter().all(|name| name.to_str().unwrap().trim().len() == name.len()), "{files:?}");
}

/// What is in a variable is what is meant, to the last character.
#[tokio::test]
async fn a_line_break_behind_a_variable_changes_nothing_that_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let token = sign(SECRET, &json!({ "sub": "ada", "iss": "shop", "aud": "chat", "exp": now() + 600 }));
    let mut command = right(folder.path());
    for (name, value) in [("CUSTOMER_CLAIM", "sub"), ("SESSION_ISSUER", "shop"), ("SESSION_AUDIENCE", "chat")] {
        command.env(format!("IDENTITY_SERVICE_{name}"), format!("{value}\n"));
    }
    command.env("IDENTITY_SERVICE_ACCOUNTS_URL", "http://127.0.0.1:1");
    let program = Program::start(command);
    let request = reqwest::Client::new().post(format!("{}/livechat/token", program.url)).bearer_auth(token);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["code"], "accounts_unreachable", "the customer is known");
}

#[test]
fn what_is_on_or_off_is_said_in_any_of_the_usual_words() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new();
    let switches = ["OMNICHANNEL", "LIVE_ASSIST", "GUESTS", "ADOPT_GUESTS", "INSECURE_GUEST_COOKIE"];
    let with = |word: &str, switched: &[&str]| {
        let mut command = right(folder.path());
        command.env("IDENTITY_SERVICE_SIGNING_KEYS", keys.folder()).env("IDENTITY_SERVICE_ISSUER", "shop.example");
        command.envs(switched.iter().map(|name| (format!("IDENTITY_SERVICE_{name}"), word)));
        command
    };
    for on in ["1", "true", "TRUE", "True", "yes", "on", "y", "t"] {
        let (line, well) = start_and_stop(with(on, &switches));
        assert!(well, "{on}: {line}");
    }
    for off in ["0", "false", "False", "no", "off", "n", "f"] {
        // Without a widget that signs, its keys are a setting that does nothing.
        refused(&ended(&mut with(off, &switches)), "signing-keys");
    }
    for neither in ["2", "often", "-1", "truely"] {
        for switch in switches {
            refused(&ended(&mut with(neither, &[switch])), &switch.to_lowercase().replace('_', "-"));
        }
    }
}

#[test]
fn a_wrong_setting_of_sessions_that_are_asked_about_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let asking = |variable: &str, url: &str| {
        let mut command = right(folder.path());
        command.env_remove("IDENTITY_SERVICE_SESSION_SECRET").env(format!("IDENTITY_SERVICE_SESSION_{variable}"), url);
        command
    };
    let (_, well) = start_and_stop(asking("URL", "https://site.example/me"));
    assert!(well);
    for (variable, value, setting) in [
        ("SESSION_URL", "http://site.example/me", "session-url"),
        ("SESSION_URL", "https://me:hunter2@site.example/me", "session-url"),
        ("ACCOUNTS_URL", "https://me@accounts.example", "accounts-url"),
        ("SESSION_TIMEOUT", "0", "session-timeout"),
        ("SESSION_KEEP", "61", "session-keep"),
        ("SESSION_ALGORITHM", "HS512", "session-algorithm"),
        ("SESSION_AUDIENCE", "chat", "session-audience"),
    ] {
        let mut command = asking("URL", "https://site.example/me");
        refused(&ended(command.env(format!("IDENTITY_SERVICE_{variable}"), value)), setting);
    }
    let introspecting = || {
        let mut command = asking("INTROSPECTION_URL", "https://accounts.example/introspect");
        command.env("IDENTITY_SERVICE_SESSION_CLIENT_ID", "client");
        command.env("IDENTITY_SERVICE_SESSION_CLIENT_SECRET", "hunter2");
        command
    };
    let (_, well) = start_and_stop(introspecting());
    assert!(well);
    let with_user = "https://me:hunter2@accounts.example/introspect";
    let command = &mut introspecting();
    refused(
        &ended(command.env("IDENTITY_SERVICE_SESSION_INTROSPECTION_URL", with_user)),
        "session-introspection-url: expected a URL without a user",
    );
    for missing in ["CLIENT_ID", "CLIENT_SECRET"] {
        let setting = format!("session-{}", missing.to_lowercase().replace('_', "-"));
        refused(&ended(introspecting().env_remove(format!("IDENTITY_SERVICE_SESSION_{missing}"))), &setting);
    }
}

/// However the site's framework writes its secret, the service reads the same bytes.
#[tokio::test]
async fn a_secret_in_base64_is_read_in_either_alphabet_with_or_without_padding_in_one_line_or_two() {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    let folder = tempfile::tempdir().unwrap();
    let secret = [251, 255, 0, 190].repeat(16);
    let key = EncodingKey::from_secret(&secret);
    let session = encode(&Header::new(Algorithm::HS512), &json!({ "sub": "ada", "exp": now() + 600 }), &key).unwrap();
    let written = [
        STANDARD.encode(&secret),
        STANDARD_NO_PAD.encode(&secret),
        URL_SAFE.encode(&secret),
        URL_SAFE_NO_PAD.encode(&secret),
        // As openssl prints it.
        format!("{}\n{}\n", &STANDARD.encode(&secret)[..64], &STANDARD.encode(&secret)[64..]),
        // As some editors write a file.
        format!("\u{feff}{}\r\n", STANDARD.encode(&secret)),
    ];
    let file = folder.path().join("session-secret");
    for text in written {
        let mut command = right(folder.path());
        fs::write(&file, &text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        command
            .env_remove("IDENTITY_SERVICE_SESSION_SECRET")
            .env("IDENTITY_SERVICE_SESSION_SECRET_FILE", &file)
            .env("IDENTITY_SERVICE_SESSION_SECRET_ENCODING", "base64")
            .env("IDENTITY_SERVICE_SESSION_ALGORITHM", "HS512")
            // Nobody listens there: who gets as far has been let in.
            .env("IDENTITY_SERVICE_ACCOUNTS_URL", "http://127.0.0.1:1");
        let program = Program::start(command);
        let url = format!("{}/livechat/token", program.url);
        let response = reqwest::Client::new().post(url).bearer_auth(&session).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "accounts_unreachable", "{text}");
    }
}

#[test]
fn secret_files_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent-token");
    fs::write(&file, "an-agent-token\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = right(folder.path());
    command.env_remove("IDENTITY_SERVICE_AGENT_TOKEN").arg("--agent-token-file").arg(&file);
    let output = ended(&mut command);
    refused(&output, "agent-token");
    assert!(String::from_utf8(output.stderr).unwrap().contains("chmod o="));
}

/// Docker mounts secrets with mode 0444. Tried in a namespace of its own, where /run may be another one.
#[test]
fn secrets_that_containers_mount_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new();
    let key = fs::read_dir(keys.folder()).unwrap().next().unwrap().unwrap().path();
    let mounted = |mode: &str, script: &str| {
        let mut command = Command::new("unshare");
        let mount = "mount -t tmpfs tmpfs /run && mkdir /run/secrets && cp \"$KEY\" /run/secrets/key.pem && printf 'an-agent-token\\n' > /run/secrets/agent";
        command.args(["--mount", "--map-root-user", "sh", "-ec"]);
        command.arg(format!("{mount} && chmod {mode} /run/secrets/*; {script}"));
        command.env("KEY", &key).env("PROGRAM", env!("CARGO_BIN_EXE_identity-service"));
        command
    };
    if !mounted("0444", "true").status().is_ok_and(|status| status.success()) {
        println!("not tried: this machine lets nobody mount anything");
        return;
    }
    let list = r#"exec "$PROGRAM" keys --signing-keys /run/secrets/key.pem list"#;
    let listed = mounted("0444", list).output().unwrap();
    assert!(
        String::from_utf8(listed.stdout).unwrap().contains("active"),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    assert_eq!(mounted("0446", list).output().unwrap().status.code(), Some(2), "others can write it");
    let serve = r#"exec "$PROGRAM" --agent-token-file /run/secrets/agent"#;
    for (mode, well) in [("0444", true), ("0446", false)] {
        let mut command = mounted(mode, serve);
        for (name, value) in right(folder.path()).get_envs().filter(|(name, _)| *name != "IDENTITY_SERVICE_AGENT_TOKEN")
        {
            command.env(name, value.unwrap());
        }
        if well {
            assert!(start_and_stop(command).1);
        } else {
            refused(&ended(&mut command), "agent-token");
        }
    }
}

#[test]
fn there_is_no_flag_for_a_secret() {
    for flag in ["--agent-token", "--session-secret"] {
        let output = ended(service().arg(flag).arg("something"));
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn the_program_says_where_it_listens_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent-token");
    fs::write(&file, "an-agent-token\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut with_file = right(folder.path());
    with_file.env_remove("IDENTITY_SERVICE_AGENT_TOKEN").arg("--agent-token-file").arg(&file);

    says_where_it_listens("identity-service", with_file);
}

/// The answer to a GET, over a socket in the file system.
fn get(socket: &std::path::Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_socket_in_the_file_system_is_listened_at_and_its_file_goes_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, metrics) = (folder.path().join("service.sock"), folder.path().join("metrics.sock"));
    let start = || {
        let mut command = right(folder.path());
        command.env("IDENTITY_SERVICE_LISTEN", format!("unix:{}", socket.display()));
        command.env("IDENTITY_SERVICE_METRICS_LISTEN", format!("unix:{}", metrics.display()));
        Program::start(command)
    };
    let mut killed = start();
    assert_eq!(killed.url, format!("unix:{}", socket.display()));
    assert!(get(&socket, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(&metrics, "/metrics").contains("identity_service_requests_total"));
    // Somebody listens there: it is not taken away.
    let mut second = right(folder.path());
    second.env("IDENTITY_SERVICE_LISTEN", format!("unix:{}", socket.display()));
    refused(&ended(&mut second), "listen: expected a free address");
    assert!(get(&socket, "/healthz").starts_with("HTTP/1.1 200"));
    // Who is killed leaves the file, and nobody behind it.
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(socket.exists());
    let stopped = start();
    assert!(get(&socket, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(stopped.stop());
    assert!(!socket.exists());
    // Whoever has taken its place keeps the file.
    let old = start();
    fs::remove_file(&socket).unwrap();
    fs::remove_file(&metrics).unwrap();
    let new = start();
    assert!(old.stop());
    assert!(get(&socket, "/healthz").starts_with("HTTP/1.1 200") && metrics.exists());
    assert!(new.stop() && !socket.exists());
    // A file that is no socket is somebody else's.
    fs::write(&socket, "something").unwrap();
    refused(&ended(&mut second), "listen: expected a free address");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "something");
}

#[test]
fn a_host_to_listen_at_may_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = right(folder.path());
    command.env("IDENTITY_SERVICE_LISTEN", "localhost:0");
    let (line, well) = start_and_stop(command);
    let url: url::Url = line["listening"].as_str().unwrap().parse().unwrap();
    assert!(well && ["127.0.0.1", "[::1]"].contains(&url.host_str().unwrap()), "{line}");
}

/// Every setting right for a site that signs and has no LiveChat.
fn right_signing(folder: &std::path::Path, keys: &Keys) -> Command {
    let mut command = service();
    command
        .env("IDENTITY_SERVICE_SESSION_SECRET", SECRET)
        .env("IDENTITY_SERVICE_OMNICHANNEL", "true")
        .env("IDENTITY_SERVICE_LIVE_ASSIST", "true")
        .env("IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_ID", "live-assist")
        .env("IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_SECRET", SECRET)
        .env("IDENTITY_SERVICE_ADMIN_KEY", SECRET)
        .env("IDENTITY_SERVICE_ISSUER", "shop.example")
        .env("IDENTITY_SERVICE_SIGNING_KEYS", keys.folder())
        .env("IDENTITY_SERVICE_LISTEN", "127.0.0.1:0")
        .env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", folder.join("customers.sqlite").display()));
    command
}

#[test]
fn a_wrong_setting_of_what_is_signed_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new();
    let (line, well) = start_and_stop(right_signing(folder.path(), &keys));
    assert!(well, "without LiveChat: {line}");
    for (variable, value, setting) in [
        ("ISSUER", "", "issuer"),
        ("ISSUER", "shop example", "issuer"),
        ("SIGNING_KEYS", "/nowhere/at/all", "signing-keys"),
        ("OMNICHANNEL_TOKEN_LIFETIME", "0", "omnichannel-token-lifetime"),
        ("LIVE_ASSIST_TOKEN_LIFETIME", "86401", "live-assist-token-lifetime"),
        ("LIVE_ASSIST_CLIENT_ID", "", "live-assist-client-id"),
        ("LIVE_ASSIST_CLIENT_ID", "a:b", "live-assist-client-id"),
        ("LIVE_ASSIST_CLIENT_SECRET", "", "live-assist-client-secret"),
        ("LIVE_ASSIST_CLIENT_SECRET", "short", "live-assist-client-secret"),
        ("LIVE_ASSIST_REDIRECT_URI", "liveperson.net", "live-assist-redirect-uri"),
        ("LIVE_ASSIST_CODE_LIFETIME", "601", "live-assist-code-lifetime"),
        ("LIVE_ASSIST_ENCRYPTION_KEY", "/nowhere", "live-assist-encryption-key"),
        ("LIVE_ASSIST", "false", "live-assist-client-id"),
        ("ADMIN_KEY", "short", "admin-key"),
        ("RECORD_CLAIM", "loyalty,sub", "record-claim"),
        ("RECORD_CLAIM", "email", "record-claim"),
        ("RECORD_CLAIM", "entity_id", "record-claim"),
        ("CLIENT_ID", "half of LiveChat", "organization-id"),
        ("GUESTS", "true", "guests: expected LiveChat"),
    ] {
        let mut command = right_signing(folder.path(), &keys);
        refused(&ended(command.env(format!("IDENTITY_SERVICE_{variable}"), value)), setting);
    }
    for (variable, setting) in [("SIGNING_KEYS", "signing-keys"), ("OMNICHANNEL", "omnichannel")] {
        let mut command = right_signing(folder.path(), &keys);
        command
            .env_remove(format!("IDENTITY_SERVICE_{variable}"))
            .env("IDENTITY_SERVICE_OMNICHANNEL_CONTEXT_VARIABLE", "a");
        refused(&ended(&mut command), setting);
    }
    refused(&ended(service().env("IDENTITY_SERVICE_SESSION_SECRET", SECRET)), "a widget to serve");
}

/// However the variable came by its line breaks, or lost them.
#[tokio::test]
async fn a_signing_key_may_come_with_the_environment() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), Keys::new());
    let file = fs::read_dir(keys.folder()).unwrap().next().unwrap().unwrap().path();
    let pem = fs::read_to_string(&file).unwrap();
    let with = |key: &str| {
        let mut command = right_signing(folder.path(), &keys);
        command.env_remove("IDENTITY_SERVICE_SIGNING_KEYS").env("IDENTITY_SERVICE_SIGNING_KEY", key);
        command
    };
    let (_, above) = pem.split_once("-----BEGIN").unwrap();
    let bare = format!("-----BEGIN{above}");
    for written in [&pem, &bare, &bare.replace('\n', "\\n"), &bare.replace('\n', " "), &bare.replace('\n', "\r\n")] {
        let program = Program::start(with(written));
        let published = reqwest::get(format!("{}/keys/public.pem", program.url)).await.unwrap().text().await.unwrap();
        assert_eq!(published.trim_end(), keys.run(&["publish", "--format", "pem"]), "the same key signs");
        assert!(program.stop());
    }
    refused(
        &ended(right_signing(folder.path(), &keys).env("IDENTITY_SERVICE_SIGNING_KEY", &pem)),
        "signing-key: expected only one",
    );
    let secret: String = bare.lines().nth(3).unwrap().to_owned();
    for wrong in ["hunter2", &bare.replace("PRIVATE", "PUBLIC"), &bare.replace("END", "FIN"), &bare[..bare.len() / 2]] {
        let output = ended(&mut with(wrong));
        refused(&output, "signing-key: expected an RSA key");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("IDENTITY_SERVICE_SIGNING_KEY") && !text.contains(&secret), "{text}");
    }
}

#[test]
fn a_key_file_that_is_missing_open_or_no_key_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = |keys: &Keys, named: &str| {
        let output = ended(&mut right_signing(folder.path(), keys));
        refused(&output, "signing-keys");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(named), "{named} in {text}");
    };
    let mode = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let keys = Keys::new();
    let file = fs::read_dir(keys.folder()).unwrap().next().unwrap().unwrap().path();
    for open in [0o640, 0o604, 0o620] {
        mode(&file, open);
        stopped(&keys, &format!("chmod 600 {}", file.display()));
    }
    mode(&file, 0o600);
    for open in [0o750, 0o701] {
        mode(&keys.folder(), open);
        stopped(&keys, &format!("chmod 700 {}", keys.folder().display()));
    }
    mode(&keys.folder(), 0o700);
    let good = fs::read_to_string(&file).unwrap();
    let weak = Command::new("openssl").args(["genrsa", "1024"]).output().unwrap().stdout;
    let curve = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let curve = Command::new("openssl").args(curve).output().unwrap().stdout;
    for content in [Vec::new(), weak, curve, good.replace("PRIVATE KEY", "PUBLIC KEY").into_bytes()] {
        fs::write(&file, content).unwrap();
        stopped(&keys, &file.display().to_string());
    }
    fs::write(&file, &good).unwrap();
    let copy = keys.folder().join("zzz.pem");
    fs::copy(&file, &copy).unwrap();
    stopped(&keys, "holds the same key as");
    fs::remove_file(&copy).unwrap();
    fs::write(&file, good.replace("Active-From: 2", "Active-From: sometime 2")).unwrap();
    stopped(&keys, "a time like");
    let without_time: String = good.lines().skip(1).map(|line| format!("{line}\n")).collect();
    fs::write(&file, without_time).unwrap();
    stopped(&keys, "keys activate");
    fs::remove_file(&file).unwrap();
    stopped(&keys, "keys generate");
}

/// The real program with every setting another one than its default: each has the effect that it should.
#[tokio::test]
async fn what_is_set_is_what_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, admin_key) = (Keys::new(), random_token().unwrap());
    let public = keys.run(&["publish", "--format", "pem"]);
    let encryption_key = folder.path().join("live-assist.pem");
    fs::write(&encryption_key, &public).unwrap();
    let http = reqwest::Client::new();
    let session = sign(SECRET, &json!({ "sub": "ada", "exp": now() + 600 }));
    let set = |encrypted: bool| {
        let mut command = right_signing(folder.path(), &keys);
        command
            .env("IDENTITY_SERVICE_ADMIN_KEY", &admin_key)
            .env("IDENTITY_SERVICE_ISSUER", "another.example\r")
            .env("IDENTITY_SERVICE_OMNICHANNEL_TOKEN_LIFETIME", "1234")
            .env("IDENTITY_SERVICE_OMNICHANNEL_CONTEXT_VARIABLE", " one, two\r")
            .env("IDENTITY_SERVICE_RECORD_CLAIM", "loyalty, tier")
            .env("IDENTITY_SERVICE_LIVE_ASSIST_TOKEN_LIFETIME", "2345")
            .env("IDENTITY_SERVICE_LIVE_ASSIST_CODE_LIFETIME", "456")
            .env("IDENTITY_SERVICE_LIVE_ASSIST_REDIRECT_URI", "https://a.example/1, https://b.example/2");
        if encrypted {
            command.env("IDENTITY_SERVICE_LIVE_ASSIST_ENCRYPTION_KEY", &encryption_key);
        }
        Program::start(command)
    };
    let post = |program: &Program, path: &str| http.post(format!("{}{path}", program.url)).bearer_auth(&session).send();
    let answer = async |program: &Program, path: &str| -> Value {
        let response = post(program, path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let claims = |token: &Value| -> Value {
        let part = token.as_str().unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let life = |claims: &Value| claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();

    let program = set(false);
    let put = |record: Value| {
        let url = format!("{}/admin/customers/ada", program.url);
        http.put(url).bearer_auth(&admin_key).json(&record).send()
    };
    assert_eq!(put(json!({ "lwicontexts": { "three": 3 } })).await.unwrap().status(), 422);
    let record = json!({ "contact_id": CONTACT, "tier": "gold", "lwicontexts": { "one": 1, "two": 2 } });
    assert_eq!(put(record).await.unwrap().status(), 204);
    let omnichannel = claims(&answer(&program, "/omnichannel/token").await["token"]);
    assert_eq!((&omnichannel["iss"], life(&omnichannel)), (&json!("another.example"), 1234));
    assert_eq!(omnichannel["tier"], "gold");
    let live_assist = claims(&answer(&program, "/live-assist/token").await["token"]);
    assert_eq!((&live_assist["iss"], life(&live_assist)), (&json!("another.example"), 2345));
    let issued = answer(&program, "/live-assist/code").await;
    assert_eq!(issued["redirect_uri"], "https://a.example/1");
    let code = issued["ssoKey"].as_str().unwrap();
    let url = format!("{}/live-assist/oauth/token", program.url);
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "https://a.example/1")];
    let redeemed: Value =
        http.post(url).basic_auth("live-assist", Some(SECRET)).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!((&redeemed["expires_in"], life(&claims(&redeemed["id_token"]))), (&json!(2345), 2345));
    let database = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    let store = CustomerStore::connect(&database, 1, String::new()).await.unwrap();
    // Read before the code is issued, whatever ticks meanwhile.
    let before_ms = i64::try_from(now() * 1000).unwrap();
    let issued = answer(&program, "/live-assist/code").await;
    let hash = digest(&SHA256, issued["ssoKey"].as_str().unwrap().as_bytes()).as_ref().try_into().unwrap();
    let Redemption::Redeemed(issued) = store.redeem_code(&hash, before_ms).await.unwrap() else { panic!("no code") };
    assert!((456_000..516_000).contains(&(issued.expires_at - before_ms)), "{issued:?}");
    for file in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.to_str().unwrap().contains("sqlite") {
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "customers' names are in {}", file.display());
        }
    }
    drop(program);

    let program = set(true);
    let token = answer(&program, "/live-assist/token").await["token"].clone();
    assert_eq!(token.as_str().unwrap().split('.').count(), 5, "encrypted");
}

/// A running program, which ends when it is dropped.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(command: Command) -> Self {
        Self::start_with_log(command, Stdio::null())
    }

    fn start_with_log(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: line["listening"].as_str().unwrap().to_owned() }
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
    }

    /// Tells it to stop, and whether it ended well.
    fn stop(mut self) -> bool {
        self.signal("TERM");
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for `/healthz` so often, and wants it good each time, and soon.
async fn answers(program: &Program, requests: usize) {
    let http = reqwest::Client::new();
    for number in 0..requests {
        let url = format!("{}/healthz", program.url);
        let answer = http.get(url).timeout(Duration::from_secs(5)).send().await;
        assert_eq!(answer.unwrap_or_else(|error| panic!("request {number}: {error}")).status(), 200);
    }
}

/// A log that nobody reads any more, one that nobody reads for now, and one on a full disk.
#[tokio::test]
async fn no_request_waits_for_the_log_or_dies_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let started = |log: Stdio| Program::start_with_log(right(folder.path()), log);

    let mut gone = started(Stdio::piped());
    drop(gone.child.stderr.take());
    answers(&gone, 20).await;

    let full = started(fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
    answers(&full, 20).await;

    let closed = {
        // A shell closes the descriptor; the program then opens nothing else in its place.
        let mut command = Command::new("/bin/sh");
        command.env_clear().arg("-c").arg("exec \"$0\" 2>&-").arg(env!("CARGO_BIN_EXE_identity-service"));
        command.envs(right(folder.path()).get_envs().filter_map(|(name, value)| Some((name, value?))));
        Program::start_with_log(command, Stdio::null())
    };
    answers(&closed, 20).await;

    // More than a pipe holds, so that the log stands still.
    let mut stuck = started(Stdio::piped());
    answers(&stuck, 3000).await;
    // What was left out is told, once somebody reads again, and each line is whole.
    let mut lines = BufReader::new(stuck.child.stderr.take().unwrap()).lines();
    let mut read = 0;
    let dropped = loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if let Some(dropped) = line["dropped_lines"].as_u64() {
            assert_eq!(line["level"], "WARN");
            break dropped;
        }
        read += 1;
        if read % 100 == 0 {
            // It is said with a line that comes after.
            answers(&stuck, 1).await;
        }
    };
    assert!(dropped > 0);
    assert!(stuck.stop(), "it stops when told");
}

/// One pipe for both, of which nobody reads: what is left to be said keeps nothing from ending.
#[tokio::test]
async fn the_program_ends_when_told_though_nobody_reads_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    // To the last byte: what is short would still find room.
    let filled = Command::new("head").args(["-c", "65536", "/dev/zero"]).stdout(writer.try_clone().unwrap()).status();
    assert!(filled.unwrap().success());
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = right(folder.path());
    command.env("IDENTITY_SERVICE_LISTEN", address.to_string());
    let child = command.stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap()).spawn().unwrap();
    let mut program = Program { child, url: format!("http://{address}") };
    let http = reqwest::Client::new();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while http.get(format!("{}/healthz", program.url)).send().await.is_err() {
        assert!(std::time::Instant::now() < deadline, "it does not answer");
    }
    // More than the log's own lines that wait.
    answers(&program, 3000).await;
    program.signal("TERM");
    assert!(ends(&mut program.child).success());
    // The same where it cannot start, with the code that says so.
    let mut refused = right(folder.path());
    refused.env("IDENTITY_SERVICE_BODY_LIMIT", "0");
    let mut child = refused.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    assert_eq!(ends(&mut child).code(), Some(2));
    drop(reader);
}

/// How a program ends that is about to.
fn ends(child: &mut Child) -> std::process::ExitStatus {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None => assert!(std::time::Instant::now() < deadline, "it does not end"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A proxy that the environment names is for what leaves the machine.
#[tokio::test]
async fn what_stays_on_this_machine_goes_through_no_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let through = format!("http://{}", proxy.local_addr().unwrap());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"] {
        let mut command = right(folder.path());
        command.env(name, &through).env("IDENTITY_SERVICE_ACCOUNTS_URL", "http://127.0.0.1:1");
        let program = Program::start(command);
        let session = sign(SECRET, &json!({ "sub": "ada", "exp": now() + 600 }));
        let request = reqwest::Client::new().post(format!("{}/livechat/token", program.url)).bearer_auth(session);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["code"], "accounts_unreachable", "{name}");
        for (variable, url) in [("SESSION_URL", "http://localhost:1/me"), ("SESSION_JWKS_URL", "http://[::1]:1/keys")] {
            let mut command = right(folder.path());
            command.env_remove("IDENTITY_SERVICE_SESSION_SECRET").env(name, &through);
            let program = Program::start({
                command.env(format!("IDENTITY_SERVICE_{variable}"), url);
                command
            });
            let request = reqwest::Client::new().post(format!("{}/livechat/token", program.url));
            let token = key_set_and_token("one").1;
            assert_eq!(request.bearer_auth(token).send().await.unwrap().status(), 503, "{name} {variable}");
        }
        let asked = proxy.accept();
        assert!(
            asked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
            "{name}: the proxy was asked"
        );
    }
    // What leaves it does.
    let mut command = right(folder.path());
    command.env("HTTPS_PROXY", &through).env("IDENTITY_SERVICE_ACCOUNTS_URL", "https://accounts.example");
    let program = Program::start(command);
    let session = sign(SECRET, &json!({ "sub": "ada", "exp": now() + 600 }));
    let asked = reqwest::Client::new().post(format!("{}/livechat/token", program.url)).bearer_auth(session).send();
    let asked = tokio::spawn(asked);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while proxy.accept().is_err() {
        assert!(std::time::Instant::now() < deadline, "the proxy was not asked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    asked.abort();
}

#[tokio::test]
async fn signals_that_are_no_reason_to_end_end_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(right(folder.path()));
    for name in ["HUP", "USR1", "USR2", "PIPE", "XFSZ", "WINCH", "CONT"] {
        program.signal(name);
        answers(&program, 1).await;
    }
    assert!(program.stop());
}

#[tokio::test]
async fn the_program_starts_where_its_first_line_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let mut child = right(folder.path())
        .env("IDENTITY_SERVICE_LOG_LEVEL", "info")
        .stdout(full())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The log tells the address then.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = loop {
        let line: Value = serde_json::from_str(&lines.next().expect("it ended").unwrap()).unwrap();
        if let Some(url) = line["listening"].as_str() {
            break url.to_owned();
        }
    };
    let program = Program { child, url };
    answers(&program, 1).await;
    assert!(program.stop());
    // A wrong setting ends it with its code, whoever can read why.
    let ended = right(folder.path()).env("IDENTITY_SERVICE_LISTEN", "nowhere").stdout(full()).stderr(full()).status();
    assert_eq!(ended.unwrap().code(), Some(2));
    let ended = right(folder.path()).env("IDENTITY_SERVICE_BODY_LIMIT", "0").stdout(full()).stderr(full()).status();
    assert_eq!(ended.unwrap().code(), Some(2));
}

/// A key pair of the site as a file of a JSON Web Key Set, and a session token that it signs.
fn key_set_and_token(id: &str) -> (String, String) {
    let document = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    );
    let key = EncodingKey::from_ec_der(document.unwrap().as_ref());
    let algorithm = Algorithm::ES256;
    let mut public = serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
    public["kid"] = json!(id);
    let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
    let token = encode(&header, &json!({ "sub": "ada", "exp": now() + 600 }), &key).unwrap();
    (json!({ "keys": [public] }).to_string(), token)
}

#[tokio::test]
async fn at_a_hangup_the_keys_are_read_anew_and_the_service_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::new();
    let file = folder.path().join("keys.json");
    let ((first_set, first), (second_set, second)) = (key_set_and_token("one"), key_set_and_token("two"));
    fs::write(&file, first_set).unwrap();
    let mut command = right_signing(folder.path(), &keys);
    command.env_remove("IDENTITY_SERVICE_SESSION_SECRET").env("IDENTITY_SERVICE_SESSION_JWKS_FILE", &file);
    let program = Program::start(command);
    let http = reqwest::Client::new();
    let ask = async |token: &str| {
        let url = format!("{}/omnichannel/token", program.url);
        http.post(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask(&first).await, ask(&second).await), (200, 401));
    // A file that is no key set changes nothing, and ends nothing.
    fs::write(&file, "{").unwrap();
    program.signal("HUP");
    assert_eq!((ask(&first).await, ask(&second).await), (200, 401));
    fs::write(&file, second_set).unwrap();
    program.signal("HUP");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while ask(&second).await != 200 {
        assert!(std::time::Instant::now() < deadline, "the new key is not known");
    }
    assert_eq!(ask(&first).await, 401, "the old key is gone");
    assert!(program.stop());
}

#[test]
fn a_keep_alive_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for value in ["0", "-1", "NaN", "1e9", "soon"] {
        refused(&ended(right(folder.path()).env("IDENTITY_SERVICE_KEEP_ALIVE", value)), "keep-alive");
    }
}
