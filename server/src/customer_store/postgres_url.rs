//! Reads a PostgreSQL URL as libpq does: with several hosts, and with libpq's parameters that the driver lacks.

use std::{fs, str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::error::StoreError;

/// The parameters that the driver understands. Another one is a mistake, and might be a misspelt password: it is not
/// passed on, since the driver logs what it does not know.
const OF_THE_DRIVER: &[&str] = &[
    "application_name",
    "dbname",
    "options",
    "password",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Those parameters that name a file in PEM.
const FILES: &[&str] = &["sslcert", "sslkey", "sslrootcert"];

/// Parameters of libpq, with the values that change nothing, because they are what happens here anyway.
const DONE_ANYWAY: &[(&str, &[&str])] = &[
    ("channel_binding", &["disable", "prefer"]),
    ("client_encoding", &["auto", "UTF8", "utf8", "UTF-8", "utf-8"]),
    ("gssencmode", &["disable", "prefer"]),
    ("load_balance_hosts", &["disable"]),
    ("sslcompression", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("sslsni", &["1"]),
];

/// How long a host may take to open a connection, unless the URL says so.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that the URL may ask for: the caller who waits for the connection has a limit, too.
const LONGEST_CONNECT_TIMEOUT: u64 = 60;

/// Which servers are acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Also one that accepts no writes just now.
    Any,
    /// Only one that accepts writes.
    ReadWrite,
}

/// How the servers keep a connection alive: probes over a silent one after so many seconds, so often, so many times.
/// Each number has the name that PostgreSQL has for its side of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeepAlives(pub(super) Vec<(&'static str, u64)>);

/// What a URL asks for.
pub(super) struct PostgresUrl {
    /// How each host is reached, in the order of the URL.
    pub(super) hosts: Vec<PgConnectOptions>,
    pub(super) target: Target,
    /// How long each host may take.
    pub(super) connect_timeout: Duration,
    pub(super) keep_alives: KeepAlives,
}

/// The URL without its hosts, and its hosts with their ports, of which there may be several: no other URL has that.
fn part_hosts(url: &str) -> Option<(String, Vec<&str>)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let at = if authority.contains('@') { "@" } else { "" };
    // A stand-in, which the driver's reader needs; it is replaced by each host.
    Some((format!("{scheme}://{user}{at}\0{path}"), hosts.split(',').collect()))
}

/// The value for the host at this position: each has its own, or all have the only one.
fn at<'list>(
    list: &'list [String],
    position: usize,
    count: usize,
    name: &str,
) -> Result<Option<&'list str>, StoreError> {
    match list.len() {
        0 => Ok(None),
        1 => Ok(list.first().map(String::as_str)),
        length if length == count => Ok(list.get(position).map(String::as_str)),
        _ => Err(StoreError::WrongParameter(name.to_owned(), "one value, or one for each host".to_owned())),
    }
}

