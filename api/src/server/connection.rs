//! One connection from acceptance to close.
//!
//! ```text
//! accept ─▶ (TLS) ─▶ hyper over WatchedIo ─▶ ConnectionService ─▶ Handler
//!                      │ polled by this task together with
//!                      ├ the watchdog: head, idle, write and answer deadlines of Activity
//!                      ├ the drain: last call, graceful end, cut
//!                      ├ the ask to make room for a newcomer while it is idle, or to end
//!                      ├ the handover: an event stream goes on without hyper
//!                      └ the upgrade: the socket goes on elsewhere, and this task becomes its guard
//! ```

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use engine::sync::Arc;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use web::caller::Socket;
use web::networks::{Network, any_contains};

use super::activity::{Activity, Overdue, Patience};
use super::body::BodyBounds;
use super::connections::{Admission, Connections};
use super::drain::{Drain, Phase};
use super::fault::Loss;
use super::guard;
use super::handover;
use super::late::Lateness;
use super::options::ServerOptions;
use super::service::{ConnectionService, Handler, Peer};
use super::tls::Tls;
use super::watchdog::Watchdog;
use super::watched_io::{Home, WatchedIo};

/// How long a connection that was accepted just before the drain may take to send its request.
const LAST_CALL: Duration = Duration::from_millis(500);

/// Streams a peer may reset before they are accepted, and errors it may cause, before the
/// connection is closed: bounds rapid-reset floods (CVE-2023-44487).
const HTTP2_RESETS_MAX: usize = 32;

/// What hyper-util reports.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes of request bodies that a peer may send before they are read, on one stream and on all of a
/// connection. It is what the protocol begins with; a body of the API is no larger than a quarter of it,
/// and an upload to the mount goes on as it is read.
const HTTP2_WINDOW_BYTES: u32 = 65_535;

/// What all connections of a listener share.
pub(crate) struct Shared<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) lateness: Lateness,
    pub(crate) tls: Option<Arc<Tls>>,
    protocol: auto::Builder<TokioExecutor>,
    trusted: Vec<Network>,
    patience: Patience,
    bounds: BodyBounds,
}

impl<H> Shared<H> {
    pub(crate) fn new(
        options: &ServerOptions,
        handler: Arc<H>,
        drain: Arc<Drain>,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        Self {
            handler,
            connections: Arc::new(Connections::new(options, Arc::clone(&drain))),
            lateness: Lateness::new(options),
            drain,
            tls,
            protocol: protocol(options),
            trusted: options.trusted.clone(),
            patience: Patience {
                head: options.header_read_timeout,
                idle: options.idle_timeout,
                write: options.write_timeout,
                answer: options.request_timeout,
                silence: options.upgraded_silence_timeout,
            },
            bounds: BodyBounds {
                bytes_max: options.body_bytes_max,
                timeout: options.request_timeout,
            },
        }
    }
}

fn protocol(options: &ServerOptions) -> auto::Builder<TokioExecutor> {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        // Answers are small: one buffer to copy to costs less than two to gather.
        .writev(false)
        // The watchdog reads the same deadline without a timer per request.
        .header_read_timeout(None)
        .max_buf_size(options.http1_buffer_bytes());
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.http2_streams_max)
        .max_header_list_size(options.http2_header_bytes_max)
        .max_pending_accept_reset_streams(HTTP2_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_RESETS_MAX)
        .initial_stream_window_size(HTTP2_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .max_send_buf_size(options.http1_buffer_bytes())
        .keep_alive_interval(options.http2_ping_interval)
        .keep_alive_timeout(options.http2_ping_interval);
    protocol
}

