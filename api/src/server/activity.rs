//! What one connection is doing, for the one question: has it kept us waiting for too long?
//!
//! Owns the times since which a connection has been stuck in a request head, idle between
//! requests, or unable to take more bytes. A connection is idle while it owes nothing and is owed
//! nothing: no request is being answered, no bytes wait for the peer, and no head or handshake has
//! come in half. One that was upgraded is never idle. It never reads sockets and never closes anything: the
//! connection's task asks [`Activity::deadline`] and acts.
//!
//! Writers: the connection's own task writes `head_since` and `write_since` (socket polls) and
//! `answer_since`, and `inside`; `in_flight` and `idle_since` are also written by HTTP/2 stream tasks when a
//! response ends; `ask` is also written by whoever takes connections in. Readers are the connection's
//! task, and whoever looks for an idle connection. A stale read makes them look again, no more.

use std::sync::OnceLock;
use std::time::Duration;

use engine::sync::{Arc, AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::handover::Handover;
use super::late::Refusals;
use super::upgraded::Upgraded;

/// How much longer than its body's deadline a request may take, so that a body that never came is
/// told apart (408) from an answer that never came (503).
pub(super) const AFTER_BODY: Duration = Duration::from_millis(250);

/// A time stamp that says "not in that state".
const NEVER: u64 = u64::MAX;

/// How long a connection may stay in each state without progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From a request head's first byte (on a new connection: from accept) to its last.
    pub(crate) head: Duration,
    /// From the end of a response to the next request's first byte.
    pub(crate) idle: Duration,
    /// Between two moments at which the peer takes bytes that wait for it.
    pub(crate) write: Duration,
    /// From a request's head until its answer is looked at again, for those not answered at once.
    pub(crate) answer: Duration,
    /// After an upgrade, between two moments at which something comes from the peer.
    pub(crate) silence: Duration,
}

/// Which patience ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    Head,
    Idle,
    Write,
    /// Ours: the request in flight wants to be looked at, for a deadline of its own.
    Answer,
    /// The peer of an upgraded connection has sent nothing.
    Silence,
}

/// The states of one connection, in milliseconds since it was accepted.
#[derive(Debug)]
pub(crate) struct Activity {
    accepted: Instant,
    head_since: AtomicU64,
    write_since: AtomicU64,
    /// Whether a TLS handshake or a request head has begun and not ended.
    inside: AtomicBool,
    idle_since: AtomicU64,
    /// HTTP/1.1 only, where one request is answered at a time.
    answer_since: AtomicU64,
    /// How often it was looked at since because time was over.
    answer_overdue: AtomicU32,
    /// Requests whose response has not been handed to the connection in full.
    in_flight: AtomicU32,
    /// Whether any request head was completed.
    served: AtomicU32,
    /// Whether its framing was refused.
    misframed: AtomicU32,
    /// Whether an answer went out here whose bytes somebody else chose.
    carries_foreign: AtomicBool,
    /// HTTP/2 responses that wait for the peer to open its window.
    owed: AtomicU32,
    /// Since when none of those moved.
    owed_since: AtomicU64,
    /// Where a stream that leaves hyper waits for its head to be written.
    handover: Handover,
    /// What the connection was asked to do: nothing, or any of [`GO`] and [`END`].
    ask: AtomicU8,
    /// Wakes its task then.
    asked: Notify,
    /// Its refusals.
    refusals: Arc<Refusals>,
    /// There once it left HTTP.
    upgraded: OnceLock<Box<Upgraded>>,
}

/// To close, unless a request came in the meantime.
const GO: u8 = 1;
/// To take no more requests and close once those under way are answered.
const END: u8 = 2;

