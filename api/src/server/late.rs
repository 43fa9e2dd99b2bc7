//! Refusals that are told late, so that a loop which ignores them turns slowly.
//!
//! A 429 costs us little and a caller that asks again at once nothing. So the answer waits for
//! [`DELAY`], and its HTTP/1 connection with it, for nothing more is read there in the meantime.
//!
//! ```text
//! 429 ─▶ room for one more that waits? ─ yes ─▶ told after a second
//!                                      └ no ──▶ told at once, and the connection closes
//! ```
//!
//! Owns the room for refusals that wait: [`WAITING_MAX`] of a listener, and of one HTTP/2
//! connection [`OF_CONNECTION_MAX`]. Proxies and exempt networks are told at once: a proxy's
//! connections carry many callers, and those behind a refused one would wait with it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use engine::sync::{Arc, AtomicU32, Ordering};
use hyper::{Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use web::networks::{Network, any_contains};

use super::options::ServerOptions;

/// How late: long against what a refusal costs, short against a person's patience.
const DELAY: Duration = Duration::from_secs(1);
/// Refusals that wait at once: a quarter of the connections there are by default, so that loops
/// cannot keep most of them busy.
const WAITING_MAX: usize = 4_096;
/// Of one HTTP/2 connection. A browser has a few requests under way.
const OF_CONNECTION_MAX: u32 = 8;

/// Marks an answer that is a refusal though its status does not say so.
#[derive(Clone, Copy, Debug)]
struct Marked;

/// Has the server tell an answer late whose status is not 429: a form's, which leads back to its
/// page.
pub fn tell_late<B>(response: &mut Response<B>) {
    response.extensions_mut().insert(Marked);
}

/// Whether a response is a refusal that has to wait.
pub(crate) fn is_late<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::TOO_MANY_REQUESTS
        || response.extensions().get::<Marked>().is_some()
}

/// The room of one listener.
#[derive(Debug)]
pub(crate) struct Lateness {
    room: Arc<Semaphore>,
    at_once: Vec<Network>,
}

impl Lateness {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        Self {
            room: Arc::new(Semaphore::new(WAITING_MAX)),
            at_once: options.trusted.iter().chain(&options.peers.exempt).copied().collect(),
        }
    }

    /// What holds for the connections of `address`.
    pub(crate) fn of(&self, address: IpAddr) -> Arc<Refusals> {
        let room = (!any_contains(&self.at_once, address)).then(|| Arc::clone(&self.room));
        Arc::new(Refusals { room, waiting: AtomicU32::new(0) })
    }
}

/// The refusals of one connection.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// `None` where refusals are told at once.
    room: Option<Arc<Semaphore>>,
    /// More than one over HTTP/2 only.
    waiting: AtomicU32,
}

/// When a refusal is told.
#[derive(Debug)]
pub(crate) enum Telling {
    AtOnce,
    After(Wait),
    /// At once, and nothing after it.
    AndClose,
}

/// Decides when a refusal on this connection is told.
pub(crate) fn telling(refusals: &Arc<Refusals>) -> Telling {
    let Some(room) = &refusals.room else { return Telling::AtOnce };
    // ORDERING: Relaxed; a count by itself.
    let waiting = refusals.waiting.fetch_add(1, Ordering::Relaxed);
    let held = Held(Arc::clone(refusals));
    let full = waiting >= OF_CONNECTION_MAX;
    match Arc::clone(room).try_acquire_owned() {
        Ok(permit) if !full => {
            Telling::After(Wait { timer: Box::pin(sleep(DELAY)), _held: held, _permit: permit })
        }
        Ok(_) | Err(_) => Telling::AndClose,
    }
}

/// Counts a refusal as waiting.
#[derive(Debug)]
struct Held(Arc<Refusals>);

impl Drop for Held {
    fn drop(&mut self) {
        // ORDERING: Relaxed; a count by itself.
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Resolves when the refusal is to be told.
#[derive(Debug)]
pub(crate) struct Wait {
    timer: Pin<Box<Sleep>>,
    _held: Held,
    _permit: OwnedSemaphorePermit,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_waits_within_the_bound_and_a_proxys_never() {
        let mut options = ServerOptions::at(([127, 0, 0, 1], 0).into());
        options.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        options.peers.exempt = vec!["192.0.2.9".parse().unwrap()];
        let lateness = Lateness::new(&options);
        let tell = |host: [u8; 4]| telling(&lateness.of(host.into()));
        assert!(matches!(tell([10, 0, 0, 1]), Telling::AtOnce));
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| tell([192, 0, 2, 1])).collect();
        assert!(waiting.iter().all(|one| matches!(one, Telling::After(_))));
        assert!(matches!(tell([192, 0, 2, 1]), Telling::AndClose));
        assert!(matches!(tell([10, 0, 0, 1]), Telling::AtOnce));
        assert!(matches!(tell([192, 0, 2, 9]), Telling::AtOnce));
        let Some(Telling::After(wait)) = waiting.pop() else { panic!("the last one waits") };
        wait.await;
        assert!(matches!(tell([192, 0, 2, 1]), Telling::After(_)), "told, and its room is free");
    }
}
