//! The workers: they lease tasks that are due and do them.
//!
//! One loop a process looks for work, when this process assigned some, when something is due, and every
//! few seconds for what other processes assigned. Each kind has room for so many tasks at once, so a
//! flood of one kind holds up no other. An attempt that fails, panics or takes too long makes the task
//! due again, later each time, until it is dead.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc, time::Duration};

use base::moment::Moment;
use sea_orm::DbErr;
use serde::de::DeserializeOwned;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    db::Db,
    fact::{About, Fact, Listeners},
    schedule::{Schedule, Tick},
    task::{Lease, Settled, Task, claim},
};

/// How often the loop looks for what other processes assigned.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// What a lease lasts beyond the time that an attempt may take.
const LEASE_BEYOND: Duration = Duration::from_secs(10);
/// The first pause after a failure. Each is twice the one before, up to the longest of the kind.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// How long attempts may go on after the stop. What they do not finish is due again elsewhere.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The schedule of what every database needs: old answers are forgotten.
const FORGET_ANSWERS: Schedule = Schedule {
    name: "store.forget_answers",
    every: Duration::from_hours(1),
    offset: Duration::from_mins(7),
};

/// How tasks of a kind are worked on.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many at once in this process.
    pub at_once: u32,
    /// How long an attempt may take.
    pub within: Duration,
    /// After how many attempts a task is dead.
    pub attempts: i64,
    /// How long a task rests at most before its next attempt.
    pub pause_max: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Terms {
    /// What most kinds have.
    pub const DEFAULT: Self = Self {
        at_once: 4,
        within: Duration::from_secs(20),
        attempts: 12,
        pause_max: Duration::from_hours(1),
    };

    /// How long a task rests after so many attempts.
    fn pause(&self, attempts: i64) -> Duration {
        let doublings = u32::try_from(attempts.max(1) - 1).unwrap_or(u32::MAX);
        let pause = 2_u32.checked_pow(doublings).map(|times| PAUSE_FIRST * times);
        pause.map_or(self.pause_max, |pause| pause.min(self.pause_max))
    }
}

/// Why an attempt failed, for the log and for operators.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    /// Trouble in words.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self(text)
    }
}

/// What an attempt came to: the lease was settled in a committed write, or it failed.
pub type Outcome = Result<Settled, Trouble>;

type Attempt = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Handler = Arc<dyn Fn(Db, Lease<serde_json::Value>) -> Attempt + Send + Sync>;

#[derive(Clone)]
struct Job {
    terms: Terms,
    handler: Handler,
}

/// What this process can do, and when.
pub struct Workers {
    jobs: BTreeMap<&'static str, Job>,
    schedules: Vec<Schedule>,
    listeners: Listeners,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.jobs.keys()).finish()
    }
}

impl Default for Workers {
    /// Workers that do what every database needs.
    fn default() -> Self {
        let none = Listeners::default();
        let nobody = Self { jobs: BTreeMap::new(), schedules: Vec::new(), listeners: none };
        nobody.on_schedule(FORGET_ANSWERS, Terms::default(), |db, lease| async move {
            db.forget_answers().await?;
            Ok(db.write(async |tx| lease.finish(tx).await).await?)
        })
    }
}

