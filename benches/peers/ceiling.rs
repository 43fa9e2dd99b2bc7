//! The ceiling: a bare hyper server that says the same to everyone.
//!
//! Owns nothing but the bytes it was given. It stands for the most that hyper on this machine can
//! answer with these bytes, so that a figure of ours can be read as a share of it. hyper's own
//! HTTP/1.1 builder, no protocol detection, no deadlines, no framing check; the runtime, the
//! socket options and the buffer size are those of `rushgate serve`.

#![forbid(unsafe_code)]

use std::{io::Write as _, net::SocketAddr, process::ExitCode, sync::Arc};

use benches::fixed::FixedArguments;
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

/// The connection buffer of `rushgate serve`.
const BUFFER_BYTES: usize = 16 * 1024;

#[derive(Debug, Parser)]
#[command(about = "A bare hyper server that gives every request the same answer")]
struct Options {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[command(flatten)]
    answer: FixedArguments,
}

/// What every request is told.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "ceiling: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Trouble> {
    let reply = Arc::new(Reply::read(&options.answer)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listen = options.listen;
    runtime.block_on(async move {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        writeln!(std::io::stdout(), "{{\"event\":\"listening\",\"public\":\"{address}\"}}")?;
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream, Arc::clone(&reply)));
        }
    })
}

impl Reply {
    fn read(told: &FixedArguments) -> Result<Self, Trouble> {
        let mut headers = HeaderMap::new();
        for (name, value) in &told.headers {
            // Static, as an answer's headers are in a program that knows them: cloning is free.
            let value: &'static str = String::leak(value.clone());
            headers
                .insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(told.status)?;
        Ok(Self { status, headers, body: Bytes::from(told.read_body()?) })
    }
}

async fn serve(stream: TcpStream, reply: Arc<Reply>) {
    let answer = |request: Request<Incoming>| answer(request, Arc::clone(&reply));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
    // The client hangs up when it has seen enough.
    drop(served);
}

async fn answer(
    request: Request<Incoming>,
    reply: Arc<Reply>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if !request.body().is_end_stream() {
        drop(request.into_body().collect().await?);
    }
    let mut response = Response::new(Full::new(reply.body.clone()));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.reserve(reply.headers.len() + 1);
    for (name, value) in &reply.headers {
        headers.insert(name.clone(), value.clone());
    }
    Ok(response)
}
