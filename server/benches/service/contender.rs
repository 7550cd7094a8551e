//! The contender: a program with one axum handler that answers the same bytes, whoever asks, and does nothing else.

use std::{
    io::{self, Read, Write},
    process::{Command, Stdio},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    routing::post,
};
use tokio::net::TcpListener;

use super::{Outcome, program::Program};

/// The argument by which the benchmark becomes the contender.
pub const ARGUMENT: &str = "--contender";

/// Starts it in a process of its own, so that its processor time can be told apart.
pub fn start(answer: &[u8]) -> Outcome<Program> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(ARGUMENT).stdin(Stdio::piped());
    Program::start(command, answer)
}

/// Serves what stands on standard input.
pub fn run() -> Outcome<()> {
    let mut answer = Vec::new();
    io::stdin().read_to_end(&mut answer)?;
    let answer = Bytes::from(answer);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let handler = async move || {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (headers, answer)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", serde_json::json!({ "listening": format!("http://{}", listener.local_addr()?) }));
        io::stdout().flush()?;
        axum::serve(listener, Router::new().route("/livechat/token", post(handler))).await?;
        Ok(())
    })
}
