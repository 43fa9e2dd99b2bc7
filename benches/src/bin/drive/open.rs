//! The open loop: requests become due whatever the server does.
//!
//! When a request becomes due, it takes the free connection that was used last. If no connection is
//! free, it waits for one, the newest request first, as in a crowd where all have browsers of their
//! own. It is timed from the moment it was due. If it was never sent by its deadline, it is *lost*. If
//! it was sent, it is *late*: its connection is closed, and the next request reconnects. Nothing is
//! sent twice.
//!
//! Invariant: every request ends as answered, lost, late or broken.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    Options, Trouble,
    answer::Answer,
    arrivals::Arrivals,
    link::{Link, Scratch},
    poller::{Poller, Stir},
    requests::Requests,
    tally::{Tally, now},
};

/// Between two looks for requests past their deadline.
const SWEEP: Duration = Duration::from_millis(10);

/// Sends what is due until the time is over, waits for the last deadline, and reports. What has not
/// been sent by the end is lost: a crowd that stops must not be helped by the quiet behind it.
pub(crate) fn run(options: &Options, requests: &Requests, rate: f64) -> Result<Value, Trouble> {
    if !(rate.is_finite() && rate > 0.0 && options.deadline > 0.0) {
        return Err("--rate and --deadline must be above 0".into());
    }
    let mut crowd = Crowd::new(options, requests)?;
    let mut arrivals = Arrivals::new(rate, options.spread, options.seed);
    let begun = crowd.begun;
    let end = crowd.tally.end.unwrap_or(begun);
    let mut due = begun + arrivals.next_due();
    let mut sweep = begun;
    let mut is_over = false;
    let mut stirred = Vec::new();
    loop {
        let at = now();
        while due <= at && due < end {
            crowd.arrive(due);
            due = begun + arrivals.next_due();
        }
        if at >= sweep {
            crowd.give_up(at);
            sweep = at + SWEEP;
        }
        if !is_over {
            crowd.send(at)?;
        }
        if at >= end && !is_over {
            is_over = true;
            crowd.lose_the_waiting();
        }
        if is_over && crowd.open == 0 {
            return Ok(crowd.report());
        }
        let until = if due < end { sweep.min(due) } else { sweep };
        crowd.poller.wait(until.saturating_duration_since(now()), &mut stirred)?;
        for &stir in &stirred {
            crowd.hear(stir);
        }
    }
}

struct Crowd<'a> {
    /// When the schedule starts; the span that counts starts after the warm-up.
    begun: Instant,
    options: &'a Options,
    requests: &'a Requests,
    poller: Poller,
    links: Vec<Link>,
    /// Links with nothing unanswered.
    free: Vec<usize>,
    /// Due and not sent, the oldest first.
    waiting: VecDeque<Instant>,
    /// Requests of which nothing is known yet.
    open: u64,
    deadline: Duration,
    next: u64,
    scratch: Scratch,
    tally: Tally,
    counts: Counts,
}

/// Requests that became due within the span.
#[derive(Debug)]
struct Counts {
    offered: u64,
    sent: u64,
    /// Answered with 2xx before the deadline.
    good: u64,
    lost: u64,
    late: u64,
    broken: u64,
    /// `good` by the second in which they were due.
    good_each_second: Vec<u64>,
    /// Microseconds from due to sent.
    delays: Histogram<u64>,
}

impl<'a> Crowd<'a> {
    fn new(options: &'a Options, requests: &'a Requests) -> Result<Self, Trouble> {
        let poller = Poller::new()?;
        let mut links: Vec<Link> = (0..options.connections as usize).map(Link::new).collect();
        for link in &mut links {
            link.connect(options.address, &poller)
                .map_err(|error| format!("{}: {error}", options.address))?;
        }
        let begun = now();
        let start = begun + Duration::from_secs_f64(options.warm_up);
        let end = start + Duration::from_secs_f64(options.seconds);
        let counts = Counts {
            offered: 0,
            sent: 0,
            good: 0,
            lost: 0,
            late: 0,
            broken: 0,
            good_each_second: Vec::new(),
            delays: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        };
        Ok(Self {
            begun,
            options,
            requests,
            poller,
            free: (0..links.len()).collect(),
            links,
            waiting: VecDeque::new(),
            open: 0,
            deadline: Duration::from_secs_f64(options.deadline),
            next: 0,
            scratch: Scratch::new(),
            tally: Tally::new(start, Some(end)),
            counts,
        })
    }

    fn arrive(&mut self, due: Instant) {
        self.open += 1;
        self.counts.offered += u64::from(self.tally.has(due));
        self.waiting.push_back(due);
    }

