//! The sink seam: whoever takes order events, and what it can say about them.
//!
//! A sink knows nothing of retries, order or acknowledgement: it is shown some events once and
//! answers for each. It needs neither HTTP nor JSON, so that a crate that stands on the engine alone can be
//! one. It promises that an event it answered [`Answer::Taken`] for survives whatever happens next, and that
//! being shown an event twice does no harm.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::outbox::OrderEvent;

/// Bytes kept of what a sink says: a dead letter's reason, a trouble shown to operators.
pub const WORDS_BYTES_MAX: usize = 256;

/// Takes order events: the local log, a webhook, a database.
pub trait Sink: Send + Sync + Debug {
    /// How much it wants to be given at once.
    fn capacity(&self) -> Capacity;

    /// Shows events, at most one of each hold; the answers are in the order of the events.
    ///
    /// It must not block its thread, and must answer in the end: no event of these holds is shown before
    /// that. The future may be dropped at any of its pauses, after which the events are shown again.
    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_>;
}

/// A sink's answers, when they come.
pub type Answers<'a> = Pin<Box<dyn Future<Output = Vec<Answer>> + Send + 'a>>;

/// How much a sink wants at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Events in one call of [`Sink::deliver`], at least 1.
    pub batch_events_max: usize,
    /// Calls under way at once, at least 1.
    pub batches_max: usize,
    /// How long it is left alone after each call was begun, so that the next carries more.
    pub pause: Duration,
}

/// What a sink says about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Taken,
    /// It looked at the event and will not have it. After so many of these the event is dead.
    Refused {
        /// What it said, from [`plain_words`].
        why: String,
    },
    /// It looked at the event and failed. The event is tried again until the sink is well; the
    /// others are not affected.
    Failed {
        /// What it said, from [`plain_words`].
        why: String,
        /// How long it asks for this event to be kept back.
        after: Option<Duration>,
    },
    /// It did not get to look at it, or that is unknown: trying again is safe, and never ends.
    Later {
        /// What is known of the reason, from [`plain_words`].
        why: String,
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
}

/// Foreign text made fit for a log line, a journal record and an operator's screen:
/// printable ASCII, one line, [`WORDS_BYTES_MAX`] bytes.
pub fn plain_words(words: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_graphic() => c,
        c if c.is_ascii_whitespace() || c == '\0' => ' ',
        _ => '?',
    };
    let mut line: String = words.chars().take(WORDS_BYTES_MAX).map(plain).collect();
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_never_carry_control_characters_or_grow() {
        let words = plain_words("no\r\nX-Evil: 1\u{1b}[31m \u{202e}\u{e9}");
        assert_eq!(words, "no  X-Evil: 1?[31m ??");
        assert_eq!(plain_words(&"x".repeat(100_000)).len(), WORDS_BYTES_MAX);
    }
}
