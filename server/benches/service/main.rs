//! `cargo xtask bench service`: how many tokens the service gives out, beside how many signatures the bare library makes in the same run, and
//! beside a bare axum handler that answers the same bytes.
//!
//! The program under measure has one processor core, and the load another one, as if they were two machines. Rates are per second of
//! processor time that the program itself used. The contenders take turns, and the median of the rounds stands in the table. Latencies are
//! those of an open loop: requests leave at a constant rate, so that a slow answer is not hidden by the next request waiting for it.

mod contender;
mod cores;
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
use program::{Program, processor_time_of_this_thread};
use site::Site;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(2);
/// Latencies are told of so many short times, each by itself: whatever else the machine has to do comes a few times a second, and what the
/// program does by itself comes in each of them.
const OPEN_LOOPS: usize = 40;
const OPEN_LOOP: Duration = Duration::from_millis(250);
/// Customers whose tokens are asked for in turn.
const CUSTOMERS: usize = 1_000;
/// Customers for the memory's measure.
const MANY_CUSTOMERS: usize = 100_000;
/// How many bytes of a token are signed: header and claims.
const SIGNED: usize = 400;

/// Signatures per second of processor time, of a message as long as a token's header and claims.
fn bare_signatures() -> Outcome<f64> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let message = [b'x'; SIGNED];
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

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One endpoint's figures.
struct Figures<'a> {
    name: &'static str,
    load: &'a Load,
    program: &'a Program,
    /// Answers per second of the program's processor time, a round each.
    per_core: Vec<f64>,
    /// The same, as a share of what the contender did just before and just after.
    shares: Vec<f64>,
    /// Answers per second of the clock.
    answers: Vec<f64>,
    /// In microseconds, of a short time each.
    medians: Vec<f64>,
    hundredths: Vec<f64>,
    /// Of all these times.
    latencies: Latencies,
}

impl<'a> Figures<'a> {
    fn new(name: &'static str, load: &'a Load, program: &'a Program) -> Self {
        let (per_core, shares, answers, medians, hundredths, latencies) = Default::default();
        Self { name, load, program, per_core, shares, answers, medians, hundredths, latencies }
    }

    /// Answers per second of the program's processor time.
    fn round(&mut self) -> Outcome<f64> {
        let before = self.program.processor_time()?;
        let (answers, elapsed) = self.load.closed_loop(ROUND)?;
        let used = self.program.processor_time()?.saturating_sub(before);
        let per_core = answers as f64 / used.as_secs_f64();
        self.per_core.push(per_core);
        self.answers.push(answers as f64 / elapsed.as_secs_f64());
        Ok(per_core)
    }

    /// A round after the contender's, and before its next one, which is answered: how fast a machine is changes from second to second.
    fn round_beside(&mut self, before: f64, contender: &mut impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
        let per_core = self.round()?;
        let after = contender()?;
        self.shares.push(2.0 * per_core / (before + after));
        Ok(after)
    }

    fn half_load(&self) -> f64 {
        median(&self.answers) / 2.0
    }

    fn open_loop(&mut self) -> Outcome<()> {
        let latencies = self.load.open_loop(self.half_load(), OPEN_LOOP)?;
        self.medians.push(latencies.share(0.5));
        self.hundredths.push(latencies.share(0.99));
        self.latencies.add(latencies);
        Ok(())
    }

    /// The median share, and the least and the greatest of a round.
    fn share(&self) -> String {
        let least = self.shares.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self.shares.iter().copied().fold(0.0, f64::max);
        if self.shares.is_empty() {
            return String::from("1.00");
        }
        format!("{:.3} ({least:.2}-{greatest:.2})", median(&self.shares))
    }

