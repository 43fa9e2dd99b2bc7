//! A guest's sink, called where the guest lives.
//!
//! A call of it can go wrong in ways that a sink of this crate does not: it panics, gives too few answers,
//! or never ends. None of these may hold up what is behind it without a word. So a call that takes too
//! long is dropped and answered [`Answer::Later`], which shows as a stalled sink. After a panic the events
//! are shown one by one, and one that is panicked on alone is refused: it becomes a dead letter, and the
//! others go on.

use std::sync::Arc;
use std::time::Duration;

use engine::outbox::OrderEvent;
use engine::sink::{Answer, Answers, Capacity, Sink, plain_words};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::guest::GuestError;

/// How long one call may take: many times what a transaction of the largest batch takes.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls the sink on the mount's runtime: a connection to a database belongs to the runtime that made it.
#[derive(Debug)]
pub(super) struct OwnSink {
    sink: Arc<dyn Sink>,
    runtime: Handle,
    call_timeout: Duration,
}

/// What went wrong with a call, in words.
enum Fault {
    /// It may be the fault of one of the events.
    Panicked(String),
    /// It says nothing of the events.
    Other(String),
}

impl OwnSink {
    /// The sink that a guest opened with; it has one exactly if it named one.
    pub(super) fn opened(
        is_named: bool,
        sink: Option<Arc<dyn Sink>>,
        runtime: Handle,
    ) -> Result<Option<Self>, GuestError> {
        if sink.is_some() != is_named {
            return Err(
                "the mounted service named a sink and has none, or has one without a name".into()
            );
        }
        let Some(sink) = sink else { return Ok(None) };
        let Capacity { batch_events_max, batches_max, .. } = sink.capacity();
        if batch_events_max == 0 || batches_max == 0 {
            return Err(format!(
                "the mounted service's sink wants {batch_events_max} events in each of \
                 {batches_max} calls; allowed: at least 1 of each"
            )
            .into());
        }
        Ok(Some(Self { sink, runtime, call_timeout: CALL_TIMEOUT }))
    }

    async fn call(&self, events: Vec<Arc<OrderEvent>>) -> Result<Vec<Answer>, Fault> {
        let (sink, count) = (Arc::clone(&self.sink), events.len());
        let call = self.runtime.spawn(async move { sink.deliver(events).await });
        let abort = call.abort_handle();
        let fault = match timeout(self.call_timeout, call).await {
            Ok(Ok(answers)) if answers.len() == count => return Ok(answers),
            Ok(Ok(answers)) => format!("gave {} answers for {count} events", answers.len()),
            Ok(Err(gone)) if gone.is_panic() => return Err(Fault::Panicked(words("panicked"))),
            Ok(Err(gone)) => format!("did not answer: {gone}"),
            Err(_) => {
                abort.abort();
                format!("did not answer within {} s", self.call_timeout.as_secs_f32())
            }
        };
        Err(Fault::Other(words(&fault)))
    }

    /// Shows each event alone, until a call says nothing of its event.
    async fn call_one_by_one(&self, events: Vec<Arc<OrderEvent>>) -> Vec<Answer> {
        let count = events.len();
        let mut answers = Vec::with_capacity(count);
        for event in events {
            match self.call(vec![event]).await {
                Ok(answer) => answers.extend(answer),
                Err(Fault::Panicked(why)) => answers.push(Answer::Refused { why }),
                Err(Fault::Other(why)) => {
                    answers.resize(count, Answer::Later { why, after: None });
                    break;
                }
            }
        }
        answers
    }
}

fn words(fault: &str) -> String {
    plain_words(&format!("the mounted sink {fault}"))
}

