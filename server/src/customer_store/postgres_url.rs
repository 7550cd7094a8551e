//! Reads a PostgreSQL URL as libpq does: with several hosts, and with libpq's parameters that the driver lacks.

use std::{fs, str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::error::StoreError;
use crate::random::random_bytes;

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
    ("gssdelegation", &["0"]),
    ("gssencmode", &["disable", "prefer"]),
    ("max_protocol_version", &["3.0", "3.2", "latest"]),
    ("min_protocol_version", &["3.0"]),
    ("replication", &["false", "off", "no", "0"]),
    ("requiressl", &["0"]),
    ("ssl_max_protocol_version", &["TLSv1.3"]),
    ("ssl_min_protocol_version", &["TLSv1.2", "TLSv1.1", "TLSv1"]),
    ("sslcertmode", &["allow"]),
    ("sslcompression", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("sslsni", &["1"]),
];

/// Variables of libpq that the driver does not read, each for the parameter of this name, where the URL has none.
const VARIABLES: &[(&str, &str)] = &[
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
];
/// The value of `sslrootcert` by which the authorities that everybody trusts are meant: here they are trusted anyway.
const SYSTEM: &str = "system";
/// By what the database's own lists name this service, unless the URL or `PGAPPNAME` says otherwise.
const APPLICATION_NAME: &str = "identity-service";

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
        Self::parse_in(url, |name| std::env::var(name).ok())
    }

    /// The same, in an environment that this looks up.
    fn parse_in(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, StoreError> {
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
        let (mut target, mut is_random, mut name_of_last_resort) = (None, false, None);
        let pairs: Vec<(String, String)> =
            first.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let of_environment = VARIABLES.iter().filter_map(|(name, variable_name)| {
            let is_given = pairs.iter().any(|(given, _)| given == name);
            let value = if is_given { None } else { variable(variable_name).filter(|value| !value.is_empty()) };
            value.map(|value| ((*name).to_owned(), value))
        });
        for (name, value) in pairs.iter().cloned().chain(of_environment) {
            let list = || listed(&value);
            match &*name {
                "host" => hosts = list(),
                "hostaddr" => addresses = list(),
                "port" => ports = list(),
                "target_session_attrs" => target = Some(read_target(&value)?),
                "connect_timeout" => found.connect_timeout = read_connect_timeout(&value)?,
                "load_balance_hosts" => is_random = read_load_balance(&value)?,
                "fallback_application_name" => name_of_last_resort = Some(value),
                "sslrootcert" if value == SYSTEM => {}
                name if FILES.contains(&name) => check_file(name, &value)?,
                name if OF_THE_DRIVER.contains(&name) || name.starts_with("options[") => {}
                name => found.read_other(name, &value)?,
            }
        }
        // The driver reads these, but not as lists.
        let no_host = hosts.is_empty() && addresses.is_empty() && in_authority.iter().all(|host| host.is_empty());
        if let Some(list) = variable("PGHOST").filter(|list| no_host && list.contains(',')) {
            hosts = listed(&list);
        }
        if let Some(list) = variable("PGPORT").filter(|list| ports.is_empty() && list.contains(',')) {
            ports = listed(&list);
        }
        let system = pairs.iter().any(|(name, value)| name == "sslrootcert" && value == SYSTEM);
        if system && pairs.iter().any(|(name, value)| name == "sslmode" && value != "verify-full") {
            let expected = "verify-full with sslrootcert=system: anybody can have a certificate of these authorities";
            return Err(StoreError::WrongParameter("sslmode".to_owned(), expected.to_owned()));
        }
        let in_query = hosts.len().max(addresses.len());
        let count = in_query.max(in_authority.len());
        for position in 0..count {
            let mut url = match in_authority.as_slice() {
                [one] => parse(one)?,
                several => parse(several.get(position).copied().unwrap_or_default())?,
            };
            let kept = pairs
                .iter()
                .filter(|(name, _)| OF_THE_DRIVER.contains(&name.as_str()) || name.starts_with("options["))
                .filter(|(name, value)| name != "sslrootcert" || value != SYSTEM);
            let own = [("host", &hosts), ("hostaddr", &addresses), ("port", &ports)];
            let mut query = Vec::new();
            // The driver would ask for the address of a name with brackets.
            let bare = url.host_str().and_then(|host| host.strip_prefix('[')?.strip_suffix(']'));
            query.extend(bare.map(|address| ("host".to_owned(), address.to_owned())));
            query.extend(system.then(|| ("sslmode".to_owned(), "verify-full".to_owned())));
            for (name, list) in own {
                query.extend(at(list, position, count, name)?.map(|value| (name.to_owned(), value.to_owned())));
            }
            url.query_pairs_mut().clear().extend_pairs(query).extend_pairs(kept);
            let mut host = PgConnectOptions::from_str(url.as_str())?;
            if host.get_application_name().is_none() {
                host = host.application_name(name_of_last_resort.as_deref().unwrap_or(APPLICATION_NAME));
            }
            found.hosts.push(host);
        }
        if is_random {
            // Each process begins with another one; libpq would with each connection.
            let number = u64::from_be_bytes(random_bytes()?);
            let first = usize::try_from(number % found.hosts.len().max(1) as u64).unwrap_or_default();
            found.hosts.rotate_left(first);
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

fn listed(value: &str) -> Vec<String> {
    value.split(',').map(|one| one.trim().to_owned()).collect()
}

fn read_load_balance(value: &str) -> Result<bool, StoreError> {
    match value {
        "disable" => Ok(false),
        "random" => Ok(true),
        _ => Err(StoreError::WrongParameter("load_balance_hosts".to_owned(), "disable or random".to_owned())),
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
    match value.trim().parse::<i64>().map(u64::try_from) {
        // For libpq this means to wait forever, as nothing and what is negative does; the service never waits forever.
        Ok(Ok(0) | Err(_)) => Ok(CONNECT_TIMEOUT),
        Ok(Ok(seconds)) if seconds <= LONGEST_CONNECT_TIMEOUT => Ok(Duration::from_secs(seconds)),
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
    use sqlx::postgres::PgSslMode;

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
            // Without the brackets, which are the URL's: the address of a name with brackets is nobody's.
            ("postgres://me@[::1]/shop", &[("::1", 5432)]),
            ("postgres://me@[::1]:1,[::2]:2/shop", &[("::1", 1), ("::2", 2)]),
            ("postgres://me@[::1]:1,one:2/shop", &[("::1", 1), ("one", 2)]),
            ("postgres://me@/shop?host=::1,one&port=1,2", &[("::1", 1), ("one", 2)]),
            ("postgres://me@[::1],two/shop?host=one,two", &[("one", 5432), ("two", 5432)]),
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
        for forever in ["0", "-1"] {
            assert_eq!(parse(&format!("connect_timeout={forever}")).unwrap().connect_timeout, CONNECT_TIMEOUT);
        }
        let kept =
            parse("keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=2&tcp_user_timeout=9000");
        let settings = [
            ("tcp_keepalives_idle", 30),
            ("tcp_keepalives_interval", 5),
            ("tcp_keepalives_count", 2),
            ("tcp_user_timeout", 9000),
        ];
        assert_eq!(kept.unwrap().keep_alives, KeepAlives(settings.to_vec()));
        for well in [
            "channel_binding=prefer",
            "gssencmode=disable",
            "client_encoding=UTF8",
            "load_balance_hosts=disable",
            "load_balance_hosts=random",
            "ssl_min_protocol_version=TLSv1.2",
            "sslcertmode=allow",
            "replication=false",
            "fallback_application_name=shop",
            "sslrootcert=system",
            "sslmode=verify-full&sslrootcert=system",
        ] {
            assert!(parse(well).is_ok(), "{well}");
        }
        for (query, name) in [
            ("target_session_attrs=standby", "target_session_attrs"),
            ("target_session_attrs=", "target_session_attrs"),
            ("connect_timeout=soon", "connect_timeout"),
            ("connect_timeout=600", "connect_timeout"),
            ("keepalives=yes", "keepalives"),
            ("keepalives_idle=x", "keepalives_idle"),
            ("channel_binding=require", "channel_binding"),
            ("load_balance_hosts=yes", "load_balance_hosts"),
            ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version"),
            ("sslmode=require&sslrootcert=system", "sslmode"),
            ("sslrootcert=/nowhere", "sslrootcert"),
            ("passwort=hunter2", "passwort"),
        ] {
            let Err(error) = parse(query) else { panic!("{query}") };
            let text = error.to_string();
            assert!(text.contains(&format!("{name:?}")) && !text.contains("hunter2"), "{query}: {text}");
        }
    }

    #[test]
    fn the_authorities_of_the_system_demand_that_the_server_is_the_named_one() {
        let parsed = PostgresUrl::parse("postgres://me@one,two/shop?sslrootcert=system").unwrap();
        assert!(parsed.hosts.iter().all(|host| matches!(host.get_ssl_mode(), PgSslMode::VerifyFull)));
    }

    #[test]
    fn hosts_that_are_to_share_the_load_are_all_there_and_each_is_the_first_at_some_time() {
        let url = "postgres://me@one:1,two:2,three:3/shop?load_balance_hosts=random";
        let all = named(&[("one", 1), ("two", 2), ("three", 3)]);
        let mut first = std::collections::HashSet::new();
        // All but never is 1 in 10^50.
        for _ in 0..300 {
            let found = hosts(url);
            first.insert(found[0].clone());
            let mut sorted = found.clone();
            sorted.sort_by_key(|(_, port)| *port);
            assert_eq!(sorted, all);
        }
        assert_eq!(first.len(), 3);
    }

    #[test]
    fn variables_of_libpq_stand_in_for_what_the_url_does_not_say() {
        let variables = [
            ("PGHOST", "one, two"),
            ("PGPORT", "1,2"),
            ("PGTARGETSESSIONATTRS", "any"),
            ("PGCONNECT_TIMEOUT", "7"),
            ("PGLOADBALANCEHOSTS", ""),
        ];
        let parse = |url: &str| {
            let variable =
                |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            PostgresUrl::parse_in(url, variable).unwrap()
        };
        let places = |parsed: &PostgresUrl| -> Vec<(String, u16)> {
            parsed.hosts.iter().map(|host| (host.get_host().to_owned(), host.get_port())).collect()
        };
        let parsed = parse("postgres://");
        assert_eq!(places(&parsed), named(&[("one", 1), ("two", 2)]));
        assert_eq!((parsed.target, parsed.connect_timeout), (Target::Any, Duration::from_secs(7)));
        let parsed = parse("postgres://me@three,four/shop?port=3,4&target_session_attrs=primary&connect_timeout=5");
        assert_eq!(places(&parsed), named(&[("three", 3), ("four", 4)]));
        assert_eq!((parsed.target, parsed.connect_timeout), (Target::ReadWrite, Duration::from_secs(5)));
        let refused = PostgresUrl::parse_in("postgres://one", |name| {
            (name == "PGTARGETSESSIONATTRS").then(|| "standby".to_owned())
        });
        assert!(refused.is_err_and(|error| error.to_string().contains("target_session_attrs")));
    }

    #[test]
    fn the_database_knows_which_program_it_is() {
        let name = |query: &str| {
            let hosts = PostgresUrl::parse(&format!("postgres://me@one/shop?{query}")).unwrap().hosts;
            hosts[0].get_application_name().map(str::to_owned)
        };
        assert_eq!(name("").as_deref(), Some("identity-service"));
        assert_eq!(name("fallback_application_name=shop").as_deref(), Some("shop"));
        assert_eq!(name("application_name=chat&fallback_application_name=shop").as_deref(), Some("chat"));
    }
}