// ORDERING: Relaxed throughout this file. Each value stands alone and is advice about time; none
// publishes other memory, and a reader that misses a write sees it on its next wake-up.
impl Activity {
    /// A connection just accepted: its first head is already waited for.
    pub(crate) fn start(refusals: Arc<Refusals>) -> Self {
        Self {
            accepted: Instant::now(),
            head_since: AtomicU64::new(0),
            write_since: AtomicU64::new(NEVER),
            inside: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            answer_since: AtomicU64::new(NEVER),
            answer_overdue: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            served: AtomicU32::new(0),
            misframed: AtomicU32::new(0),
            carries_foreign: AtomicBool::new(false),
            owed: AtomicU32::new(0),
            owed_since: AtomicU64::new(0),
            handover: Handover::default(),
            ask: AtomicU8::new(0),
            asked: Notify::new(),
            refusals,
            upgraded: OnceLock::new(),
        }
    }

    /// It leaves HTTP once its response's head is written: from now on its bytes are no requests.
    pub(crate) fn upgrade(&self, upgraded: Upgraded) {
        // Never idle, and in no head: what came ahead of the response is none.
        self.head_since.store(NEVER, Ordering::Relaxed);
        self.inside.store(true, Ordering::Relaxed);
        upgraded.heard(self.elapsed_ms());
        drop(self.upgraded.set(Box::new(upgraded)));
    }

    /// What its guard and its socket share, once it left HTTP.
    pub(crate) fn upgraded(&self) -> Option<&Upgraded> {
        self.upgraded.get().map(Box::as_ref)
    }

    /// Its peer sent something after it left HTTP.
    pub(crate) fn heard(&self) {
        if let Some(upgraded) = self.upgraded() {
            upgraded.heard(self.elapsed_ms());
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// Bytes of a request head arrived and its end did not. The clock starts at the first.
    pub(crate) fn head_pending(&self) {
        if self.head_since.load(Ordering::Relaxed) == NEVER {
            self.head_since.store(self.elapsed_ms(), Ordering::Relaxed);
        }
        self.inside.store(true, Ordering::Relaxed);
    }

    /// No request head is open.
    pub(crate) fn head_complete(&self) {
        self.head_since.store(NEVER, Ordering::Relaxed);
        self.inside.store(false, Ordering::Relaxed);
    }

    /// The first bytes of a TLS handshake came.
    pub(crate) fn handshake_begun(&self) {
        self.inside.store(true, Ordering::Relaxed);
    }

    /// The TLS handshake is done, and the first head is waited for.
    pub(crate) fn handshake_done(&self) {
        self.idle_since.store(self.elapsed_ms(), Ordering::Relaxed);
        self.inside.store(false, Ordering::Relaxed);
    }

    /// The peer takes no more bytes for now.
    pub(crate) fn write_stalled(&self) {
        if self.write_since.load(Ordering::Relaxed) == NEVER {
            self.write_since.store(self.elapsed_ms(), Ordering::Relaxed);
        }
    }

    /// The peer took bytes.
    pub(crate) fn write_moved(&self) {
        if self.write_since.load(Ordering::Relaxed) == NEVER {
            return;
        }
        if self.in_flight.load(Ordering::Relaxed) == 0 {
            // Its last response was on its way until now.
            self.idle_since.store(self.elapsed_ms(), Ordering::Relaxed);
        }
        self.write_since.store(NEVER, Ordering::Relaxed);
    }

    /// A request could not be answered at once.
    pub(crate) fn answer_awaited(&self) {
        self.answer_overdue.store(0, Ordering::Relaxed);
        self.answer_since.store(self.elapsed_ms(), Ordering::Relaxed);
    }

    /// Its time is over, for the first time or again: it is to be looked at, and again after `more`.
    pub(crate) fn answer_is_overdue(&self, more: Duration) {
        self.answer_overdue.fetch_add(1, Ordering::Relaxed);
        let since = self.answer_since.load(Ordering::Relaxed);
        let more = u64::try_from(more.as_millis()).unwrap_or(NEVER);
        self.answer_since.store(since.saturating_add(more), Ordering::Relaxed);
    }

    /// How often its time was over.
    pub(crate) fn answer_overdue(&self) -> u32 {
        self.answer_overdue.load(Ordering::Relaxed)
    }

    /// It was answered, or given up.
    pub(crate) fn answer_over(&self) {
        self.answer_since.store(NEVER, Ordering::Relaxed);
    }

    /// Bytes came that cannot be framed beyond doubt.
    pub(crate) fn misframed(&self) {
        self.misframed.store(1, Ordering::Relaxed);
    }

    /// Whether such bytes came.
    pub(crate) fn is_misframed(&self) -> bool {
        self.misframed.load(Ordering::Relaxed) > 0
    }

    /// An answer of a mounted service begins: its bytes may look like anything.
    pub(crate) fn carries_foreign_bytes(&self) {
        self.carries_foreign.store(true, Ordering::Relaxed);
    }

    /// Whether such an answer was begun on this connection, now or before.
    pub(crate) fn may_carry_foreign_bytes(&self) -> bool {
        self.carries_foreign.load(Ordering::Relaxed)
    }

    /// Where a stream asks to leave hyper.
    pub(crate) fn handover(&self) -> &Handover {
        &self.handover
    }

    /// Whether a stream asked to leave hyper and all that hyper had to write is written: hyper
    /// flushes after it asked the body, in the same poll.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.handover.is_offered() && self.write_since.load(Ordering::Relaxed) == NEVER
    }

    /// Whether nothing is being answered, written or taken in.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
            && self.write_since.load(Ordering::Relaxed) == NEVER
            && !self.inside.load(Ordering::Relaxed)
    }

