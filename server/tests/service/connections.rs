//! Connections: how long one is kept between requests, and how long a request's head may take.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use identity_service::http::serve::{ServeSettings, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

async fn connection(head_timeout: Duration, keep_alive: Duration) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = async || {
        tokio::time::sleep(SHORT * 3).await;
        "well"
    };
    let router = Router::new().route("/", get(async || "well")).route("/slow", get(slow));
    let settings = ServeSettings { head_timeout, keep_alive, ..ServeSettings::default() };
    tokio::spawn(serve(listener, router, settings, std::future::pending()));
    TcpStream::connect(address).await.unwrap()
}

/// Reads one answer, which has to be good.
async fn well(stream: &mut TcpStream) {
    let (mut answer, mut bytes) = (String::new(), [0; 1024]);
    while !answer.ends_with("well") {
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(length > 0, "closed after {answer:?}");
        answer += std::str::from_utf8(&bytes[..length]).unwrap();
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Whether the server closes the connection, without an answer, before it would for the other reason.
async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(LONG / 2, stream.read_to_end(&mut rest)).await;
    assert_eq!(closed.expect("it stays open").unwrap_or_default(), 0, "{}", String::from_utf8_lossy(&rest));
}

#[test]
fn connections_are_kept_for_longer_than_balancers_keep_theirs() {
    assert_eq!(ServeSettings::default().keep_alive, Duration::from_secs(75));
}

#[tokio::test]
async fn a_connection_that_is_silent_between_requests_is_kept_beyond_the_time_for_a_head() {
    let mut stream = connection(SHORT, LONG).await;
    for _ in 0..3 {
        // Silent for longer than a head may take: also before the first request.
        tokio::time::sleep(SHORT * 2).await;
        stream.write_all(REQUEST).await.unwrap();
        well(&mut stream).await;
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up_at_the_first_request_and_at_a_later_one() {
    for requests in 0..2 {
        let mut stream = connection(SHORT, LONG).await;
        for _ in 0..requests {
            stream.write_all(REQUEST).await.unwrap();
            well(&mut stream).await;
        }
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        is_closed(&mut stream).await;
    }
}

/// Bytes that come one by one keep no head alive.
#[tokio::test]
async fn a_head_that_drips_is_given_up() {
    let mut stream = connection(SHORT, LONG).await;
    let began = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nA: ").await.unwrap();
    while stream.write_all(b"a").await.is_ok() {
        assert!(began.elapsed() < LONG / 2, "it is still listened to");
        tokio::time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_in_the_end() {
    for requests in 0..2 {
        let mut stream = connection(LONG, SHORT).await;
        for _ in 0..requests {
            stream.write_all(REQUEST).await.unwrap();
            well(&mut stream).await;
        }
        is_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_head_and_than_a_pause() {
    let mut stream = connection(SHORT, SHORT * 2).await;
    for _ in 0..2 {
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        well(&mut stream).await;
    }
    is_closed(&mut stream).await;
}

/// As `nc -N` and some health checks do: the end of what is sent is no farewell.
#[tokio::test]
async fn who_has_nothing_more_to_send_is_answered() {
    for path in ["/", "/slow"] {
        let mut stream = connection(SHORT, LONG).await;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        well(&mut stream).await;
        is_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn requests_that_come_together_are_all_answered() {
    let mut stream = connection(SHORT, LONG).await;
    stream.write_all(&[REQUEST, REQUEST, &REQUEST[..10]].concat()).await.unwrap();
    well(&mut stream).await;
    stream.write_all(&REQUEST[10..]).await.unwrap();
    well(&mut stream).await;
}
