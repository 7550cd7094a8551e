//! Load: one request for each customer in turn, as fast as it goes or at a constant rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, header::AUTHORIZATION};

use super::Outcome;

/// Requests at the same time.
const CONNECTIONS: usize = 32;

struct Inner {
    client: Client,
    url: String,
    /// What each customer sends as `Authorization`.
    customers: Vec<String>,
    next: AtomicUsize,
    sent_again: AtomicUsize,
}

/// What is asked for, and by whom.
#[derive(Clone)]
pub struct Load(Arc<Inner>);

/// How long answers took.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// The latency that this share of answers did not exceed.
    pub fn share(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }
}

impl Load {
    pub fn new(client: Client, url: String, customers: Vec<String>) -> Self {
        Self(Arc::new(Inner { client, url, customers, next: AtomicUsize::new(0), sent_again: AtomicUsize::new(0) }))
    }

    /// How many requests were sent again.
    pub fn sent_again(&self) -> usize {
        self.0.sent_again.load(Ordering::Relaxed)
    }

    /// One request of the next customer; anything but a good answer is an error. One that got none, because an idle connection was being
    /// closed under it, is sent again, as browsers and proxies do.
    async fn ask(&self) -> Outcome<()> {
        let inner = &self.0;
        let turn = inner.next.fetch_add(1, Ordering::Relaxed) % inner.customers.len();
        let customer = inner.customers.get(turn).ok_or("nobody asks")?;
        let send = || inner.client.post(&inner.url).header(AUTHORIZATION, customer).send();
        let response = match send().await {
            Err(error) if error.is_request() => {
                inner.sent_again.fetch_add(1, Ordering::Relaxed);
                send().await?
            }
            answered => answered?,
        };
        let status = response.status();
        let answer = response.bytes().await?;
        if status.is_success() && !answer.is_empty() {
            Ok(())
        } else {
            Err(format!("{} answered {status}", inner.url).into())
        }
    }

    /// Asks while `more` says so, over several connections; answers how often.
    async fn ask_while(&self, more: impl Fn() -> bool + Clone + Send + 'static) -> Outcome<usize> {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (load, more) = (self.clone(), more.clone());
                tokio::spawn(async move {
                    let mut answers = 0;
                    while more() {
                        load.ask().await?;
                        answers += 1;
                    }
                    Outcome::Ok(answers)
                })
            })
            .collect();
        let mut answers = 0;
        for worker in workers {
            answers += worker.await??;
        }
        Ok(answers)
    }

    /// One request of every customer.
    pub async fn each_once(&self) -> Outcome<()> {
        let left = Arc::new(AtomicUsize::new(self.0.customers.len()));
        let more = move || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        self.ask_while(more).await.map(|_| ())
    }

    /// As many requests as it answers in this time; and how long it took in the end.
    pub async fn closed_loop(&self, duration: Duration) -> Outcome<(usize, Duration)> {
        let began = Instant::now();
        let answers = self.ask_while(move || began.elapsed() < duration).await?;
        Ok((answers, began.elapsed()))
    }

    /// Requests at a constant rate, each timed from when it should have left.
    pub async fn open_loop(&self, rate: f64, duration: Duration) -> Outcome<Latencies> {
        let count = (rate * duration.as_secs_f64()) as u32;
        let load = self.clone();
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own keeps time more exactly than the runtime's timer, which counts milliseconds.
        let sent = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let mut sent = Vec::new();
            for turn in 0..count {
                let due = began + Duration::from_secs_f64(f64::from(turn) / rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let load = load.clone();
                sent.push(runtime.spawn(async move {
                    load.ask().await?;
                    Outcome::Ok(due.elapsed())
                }));
            }
            sent
        });
        let mut latencies = Vec::new();
        for request in sent.await? {
            latencies.push(request.await??);
        }
        latencies.sort_unstable();
        Ok(Latencies(latencies))
    }
}