/// Serves one connection to its end; `admission` is given back then.
pub(crate) async fn serve<H: Handler>(
    stream: TcpStream,
    addr: SocketAddr,
    shared: Arc<Shared<H>>,
    activity: Arc<Activity>,
    admission: Admission,
) {
    match &shared.tls {
        None => drive_and_follow(stream, addr, &shared, activity, admission).await,
        // In a box of its own: plain connections should not be as large as TLS ones.
        Some(tls) => {
            Box::pin(async {
                let mut draining = shared.drain.watch();
                tokio::select! {
                    handshake = timeout(shared.patience.head, shake(stream, tls, &activity)) => {
                        // A failed or overdue handshake is the peer's affair; the socket closes.
                        match handshake {
                            Ok(Ok(stream)) => {
                                drive_and_follow(stream, addr, &shared, activity, admission).await;
                            }
                            Ok(Err(_failed)) => shared.handler.lost(Loss::Tls),
                            Err(_overdue) => shared.handler.lost(Loss::TlsLate),
                        }
                    }
                    () = room_is_made(&activity, &admission) => {}
                    () = draining.reached(Phase::Cut) => {}
                }
            })
            .await;
        }
    }
}

/// Shakes hands. Until the peer's first bytes come the connection may make room.
async fn shake(
    stream: TcpStream,
    tls: &Tls,
    activity: &Activity,
) -> std::io::Result<TlsStream<TcpStream>> {
    // Unlike `readable`, which may resolve while there is nothing.
    stream.peek(&mut [0]).await?;
    activity.handshake_begun();
    let stream = tls.acceptor().accept(stream).await?;
    activity.handshake_done();
    Ok(stream)
}

/// Whether the connection is to close to make room for a newcomer. One that is in use stays.
fn makes_room(activity: &Activity, admission: &Admission) -> bool {
    if !activity.is_to_make_room() {
        return false;
    }
    if activity.is_idle() {
        tracing::debug!("closed an idle connection to make room for a new one");
        return true;
    }
    activity.stay();
    admission.stays();
    false
}

/// Resolves once the connection is to close to make room.
async fn room_is_made(activity: &Activity, admission: &Admission) {
    while !makes_room(activity, admission) {
        activity.asked_to_go().await;
    }
}

/// Drives the connection under hyper; when its last response is a stream or an upgrade, a small task
/// goes on.
async fn drive_and_follow<S, H>(
    stream: S,
    addr: SocketAddr,
    shared: &Arc<Shared<H>>,
    activity: Arc<Activity>,
    admission: Admission,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let home = Home::<S>::new(Mutex::new(None));
    drive(stream, &home, addr, shared, &activity, &admission).await;
    let stream = home.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((stream, pieces)) = stream.zip(activity.handover().take()) {
        admission.streams();
        let draining = shared.drain.watch();
        let patience = shared.patience.write;
        let shared = Arc::clone(shared);
        let on_stall = move || shared.handler.lost(Loss::NotReading);
        tokio::spawn(handover::send(stream, pieces, patience, draining, admission, on_stall));
    } else if activity.upgraded().is_some() {
        admission.streams();
        let draining = shared.drain.watch();
        let patience = shared.patience;
        let shared = Arc::clone(shared);
        let on_loss = move |loss| shared.handler.lost(loss);
        tokio::spawn(guard::guard(activity, patience, draining, admission, on_loss));
    }
}

