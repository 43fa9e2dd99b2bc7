//! The delivery worker: one loop that receives, shows to the sink, waits, and acknowledges.
//!
//! Everything it decides is in the [`Book`] and the [`Throttle`]; this file moves events between them,
//! the sink and the engine. All state belongs to the loop; tasks only carry values back to it.
//!
//! The engine's words are never taken as given: an acknowledgement it is too busy for is repeated
//! until it is journaled, and the events concerned stay in hand until then, which bounds them.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, Failure,
    id::{EventId, SaleTag},
    limits::OUTLET_EVENTS_MAX,
    outbox::{OrderEvent, SinkSet},
    outlet::{Offer, Offers},
    sink::{Answer, Capacity, Sink},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

use super::{
    book::Book,
    options::Options,
    payload,
    status::Shared,
    throttle::{ASKED_PAUSE_MAX, Throttle},
};

/// How often the channel, the due times and the stop flag are looked at when nothing else happens:
/// a fifth of the scribe's tick, so that an order never waits for this rather than for that.
const LOOK: Duration = Duration::from_millis(10);

/// How long an engine that is too busy to note something is left alone: a few of its batches.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// Moves events from the engine to the sink.
#[derive(Debug)]
pub(super) struct DeliveryWorker {
    offers: Offers,
    engine: Engine,
    sink: Arc<dyn Sink>,
    capacity: Capacity,
    options: Options,
    shared: Arc<Shared>,
    book: Book,
    throttle: Throttle,
    tasks: JoinSet<Done>,
    /// Calls of the sink under way.
    batches: usize,
    /// No call before this: the sink wants a pause.
    show_from: Instant,
    /// Acknowledgements under way, one for each sale: others come after all of them, so that they
    /// grow under load.
    acknowledging: usize,
    /// No acknowledgement before this: the engine was busy.
    acknowledge_from: Instant,
    /// The engine decides nothing any more.
    engine_stopped: bool,
}

/// What a task came back with.
#[derive(Debug)]
enum Done {
    /// The sink answered, or did not.
    Shown { round: u64, events: Vec<Arc<OrderEvent>>, answers: Vec<Answer> },
    /// The engine noted an acknowledgement, or did not.
    Acknowledged(SaleTag, Vec<EventId>, Result<(), Failure<()>>),
    /// The engine noted a dead letter; false: it has stopped.
    DeadLettered(Arc<OrderEvent>, bool),
}

impl DeliveryWorker {
    pub(super) fn new(
        offers: Offers,
        engine: Engine,
        sink: Arc<dyn Sink>,
        options: Options,
        shared: Arc<Shared>,
    ) -> Self {
        let capacity = sink.capacity();
        assert!(capacity.batch_events_max > 0, "a sink takes at least one event at once");
        assert!(capacity.batches_max > 0, "a sink takes at least one call at once");
        Self {
            offers,
            engine,
            sink,
            capacity,
            options,
            shared,
            book: Book::default(),
            throttle: Throttle::default(),
            tasks: JoinSet::new(),
            batches: 0,
            show_from: Instant::now(),
            acknowledging: 0,
            acknowledge_from: Instant::now(),
            engine_stopped: false,
        }
    }

    /// Delivers until it is told to stop, or the engine has stopped.
    pub(super) async fn run(mut self) {
        while !self.shared.is_stopping() && !self.engine_stopped {
            self.receive();
            self.show();
            self.acknowledge();
            self.wait().await;
        }
        let grace = self.options.grace;
        if timeout(grace, self.finish()).await.is_err() {
            let sink = self.offers.by.sink;
            warn!(%sink, "orders under way did not finish in time; they are delivered again");
        }
    }

    /// Lets what is under way come to its end, and acknowledges it.
    async fn finish(&mut self) {
        while !self.engine_stopped && (!self.tasks.is_empty() || !self.book.is_settled()) {
            self.acknowledge();
            self.wait().await;
        }
    }

    fn receive(&mut self) {
        let (engine, by) = (&self.engine, &self.offers.by);
        while self.book.has_room()
            && let Ok(offer) = self.offers.queue.try_recv()
        {
            match offer {
                Offer::Show(event) => self.book.receive(event, |event| is_dead(engine, by, event)),
                Offer::Leave(sale, event) => self.book.receive_taken((sale, event)),
                Offer::StartOver(sale) => self.book.start_over(sale),
            }
        }
    }

    fn show(&mut self) {
        let now = Instant::now();
        while now >= self.show_from
            && self.batches < self.throttle.batches(now, self.capacity.batches_max)
        {
            // One event is enough to find out whether a sink is back.
            let events_max =
                if self.throttle.is_stalled() { 1 } else { self.capacity.batch_events_max };
            let events = self.book.next_batch(events_max, now);
            if events.is_empty() {
                return;
            }
            self.batches += 1;
            self.show_from = now + self.capacity.pause;
            let (sink, round) = (Arc::clone(&self.sink), self.throttle.round());
            self.tasks.spawn(async move {
                let answers = sink.deliver(events.clone()).await;
                Done::Shown { round, events, answers }
            });
        }
    }

