//! All doubles at once, for a demo: each at its own port, with what the shop has to be told of it.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use doubles::{Faults, all::Doubles, clock::MovedClock};

/// Local servers that behave like the providers the shop calls.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The address to listen at.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The first port; the doubles take this one and the next eight.
    #[arg(long, default_value_t = 9200)]
    port: u16,
    /// The address of the shop, for sign-in.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    shop: String,
    /// What chooses the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Calls in a thousand that meet a fault.
    #[arg(long, default_value_t = 0)]
    faults: u64,
    /// Milliseconds by which late answers are late.
    #[arg(long, default_value_t = 2_000)]
    late_ms: u64,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let first = SocketAddr::new(options.listen, options.port);
    let late = Duration::from_millis(options.late_ms);
    let faults = || Faults::seeded(options.seed, options.faults, late);
    let clock = Arc::new(MovedClock::default());
    let doubles = Doubles::start(first, &options.shop, &clock, faults).await?;
    io::stdout().write_all(doubles.told().as_bytes())?;
    tokio::signal::ctrl_c().await
}
