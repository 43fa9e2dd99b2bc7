//! Keeps the key set: reads it before it is too old, and once more for a key that it does not have.
//!
//! ```text
//!              ┌── fresh: keys are looked up, nothing is read
//! last read ───┤── older: read again in the background; its keys count meanwhile
//!              └── older than `stale_max`: its keys count no more, nobody can be told who they are
//! ```
//!
//! Owns when the set is read. One reading runs at a time. Failures are repeated with growing pauses,
//! and unknown keys cause one reading per pause at most: a crowd with tokens of a made-up key costs the
//! identity provider nothing. Whoever waits for a reading looks at its result, and does not begin
//! another. A reading is a task of its own: it goes on when whoever caused it goes away.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, sleep_until},
};

use super::{
    key_set::{Key, KeySet},
    source::KeySource,
};
use crate::Backoff;

/// Pauses after failures.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_mins(1) };

/// How a set is kept.
#[derive(Clone, Copy, Debug)]
pub struct KeyKeeperOptions {
    /// How long the last good set is used while it cannot be read again.
    pub stale_max: Duration,
    /// The shortest pause between a reading and the next for an unknown key.
    pub unknown_pause: Duration,
    /// What the keys sign, for the log: "shoppers' tokens".
    pub sign: &'static str,
    /// What does not work while they cannot be read, for the log.
    pub without: &'static str,
}

/// What there is to say of a key.
#[derive(Debug)]
pub enum FoundKey {
    /// It is in the set.
    Key(Arc<Key>),
    /// The set is known, and it is not in it.
    Unknown,
    /// The set cannot be read, so nobody knows.
    Unavailable,
}

/// A set and when it was read.
struct Kept {
    set: KeySet,
    read_at: Instant,
    fresh: Duration,
}

/// How the readings went; locked while one runs.
#[derive(Default)]
struct Tries {
    failures: u32,
    /// After a failure: no reading begins before.
    retry_at: Option<Instant>,
    /// No reading for an unknown key begins before.
    unknown_at: Option<Instant>,
}

/// The keeper of one set.
pub struct KeyKeeper {
    source: KeySource,
    options: KeyKeeperOptions,
    kept: ArcSwapOption<Kept>,
    tries: Arc<Mutex<Tries>>,
    /// Whether the last reading failed.
    is_failing: AtomicBool,
}

impl fmt::Debug for KeyKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyKeeper").field("source", &self.source).finish_non_exhaustive()
    }
}

impl KeyKeeper {
    /// Keeps a set that is not read yet.
    pub fn new(source: KeySource, options: KeyKeeperOptions) -> Self {
        let (kept, tries) = (ArcSwapOption::empty(), Arc::default());
        Self { source, options, kept, tries, is_failing: AtomicBool::new(false) }
    }

    /// The key of this id, of a set that is read first if it is due. For a set that nobody keeps fresh
    /// beside it, because keys are rarely asked for.
    pub async fn key_when_fresh(self: &Arc<Self>, id: &str) -> FoundKey {
        let tries = Arc::clone(&self.tries).lock_owned().await;
        if self.due(&tries) <= Instant::now() {
            self.read_apart(tries).await;
        } else {
            drop(tries);
        }
        self.key(id).await
    }

    /// The key of this id. For one that is unknown, the set is read again if it may be.
    pub async fn key(self: &Arc<Self>, id: &str) -> FoundKey {
        let seen = self.kept.load_full();
        if let Some(key) = self.usable().and_then(|kept| kept.set.get(id)) {
            return FoundKey::Key(key);
        }
        let tries = Arc::clone(&self.tries).lock_owned().await;
        // Another may have read it while this one waited for its turn.
        if is_same(seen.as_ref(), self.kept.load_full().as_ref()) && tries.may_begin() {
            self.read_apart(tries).await;
        } else {
            drop(tries);
        }
        match self.usable().map(|kept| kept.set.get(id)) {
            Some(Some(key)) => FoundKey::Key(key),
            // ORDERING: Relaxed; a flag that publishes nothing else.
            Some(None) if !self.is_failing.load(Ordering::Relaxed) => FoundKey::Unknown,
            Some(None) | None => FoundKey::Unavailable,
        }
    }

    /// The set, unless it is too old to be believed.
    fn usable(&self) -> Option<Arc<Kept>> {
        self.kept.load_full().filter(|kept| kept.read_at.elapsed() <= self.options.stale_max)
    }