impl PostgresUrl {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (frame, in_authority) = part_hosts(url).ok_or_else(|| sqlx::Error::config(url::ParseError::EmptyHost))?;
        // Libpq takes a user without a host, which a parameter names then; a URL's reader does not.
        let stand_in = if frame.contains("@\0") { "localhost" } else { "" };
        let parse = |host: &str| {
            let host = if host.is_empty() { stand_in } else { host };
            Url::parse(&frame.replace('\0', host)).map_err(sqlx::Error::config)
        };
        let first = parse(in_authority.first().copied().unwrap_or_default())?;
        let mut found = Self {
            hosts: Vec::new(),
            target: Target::Any,
            connect_timeout: CONNECT_TIMEOUT,
            keep_alives: KeepAlives(Vec::new()),
        };
        let (mut hosts, mut addresses, mut ports) = (Vec::new(), Vec::new(), Vec::new());
        let mut target = None;
        for (name, value) in first.query_pairs() {
            let list = || value.split(',').map(str::to_owned).collect();
            match &*name {
                "host" => hosts = list(),
                "hostaddr" => addresses = list(),
                "port" => ports = list(),
                "target_session_attrs" => target = Some(read_target(&value)?),
                "connect_timeout" => found.connect_timeout = read_connect_timeout(&value)?,
                name if FILES.contains(&name) => check_file(name, &value)?,
                name if OF_THE_DRIVER.contains(&name) || name.starts_with("options[") => {}
                name => found.read_other(name, &value)?,
            }
        }
        let in_query = hosts.len().max(addresses.len());
        let count = in_query.max(in_authority.len());
        for position in 0..count {
            let mut url = match in_authority.as_slice() {
                [one] => parse(one)?,
                several => parse(several.get(position).copied().unwrap_or_default())?,
            };
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(name, _)| OF_THE_DRIVER.contains(&&**name) || name.starts_with("options["))
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            let own = [("host", &hosts), ("hostaddr", &addresses), ("port", &ports)];
            let mut query = Vec::new();
            for (name, list) in own {
                query.extend(at(list, position, count, name)?.map(|value| (name.to_owned(), value.to_owned())));
            }
            url.query_pairs_mut().clear().extend_pairs(query).extend_pairs(kept);
            found.hosts.push(PgConnectOptions::from_str(url.as_str())?);
        }
        // Of several hosts one takes the writes, and the others are there for when it does not.
        found.target = target.unwrap_or(if count > 1 { Target::ReadWrite } else { Target::Any });
        Ok(found)
    }

    fn read_other(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let wrong = |expected: &str| StoreError::WrongParameter(name.to_owned(), expected.to_owned());
        let number = || value.parse::<u64>().ok().filter(|number| *number <= 86_400_000);
        let setting = match name {
            "keepalives" => {
                return match value {
                    "1" => Ok(()),
                    "0" => {
                        self.keep_alives.0.push(("tcp_keepalives_idle", 86_400));
                        Ok(())
                    }
                    _ => Err(wrong("0 or 1")),
                };
            }
            "keepalives_idle" => "tcp_keepalives_idle",
            "keepalives_interval" => "tcp_keepalives_interval",
            "keepalives_count" => "tcp_keepalives_count",
            "tcp_user_timeout" => "tcp_user_timeout",
            name => {
                let (_, values) = DONE_ANYWAY
                    .iter()
                    .find(|(known, _)| *known == name)
                    .ok_or_else(|| StoreError::UnknownParameter(name.to_owned()))?;
                return if values.contains(&value) { Ok(()) } else { Err(wrong(&values.join(" or "))) };
            }
        };
        self.keep_alives.0.push((setting, number().ok_or_else(|| wrong("a number"))?));
        Ok(())
    }
}

fn read_target(value: &str) -> Result<Target, StoreError> {
    match value {
        "any" => Ok(Target::Any),
        "read-write" | "primary" => Ok(Target::ReadWrite),
        _ => {
            let expected = "any, read-write or primary: this service writes".to_owned();
            Err(StoreError::WrongParameter("target_session_attrs".to_owned(), expected))
        }
    }
}

fn read_connect_timeout(value: &str) -> Result<Duration, StoreError> {
    match value.parse::<u64>() {
        // For libpq this means to wait forever, which the service never does.
        Ok(0) => Ok(CONNECT_TIMEOUT),
        Ok(seconds) if seconds <= LONGEST_CONNECT_TIMEOUT => Ok(Duration::from_secs(seconds)),
        _ => {
            let expected = format!("1 to {LONGEST_CONNECT_TIMEOUT} seconds");
            Err(StoreError::WrongParameter("connect_timeout".to_owned(), expected))
        }
    }
}

