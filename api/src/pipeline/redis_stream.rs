//! The Redis Stream: a sink that appends each event as an entry which workers in any language read.
//!
//! ```text
//!   delivery worker ─▶ room? ─▶ XADD × batch, one round trip ─▶ stream ─▶ consumer groups
//!                │ none: trim what every group acknowledged; still none: "not now"
//! ```
//!
//! Owns the entry's fields, the bound of the stream and what Redis' answers mean. It never refuses an
//! event: whatever Redis says is about Redis, so there are no dead letters here. What waiting does not
//! mend (a key of another type, a wrong password) is said as an error in the log, once.
//!
//! Always true: an event is taken only when Redis answered its `XADD`; an entry that some group has
//! not acknowledged is never trimmed; the stream never grows beyond its bound by this sink. An `XADD`
//! whose answer never came may have been done, and is done again: a second entry with the same sale
//! and event id, which a consumer knows by them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::outbox::OrderEvent;
use engine::sink::{Answer, Answers, Capacity, Sink, plain_words};
use fred::{
    error::Error,
    interfaces::StreamsInterface as _,
    types::{Value, config::Config},
};
use outbound::Trust;
use tokio::time::{sleep, timeout};

use self::link::Link;

mod entry;
mod link;
mod room;
mod target;

pub use target::RedisStreamError;

/// Entries of one round trip: some 300 KB, and as many answers to read before the next.
const BATCH_EVENTS_MAX: usize = 512;

/// Between tries to reach Redis at the start, when no event waits that would do it.
const GREETING_PAUSE: Duration = Duration::from_secs(1);

/// Where events are appended, and how far.
#[derive(Clone)]
pub struct RedisStreamOptions {
    /// `redis://`, `rediss://` or `redis+unix://`; may carry a password.
    pub url: String,
    /// The stream's key.
    pub stream: String,
    /// Consumer groups that are made, from the stream's beginning, where they are missing.
    pub groups: Vec<String>,
    /// The most entries in the stream, acknowledged ones included.
    pub stream_max: u64,
    /// How long one attempt may take, connecting included.
    pub attempt_timeout: Duration,
    /// Whose certificates a `rediss` server may have.
    pub trust: Trust,
}

impl fmt::Debug for RedisStreamOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreamOptions").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// The sink.
pub struct RedisStream {
    server: Config,
    stream: String,
    groups: Vec<String>,
    stream_max: u64,
    attempt_timeout: Duration,
    /// The connection, while no attempt uses it.
    link: Mutex<Option<Link>>,
    /// The logged error that only an operator can fix.
    alarm: Mutex<Option<String>>,
}