    /// Reads the set whenever it is due; never returns.
    pub async fn keep_fresh(&self) {
        let mut seen = None;
        loop {
            let mut tries = self.tries.lock().await;
            let due = self.due(&tries);
            if due <= Instant::now() {
                self.read(&mut tries).await;
                continue;
            }
            drop(tries);
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.source.changed(&mut seen) => self.reload().await,
            }
        }
    }

    /// When the set is to be read next.
    fn due(&self, tries: &Tries) -> Instant {
        let now = Instant::now();
        let kept = self.kept.load_full().filter(|_| tries.failures == 0);
        let stale = kept.map_or(now, |kept| kept.read_at + kept.fresh);
        tries.retry_at.map_or(stale, |retry_at| stale.max(retry_at))
    }

    /// Reads the set now, whatever was read before.
    pub async fn reload(&self) {
        let mut tries = self.tries.lock().await;
        self.read(&mut tries).await;
    }

    /// Reads the set in a task of its own, and waits for that. Without it, one who asks for a made-up key and goes
    /// away again and again would break off every reading and leave the pause behind it.
    async fn read_apart(self: &Arc<Self>, mut tries: OwnedMutexGuard<Tries>) {
        let keeper = Arc::clone(self);
        let reading = tokio::spawn(async move { keeper.read(&mut tries).await });
        // It only ends early with the process.
        drop(reading.await);
    }

    async fn read(&self, tries: &mut Tries) {
        tries.unknown_at = Some(Instant::now() + self.options.unknown_pause);
        match self.source.read().await {
            Ok((set, fresh)) => self.keep(set, fresh, tries),
            Err(why) => self.note_failure(&why, tries),
        }
    }

    fn keep(&self, set: KeySet, fresh: Duration, tries: &mut Tries) {
        let before = self.kept.load_full().map(|kept| kept.set.ids());
        let keys = set.ids();
        let sign = self.options.sign;
        if tries.failures > 0 {
            tracing::info!(from = %self.source, "the keys of {sign} can be read again");
        }
        if before.as_ref() != Some(&keys) {
            tracing::info!(from = %self.source, %keys, "read the keys of {sign}");
        }
        let read_at = Instant::now();
        self.kept.store(Some(Arc::new(Kept { set, read_at, fresh })));
        (tries.failures, tries.retry_at) = (0, None);
        // ORDERING: Relaxed; see `key`.
        self.is_failing.store(false, Ordering::Relaxed);
    }

    fn note_failure(&self, why: &str, tries: &mut Tries) {
        tries.failures = tries.failures.saturating_add(1);
        let pause = BACKOFF.delay(tries.failures, chance());
        tries.retry_at = Some(Instant::now() + pause);
        // ORDERING: Relaxed; see `key`.
        self.is_failing.store(true, Ordering::Relaxed);
        if tries.failures > 1 {
            return;
        }
        let (from, KeyKeeperOptions { sign, without, .. }) = (&self.source, self.options);
        if let Some(kept) = self.usable() {
            let left = self.options.stale_max.saturating_sub(kept.read_at.elapsed());
            tracing::error!(
                %from, %why, keys_used_for_seconds = left.as_secs(),
                "cannot read the keys of {sign} again; those read before are used meanwhile"
            );
        } else {
            tracing::error!(%from, %why, "cannot read the keys of {sign}; {without} until they can be read");
        }
    }
}

impl Tries {
    fn may_begin(&self) -> bool {
        let now = Instant::now();
        [self.retry_at, self.unknown_at].into_iter().flatten().all(|at| at <= now)
    }
}

fn is_same(one: Option<&Arc<Kept>>, other: Option<&Arc<Kept>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Spreads the pauses of nodes; without randomness they are the longest.
fn chance() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_or(u64::MAX, |()| u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use testkit::documents::{Documents, Manner};

    use super::{super::source::KeySourceOptions, *};
    use crate::{Reach, Trust};

    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"new","use":"sig",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn keeper(keys: &Documents) -> Arc<KeyKeeper> {
        let source = KeySource::new(KeySourceOptions {
            place: keys.url(),
            fresh_max: Duration::from_mins(5),
            deadline: Duration::from_secs(10),
            trust: Trust::System,
            reach: Reach::Anywhere,
        });
        let options = KeyKeeperOptions {
            stale_max: Duration::from_hours(1),
            unknown_pause: Duration::from_secs(5),
            sign: "the tokens of this test",
            without: "it fails",
        };
        Arc::new(KeyKeeper::new(source.unwrap(), options))
    }

    #[tokio::test]
    async fn a_reading_goes_on_when_whoever_caused_it_goes_away() {
        let keys = Documents::start(Manner::Serve(SET.to_owned(), "")).unwrap();
        let keeper = keeper(&keys);
        // Asked once, and gone before there is an answer.
        tokio::select! {
            biased;
            found = keeper.key("made-up") => unreachable!("{found:?} at once"),
            () = ready(()) => {}
        }
        assert!(
            matches!(keeper.key("new").await, FoundKey::Key(_)),
            "the reading under way brought it"
        );
        assert_eq!(keys.asked(), 1);
    }

    #[tokio::test]
    async fn a_set_that_nobody_keeps_fresh_is_read_when_a_key_is_asked_for_and_not_each_time() {
        let keys = Documents::start(Manner::Serve(SET.to_owned(), "")).unwrap();
        let keeper = keeper(&keys);
        for _ in 0..3 {
            assert!(matches!(keeper.key_when_fresh("new").await, FoundKey::Key(_)));
        }
        assert!(matches!(keeper.key_when_fresh("made-up").await, FoundKey::Unknown));
        assert_eq!(keys.asked(), 1);
    }
}