impl Workers {
    /// Does tasks of a kind.
    #[must_use]
    pub fn on<T, F, W>(self, terms: Terms, work: F) -> Self
    where
        T: Task + 'static,
        F: Fn(Db, Lease<T>) -> W + Send + Sync + Clone + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        self.on_kind(T::KIND, terms, work)
    }

    /// Listens to a fact; `kind` names the listener, such as `alerts.deal_changed`.
    #[must_use]
    pub fn on_fact<F, W>(mut self, fact: Fact, kind: &'static str, terms: Terms, work: F) -> Self
    where
        F: Fn(Db, Lease<About>) -> W + Send + Sync + Clone + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        self.listeners = self.listeners.with(fact, kind);
        self.on_kind(kind, terms, work)
    }

    /// Does a regular job.
    #[must_use]
    pub fn on_schedule<F, W>(mut self, schedule: Schedule, terms: Terms, work: F) -> Self
    where
        F: Fn(Db, Lease<Tick>) -> W + Send + Sync + Clone + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        self.schedules.push(schedule);
        self.on_kind(schedule.name, terms, work)
    }

    /// Who listens to what, for the database that they work on.
    pub fn listeners(&self) -> Listeners {
        self.listeners.clone()
    }

    fn on_kind<T, F, W>(mut self, kind: &'static str, terms: Terms, work: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Db, Lease<T>) -> W + Send + Sync + Clone + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |db, lease| {
            let work = work.clone();
            Box::pin(async move { work(db, lease.typed()?).await })
        });
        let known = self.jobs.insert(kind, Job { terms, handler });
        assert!(known.is_none(), "two workers for tasks of the kind {kind}");
        self
    }

    /// Works until `stop` turns true, then gives what is under way a few seconds to come to its end.
    pub async fn run(self, db: Db, mut stop: watch::Receiver<bool>) {
        let mut dispatcher =
            Dispatcher { db, workers: self, busy: BTreeMap::new(), under_way: JoinSet::new() };
        while !*stop.borrow() {
            let pause = dispatcher.begin_what_is_due().await;
            tokio::select! {
                () = dispatcher.db.assigned() => {}
                Some(done) = dispatcher.under_way.join_next() => dispatcher.note_done(done.ok()),
                () = sleep(pause) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        let rest = dispatcher.under_way.join_all();
        if timeout(STOP_WITHIN, rest).await.is_err() {
            tracing::info!("some tasks were broken off at the stop; they are due again later");
        }
    }
}

/// The loop's state: what is under way.
struct Dispatcher {
    db: Db,
    workers: Workers,
    busy: BTreeMap<&'static str, u32>,
    under_way: JoinSet<&'static str>,
}

impl Dispatcher {
    /// Begins what is due, as far as there is room, and says how long nothing else will be.
    async fn begin_what_is_due(&mut self) -> Duration {
        while let Some(done) = self.under_way.try_join_next() {
            self.note_done(done.ok());
        }
        match self.look().await {
            Ok(next) => next.since(self.db.now()).min(SWEEP_EVERY),
            Err(error) => {
                tracing::warn!(%error, "cannot look for tasks; trying again");
                PAUSE_FIRST
            }
        }
    }

    /// Begins what is due and says when something is due next, or may be.
    async fn look(&mut self) -> Result<Moment, DbErr> {
        let sweep = self.db.now().after(SWEEP_EVERY);
        let tick = self.db.tick(&self.workers.schedules).await?;
        let mut next = tick.map_or(sweep, |tick| tick.min(sweep));
        loop {
            let mut has_begun = false;
            for (kind, due) in self.db.read().next_due(self.workers.jobs.keys().copied()).await? {
                if due > self.db.now() {
                    next = next.min(due);
                } else {
                    has_begun |= self.claim(&kind).await?;
                }
            }
            // A kind that had tasks due may have others, due now or soon.
            if !has_begun {
                return Ok(next);
            }
        }
    }

    /// Begins due tasks of a kind, as far as it has room, and says whether there were any.
    async fn claim(&mut self, kind: &str) -> Result<bool, DbErr> {
        let Some((kind, job)) = self.workers.jobs.get_key_value(kind) else { return Ok(false) };
        let (kind, job) = (*kind, job.clone());
        let busy = self.busy.entry(kind).or_default();
        let room = job.terms.at_once.saturating_sub(*busy);
        if room == 0 {
            return Ok(false);
        }
        let lease = job.terms.within + LEASE_BEYOND;
        let leases = self.db.write(async |tx| claim(tx, kind, lease, room).await).await?;
        for lease in &leases {
            *busy += 1;
            let (db, job, lease) = (self.db.clone(), job.clone(), lease.clone());
            self.under_way.spawn(async move {
                attempt(&db, &job, lease).await;
                kind
            });
        }
        Ok(!leases.is_empty())
    }

    fn note_done(&mut self, kind: Option<&'static str>) {
        // An attempt catches its own panic, so every one tells its kind.
        if let Some(busy) = kind.and_then(|kind| self.busy.get_mut(kind)) {
            *busy = busy.saturating_sub(1);
        }
    }
}

async fn attempt(db: &Db, Job { terms, handler }: &Job, lease: Lease<serde_json::Value>) {
    let trouble = if lease.attempt > terms.attempts {
        "the process ended while it was worked on".to_owned()
    } else {
        // A task of its own, so that a panic of the handler is an error here.
        let mut work = tokio::spawn(handler(db.clone(), lease.clone()));
        match timeout(terms.within, &mut work).await {
            Ok(Ok(Ok(Settled { .. }))) => return,
            Ok(Ok(Err(Trouble(trouble)))) => trouble,
            Ok(Err(error)) => format!("the worker broke off: {error}"),
            Err(_) => {
                work.abort();
                format!("not done within {} seconds", terms.within.as_secs())
            }
        }
    };
    let again =
        (lease.attempt < terms.attempts).then(|| db.now().after(terms.pause(lease.attempt)));
    let is_last = again.is_none();
    tracing::warn!(task = lease.id(), attempt = lease.attempt, is_last, trouble, "a task failed");
    if let Err(error) = db.write(async |tx| lease.fail(tx, again, &trouble).await).await {
        // The lease ends by itself.
        tracing::warn!(task = lease.id(), %error, "cannot note that a task failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = |terms: Terms, attempts: [i64; 4]| {
            attempts.map(|attempts| terms.pause(attempts).as_secs())
        };
        let hour = Terms::default();
        assert_eq!(pauses(hour, [1, 2, 3, 4]), [1, 2, 4, 8]);
        assert_eq!(pauses(hour, [12, 13, 40, i64::MAX]), [2_048, 3_600, 3_600, 3_600]);
        let minute = Terms { pause_max: Duration::from_mins(1), ..hour };
        assert_eq!(pauses(minute, [1, 6, 7, i64::MAX]), [1, 32, 60, 60]);
    }
}
