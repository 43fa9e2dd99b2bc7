//! One abuser: loops without a pause, or sockets that only stand there.
//!
//! Owns a client of its own, from addresses of its own, on threads of its own. It obeys nothing:
//! neither `Retry-After` nor a refusal.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::honest::admitted;
use crate::cli::{self, Attack};
use crate::client::{Call, Client, Dial, Http, NodeId};
use crate::clock::Clock;
use crate::run::Run;
use crate::wire::{Item, Place, Purchase, PurchaseRequest};

/// Loops at once.
const LOOPS: usize = 64;
/// Addresses that idle sockets come from, for one has not so many ports.
const IDLE_ADDRESSES: u8 = 8;
/// The abuser's first address is so far behind 127.0.0.1.
const ADDRESS_OFFSET: u32 = 1;
/// A connection that failed or was closed is opened again after so long: a round trip of a network,
/// which the loopback has not, and the machine's ports are finite.
const CONNECT_PAUSE: Duration = Duration::from_millis(10);
/// A connection that takes longer is given up: the server's queue is full.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// The niceness of its thread.
const LOWEST_PRIORITY: i32 = 19;

/// The abuser at work.
pub(super) struct Abuser {
    stop: Arc<AtomicBool>,
    answered: Arc<Mutex<BTreeMap<u16, u64>>>,
    thread: JoinHandle<()>,
}

/// What the loops share.
struct Loop {
    client: Client,
    clock: Clock,
    enter: String,
    position: String,
    purchase: String,
    sku: String,
    nonce: String,
    keys: AtomicU64,
    stop: Arc<AtomicBool>,
    answered: Arc<Mutex<BTreeMap<u16, u64>>>,
}

impl Abuser {
    /// Starts the attack on `url`.
    pub(super) async fn start(
        run: &Arc<Run>,
        options: &cli::Abuse,
        url: &str,
    ) -> Result<Self, String> {
        let attack = options.attack;
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<_>>::default());
        let addresses = if attack == Attack::IdleConnections { IDLE_ADDRESSES } else { 1 };
        let dial = || Dial::new(url, Http::One, addresses).map(|dial| dial.behind(ADDRESS_OFFSET));
        let shared = Arc::new(Loop {
            client: Client::new(vec![dial()?], run.clock, LOOPS, Duration::from_secs(30)),
            clock: run.clock,
            enter: run.path("/enter"),
            position: run.path("/position"),
            purchase: run.path("/purchase"),
            sku: run.sku.clone(),
            nonce: run.nonce.clone(),
            keys: AtomicU64::new(0),
            stop: Arc::clone(&stop),
            answered: Arc::clone(&answered),
        });
        let work = match attack {
            Attack::HoldLoop => Work::Holds(shared.pass().await?),
            Attack::EntryLoop => Work::Entries,
            Attack::IdleConnections => Work::Idle(dial()?, options.sockets),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the abuser has no runtime: {error}"))?;
        let thread = thread::Builder::new()
            .name("loadtest-abuser".to_owned())
            .spawn(move || {
                // Its client is not to be what the others wait for: on the network it would have
                // a machine of its own. It still has every moment that nobody else wants.
                let this = Some(rustix::thread::gettid());
                let _refused = rustix::process::setpriority_process(this, LOWEST_PRIORITY);
                runtime.block_on(work.go_on(shared));
            })
            .map_err(|error| format!("the abuser's thread does not start: {error}"))?;
        Ok(Self { stop, answered, thread })
    }

    /// Ends it; what it was answered, by status.
    pub(super) async fn stop(self) -> BTreeMap<u16, u64> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = tokio::task::spawn_blocking(move || self.thread.join());
        drop(ended.await);
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What it does all the time.
enum Work {
    /// Buys and gives up with this pass.
    Holds(String),
    /// Enters, each time as somebody else.
    Entries,
    /// Holds sockets and asks one thing on each, so that they count as used.
    Idle(Dial, usize),
}

impl Work {
    async fn go_on(self, shared: Arc<Loop>) {
        let mut tasks = JoinSet::new();
        match self {
            Self::Holds(pass) => {
                for _ in 0..LOOPS {
                    let (shared, pass) = (Arc::clone(&shared), pass.clone());
                    tasks.spawn(async move { shared.hold_and_release(&pass).await });
                }
            }
            Self::Entries => {
                for _ in 0..LOOPS {
                    let shared = Arc::clone(&shared);
                    tasks.spawn(async move { shared.enter_again_and_again().await });
                }
            }
            Self::Idle(dial, sockets) => shared.stand_there(&dial, sockets).await,
        }
        tasks.join_all().await;
    }
}

impl Loop {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn count(&self, status: u16) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered.entry(status).or_default() += 1;
    }