impl Sink for OwnSink {
    fn capacity(&self) -> Capacity {
        self.sink.capacity()
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        Box::pin(async move {
            match self.call(events.clone()).await {
                Ok(answers) => answers,
                Err(Fault::Panicked(why)) if events.len() == 1 => vec![Answer::Refused { why }],
                Err(Fault::Panicked(_)) => self.call_one_by_one(events).await,
                Err(Fault::Other(why)) => vec![Answer::Later { why, after: None }; events.len()],
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::tests::event;

    /// Panics on one event, never answers for another, and forgets to answer for a third.
    #[derive(Debug)]
    struct Unreliable(Capacity);

    const PANICS: u64 = 13;
    const HANGS: u64 = 14;
    const FORGETS: u64 = 15;

    impl Unreliable {
        fn wanting(batch_events_max: usize, batches_max: usize) -> Arc<dyn Sink> {
            let pause = Duration::ZERO;
            Arc::new(Self(Capacity { batch_events_max, batches_max, pause }))
        }
    }

    impl Sink for Unreliable {
        fn capacity(&self) -> Capacity {
            self.0
        }

        fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
            Box::pin(async move {
                let has = |id| events.iter().any(|event| event.id.0 == id);
                assert!(!has(PANICS), "the event that it panics on");
                if has(HANGS) {
                    std::future::pending::<()>().await;
                }
                vec![Answer::Taken; events.len() - usize::from(has(FORGETS))]
            })
        }
    }

    /// What a mount makes of the sink's answers, given a moment for each call.
    async fn answers(ids: impl IntoIterator<Item = u64>) -> Vec<String> {
        let sink = OwnSink::opened(true, Some(Unreliable::wanting(8, 1)), Handle::current());
        let mut sink = sink.unwrap().unwrap();
        sink.call_timeout = Duration::from_millis(200);
        let word = |answer| match answer {
            Answer::Taken => "taken".to_owned(),
            Answer::Refused { why } => format!("refused: {why}"),
            Answer::Later { why, .. } => format!("later: {why}"),
            Answer::Failed { .. } => unreachable!("the double never says it"),
        };
        let events = ids.into_iter().map(|id| Arc::new(event(id))).collect();
        sink.deliver(events).await.into_iter().map(word).collect()
    }

    const REFUSED: &str = "refused: the mounted sink panicked";
    const LATE: &str = "later: the mounted sink did not answer within 0.2 s";

    #[tokio::test]
    async fn a_call_that_never_ends_is_given_up_and_its_events_come_later() {
        assert_eq!(answers([1, HANGS]).await, [LATE; 2]);
    }

    #[tokio::test]
    async fn an_event_that_is_panicked_on_alone_is_refused_and_those_beside_it_are_taken() {
        assert_eq!(answers([1, PANICS, 2]).await, ["taken", REFUSED, "taken"]);
        assert_eq!(answers([PANICS]).await, [REFUSED]);
        assert_eq!(answers([PANICS, 1, HANGS, 2]).await, [REFUSED, "taken", LATE, LATE]);
    }

    #[tokio::test]
    async fn too_few_answers_count_for_none_of_the_events() {
        let few = "later: the mounted sink gave 1 answers for 2 events";
        assert_eq!(answers([1, FORGETS]).await, [few; 2]);
    }

    #[tokio::test]
    async fn a_sink_that_was_not_named_or_wants_nothing_is_no_sink() {
        let opened = |is_named, sink| OwnSink::opened(is_named, sink, Handle::current());
        assert!(opened(false, None).unwrap().is_none());
        let said = [
            opened(true, None),
            opened(false, Some(Unreliable::wanting(1, 1))),
            opened(true, Some(Unreliable::wanting(0, 1))),
            opened(true, Some(Unreliable::wanting(1, 0))),
        ]
        .map(|opened| opened.unwrap_err().to_string());
        assert!(said[..2].iter().all(|said| said.contains("named a sink")), "{said:?}");
        assert!(said[2].contains("0 events in each of 1 calls"), "{said:?}");
        assert!(said[3].contains("1 events in each of 0 calls"), "{said:?}");
    }
}