    /// Since when it is idle, if it is; from acceptance for a new connection.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let since = Duration::from_millis(self.idle_since.load(Ordering::Relaxed));
        self.is_idle().then(|| self.accepted + since)
    }

    /// Asks the connection's task to close it, unless a request came in the meantime.
    pub(crate) fn ask_to_go(&self) {
        self.ask.fetch_or(GO, Ordering::Relaxed);
        self.asked.notify_one();
    }

    /// Asks the connection's task to take no more requests.
    pub(crate) fn ask_to_end(&self) {
        self.ask.fetch_or(END, Ordering::Relaxed);
        self.asked.notify_one();
    }

    /// Whether it was asked to go or to end.
    pub(crate) fn was_asked_to_go(&self) -> bool {
        self.ask.load(Ordering::Relaxed) != 0
    }

    /// Whether it was asked to go.
    pub(crate) fn is_to_make_room(&self) -> bool {
        self.ask.load(Ordering::Relaxed) & GO > 0
    }

    /// Whether it was asked to end.
    pub(crate) fn is_to_end(&self) -> bool {
        self.ask.load(Ordering::Relaxed) & END > 0
    }

    /// The refusals of this connection.
    pub(crate) fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// Resolves once either is asked, or if it was.
    pub(crate) async fn asked_to_go(&self) {
        self.asked.notified().await;
    }

    /// It stays: a request came. If it is to end, it still is.
    pub(crate) fn stay(&self) {
        self.ask.fetch_and(!GO, Ordering::Relaxed);
    }

    /// Whether any request was taken in on this connection.
    pub(crate) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed) > 0
    }

    /// The moment at which patience runs out if nothing moves; `None` while only we are at work.
    pub(crate) fn deadline(&self, patience: &Patience) -> Option<(Instant, Overdue)> {
        // What is in no such state is due at the end of time, however long it may last.
        let after = |since: u64, allowed: Duration| {
            since.saturating_add(u64::try_from(allowed.as_millis()).unwrap_or(NEVER))
        };
        let due = |since: &AtomicU64, allowed| after(since.load(Ordering::Relaxed), allowed);
        let only_if = |holds: bool, due: u64| if holds { due } else { NEVER };
        let owed = self.owed.load(Ordering::Relaxed) > 0;
        let (due, overdue) = [
            (only_if(self.is_idle(), due(&self.idle_since, patience.idle)), Overdue::Idle),
            (due(&self.head_since, patience.head), Overdue::Head),
            (due(&self.write_since, patience.write), Overdue::Write),
            (only_if(owed, due(&self.owed_since, patience.write)), Overdue::Write),
            (due(&self.answer_since, patience.answer), Overdue::Answer),
            (
                self.upgraded().map_or(NEVER, |here| after(here.heard_ms(), patience.silence)),
                Overdue::Silence,
            ),
        ]
        .into_iter()
        .min_by_key(|(due, _)| *due)?;
        (due != NEVER).then(|| (self.accepted + Duration::from_millis(due), overdue))
    }
}

