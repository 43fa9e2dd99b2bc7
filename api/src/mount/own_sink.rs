//! A guest's sink, called where the guest lives.

use std::sync::Arc;

use engine::outbox::OrderEvent;
use engine::sink::{Answer, Answers, Capacity, Sink, plain_words};
use tokio::runtime::Handle;

/// Calls the sink on the mount's runtime: a connection to a database belongs to the runtime that made it,
/// and a panic of the sink, or answers that are too few, end one call.
#[derive(Debug)]
pub(super) struct OwnSink {
    sink: Arc<dyn Sink>,
    runtime: Handle,
}

impl OwnSink {
    pub(super) fn new(sink: Arc<dyn Sink>, runtime: Handle) -> Self {
        Self { sink, runtime }
    }
}

impl Sink for OwnSink {
    fn capacity(&self) -> Capacity {
        self.sink.capacity()
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        let (sink, count) = (Arc::clone(&self.sink), events.len());
        let call = self.runtime.spawn(async move { sink.deliver(events).await });
        Box::pin(async move {
            let fault = match call.await {
                Ok(answers) if answers.len() == count => return answers,
                Ok(answers) => format!("gave {} answers for {count} events", answers.len()),
                Err(gone) => format!("did not answer: {gone}"),
            };
            let why = plain_words(&format!("the mounted sink {fault}"));
            vec![Answer::Later { why, after: None }; count]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::tests::event;

    /// Answers for so many events, or panics.
    #[derive(Debug)]
    struct Faulty(Option<usize>);

    impl Sink for Faulty {
        fn capacity(&self) -> Capacity {
            let pause = std::time::Duration::ZERO;
            Capacity { batch_events_max: 8, batches_max: 1, pause }
        }

        fn deliver(&self, _: Vec<Arc<OrderEvent>>) -> Answers<'_> {
            Box::pin(async { vec![Answer::Taken; self.0.expect("a fault of the sink's")] })
        }
    }

    #[tokio::test]
    async fn a_sink_that_panics_or_answers_for_too_few_is_shown_the_events_again() {
        for (answers, why) in [
            (None, "the mounted sink did not answer: task"),
            (Some(1), "the mounted sink gave 1 answers for 2 events"),
        ] {
            let own = OwnSink::new(Arc::new(Faulty(answers)), Handle::current());
            let told = own.deliver(vec![Arc::new(event(1)), Arc::new(event(2))]).await;
            let is_later = |answer: &Answer| matches!(answer, Answer::Later { why: said, .. } if said.starts_with(why));
            assert!(told.len() == 2 && told.iter().all(is_later), "{told:?}");
        }
        let own = OwnSink::new(Arc::new(Faulty(Some(1))), Handle::current());
        let told = own.deliver(vec![Arc::new(event(1))]).await;
        assert_eq!(told, [Answer::Taken]);
    }
}
