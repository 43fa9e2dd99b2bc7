//! Taking connections in: one loop that no error stops, and a cheap no at the caps.

use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use engine::sync::Arc;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::activity::Activity;
use super::connection::{self, Shared};
use super::connections::Refused;
use super::drain::Phase;
use super::fault::Loss;
use super::service::Handler;
use super::wire::on_the_wire;
use crate::panics::Contained;

/// Connections the kernel may keep for us: `somaxconn` on current Linux. A crowd at the opening
/// arrives within one round trip.
const BACKLOG: i32 = 4_096;

/// Bytes the kernel takes from us that the peer has no room for; then a peer that does not read
/// shows as a stalled write. Without it the kernel would swallow megabytes first: hours of events.
const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// The first pause after the process ran out of descriptors or memory, doubled up to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_LAST: Duration = Duration::from_secs(1);

/// Refusals of each kind being written at once; beyond it a connection is closed without words.
const REFUSALS_MAX: usize = 256;

/// How long a refused peer may take to read its refusal.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a peer over its share waits for its refusal: one that connects in a loop gets slower.
const PEER_REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// Opens the listening socket.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until the drain begins, then takes in what the kernel has completed already and closes
/// the listener.
pub(crate) async fn accept_all<H: Handler>(listener: TcpListener, shared: Arc<Shared<H>>) {
    let mut draining = shared.drain.watch();
    let refusals = || Arc::new(Semaphore::new(REFUSALS_MAX));
    let door = Door { refusals: refusals(), peer_refusals: refusals(), shared };
    let mut pause = PAUSE_FIRST;
    loop {
        let accepted = tokio::select! {
            biased;
            () = draining.reached(Phase::Draining) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, addr)) => {
                pause = PAUSE_FIRST;
                door.take(stream, addr);
            }
            Err(error) if is_about_one_peer(&error) => {}
            Err(error) => {
                // Out of descriptors or memory. The connection stays in the backlog, so accepting
                // again at once would spin; connections that close make room.
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept new connections; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_LAST);
            }
        }
    }
    for _ in 0..BACKLOG {
        match std::future::poll_fn(|context| Poll::Ready(listener.poll_accept(context))).await {
            Poll::Ready(Ok((stream, addr))) => door.take(stream, addr),
            Poll::Ready(Err(_)) | Poll::Pending => break,
        }
    }
}

fn is_about_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

struct Door<H> {
    refusals: Arc<Semaphore>,
    /// Apart from the others, so that one peer cannot leave them without words.
    peer_refusals: Arc<Semaphore>,
    shared: Arc<Shared<H>>,
}

impl<H: Handler> Door<H> {
    fn take(&self, stream: TcpStream, addr: SocketAddr) {
        let activity = Arc::new(Activity::start(self.shared.lateness.of(addr.ip())));
        match self.shared.connections.admit(addr.ip(), &activity) {
            Ok(admission) => {
                // Without the first small answers wait for acknowledgements. Failing at either is
                // not worth a refusal.
                drop(stream.set_nodelay(true));
                let socket = SockRef::from(&stream);
                drop(socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX));
                let shared = Arc::clone(&self.shared);
                let serving = connection::serve(stream, addr, shared, activity, admission);
                // A connection that panics takes no other with it.
                tokio::spawn(Contained::new(serving));
            }
            Err(refused) => self.refuse(stream, refused),
        }
    }

    /// Says why, if that can be said: over TLS it would take a handshake first.
    fn refuse(&self, stream: TcpStream, refused: Refused) {
        let (loss, delay, refusals) = match refused {
            Refused::Full => (Loss::Full, Duration::ZERO, &self.refusals),
            Refused::Peer => (Loss::PeerFull, PEER_REFUSAL_DELAY, &self.peer_refusals),
        };
        self.shared.handler.lost(loss);
        if self.shared.tls.is_none()
            && let Ok(permit) = Arc::clone(refusals).try_acquire_owned()
        {
            let refusal = on_the_wire(&self.shared.handler.turn_away(loss));
            tokio::spawn(async move {
                sleep(delay).await;
                refuse(stream, &refusal).await;
                drop(permit);
            });
        }
    }
}

/// Refuses without reading the request, then reads to the end of it: closing with unread bytes
/// would reset the connection and could take the answer back.
async fn refuse(mut stream: TcpStream, refusal: &[u8]) {
    let talk = async {
        stream.write_all(refusal).await?;
        stream.shutdown().await?;
        let mut dropped = [0; 1024];
        while stream.read(&mut dropped).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever came of it, the connection is over.
    drop(timeout(REFUSAL_TIMEOUT, talk).await);
}