    fn row(&self) -> String {
        let (per_core, carried, rate) = (median(&self.per_core), median(&self.answers), self.half_load());
        let (p50, p99) = (median(&self.medians), median(&self.hundredths));
        let (share, ratio, all) = (self.share(), p99 / p50, self.latencies.share(0.99));
        let name = self.name;
        format!(
            "{name:<34}{per_core:>11.0}{share:>20}{carried:>11.0}{rate:>11.0}{p50:>8.0} µs{p99:>8.0} µs{ratio:>9.1}{all:>9.0} µs"
        )
    }
}

fn run() -> Outcome<()> {
    cores::share_out()?;
    let site = Site::start()?;
    eprintln!("bench: {CUSTOMERS} customers get a record and a LiveChat entity");
    site.put_records(CUSTOMERS)?;
    let omnichannel = site.load("/omnichannel/token", CUSTOMERS)?;
    let live_assist = site.load("/live-assist/token", CUSTOMERS)?;
    let livechat = site.load("/livechat/token", CUSTOMERS)?;
    livechat.each_once()?;
    let contender = contender::start(&livechat.once()?)?;
    let handler = site.load_of(&contender, CUSTOMERS)?;

    let mut omnichannel = Figures::new("POST /omnichannel/token", &omnichannel, &site.service);
    let mut live_assist = Figures::new("POST /live-assist/token", &live_assist, &site.service);
    let mut handler = Figures::new("bare axum handler, same bytes", &handler, &contender);
    let mut livechat = Figures::new("POST /livechat/token, cached", &livechat, &site.service);
    let mut signatures = Vec::new();
    for round in 1..=ROUNDS {
        eprintln!("bench: round {round} of {ROUNDS}");
        let mut sign = || {
            let rate = cores::on_the_programs(bare_signatures)??;
            signatures.push(rate);
            Outcome::Ok(rate)
        };
        let before = sign()?;
        let between = omnichannel.round_beside(before, &mut sign)?;
        live_assist.round_beside(between, &mut sign)?;
        let before = handler.round()?;
        livechat.round_beside(before, &mut || handler.round())?;
    }
    let mut figures = [omnichannel, live_assist, handler, livechat];
    for round in 1..=OPEN_LOOPS {
        if round % 10 == 0 {
            eprintln!("bench: at half of its rate each, round {round} of {OPEN_LOOPS}");
        }
        for figures in &mut figures {
            figures.open_loop()?;
        }
    }
    let fetched = site.fetched_tokens();
    if fetched != CUSTOMERS as u64 {
        return Err(format!("expected {CUSTOMERS} tokens to be fetched and the rest to be kept ones, LiveChat's stand-in gave out {fetched}").into());
    }

    println!(
        "{:<34}{:>11}{:>20}{:>11}{:>11}{:>11}{:>11}{:>9}{:>12}",
        "", "per core/s", "of the contender", "carried/s", "at rate/s", "p50", "p99", "p99/p50", "p99 of all"
    );
    println!("{:<34}{:>11.0}{:>20}", "bare RS256 signature (aws-lc-rs)", median(&signatures), "1.00");
    for figures in &figures {
        println!("{}", figures.row());
    }
    let sent_again: usize = figures.iter().map(|figures| figures.load.sent_again()).sum();
    println!("{sent_again} requests were sent again, as their connections were closed under them");
    println!(
        "per core: by the program's own processor time; of the contender, which stands above: the median round, the least and the greatest;"
    );
    println!(
        "carried: by the clock, on the one core that the program has; latencies are those at half of that: the median of {OPEN_LOOPS} times of {} ms, and of all together",
        OPEN_LOOP.as_millis()
    );

    memory()
}

/// What the service keeps in memory for customers that it gave a LiveChat token.
fn memory() -> Outcome<()> {
    let site = Site::start()?;
    let before = site.service.resident_memory()?;
    eprintln!("bench: {MANY_CUSTOMERS} customers get a LiveChat entity");
    let began = std::time::Instant::now();
    site.load("/livechat/token", MANY_CUSTOMERS)?.each_once()?;
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

fn main() -> ExitCode {
    let is_contender = std::env::args().any(|argument| argument == contender::ARGUMENT);
    match if is_contender { contender::run() } else { run() } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
