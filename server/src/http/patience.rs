//! How long a connection may be silent: while a request's head arrives, and between two requests.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first byte of a request.
    ForRequest,
    /// The rest of its head.
    ForHead,
    /// Nothing: a request is being answered, which has its own limits.
    No,
}

/// Says whether a request of the connection is being answered, and when the last one was.
#[derive(Debug, Clone)]
pub struct Answering(Arc<Answers>);

#[derive(Debug)]
struct Answers {
    began: Instant,
    /// Milliseconds from the beginning of the connection to the end of the last answer, or `UNANSWERED`.
    ended: AtomicU64,
    /// How many there were.
    count: AtomicU64,
}

const UNANSWERED: u64 = u64::MAX;

impl Default for Answering {
    fn default() -> Self {
        Self(Arc::new(Answers { began: Instant::now(), ended: AtomicU64::new(0), count: AtomicU64::new(0) }))
    }
}

impl Answering {
    /// From the end of a request's head to its answer.
    pub fn set(&self, answering: bool) {
        let now = || u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(0);
        self.0.ended.store(if answering { UNANSWERED } else { now() }, Ordering::Relaxed);
        if !answering {
            self.0.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// When the last answer was ready; none while there is one to come.
    fn ended(&self) -> Option<Instant> {
        let ended = self.0.ended.load(Ordering::Relaxed);
        (ended != UNANSWERED).then(|| self.0.began + Duration::from_millis(ended))
    }
}

/// A connection that fails when it is silent for too long.
#[derive(Debug)]
pub struct Patient<S> {
    stream: S,
    answering: Answering,
    head: Duration,
    keep_alive: Duration,
    waiting: Waiting,
    /// How many answers there were when it was last looked: while one is on its way, nobody may look.
    answers: u64,
    /// When what is waited for has to be there.
    deadline: Instant,
    /// Wakes the connection no later than at its deadline. It may ring too early, and is then set anew: setting it for every request
    /// costs more than that.
    timer: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    /// A new connection.
    pub fn new(stream: S, answering: Answering, head: Duration, keep_alive: Duration) -> Self {
        let timer = Box::pin(sleep(keep_alive));
        let deadline = timer.deadline();
        Self { stream, answering, head, keep_alive, waiting: Waiting::ForRequest, answers: 0, deadline, timer }
    }

    fn wait(&mut self, waiting: Waiting, deadline: Instant) {
        self.waiting = waiting;
        self.deadline = deadline;
    }

    /// While a request is answered there is no deadline, but when the answer is ready nobody comes by to set the next one. So the timer
    /// rings before that could be over.
    fn look_again(&mut self, context: &mut Context<'_>) {
        let latest = Instant::now() + self.keep_alive;
        if self.timer.deadline() > latest {
            self.timer.as_mut().reset(latest);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            self.timer.as_mut().reset(latest);
        }
    }

    /// Ends when the deadline is over.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.deadline() > self.deadline {
            self.timer.as_mut().reset(self.deadline);
        }
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.answering.ended() {
            None => self.waiting = Waiting::No,
            Some(ended) if self.answers != self.answering.count() => {
                self.answers = self.answering.count();
                let deadline = ended + self.keep_alive;
                self.wait(Waiting::ForRequest, deadline);
            }
            Some(_) => {}
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if self.waiting == Waiting::ForRequest && buffer.filled().len() > before {
                    let deadline = Instant::now() + self.head;
                    self.wait(Waiting::ForHead, deadline);
                }
                Poll::Ready(read)
            }
            Poll::Pending if self.waiting == Waiting::No => {
                self.look_again(context);
                Poll::Pending
            }
            Poll::Pending => self.poll_deadline(context).map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
