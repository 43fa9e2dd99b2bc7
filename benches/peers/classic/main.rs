//! The classic waiting room in its strongest form: every answer asks Redis, as most are built.
//!
//! The line is a sorted set, a place is its rank, the stock is a counter. Same paths, statuses,
//! headers and body sizes as `rushgate serve`; same runtime, socket options and buffer size.
//! Losing to it has no excuse, and beating it means beating the design, because wherever there was a
//! choice it got the faster way:
//!
//! - One round trip a request: `ZRANK` for a position, one cached script (`EVALSHA`) for an entry
//!   (`INCR`, `ZADD NX`, `ZRANK`) and for a purchase (`DECR` if positive).
//! - fred, which pipelines whatever the tasks of one connection ask at the same time, over a unix
//!   socket beside it. One connection, RESP2: of 1, 2 and 4 connections and both versions of the
//!   protocol this takes the least processor time an answer, here and in Redis together, and the
//!   throughput of the others is no higher than the machine's noise.
//! - It believes every token: no signature is verified, no time limit kept, no idempotency key of a
//!   purchase remembered, no hold recorded, and no one departs. All of that would cost more calls.
//! - Times in its answers are constants, texts are written once at the start or without formatting.
//!
//! The first line on standard output says where it listens and which process is its Redis, which
//! dies with it.

#![forbid(unsafe_code)]

mod answer;
mod shop;
mod ticket;

use std::{fs, io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use benches::redis::{AppendFsync, Redis};
use clap::Parser;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use self::{
    answer::Answer,
    shop::{SaleOptions, Shop, ShopOptions},
    ticket::Ticket,
};

/// The connection buffer of `rushgate serve`.
const BUFFER_BYTES: usize = 16 * 1024;

#[derive(Debug, Parser)]
#[command(name = "classic", about = "A waiting room that asks Redis for every answer")]
struct Options {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// When what Redis has decided is durable.
    #[arg(long, value_enum)]
    appendfsync: AppendFsync,
    /// Put so many into the line of the first sale before listening.
    #[arg(long, default_value_t = 0)]
    fill: u64,
    /// Write the tickets of those who were put in line to a file, one a line.
    #[arg(long, requires = "fill")]
    tickets: Option<PathBuf>,
    /// A sale with its units as `NAME=UNITS`, or `NAME=UNITS,open` if everyone is let in at once.
    #[arg(long = "sale", default_values = ["queue=1000000", "door=1000000", "hot=1000000000,open", "gone=0,open"])]
    sales: Vec<SaleOptions>,
    /// Connections to Redis.
    #[arg(long, default_value_t = 1)]
    pool: usize,
    /// The version of Redis' protocol, 2 or 3.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=3))]
    resp: u8,
    /// Leave Redis a name at which others can ask for its figures, and say it.
    #[arg(long)]
    reachable: bool,
    /// Where Redis keeps its files: the disk that is measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    within: PathBuf,
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "classic: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Trouble> {
    let mut redis = Redis::start_in(&options.within, options.appendfsync)?;
    if let Some(path) = &options.tickets {
        let tickets = (1..=options.fill).map(|number| Ticket::filled(number).text() + "\n");
        fs::write(path, tickets.collect::<String>())?;
    }
    let shop = ShopOptions { sales: &options.sales, filled: options.fill };
    shop.prepare(&mut redis.link()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let pool = shop::connect(redis.socket(), options.pool, options.resp).await?;
        let shop = Arc::new(shop.open(pool).await?);
        let socket = options.reachable.then(|| redis.socket().to_owned());
        if socket.is_none() {
            redis.seclude()?;
        }
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?.to_string();
        let line = json!({
            "event": "listening", "public": address,
            "redis_pid": redis.pid(), "redis_socket": socket,
        });
        writeln!(std::io::stdout(), "{line}")?;
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream, Arc::clone(&shop)));
        }
    })
}

async fn serve(stream: TcpStream, shop: Arc<Shop>) {
    let respond = |request: Request<Incoming>| respond(request, Arc::clone(&shop));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service_fn(respond))
        .await;
    // The client hangs up when it has seen enough.
    drop(served);
}

async fn respond(
    request: Request<Incoming>,
    shop: Arc<Shop>,
) -> Result<Response<answer::Body>, hyper::Error> {
    let (head, body) = request.into_parts();
    if !body.is_end_stream() {
        drop(body.collect().await?);
    }
    let answered = shop.answer(&head).await;
    Ok(answered.unwrap_or(Answer::Unavailable).respond())
}
