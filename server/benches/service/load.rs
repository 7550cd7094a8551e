//! Load: one request for each customer in turn, as fast as it goes or at a constant rate, over connections that are kept.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::mpsc,
    task::JoinSet,
};

use super::Outcome;

/// Connections that ask as fast as they are answered.
const CONNECTIONS: usize = 32;
/// Connections that ask in turn, at a constant rate: so many that none is asked before its last answer is there.
const TURNS: usize = 64;

struct Inner {
    address: SocketAddr,
    path: String,
    /// What each customer sends as `Authorization`.
    customers: Vec<HeaderValue>,
    next: AtomicUsize,
    sent_again: AtomicUsize,
}

/// What is asked for, and by whom.
#[derive(Clone)]
pub struct Load(Arc<Inner>);

/// How long answers took, the fastest first.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Puts others among these.
    pub fn add(&mut self, Self(mut others): Self) {
        self.0.append(&mut others);
        self.0.sort_unstable();
    }

    /// The latency that this share of answers did not exceed, in microseconds.
    pub fn share(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let found = self.0.get((last as f64 * share).round() as usize).copied().unwrap_or_default();
        found.as_secs_f64() * 1e6
    }
}

/// A connection to the server, opened anew when it was closed.
struct Connection {
    load: Load,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

impl Connection {
    async fn sender(&mut self) -> Outcome<&mut SendRequest<Empty<Bytes>>> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.load.0.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            // Its end is told to who sends next.
            tokio::spawn(async move { drop(connection.await) });
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().ok_or("no connection")?;
        Ok(sender)
    }

    /// One answer, by its status and its length; none where the connection was closed before.
    async fn answer(&mut self, request: Request<Empty<Bytes>>) -> Outcome<Option<(u16, Bytes)>> {
        let sender = self.sender().await?;
        if let Err(error) = sender.ready().await {
            return if error.is_closed() { Ok(None) } else { Err(error.into()) };
        }
        let response = match sender.send_request(request).await {
            Err(error) if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => return Ok(None),
            answered => answered?,
        };
        Ok(Some((response.status().as_u16(), response.into_body().collect().await?.to_bytes())))
    }

    /// One request of the next customer; anything but a good answer is an error. One that got none, because an idle connection was being
    /// closed under it, is sent again, as browsers and proxies do.
    async fn ask(&mut self) -> Outcome<Bytes> {
        let inner = Arc::clone(&self.load.0);
        let turn = inner.next.fetch_add(1, Ordering::Relaxed) % inner.customers.len();
        let customer = inner.customers.get(turn).ok_or("nobody asks")?;
        loop {
            let request = Request::post(inner.path.as_str())
                .header(HOST, "shop.example")
                .header(AUTHORIZATION, customer)
                .header(CONTENT_LENGTH, "0")
                .body(Empty::new())?;
            match self.answer(request).await? {
                Some((200, answer)) if !answer.is_empty() => return Ok(answer),
                Some((status, _)) => return Err(format!("{} answered {status}", inner.path).into()),
                None => drop(inner.sent_again.fetch_add(1, Ordering::Relaxed)),
            }
        }
    }
}

/// One thread for all connections, on the load's core.
fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Keeps the load's thread from sleeping until its runtime ends: waking it would be work of the program that answers, as it is not where an
/// answer leaves the machine.
fn stay_awake() {
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

impl Load {
    pub fn new(address: SocketAddr, path: &str, customers: Vec<HeaderValue>) -> Self {
        let (next, sent_again) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Inner { address, path: path.to_owned(), customers, next, sent_again }))
    }

    /// How many requests were sent again.
    pub fn sent_again(&self) -> usize {
        self.0.sent_again.load(Ordering::Relaxed)
    }

    fn connection(&self) -> Connection {
        Connection { load: self.clone(), sender: None }
    }

    /// The answer to one request.
    pub fn once(&self) -> Outcome<Bytes> {
        runtime()?.block_on(self.connection().ask())
    }

    /// Asks while `more` says so, over several connections; answers how often.
    fn ask_while(&self, more: impl Fn() -> bool + Clone + Send + 'static) -> Outcome<usize> {
        runtime()?.block_on(async {
            stay_awake();
            let mut workers = JoinSet::new();
            for _ in 0..CONNECTIONS {
                let (mut connection, more) = (self.connection(), more.clone());
                workers.spawn(async move {
                    let mut answers = 0;
                    while more() {
                        connection.ask().await?;
                        answers += 1;
                    }
                    Outcome::Ok(answers)
                });
            }
            let mut answers = 0;
            while let Some(worker) = workers.join_next().await {
                answers += worker??;
            }
            Ok(answers)
        })
    }

    /// One request of every customer.
    pub fn each_once(&self) -> Outcome<()> {
        let left = Arc::new(AtomicUsize::new(self.0.customers.len()));
        let more = move || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        self.ask_while(more).map(drop)
    }

    /// As many requests as it answers in this time; and how long it took in the end.
    pub fn closed_loop(&self, duration: Duration) -> Outcome<(usize, Duration)> {
        let began = Instant::now();
        let answers = self.ask_while(move || began.elapsed() < duration)?;
        Ok((answers, began.elapsed()))
    }

    /// Requests at a constant rate. A clock that no answer holds up hands each to the next connection, and from then on it is timed: also
    /// when that connection still waits for an answer. The clock never sleeps.
    pub fn open_loop(&self, rate: f64, duration: Duration) -> Outcome<Latencies> {
        let count = (rate * duration.as_secs_f64()) as u32;
        let mut latencies = runtime()?.block_on(async {
            let (mut handing, mut workers) = (Vec::new(), JoinSet::new());
            for _ in 0..TURNS {
                let (hand, mut handed) = mpsc::unbounded_channel::<Instant>();
                let mut connection = self.connection();
                // The connection is opened before the clock runs.
                connection.ask().await?;
                handing.push(hand);
                workers.spawn(async move {
                    let mut latencies = Vec::new();
                    while let Some(sent) = handed.recv().await {
                        connection.ask().await?;
                        latencies.push(sent.elapsed());
                    }
                    Outcome::Ok(latencies)
                });
            }
            let began = Instant::now();
            for (turn, hand) in (0..count).zip(handing.iter().cycle()) {
                let due = began + Duration::from_secs_f64(f64::from(turn) / rate);
                while Instant::now() < due {
                    tokio::task::yield_now().await;
                }
                // Where a connection has ended, its worker says why.
                if hand.send(Instant::now()).is_err() {
                    break;
                }
            }
            drop(handing);
            let mut latencies = Vec::new();
            while let Some(worker) = workers.join_next().await {
                latencies.append(&mut worker??);
            }
            Outcome::Ok(latencies)
        })?;
        latencies.sort_unstable();
        Ok(Latencies(latencies))
    }
}
