//! `cargo xtask bench service`: how many tokens the service gives out, beside how many signatures the bare library makes in the same run.
//!
//! Rates are per second of processor time that the service itself used, so that the load generator, which shares the cores, does not
//! count. The contenders take turns, and the median of the rounds stands in the table. Latencies are those of an open loop: requests
//! leave at a constant rate, and each is timed from when it should have left, so that a slow answer is not hidden by the next
//! request waiting for it.

mod load;
mod program;
mod site;

use std::{error::Error, process::ExitCode, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};

use load::{Latencies, Load};
use program::processor_time_of_this_thread;
use site::Site;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const OPEN_LOOP: Duration = Duration::from_secs(10);
/// Customers whose tokens are asked for in turn.
const CUSTOMERS: usize = 1_000;
/// Customers for the memory's measure.
const MANY_CUSTOMERS: usize = 100_000;

/// Signatures per second of processor time, of a message as long as a token's header and claims.
fn bare_signatures() -> Outcome<f64> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let message = [b'x'; 400];
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    let began = processor_time_of_this_thread()?;
    let mut count = 0_u32;
    loop {
        for _ in 0..100 {
            pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
        }
        count += 100;
        let used = processor_time_of_this_thread()?.saturating_sub(began);
        if used >= ROUND / 2 {
            return Ok(f64::from(count) / used.as_secs_f64());
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One endpoint's figures.
struct Figures {
    name: &'static str,
    /// Answers per second of the service's processor time, a round each.
    per_core: Vec<f64>,
    /// Answers per second with the load generator on the same cores.
    together: Vec<f64>,
    latencies: Option<(f64, Latencies)>,
}

impl Figures {
    fn new(name: &'static str) -> Self {
        Self { name, per_core: Vec::new(), together: Vec::new(), latencies: None }
    }

    async fn round(&mut self, load: &Load, site: &Site) -> Outcome<()> {
        let before = site.service.processor_time()?;
        let (answers, elapsed) = load.closed_loop(ROUND).await?;
        let used = site.service.processor_time()?.saturating_sub(before);
        self.per_core.push(answers as f64 / used.as_secs_f64());
        self.together.push(answers as f64 / elapsed.as_secs_f64());
        Ok(())
    }

    async fn open_loop(&mut self, load: &Load) -> Outcome<()> {
        let rate = median(self.together.clone()) / 2.0;
        self.latencies = Some((rate, load.open_loop(rate, OPEN_LOOP).await?));
        Ok(())
    }

    fn row(&self, bare: f64) -> String {
        let per_core = median(self.per_core.clone());
        let share = if self.name.contains("cached") { "-".to_owned() } else { format!("{:.2}", per_core / bare) };
        let (rate, p50, p99) = match &self.latencies {
            Some((rate, latencies)) => {
                (format!("{rate:.0}"), milliseconds(latencies.share(0.5)), milliseconds(latencies.share(0.99)))
            }
            None => Default::default(),
        };
        let together = median(self.together.clone());
        format!("{:<34}{per_core:>12.0}{share:>16}{together:>14.0}{rate:>12}{p50:>10}{p99:>10}", self.name)
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

async fn run() -> Outcome<()> {
    let site = Site::start()?;
    eprintln!("bench: {CUSTOMERS} customers get a record and a LiveChat entity");
    site.put_records(CUSTOMERS).await?;
    let omnichannel = site.load("/omnichannel/token", CUSTOMERS)?;
    let live_assist = site.load("/live-assist/token", CUSTOMERS)?;
    let livechat = site.load("/livechat/token", CUSTOMERS)?;
    livechat.each_once().await?;

    let mut bare = Vec::new();
    let mut figures =
        ["POST /omnichannel/token", "POST /live-assist/token", "POST /livechat/token, cached"].map(Figures::new);
    let loads = [&omnichannel, &live_assist, &livechat];
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        for (figures, load) in figures.iter_mut().zip(loads) {
            bare.push(tokio::task::spawn_blocking(bare_signatures).await??);
            figures.round(load, &site).await?;
        }
    }
    for (figures, load) in figures.iter_mut().zip(loads) {
        eprintln!("bench: {} at half of its rate", figures.name);
        figures.open_loop(load).await?;
    }
    let fetched = site.fetched_tokens();
    if fetched != CUSTOMERS as u64 {
        return Err(format!("expected {CUSTOMERS} tokens to be fetched and the rest to be kept ones, LiveChat's stand-in gave out {fetched}").into());
    }

    let bare = median(bare);
    println!(
        "{:<34}{:>12}{:>16}{:>14}{:>12}{:>10}{:>10}",
        "", "per core/s", "share of bare", "both cores/s", "at rate/s", "p50", "p99"
    );
    println!("{:<34}{bare:>12.0}{:>16}", "bare RS256 signature (aws-lc-rs)", "1.00");
    for figures in &figures {
        println!("{}", figures.row(bare));
    }
    let sent_again: usize = loads.iter().map(|load| load.sent_again()).sum();
    println!("{sent_again} requests were sent again, as their connections were closed under them");
    println!(
        "per core: by the service's own processor time; both cores: with the load generator beside it on the same cores"
    );

    memory().await
}

/// What the service keeps in memory for customers that it gave a LiveChat token.
async fn memory() -> Outcome<()> {
    let site = Site::start()?;
    let before = site.service.resident_memory()?;
    eprintln!("bench: {MANY_CUSTOMERS} customers get a LiveChat entity");
    let began = std::time::Instant::now();
    site.load("/livechat/token", MANY_CUSTOMERS)?.each_once().await?;
    let after = site.service.resident_memory()?;
    let each = (after.saturating_sub(before)) / MANY_CUSTOMERS as u64;
    println!(
        "memory: {:.1} MB at the start, {:.1} MB after {MANY_CUSTOMERS} customers ({each} B each; their creation took {:.0} s)",
        before as f64 / 1e6,
        after as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
