//! Serves requests: bounded time for a request's head, and a shutdown that lets running requests finish.

use std::{
    io::{self, Write},
    net::SocketAddr,
    pin::pin,
    thread,
    time::Duration,
};

use axum::{BoxError, body::Body, response::Response};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tower::{Service, ServiceExt};

use super::{
    listener::{ListenAddress, Listener},
    patience::{Answering, Patient},
};

/// How patient the server is.
#[derive(Debug, Clone, Copy)]
pub struct ServeSettings {
    /// A request's head has to arrive within this, from its first byte on.
    pub head_timeout: Duration,
    /// A connection is kept for so long between two requests: longer than balancers keep theirs, so that it is not
    /// closed at the moment in which they send.
    pub keep_alive: Duration,
    /// At shutdown, running requests have this long.
    pub shutdown_deadline: Duration,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            shutdown_deadline: Duration::from_secs(20),
        }
    }
}

/// Listens and says where on standard output, in one line of JSON: with port 0 nobody else knows. The future that
/// comes with the listener ends when the process is told to stop, which it may be as soon as the line is out.
pub async fn listen(name: &str, address: SocketAddr) -> io::Result<(Listener, impl Future<Output = ()>)> {
    listen_beside(name, &address.into(), &[]).await
}

/// The same, where others of the process listen already; they are told in lines after the first.
pub async fn listen_beside(
    name: &str,
    address: &ListenAddress,
    others: &[(&str, &Listener)],
) -> io::Result<(Listener, impl Future<Output = ()> + use<>)> {
    let shutdown = shutdown_signal()?;
    let listener = Listener::bind(address).await?;
    let mut lines = Vec::new();
    for (name, listener) in [(name, &listener)].iter().chain(others) {
        let url = listener.url()?;
        tracing::info!(name, listening = url, "started");
        lines.push(serde_json::json!({ "name": name, "listening": url }).to_string());
    }
    let line = lines.join("\n");
    // On a thread of its own: nobody may be there to read it, and the disk behind it may be full.
    thread::Builder::new().name("first-line".to_owned()).spawn(move || {
        if let Err(error) = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()) {
            tracing::warn!(%error, "standard output cannot be written: nobody reads there where the service listens");
        }
    })?;
    Ok((listener, shutdown))
}

/// Listens to SIGTERM and SIGINT from the moment it is called; the future ends when one arrives.
fn shutdown_signal() -> io::Result<impl Future<Output = ()> + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Serves until `shutdown` ends, then takes no more connections and waits for the running requests. A service that
/// answers with an error has its connection cut.
pub async fn serve<S>(
    listener: impl Into<Listener>,
    served: S,
    settings: ServeSettings,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Body>, Response = Response, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    let listener = listener.into();
    // It has no timer: its own timeout makes no difference between a head that does not end and one that has not begun.
    let mut server = hyper::server::conn::http1::Builder::new();
    // Who has sent all that it has to say is answered all the same. Nor does every request pay for looking whether its caller has left.
    server.half_close(true);
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, most likely: the next try comes when some have been closed.
                tracing::error!(%error, "no connection could be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (served, answering) = (served.clone(), Answering::default());
        let stream = Patient::new(stream, answering.clone(), settings.head_timeout, settings.keep_alive);
        let service = service_fn(move |request: Request<Incoming>| {
            let (answer, answering) = (served.clone().oneshot(request.map(Body::new)), answering.clone());
            answering.set(true);
            async move {
                let answer = answer.await;
                answering.set(false);
                answer
            }
        });
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(settings.shutdown_deadline, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish before the shutdown deadline");
    }
}