/// Drives the connection until it ends, is cut or, with its stream in `home`, handed over.
async fn drive<S, H>(
    stream: S,
    home: &Home<S>,
    addr: SocketAddr,
    shared: &Shared<H>,
    activity: &Arc<Activity>,
    admission: &Admission,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let mut draining = shared.drain.watch();
    let service = ConnectionService {
        handler: Arc::clone(&shared.handler),
        peer: Arc::new(Peer {
            socket: Socket {
                addr,
                tls: shared.tls.is_some(),
                trusted: any_contains(&shared.trusted, addr.ip()),
            },
            draining: draining.clone(),
            streams: admission.stream_places(),
        }),
        activity: Arc::clone(activity),
        bounds: shared.bounds,
    };
    let handler = Arc::clone(&shared.handler);
    let io = WatchedIo::new(stream, Arc::clone(home), Arc::clone(activity), handler);
    let io = TokioIo::new(io);
    let mut connection = pin!(shared.protocol.serve_connection_with_upgrades(io, service));
    let mut watchdog = pin!(Watchdog::over(activity, shared.patience));

    let running = draining.clone();
    let undisturbed = || !running.has_begun() && !activity.was_asked_to_go();
    while !running.has_begun() && !activity.is_to_end() {
        let disturbed = pin!(async {
            tokio::select! {
                () = draining.reached(Phase::Draining) => {}
                () = activity.asked_to_go() => {}
            }
        });
        let ended = until(connection.as_mut(), watchdog.as_mut(), disturbed, undisturbed);
        if let Err(end) = ended.await {
            return note(end, activity, &*shared.handler);
        }
        if makes_room(activity, admission) {
            return;
        }
    }
    if !activity.has_served() {
        let last_call = pin!(sleep(LAST_CALL));
        let ended = until(connection.as_mut(), watchdog.as_mut(), last_call, || false);
        if let Err(end) = ended.await {
            return note(end, activity, &*shared.handler);
        }
    }
    connection.as_mut().graceful_shutdown();
    let mut draining = shared.drain.watch();
    // An HTTP/2 peer may keep the connection open however long ago its last request was answered.
    let closing = pin!(async {
        tokio::select! {
            () = draining.reached(Phase::Cut) => {}
            () = room_is_made(activity, admission) => {}
        }
    });
    if let Err(end) = until(connection, watchdog, closing, || false).await {
        note(end, activity, &*shared.handler);
    }
}

/// How a connection ended.
enum End {
    /// hyper is done with it.
    Served(Result<(), BoxError>),
    /// An event stream goes on with it.
    HandedOver,
    /// It kept us waiting for too long.
    Overdue(Overdue),
}

fn note<H: Handler>(end: End, activity: &Activity, handler: &H) {
    let loss = match end {
        // The refusal was written in the place of hyper's own, or it just closed.
        End::Served(Err(error)) if activity.is_misframed() || is_malformed(&*error) => {
            Loss::Malformed
        }
        End::Overdue(Overdue::Head) => Loss::HeadLate,
        End::Overdue(Overdue::Write) => Loss::NotReading,
        End::Served(_) | End::HandedOver | End::Overdue(Overdue::Idle | Overdue::Answer) => return,
        End::Overdue(Overdue::Silence) => Loss::Silent,
    };
    tracing::debug!(?loss, "a connection was cut");
    handler.lost(loss);
}

fn is_malformed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

/// Runs the connection until `signal` resolves; its end is the error.
/// While `quiet` holds the signal is not polled again: its waker is this task's, set by the first
/// poll, and polling it would take locks that all connections share.
async fn until(
    mut connection: Pin<&mut impl Future<Output = Result<(), BoxError>>>,
    mut watchdog: Pin<&mut Watchdog<'_>>,
    mut signal: Pin<&mut impl Future>,
    quiet: impl Fn() -> bool,
) -> Result<(), End> {
    let mut listening = false;
    std::future::poll_fn(move |context| {
        loop {
            if let Poll::Ready(served) = connection.as_mut().poll(context) {
                return Poll::Ready(Err(End::Served(served)));
            }
            if watchdog.activity().is_handed_over() {
                return Poll::Ready(Err(End::HandedOver));
            }
            match watchdog.as_mut().poll(context) {
                Poll::Pending => break,
                // The request in flight looks at its own deadlines when it is polled.
                Poll::Ready(Overdue::Answer) => {}
                Poll::Ready(overdue) => return Poll::Ready(Err(End::Overdue(overdue))),
            }
        }
        if !(listening && quiet()) {
            listening = true;
            return signal.as_mut().poll(context).map(|_| Ok(()));
        }
        Poll::Pending
    })
    .await
}