/// Fails when the parameter's file cannot be used: the driver would say why, and not of which file.
fn check_file(parameter: &str, value: &str) -> Result<(), StoreError> {
    // The driver also takes what would be in the file.
    if value.trim().starts_with("-----BEGIN") {
        return Ok(());
    }
    let unusable = |why: String| StoreError::UnusableFile(parameter.to_owned(), why);
    let content = fs::read_to_string(value).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    // Without any certificate, the driver would trust the public authorities alone.
    if parameter == "sslrootcert" && !content.contains("-----BEGIN CERTIFICATE-----") {
        return Err(unusable("holds no certificate in PEM".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<(String, u16)> {
        let hosts = PostgresUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).hosts;
        hosts.iter().map(|host| (host.get_host().to_owned(), host.get_port())).collect()
    }

    fn named(list: &[(&str, u16)]) -> Vec<(String, u16)> {
        list.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect()
    }

    #[test]
    fn hosts_are_read_as_libpq_reads_them() {
        for (url, expected) in [
            ("postgres://me:secret@one/shop", &[("one", 5432)][..]),
            ("postgres://me@one:1,two:2/shop", &[("one", 1), ("two", 2)]),
            ("postgresql://me:p%40ss@one,two:6432/shop?sslmode=disable", &[("one", 5432), ("two", 6432)]),
            ("postgres://me@one,two,three?port=7", &[("one", 7), ("two", 7), ("three", 7)]),
            ("postgres:///shop?host=one,two&port=1,2&user=me", &[("one", 1), ("two", 2)]),
            ("postgres://me@/shop?host=one,two", &[("one", 5432), ("two", 5432)]),
            ("postgres://me@[::1]:1,[::2]:2/shop", &[("[::1]", 1), ("[::2]", 2)]),
        ] {
            assert_eq!(hosts(url), named(expected), "{url}");
        }
    }

    #[test]
    fn what_has_no_host_for_each_value_is_refused() {
        for url in ["postgres://me@one,two/shop?port=1,2,3", "postgres:///shop?host=one,two,three&port=1,2"] {
            assert!(matches!(PostgresUrl::parse(url), Err(StoreError::WrongParameter(..))), "{url}");
        }
    }

    #[test]
    fn parameters_of_libpq_are_understood_or_named() {
        let parse = |query: &str| PostgresUrl::parse(&format!("postgres://me@one,two/shop?{query}"));
        assert_eq!(parse("").unwrap().target, Target::ReadWrite);
        assert_eq!(PostgresUrl::parse("postgres://me@one/shop").unwrap().target, Target::Any);
        assert_eq!(parse("target_session_attrs=any").unwrap().target, Target::Any);
        assert_eq!(parse("target_session_attrs=read-write").unwrap().target, Target::ReadWrite);
        assert_eq!(parse("target_session_attrs=primary").unwrap().target, Target::ReadWrite);
        assert_eq!(parse("connect_timeout=7").unwrap().connect_timeout, Duration::from_secs(7));
        assert_eq!(parse("connect_timeout=0").unwrap().connect_timeout, CONNECT_TIMEOUT);
        let kept =
            parse("keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=2&tcp_user_timeout=9000");
        let settings = [
            ("tcp_keepalives_idle", 30),
            ("tcp_keepalives_interval", 5),
            ("tcp_keepalives_count", 2),
            ("tcp_user_timeout", 9000),
        ];
        assert_eq!(kept.unwrap().keep_alives, KeepAlives(settings.to_vec()));
        for well in
            ["channel_binding=prefer", "gssencmode=disable", "client_encoding=UTF8", "load_balance_hosts=disable"]
        {
            assert!(parse(well).is_ok(), "{well}");
        }
        for (query, name) in [
            ("target_session_attrs=standby", "target_session_attrs"),
            ("target_session_attrs=", "target_session_attrs"),
            ("connect_timeout=soon", "connect_timeout"),
            ("connect_timeout=-1", "connect_timeout"),
            ("connect_timeout=600", "connect_timeout"),
            ("keepalives=yes", "keepalives"),
            ("keepalives_idle=x", "keepalives_idle"),
            ("channel_binding=require", "channel_binding"),
            ("passwort=hunter2", "passwort"),
        ] {
            let Err(error) = parse(query) else { panic!("{query}") };
            let text = error.to_string();
            assert!(text.contains(&format!("{name:?}")) && !text.contains("hunter2"), "{query}: {text}");
        }
    }
}
