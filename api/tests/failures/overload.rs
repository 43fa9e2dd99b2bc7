//! Ten times more than the server can do, arriving regardless of answers.
//!
//! The disk is made slow and the connections few, so that capacity is a matter of waiting and not
//! of the processors that the crowd has to share with the server: about `CONNECTIONS` entries a
//! sync. The crowd is an open loop: each arrival connects, enters once and goes, whatever became of
//! those before it.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{alone, client::Call, site::Site};

/// Connections the server may have open.
const CONNECTIONS: usize = 12;
/// How long the burst lasts.
const BURST: Duration = Duration::from_secs(8);
/// Arrivals whose answers are still waited for; more are counted as turned away by the network.
const WAITING_MAX: usize = 4_000;
/// Of the unloaded peak; the stricter figure belongs to the load test and its quiet machine.
const GOODPUT_MIN: f64 = 0.7;

/// What came of a crowd's arrivals.
#[derive(Debug, Default)]
struct Tally {
    good: AtomicU64,
    refused: AtomicU64,
    /// Closed or timed out without an answer.
    broken: AtomicU64,
    waiting: AtomicUsize,
    /// `Retry-After` values seen, as bits.
    retries: AtomicU64,
    next: AtomicU64,
}

impl Tally {
    fn good(&self) -> u64 {
        self.good.load(Ordering::Relaxed)
    }
}

#[test]
fn goodput_stays_level_at_ten_times_the_capacity_and_it_passes() {
    let _measuring = alone();
    let mut site =
        Site::started_before().server_option(&format!("connections_max = {CONNECTIONS}"));
    site.inject("fdatasync:delay_exit=80000");
    let server = site.start();
    let crowd =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let peak = unloaded_peak(&crowd, server.public);
    let memory = server.resident_kb();

    let tally = Arc::new(Tally::default());
    crowd.block_on(burst(server.public, peak * 10.0, Arc::clone(&tally)));
    let goodput = per_second(tally.good(), BURST);
    let grown = server.resident_kb().saturating_sub(memory);
    eprintln!("peak {peak:.0}/s, goodput {goodput:.0}/s, memory grew {grown} kB, {tally:?}");
    let refused = tally.refused.load(Ordering::Relaxed);
    assert!(refused > tally.good(), "not overloaded: {tally:?}");
    assert!(goodput >= GOODPUT_MIN * peak, "goodput fell to {goodput:.0}/s from {peak:.0}/s");
    let broken = tally.broken.load(Ordering::Relaxed);
    assert!(broken * 20 < refused, "too many without an answer: {tally:?}");
    assert!(grown < 96 * 1024, "memory grew by {grown} kB");
    let bits = tally.retries.load(Ordering::Relaxed);
    let retries: BTreeSet<u32> = (0..64).filter(|bit| bits & (1 << bit) != 0).collect();
    assert!(retries.len() > 1 && !retries.contains(&0), "Retry-After was one of {retries:?}");

    crowd.block_on(recovers(server.public));
    server.terminate();
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
}

fn per_second(count: u64, span: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / span.as_secs_f64()
}

/// As many clients as connections, each starting again when it was answered.
fn unloaded_peak(crowd: &Runtime, addr: SocketAddr) -> f64 {
    const SPAN: Duration = Duration::from_secs(3);
    let tally = Arc::new(Tally::default());
    crowd.block_on(async {
        let end = Instant::now() + SPAN;
        // One less, because a connection that is being closed still counts for a moment.
        let clients: Vec<_> = (1..CONNECTIONS)
            .map(|_| {
                let tally = Arc::clone(&tally);
                tokio::spawn(async move {
                    while Instant::now() < end {
                        arrive(addr, &tally, 'p').await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    per_second(tally.good(), SPAN)
}

/// Arrivals at a steady rate, whatever becomes of them.
async fn burst(addr: SocketAddr, rate: f64, tally: Arc<Tally>) {
    const TICK: Duration = Duration::from_millis(10);
    let started = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut due = 0.0;
    while started.elapsed() < BURST {
        ticks.tick().await;
        due += rate * TICK.as_secs_f64();
        while due >= 1.0 {
            due -= 1.0;
            if tally.waiting.load(Ordering::Relaxed) < WAITING_MAX {
                let tally = Arc::clone(&tally);
                tally.waiting.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    arrive(addr, &tally, 'b').await;
                    tally.waiting.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }
    }
}

/// One arrival: connects, enters, reads the answer.
async fn arrive(addr: SocketAddr, tally: &Tally, kind: char) {
    let key = format!("{kind}-{}", tally.next.fetch_add(1, Ordering::Relaxed));
    let answer = timeout(Duration::from_secs(10), ask(addr, &key)).await;
    let Ok(Ok(answer)) = answer else {
        tally.broken.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let status = answer.split(' ').nth(1).unwrap_or_default();
    match status {
        "200" | "202" => {
            tally.good.fetch_add(1, Ordering::Relaxed);
        }
        "429" | "503" => {
            let retry = answer.split("retry-after: ").nth(1).and_then(|rest| rest.lines().next());
            let retry: u64 = retry.and_then(|text| text.parse().ok()).unwrap_or(0);
            tally.retries.fetch_or(1 << retry.min(63), Ordering::Relaxed);
            tally.refused.fetch_add(1, Ordering::Relaxed);
        }
        _ => panic!("neither served nor refused: {answer}"),
    }
}

async fn ask(addr: SocketAddr, key: &str) -> std::io::Result<String> {
    let key = format!("{key}-of-an-overload-test");
    let call = Call { key: Some(&key), ..Call::post("/v1/sales/demo/enter") };
    let request =
        String::from_utf8_lossy(&call.bytes()).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Within ten seconds after the burst, unaided: nobody is refused, and answers are as quick as the
/// disk is.
async fn recovers(addr: SocketAddr) {
    let ended = Instant::now();
    let mut good = 0;
    while good < 20 {
        assert!(ended.elapsed() < Duration::from_secs(10), "not recovered: {good} in a row");
        let tally = Tally::default();
        let asked = Instant::now();
        arrive(addr, &tally, 'r').await;
        good = if tally.good() == 1 && asked.elapsed() < Duration::from_secs(1) {
            good + 1
        } else {
            0
        };
        sleep(Duration::from_millis(20)).await;
    }
}
