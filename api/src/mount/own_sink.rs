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