impl fmt::Debug for RedisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStream").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl RedisStream {
    /// What a URL may be.
    pub const URL_ALLOWED: &str = target::URL_ALLOWED;

    /// Whether a URL is one that can be used.
    pub fn is_url(url: &str) -> bool {
        target::plain(url).is_some()
    }

    /// Prepares appending; connects with the first event, or with [`Self::greet`].
    pub fn new(options: RedisStreamOptions) -> Result<Self, RedisStreamError> {
        let RedisStreamOptions { url, stream, groups, stream_max, attempt_timeout, trust } =
            options;
        if stream.is_empty() || stream_max == 0 || attempt_timeout.is_zero() {
            return Err(RedisStreamError::Bounds);
        }
        let server = target::parse(&url, trust)?;
        let (link, alarm) = (Mutex::default(), Mutex::default());
        Ok(Self { server, stream, groups, stream_max, attempt_timeout, link, alarm })
    }

    /// Makes the groups before there is an event, so that workers can begin, and says in the log
    /// whether the stream can be used. Ends when it could.
    pub async fn greet(self: Arc<Self>) {
        let mut told = None;
        loop {
            let mut link = Link::open(&self.server, self.attempt_timeout);
            let why = match timeout(self.attempt_timeout, self.prepare(&mut link)).await {
                Ok(Ok(length)) => {
                    tracing::info!(stream = self.stream, length, "connected to the order stream");
                    return;
                }
                Ok(Err(error)) => self.why(&error, doubt(&link)),
                Err(_) => late(&link),
            };
            if told.as_ref() != Some(&why) {
                tracing::warn!(why, "cannot reach the order stream; trying again");
                told = Some(why);
            }
            sleep(GREETING_PAUSE).await;
        }
    }

    async fn append(&self, link: &mut Link, events: &[Arc<OrderEvent>]) -> Result<Appended, Error> {
        let length = match link.length {
            Some(length) => length,
            None => self.prepare(link).await?,
        };
        let room = self.room(link, length, events.len() as u64).await?;
        let fitting = usize::try_from(room.entries).map_or(events.len(), |n| n.min(events.len()));
        if fitting == 0 {
            return Ok(Appended { answers: Vec::new(), full: room.full });
        }
        let mut replies = self.write(link, &events[..fitting]).await?;
        let last = replies.pop().and_then(Result::ok).and_then(|length| length.as_u64());
        let answer = |reply: Result<Value, Error>| match reply.and_then(|id| entry::id(&id)) {
            Ok(_) => Answer::Taken,
            Err(error) => Answer::Later { why: self.why(&error, ""), after: None },
        };
        let answers: Vec<Answer> = replies.into_iter().map(answer).collect();
        link.is_sound = last.is_some() && answers.iter().all(|answer| *answer == Answer::Taken);
        // Shorter than we left it: it was cleared, and the groups may have gone with it.
        link.length = last.filter(|length| *length >= room.length + fitting as u64);
        Ok(Appended { answers, full: room.full })
    }

    /// Writes the entries and asks for the length after them: as many replies and one more.
    async fn write(
        &self,
        link: &mut Link,
        events: &[Arc<OrderEvent>],
    ) -> Result<Vec<Result<Value, Error>>, Error> {
        let entries: Vec<_> = events.iter().map(|event| entry::fields(event)).collect();
        let key = self.stream.as_str();
        let asking = |client: fred::clients::Client| async move {
            let pipeline = client.pipeline();
            for entry in entries {
                pipeline.xadd::<(), _, _, _, _>(key, false, None::<()>, "*", entry).await?;
            }
            pipeline.xlen::<(), _>(key).await?;
            Ok(pipeline.try_all::<Value>().await)
        };
        link.has_sent = true;
        let mut replies = link.ask(asking).await?;
        if replies.len() == events.len() + 1 {
            return Ok(replies);
        }
        // One error for all of them: the connection broke off.
        let error = replies.pop().and_then(Result::err);
        Err(error.unwrap_or_else(Error::new_canceled))
    }

    /// Makes the groups that are missing, and the stream with them; answers its length.
    async fn prepare(&self, link: &mut Link) -> Result<u64, Error> {
        let (key, groups) = (self.stream.as_str(), self.groups.as_slice());
        link.ask(|client| async move {
            for group in groups {
                let made = client.xgroup_create::<(), _, _, _>(key, group.as_str(), "0", true);
                match made.await {
                    Err(error) if !error.details().starts_with("BUSYGROUP") => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            client.xlen(key).await
        })
        .await
    }

    /// Room for `wanted` entries or as many as there is room for, trimming if need be.
    async fn room(&self, link: &mut Link, length: u64, wanted: u64) -> Result<Room, Error> {
        let free = |length: u64| self.stream_max.saturating_sub(length);
        if free(length) >= wanted {
            return Ok(Room { entries: wanted, length, full: None });
        }
        let key = || self.stream.clone();
        let groups = link.ask(|client| room::groups(client, key())).await?;
        let floor = link.ask(|client| room::floor(client, key(), groups)).await?;
        let Some(floor) = floor else {
            let length: u64 = link.ask(|client| async move { client.xlen(key()).await }).await?;
            return Ok(self.bounded(length, wanted, "there is no consumer group"));
        };
        let enough = |length| free(length) >= wanted;
        let length = link.ask(|client| room::trim(client, key(), floor.id, enough)).await?;
        let waits = format!("group {} has not acknowledged the oldest of them", floor.group);
        Ok(self.bounded(length, wanted, &waits))
    }

    fn bounded(&self, length: u64, wanted: u64, why: &str) -> Room {
        let entries = self.stream_max.saturating_sub(length).min(wanted);
        let words = || format!("the stream holds {length} of {} entries: {why}", self.stream_max);
        Room { entries, length, full: (entries < wanted).then(|| plain_words(&words())) }
    }

    fn settle(&self, attempt: Result<Appended, Error>, link: Link, count: usize) -> Vec<Answer> {
        let later = |why| Answer::Later { why, after: None };
        match attempt {
            Ok(Appended { mut answers, full }) => {
                if link.is_sound {
                    *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
                    *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                answers.resize(count, later(full.unwrap_or_default()));
                answers
            }
            Err(error) => vec![later(self.why(&error, doubt(&link))); count],
        }
    }

    fn take_link(&self) -> Link {
        let kept = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        let open = || Link::open(&self.server, self.attempt_timeout);
        let mut link = kept.filter(|link| !link.is_closed()).unwrap_or_else(open);
        link.has_sent = false;
        link
    }

    /// An error in words, and what it leaves in doubt. One that waiting does not fix is reported to operators, once.
    fn why(&self, error: &Error, doubt: &str) -> String {
        if !is_for_operators(error.details()) {
            return plain_words(&format!("{error}{doubt}"));
        }
        let why = plain_words(error.details());
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        if alarm.as_ref() != Some(&why) {
            tracing::error!(
                why,
                stream = self.stream,
                "Redis does not accept orders as configured"
            );
            *alarm = Some(why.clone());
        }
        why
    }
}

impl Sink for RedisStream {
    fn capacity(&self) -> Capacity {
        Capacity { batch_events_max: BATCH_EVENTS_MAX, batches_max: 1, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        Box::pin(async move {
            let mut link = self.take_link();
            match timeout(self.attempt_timeout, self.append(&mut link, &events)).await {
                Ok(attempt) => self.settle(attempt, link, events.len()),
                Err(_) => vec![Answer::Later { why: late(&link), after: None }; events.len()],
            }
        })
    }
}

/// What an attempt came to: answers for the events that fitted, and why the others did not.
struct Appended {
    answers: Vec<Answer>,
    full: Option<String>,
}

/// How many entries may be written.
struct Room {
    entries: u64,
    /// Entries that are there.
    length: u64,
    /// Why it is not as many as were wanted.
    full: Option<String>,
}

/// Said of an attempt that its deadline ended.
fn late(link: &Link) -> String {
    format!("no answer in time{}", doubt(link))
}

/// What follows from an answer that did not come.
fn doubt(link: &Link) -> &'static str {
    if link.has_sent { "; what was sent may be in the stream, and is sent again" } else { "" }
}

/// Whether an error of Redis stays the same until an operator changes something.
fn is_for_operators(details: &str) -> bool {
    const LASTING: [&str; 9] = [
        "WRONGTYPE",
        "NOAUTH",
        "WRONGPASS",
        "NOPERM",
        "DENIED",
        "OOM",
        "MISCONF",
        "NOGROUP",
        "ERR",
    ];
    let code = details.split_whitespace().next().unwrap_or_default();
    LASTING.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waiting_does_not_mend_is_told_from_what_it_does() {
        for lasting in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "NOPERM this user has no permissions to run the 'xadd' command",
            "ERR unknown command 'XADD'",
        ] {
            assert!(is_for_operators(lasting), "{lasting}");
        }
        for passing in ["LOADING Redis is loading the dataset in memory", "READONLY", "", "Errors"]
        {
            assert!(!is_for_operators(passing), "{passing}");
        }
    }
}