    fn key(&self) -> String {
        format!("{}-abuser-{:012}", self.nonce, self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// Enters as one shopper and returns the pass.
    async fn pass(&self) -> Result<String, String> {
        let call = Call::post(&self.enter, "", self.key());
        let answer = self.client.send(&call, NodeId(0)).await.map_err(|error| error.to_string())?;
        let refused = || format!("the abuser cannot enter: {} {}", answer.status, answer.code());
        let place = answer.parse::<Place>().ok_or_else(refused)?;
        let ticket = place.ticket.ok_or_else(refused)?;
        match place.pass {
            Some(pass) => Ok(pass),
            None => admitted(&self.client, self.clock, &self.position, &ticket).await,
        }
    }

    async fn send(&self, call: &Call) -> Option<crate::client::Answer> {
        let answer = self.client.send(call, NodeId(0)).await.ok();
        self.count(answer.as_ref().map_or(0, |answer| answer.status));
        if answer.is_none() {
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
        answer
    }

    async fn hold_and_release(&self, pass: &str) {
        while !self.is_over() {
            let items = [Item { sku: self.sku.clone(), quantity: 1 }];
            let buy = Call::post(&self.purchase, pass, self.key());
            let buy = buy.json(&PurchaseRequest { items });
            let bought = self.send(&buy).await.and_then(|answer| answer.parse::<Purchase>());
            if let Some(Purchase { id, .. }) = bought {
                let path = format!("{}s/{id}/release", self.purchase);
                self.send(&Call::post(path, pass, "")).await;
            }
        }
    }

    async fn enter_again_and_again(&self) {
        let call = Call::post(&self.enter, "", "");
        while !self.is_over() {
            self.send(&call).await;
        }
    }

    /// Opens so many sockets, uses each once, and opens those again that are closed.
    async fn stand_there(self: Arc<Self>, dial: &Dial, sockets_max: usize) {
        let request = format!("GET /v1/sales HTTP/1.1\r\nhost: {}\r\n\r\n", dial.address());
        let request: Arc<str> = request.into();
        let mut sockets = JoinSet::new();
        while !self.is_over() {
            while sockets.try_join_next().is_some() {}
            if sockets.len() == sockets_max {
                // One that is closed makes room; looking again from time to time ends the run.
                drop(tokio::time::timeout(CONNECT_PAUSE, sockets.join_next()).await);
                continue;
            }
            let opened = tokio::time::timeout(CONNECT_MAX, dial.connect()).await;
            if let Ok(Ok(socket)) = opened {
                let (shared, request) = (Arc::clone(&self), Arc::clone(&request));
                sockets.spawn(async move { shared.stay_until_closed(socket, &request).await });
            } else {
                self.count(0);
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
        }
    }

    /// Asks one thing and then waits, at no cost to the processor, until the server closes the socket.
    async fn stay_until_closed(&self, mut socket: TcpStream, request: &str) {
        let mut is_answered = false;
        let mut bytes = [0; 512];
        if socket.write_all(request.as_bytes()).await.is_ok() {
            while socket.readable().await.is_ok() {
                match socket.try_read(&mut bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => break,
                    Ok(read) if !is_answered => {
                        let status = bytes[..read].get(9..12).and_then(|s| str::from_utf8(s).ok());
                        self.count(status.and_then(|status| status.parse().ok()).unwrap_or(0));
                        is_answered = true;
                    }
                    Ok(_) => {}
                }
            }
        }
        self.count(0);
        tokio::time::sleep(CONNECT_PAUSE).await;
    }
}