    /// Sends the newest that wait over the links that are free.
    fn send(&mut self, at: Instant) -> Result<(), Trouble> {
        while !self.waiting.is_empty() {
            let Some(number) = self.free.pop() else { break };
            let Some(due) = self.waiting.pop_back() else { break };
            if self.tally.has(due) {
                self.counts.sent += 1;
                let micros = at.saturating_duration_since(due).as_micros();
                self.counts.delays.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX));
            }
            let link = &mut self.links[number];
            if !link.is_connected() {
                // No descriptor or port is our own trouble: the run would measure that.
                link.begin_connect(self.options.address, &self.poller)?;
            }
            self.requests.write(self.next, &mut link.out);
            self.next += 1;
            link.unanswered.push_back(due);
            if link.send().is_err() {
                self.hang_up(number, Outcome::Broken);
            }
        }
        Ok(())
    }

    /// Ends whatever has not been sent.
    fn lose_the_waiting(&mut self) {
        while let Some(due) = self.waiting.pop_front() {
            self.end(due, Outcome::Lost);
        }
    }

    /// Ends what is past its deadline.
    fn give_up(&mut self, at: Instant) {
        let over = |due: Instant, deadline| at.saturating_duration_since(due) >= deadline;
        while self.waiting.front().is_some_and(|&due| over(due, self.deadline)) {
            let due = self.waiting.pop_front();
            if let Some(due) = due {
                self.end(due, Outcome::Lost);
            }
        }
        for number in 0..self.links.len() {
            let oldest = self.links[number].unanswered.front();
            if oldest.is_some_and(|&due| over(due, self.deadline)) {
                self.hang_up(number, Outcome::Late);
            }
        }
    }

    /// Reads what a link has to say.
    fn hear(&mut self, stir: Stir) {
        let link = &mut self.links[stir.number];
        let was_busy = !link.unanswered.is_empty();
        let mut heard = None;
        let outcome = link.send().and_then(|()| {
            link.receive(stir.is_over, &mut self.scratch, |answer, _, due| {
                heard = Some((answer, due));
            })
        });
        let is_busy = !link.unanswered.is_empty();
        if let Some((answer, due)) = heard {
            self.end(due, Outcome::Answered(answer, now()));
        }
        match outcome {
            Err(_) if is_busy => self.hang_up(stir.number, Outcome::Broken),
            Err(_) => self.links[stir.number].close(),
            Ok(()) => {}
        }
        if was_busy && !is_busy {
            self.free.push(stir.number);
        }
    }

    /// Closes a link with an unanswered request; it is free for the next.
    fn hang_up(&mut self, number: usize, outcome: Outcome) {
        let due = self.links[number].unanswered.pop_front();
        if let Some(due) = due {
            self.end(due, outcome);
        }
        self.links[number].close();
        self.free.push(number);
    }

    /// Notes what became of a request.
    fn end(&mut self, due: Instant, outcome: Outcome) {
        self.open -= 1;
        if let Outcome::Answered(answer, _) = outcome {
            self.tally.note(answer.status);
        }
        if !self.tally.has(due) {
            return;
        }
        match outcome {
            Outcome::Answered(answer, at) => {
                let took = at.saturating_duration_since(due);
                let is_good = answer.is_good() && took < self.deadline;
                // What was not done counts as the slowest there can be: a quick refusal must not
                // better the percentiles.
                self.tally.count(answer, if is_good { took } else { self.deadline }, at);
                if is_good {
                    self.counts.good(due - self.tally.start);
                }
                return;
            }
            Outcome::Lost => self.counts.lost += 1,
            Outcome::Late => self.counts.late += 1,
            Outcome::Broken => self.counts.broken += 1,
        }
        self.tally.time(self.deadline);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of minutes, far below 2^53")]
    fn report(&self) -> Value {
        let (mut report, counts, seconds) =
            (self.tally.report(), &self.counts, self.tally.seconds());
        report["offered"] = json!(counts.offered);
        report["offered_rps"] = json!(counts.offered as f64 / seconds);
        report["sent"] = json!(counts.sent);
        report["sent_rps"] = json!(counts.sent as f64 / seconds);
        report["good"] = json!(counts.good);
        report["good_rps"] = json!(counts.good as f64 / seconds);
        report["lost"] = json!(counts.lost);
        report["late"] = json!(counts.late);
        report["broken"] = json!(counts.broken);
        report["good_each_second"] = json!(counts.good_each_second);
        report["sent_late_p99_us"] = json!(counts.delays.value_at_quantile(0.99));
        report
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Answered(Answer, Instant),
    Lost,
    Late,
    Broken,
}

impl Counts {
    fn good(&mut self, due: Duration) {
        self.good += 1;
        let second = usize::try_from(due.as_secs()).unwrap_or(usize::MAX);
        if self.good_each_second.len() <= second {
            self.good_each_second.resize(second + 1, 0);
        }
        self.good_each_second[second] += 1;
    }
}
