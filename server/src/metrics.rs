//! What the service counts, in Prometheus' text format. No label holds anything of a customer.

use std::{sync::Arc, time::Duration};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector,
};

/// The upper bounds of durations, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// What is looked up when somebody asks, instead of counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readings {
    /// Connections to the database: open, idle among these, and callers who wait for one.
    pub database: DatabaseReadings,
    /// Keys that sign, are published to sign later, or are published although they sign no more; and for how many seconds
    /// the one that signs has.
    pub signing_keys: Option<KeyReadings>,
    /// Log lines that nobody will read.
    pub dropped_log_lines: u64,
    /// Customers' tokens in memory.
    pub kept_tokens: u64,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatabaseReadings {
    /// Those that are open.
    pub open: u64,
    /// Those of them that nobody uses.
    pub idle: u64,
    /// Callers who wait for one.
    pub waiting: u64,
}

/// Keys of the service.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyReadings {
    /// One, or none.
    pub active: u64,
    /// Those that will sign.
    pub next: u64,
    /// Those that sign no more, and are still published.
    pub retired: u64,
    /// For how many seconds the active one has signed.
    pub age: u64,
}

/// The counters of one service.
#[derive(Clone)]
pub struct Metrics(Arc<Counters>);

struct Counters {
    registry: Registry,
    requests: IntCounterVec,
    request_durations: HistogramVec,
    tokens: IntCounterVec,
    accounts_requests: IntCounterVec,
    accounts_durations: HistogramVec,
    creations: IntCounter,
    lost_creations: IntCounter,
    connections: IntGaugeVec,
    waiting: IntGauge,
    keys: IntGaugeVec,
    key_age: IntGauge,
    dropped_log_lines: IntGauge,
    kept_tokens: IntGauge,
}

/// A metric could not be made: two of one name, for example.
#[derive(Debug, thiserror::Error)]
#[error("the metrics could not be made: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, MetricsError> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("identity_service")
}

impl Metrics {
    /// Everything is zero.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(options(name, help), labels)?)
        };
        let durations = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::from(options(name, help)).buckets(BUCKETS.to_vec());
            registered(&registry, HistogramVec::new(options, labels)?)
        };
        let counter = |name: &str, help: &str| registered(&registry, IntCounter::with_opts(options(name, help))?);
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            registered(&registry, IntGaugeVec::new(options(name, help), labels)?)
        };
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::with_opts(options(name, help))?);
        Ok(Self(Arc::new(Counters {
            requests: counters(
                "requests_total",
                "Requests, by how they were answered: the outcome is that of the log, hit and joined for example.",
                &["route", "status", "outcome"],
            )?,
            request_durations: durations("request_duration_seconds", "How long answers took.", &["route"])?,
            tokens: counters("tokens_issued_total", "Tokens given to pages and to Live Assist's service.", &["route"])?,
            accounts_requests: counters(
                "accounts_requests_total",
                "Requests to LiveChat's accounts, by what came of them.",
                &["operation", "result"],
            )?,
            accounts_durations: durations(
                "accounts_request_duration_seconds",
                "How long LiveChat's accounts took.",
                &["operation"],
            )?,
            creations: counter("creations_total", "Customers created at LiveChat.")?,
            lost_creations: counter(
                "creations_lost_total",
                "Creations after which LiveChat may hold a customer whom nobody uses.",
            )?,
            connections: gauges(
                "database_connections",
                "Connections to the database; idle ones are open, too.",
                &["state"],
            )?,
            waiting: gauge("database_waiting", "Callers who wait for a connection to PostgreSQL.")?,
            keys: gauges("signing_keys", "Keys that sign tokens, by what they do.", &["state"])?,
            key_age: gauge("signing_key_age_seconds", "For how long the active key has signed.")?,
            dropped_log_lines: gauge("log_lines_dropped", "Log lines since the start that nobody will read.")?,
            kept_tokens: gauge("kept_tokens", "Tokens of LiveChat in memory.")?,
            registry,
        })))
    }

    /// A request was answered.
    pub fn request(&self, route: &str, status: &str, outcome: &str, duration: Duration) {
        self.0.requests.with_label_values(&[route, status, outcome]).inc();
        self.0.request_durations.with_label_values(&[route]).observe(duration.as_secs_f64());
    }

    /// A token was given.
    pub fn token(&self, route: &str) {
        self.0.tokens.with_label_values(&[route]).inc();
    }

    /// LiveChat's accounts were asked.
    pub fn accounts_request(&self, operation: &str, result: &str, duration: Duration) {
        self.0.accounts_requests.with_label_values(&[operation, result]).inc();
        let durations: Histogram = self.0.accounts_durations.with_label_values(&[operation]);
        durations.observe(duration.as_secs_f64());
    }

    /// A customer was created.
    pub fn creation(&self) {
        self.0.creations.inc();
    }

    /// A customer may have been created whom nobody uses.
    pub fn lost_creation(&self) {
        self.0.lost_creations.inc();
    }

    /// Everything as text, and the text's media type.
    pub fn text(&self, readings: &Readings) -> Result<(String, String), MetricsError> {
        let Readings { database, signing_keys, dropped_log_lines, kept_tokens } = readings;
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for (state, value) in [("open", database.open), ("idle", database.idle)] {
            self.0.connections.with_label_values(&[state]).set(number(value));
        }
        self.0.waiting.set(number(database.waiting));
        if let Some(keys) = signing_keys {
            for (state, value) in [("active", keys.active), ("next", keys.next), ("retired", keys.retired)] {
                self.0.keys.with_label_values(&[state]).set(number(value));
            }
            self.0.key_age.set(number(keys.age));
        }
        self.0.dropped_log_lines.set(number(*dropped_log_lines));
        self.0.kept_tokens.set(number(*kept_tokens));
        let encoder = TextEncoder::new();
        let text = encoder.encode_to_string(&self.0.registry.gather())?;
        Ok((text, encoder.format_type().to_owned()))
    }
}
