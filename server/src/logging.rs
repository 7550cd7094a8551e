//! Structured logs: JSON lines on standard error, written by a thread of their own, which no request waits for.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// How many lines may wait for a slow reader; further lines are dropped.
const WAITING_LINES: usize = 2048;
/// How long to wait before writing again to a descriptor that accepts nothing at the moment.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the end of the process waits for its last lines to be read. The log's own worker is given a little more than a second.
const LAST_LINES: Duration = Duration::from_millis(1500);

/// A subscriber that writes JSON lines; `level` is error, warn, info, debug or trace, for this service's own events.
pub fn subscriber<W>(level: tracing::Level, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // Libraries' debug lines may show headers, and with them tokens: they stay at warn whatever the level.
    // The driver of PostgreSQL warns of a line of .pgpass that it does not understand by showing it, password and all.
    let pgpass = "sqlx_postgres::options::pgpass[{line}]=off";
    let filter = EnvFilter::new(format!("warn,{pgpass},identity_service={level},request={level}"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(writer)
        .with_span_list(false)
        // They would be reported on standard error, which is what failed.
        .log_internal_errors(false)
        .finish()
}

/// How many log lines were lost: they could not be written, or not soon enough.
#[derive(Clone, Default)]
pub struct DroppedLines {
    failed: Arc<AtomicUsize>,
    overflowed: Arc<OnceLock<ErrorCounter>>,
}

impl DroppedLines {
    /// Since the start.
    pub fn count(&self) -> usize {
        let overflowed = self.overflowed.get().map_or(0, ErrorCounter::dropped_lines);
        self.failed.load(Ordering::Relaxed).saturating_add(overflowed)
    }
}

/// Writes whole lines, counts those that cannot be written, and reports their number as soon as a line can be written again.
struct LineWriter<W> {
    output: W,
    dropped: DroppedLines,
    told: usize,
    /// The last line was written only in part.
    torn: bool,
}

impl<W: Write> LineWriter<W> {
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let mut rest = line;
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.torn = written < rest.len();
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Only this thread waits.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tell_dropped(&mut self) -> io::Result<()> {
        let dropped = self.dropped.count();
        if dropped == self.told {
            return Ok(());
        }
        let line = json!({
            "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
            "level": "WARN",
            "message": "log lines were dropped: they could not be written, or not as fast as they came",
            "dropped_lines": dropped.saturating_sub(self.told),
            "target": module_path!(),
        });
        self.put(format!("{line}\n").as_bytes())?;
        self.told = dropped;
        Ok(())
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.put(b"\n")?;
        }
        self.tell_dropped()?;
        self.put(line)
    }
}

impl<W: Write> Write for LineWriter<W> {
    /// Takes a whole line each time, and never fails: what cannot be written is counted.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.write_line(line).is_err() {
            self.dropped.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of the process. When this is dropped, the remaining lines are written, as far as somebody reads them.
pub struct Log {
    /// How many of its lines were dropped.
    pub dropped: DroppedLines,
    worker: Option<WorkerGuard>,
}

impl Drop for Log {
    /// Waits a second for the worker. It complains on standard output: it panics if it cannot write there, and where nobody
    /// reads it writes for ever. Neither must decide how the process ends.
    fn drop(&mut self) {
        let worker = self.worker.take();
        in_time(move || drop(worker));
    }
}

/// Does this on a thread of its own, which is left alone when it takes too long.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel::<()>();
    let work = move || {
        let _done = done;
        work();
    };
    if thread::Builder::new().spawn(work).is_ok() {
        // It says nothing: it is done when the sender is gone.
        let _ = is_done.recv_timeout(LAST_LINES);
    }
}

/// Says in a line of its own, beside the log, why the program ends. Where nobody can read it, the exit code has to do.
pub fn complain(error: &impl fmt::Display) {
    let line = format!("identity-service: {error}\n");
    in_time(move || {
        let _ = io::stderr().write_all(line.as_bytes());
    });
}

/// Makes it the process's log, on standard error; a second call changes nothing.
pub fn start(level: tracing::Level) -> Log {
    let dropped = DroppedLines::default();
    let output = LineWriter { output: io::stderr(), dropped: dropped.clone(), told: 0, torn: false };
    let (writer, worker) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).thread_name("log").finish(output);
    if dropped.overflowed.set(writer.error_counter()).is_err() || subscriber(level, writer).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
    // A panic's message may hold anything, and perhaps nobody reads standard error.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a part of the service panicked; this is a fault of its own, and the others go on");
    }));
    Log { dropped, worker: Some(worker) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts this many bytes and then no more, until it is given room.
    struct Disk {
        written: Vec<u8>,
        room: usize,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.room);
            self.room -= taken;
            self.written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_costs_lines_and_tears_none_of_those_that_follow() {
        let mut disk = Disk { written: Vec::new(), room: 10 };
        let dropped = DroppedLines::default();
        let mut log = LineWriter { output: &mut disk, dropped: dropped.clone(), told: 0, torn: false };
        for line in ["first\n", "second\n", "third\n"] {
            assert_eq!(log.write(line.as_bytes()).unwrap(), line.len());
        }
        assert_eq!(dropped.count(), 2);
        log.output.room = 10_000;
        log.write_all(b"fourth\n").unwrap();
        log.write_all(b"fifth\n").unwrap();
        let text = String::from_utf8(disk.written).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[1], lines[3], lines[4]), ("first", "seco", "fourth", "fifth"));
        let told: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!((&told["dropped_lines"], &told["level"]), (&json!(2), &json!("WARN")));
        assert_eq!(lines.len(), 5);
    }
}