/// Counts one request as in flight from its head until its response's last byte is handed over or
/// given up.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(crate) fn enter(activity: &Arc<Activity>) -> Self {
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        activity.served.store(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }

    /// The connection the request came on.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.elapsed_ms(), Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whose turn it is in one HTTP/2 response: a peer that never opens its window leaves its sockets
/// writable, so stalls must be noticed per response.
#[derive(Debug)]
pub(crate) struct Turn {
    activity: Arc<Activity>,
    owed: bool,
}

impl Turn {
    /// A response that has bytes to send.
    pub(crate) fn of_peer(activity: &Arc<Activity>) -> Self {
        let mut turn = Self { activity: Arc::clone(activity), owed: false };
        turn.pass_to_peer();
        turn
    }

    /// The connection took what there was, or may take what there is.
    pub(crate) fn pass_to_peer(&mut self) {
        self.activity.owed_since.store(self.activity.elapsed_ms(), Ordering::Relaxed);
        if !std::mem::replace(&mut self.owed, true) {
            self.activity.owed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The connection waits for bytes from us, or the response is over.
    pub(crate) fn pass_to_us(&mut self) {
        if std::mem::replace(&mut self.owed, false) {
            self.activity.owed_since.store(self.activity.elapsed_ms(), Ordering::Relaxed);
            self.activity.owed.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass_to_us();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        idle: Duration::from_mins(1),
        write: Duration::from_secs(20),
        answer: Duration::from_secs(15),
        silence: Duration::from_secs(30),
    };

    fn overdue(activity: &Activity) -> Option<Overdue> {
        activity.deadline(&PATIENCE).map(|(_, overdue)| overdue)
    }

    #[test]
    fn each_wait_has_its_own_deadline() {
        let activity = Arc::new(Activity::start(Arc::default()));
        assert_eq!(overdue(&activity), Some(Overdue::Head));
        activity.head_complete();
        assert_eq!(overdue(&activity), Some(Overdue::Idle));
        let request = InFlight::enter(&activity);
        assert_eq!(overdue(&activity), None);
        activity.write_stalled();
        assert_eq!(overdue(&activity), Some(Overdue::Write));
        activity.write_moved();
        let mut turn = Turn::of_peer(&activity);
        assert_eq!(overdue(&activity), Some(Overdue::Write));
        turn.pass_to_us();
        assert_eq!(overdue(&activity), None);
        drop((request, turn));
        assert_eq!(overdue(&activity), Some(Overdue::Idle));
        assert!(activity.has_served());
        activity.head_pending();
        activity.upgrade(Upgraded::new(None));
        assert_eq!(overdue(&activity), Some(Overdue::Silence), "half a head ahead of it is none");
        activity.write_stalled();
        assert_eq!(overdue(&activity), Some(Overdue::Write));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_idle_while_nothing_is_owed_to_or_by_the_peer() {
        let activity = Arc::new(Activity::start(Arc::default()));
        let idle_for = || activity.idle_since().map(|since| since.elapsed().as_secs());
        let second = || tokio::time::advance(Duration::from_secs(1));
        second().await;
        assert_eq!(idle_for(), Some(1), "a silent one from its acceptance");
        activity.handshake_begun();
        assert_eq!(idle_for(), None);
        activity.handshake_done();
        assert_eq!(idle_for(), Some(0));
        activity.head_pending();
        assert_eq!((idle_for(), overdue(&activity)), (None, Some(Overdue::Head)));
        let request = InFlight::enter(&activity);
        activity.head_complete();
        assert_eq!(idle_for(), None);
        activity.write_stalled();
        drop(request);
        second().await;
        assert_eq!((idle_for(), overdue(&activity)), (None, Some(Overdue::Write)));
        activity.write_moved();
        assert_eq!(idle_for(), Some(0), "since the last bytes were taken");
        second().await;
        activity.write_moved();
        assert_eq!(idle_for(), Some(1));
    }
}