    fn acknowledge(&mut self) {
        let is_free = self.acknowledging == 0 && Instant::now() >= self.acknowledge_from;
        if !is_free || self.book.is_settled() {
            return;
        }
        for (sale, events) in self.book.take_taken(OUTLET_EVENTS_MAX) {
            self.acknowledging += 1;
            let (engine, by) = (self.engine.clone(), self.offers.by.clone());
            self.tasks.spawn(async move {
                let noted = engine.delivered(sale, by, events.clone()).await;
                Done::Acknowledged(sale, events, noted)
            });
        }
    }

    /// Waits for a task, or for the next look at everything else.
    async fn wait(&mut self) {
        let mut next = tokio::select! {
            Some(done) = self.tasks.join_next() => Some(done),
            () = sleep(LOOK) => None,
        };
        while let Some(done) = next {
            match done {
                Ok(done) => self.note(done),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
            next = self.tasks.try_join_next();
        }
    }

    fn note(&mut self, done: Done) {
        match done {
            Done::Shown { round, events, answers } => {
                self.batches -= 1;
                assert_eq!(events.len(), answers.len(), "a sink answers for each event");
                for (event, answer) in events.into_iter().zip(answers) {
                    self.note_answer(round, event, answer);
                }
            }
            Done::Acknowledged(sale, events, noted) => {
                self.acknowledging -= 1;
                match noted {
                    Ok(()) | Err(Failure::Refused(())) => self.book.acknowledged(sale, &events),
                    Err(Failure::Busy(_) | Failure::Unavailable) => {
                        self.book.not_acknowledged(sale, events);
                        self.acknowledge_from = Instant::now() + BUSY_PAUSE;
                    }
                    Err(Failure::Stopped) => self.engine_stopped = true,
                }
            }
            Done::DeadLettered(_, false) => self.engine_stopped = true,
            Done::DeadLettered(event, true) => {
                Shared::count(&self.shared.dead_lettered);
                let (engine, by) = (&self.engine, &self.offers.by);
                self.book.dead_lettered(&event, |event| is_dead(engine, by, event));
            }
        }
    }

    fn note_answer(&mut self, round: u64, event: Arc<OrderEvent>, answer: Answer) {
        match answer {
            Answer::Taken => {
                self.flows();
                Shared::count(&self.shared.taken);
                self.book.taken(&event);
            }
            Answer::Refused { why } => {
                self.flows();
                Shared::count(&self.shared.refused);
                self.shared.trouble(why.clone());
                let refusals = self.book.refused(&event);
                if refusals >= self.options.attempts_max {
                    let (event_id, by) = (payload::unique_id(&event), self.offers.by.clone());
                    error!(event_id, sink = %by.sink, why, "the order sink will not have this event");
                    self.tasks.spawn(dead_letter(self.engine.clone(), by, event, why));
                } else {
                    let delay = self.options.backoff.delay(refusals, chance());
                    self.book.wait(&event, Instant::now() + delay);
                }
            }
            Answer::Failed { why, after } => {
                self.flows();
                self.delay(&event, why, after);
            }
            Answer::Later { why, after } => {
                self.note_stall(round, &why, after);
                self.delay(&event, why, after);
            }
        }
    }

    /// The sink as a whole takes nothing: all events pause.
    fn note_stall(&mut self, round: u64, why: &str, after: Option<Duration>) {
        let (now, backoff) = (Instant::now(), self.options.backoff);
        let was_stalled = self.throttle.is_stalled();
        self.throttle.stalled(round, now, after, |stalls| backoff.delay(stalls, chance()));
        // A late failure of a round that was answered since is news of the event only.
        if self.throttle.is_stalled() && !was_stalled {
            let sink = self.offers.by.sink;
            warn!(%sink, why, "the order sink does not accept events; trying again until it does");
            self.shared.set_stalled(true);
        }
    }

    /// Keeps one event back until its next try, at least as long as the sink asked for.
    fn delay(&mut self, event: &OrderEvent, why: String, after: Option<Duration>) {
        Shared::count(&self.shared.delayed);
        self.shared.trouble(why);
        let delays = self.book.delayed(event);
        let asked = after.unwrap_or(Duration::ZERO).min(ASKED_PAUSE_MAX);
        let wait = self.options.backoff.delay(delays, chance()).max(asked);
        self.book.wait(event, Instant::now() + wait);
    }

    fn flows(&mut self) {
        if self.throttle.is_stalled() {
            info!(sink = %self.offers.by.sink, "the order sink answers again");
            self.shared.set_stalled(false);
        }
        self.throttle.flows();
    }
}

/// Tells the engine that an event is dead, until it has noted it.
async fn dead_letter(engine: Engine, by: SinkSet, event: Arc<OrderEvent>, why: String) -> Done {
    loop {
        match engine.dead_letter(event.sale.tag(), by.clone(), event.id, why.clone()).await {
            Ok(()) | Err(Failure::Refused(())) => return Done::DeadLettered(event, true),
            Err(Failure::Busy(_) | Failure::Unavailable) => sleep(BUSY_PAUSE).await,
            Err(Failure::Stopped) => return Done::DeadLettered(event, false),
        }
    }
}

/// Whether the engine lists an event among the dead letters of the sink.
fn is_dead(engine: &Engine, by: &SinkSet, event: &OrderEvent) -> bool {
    engine.dead_letters().has(&event.sale, event.id, by.sink)
}

/// Spreads waits; which waits are drawn changes nothing but time.
fn chance() -> u64 {
    getrandom::u64().unwrap_or(0)
}
