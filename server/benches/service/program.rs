//! A program under measure: started, asked for its address, watched from outside, ended.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{Outcome, cores};

/// A running program.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about it here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it on the core that is a program's, with this on its standard input, where that is a pipe, and waits until it says where it
    /// listens.
    pub fn start(mut command: Command, input: &[u8]) -> Outcome<Self> {
        let mut child = cores::on_the_programs(|| command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn())??;
        if let Some(mut standard_input) = child.stdin.take() {
            standard_input.write_all(input)?;
        }
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let url = said.get("listening").and_then(Value::as_str).unwrap_or_default().to_owned();
        let program = Self { child, url };
        if program.url.is_empty() { Err("a program did not start".into()) } else { Ok(program) }
    }

    /// The address of it.
    pub fn address(&self) -> Outcome<SocketAddr> {
        Ok(self.url.trim_start_matches("http://").parse()?)
    }

    /// How long it has been on a processor, in all its threads.
    pub fn processor_time(&self) -> Outcome<Duration> {
        processor_time(&format!("/proc/{}/stat", self.child.id()))
    }

    /// How many bytes of it are in memory.
    pub fn resident_memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kilobytes
            .map(|kilobytes| kilobytes * 1024)
            .ok_or_else(|| "the system does not say how much memory a program has".into())
    }
}

/// How long this thread has been on a processor.
pub fn processor_time_of_this_thread() -> Outcome<Duration> {
    processor_time("/proc/thread-self/stat")
}

/// Document: proc_pid_stat(5), fields 14 and 15, in hundredths of a second on every Linux of today.
fn processor_time(file: &str) -> Outcome<Duration> {
    let text = fs::read_to_string(file)?;
    // After the name, which may hold anything.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    let ticks = ticks(14).zip(ticks(15)).map(|(user, system)| user + system);
    ticks
        .map(|ticks| Duration::from_millis(ticks * 10))
        .ok_or_else(|| "the system does not say how long a program ran".into())
}
