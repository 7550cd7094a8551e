//! How long a connection may be silent: while a request's head arrives, and between two requests.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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

/// Says whether a request of the connection is being answered.
#[derive(Debug, Clone, Default)]
pub struct Answering(Arc<AtomicBool>);

impl Answering {
    /// From the end of a request's head to its answer.
    pub fn set(&self, answering: bool) {
        self.0.store(answering, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
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
        Self { stream, answering, head, keep_alive, waiting: Waiting::ForRequest, deadline, timer }
    }

    fn wait(&mut self, waiting: Waiting, patience: Duration) {
        self.waiting = waiting;
        self.deadline = Instant::now() + patience;
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
        if self.answering.is_set() {
            self.waiting = Waiting::No;
        } else if self.waiting == Waiting::No {
            let keep_alive = self.keep_alive;
            self.wait(Waiting::ForRequest, keep_alive);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if self.waiting == Waiting::ForRequest && buffer.filled().len() > before {
                    let head = self.head;
                    self.wait(Waiting::ForHead, head);
                }
                Poll::Ready(read)
            }
            Poll::Pending if self.waiting == Waiting::No => Poll::Pending,
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
