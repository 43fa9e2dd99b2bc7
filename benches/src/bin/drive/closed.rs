//! The closed loop: each connection sends again when all it sent has been answered.

use std::{
    fs, io,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Options, Trouble,
    answer::{Answer, value_of},
    link::{Link, Scratch},
    poller::Poller,
    requests::Requests,
    tally::{Tally, now},
};

/// How long any answer may take: beyond it, something is broken.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Whose answer is shown: not the first shopper's, who finds an empty room and is let in.
const SHOWN: u64 = 1;

/// Sends until the time or the requests are over, and reports.
pub(crate) fn run(options: &Options, requests: &Requests) -> Result<Value, Trouble> {
    let mut poller = Poller::new()?;
    let mut links: Vec<Link> = (0..options.connections as usize).map(Link::new).collect();
    for link in &mut links {
        link.connect(options.address, &poller)
            .map_err(|error| format!("{}: {error}", options.address))?;
    }
    let mut round = Round::new(options, requests);
    let began = now();
    for link in &mut links {
        round.fill(link, began)?;
    }
    let (mut scratch, mut stirred) = (Scratch::new(), Vec::new());
    while round.unanswered > 0 {
        poller.wait(SILENCE_MAX, &mut stirred)?;
        if stirred.is_empty() {
            return Err(format!("no answer for {} s", SILENCE_MAX.as_secs()).into());
        }
        for stir in &stirred {
            let link = &mut links[stir.number];
            link.send()?;
            let answered = now();
            link.receive(stir.is_over, &mut scratch, |answer, bytes, sent| {
                round.count(answer, bytes, sent, answered);
            })?;
            round.fill(link, answered)?;
        }
    }
    if let Some(path) = &options.save_to {
        fs::write(path, &round.saved)?;
    }
    let mut report = round.tally.report();
    report["sent"] = json!(round.next);
    Ok(report)
}

/// What is to be sent yet, and what came back.
struct Round<'a> {
    requests: &'a Requests,
    depth: u64,
    next: u64,
    /// How many there are to be.
    last: u64,
    unanswered: u64,
    tally: Tally,
    /// What stands before a value to be saved.
    save: Option<Vec<u8>>,
    saved: Vec<u8>,
}

impl<'a> Round<'a> {
    fn new(options: &Options, requests: &'a Requests) -> Self {
        let tally = if options.requests.is_some() {
            Tally::new(now(), None)
        } else {
            let start = now() + Duration::from_secs_f64(options.warm_up);
            Tally::new(start, Some(start + Duration::from_secs_f64(options.seconds)))
        };
        Self {
            requests,
            depth: options.depth.into(),
            next: 0,
            last: options.requests.unwrap_or(u64::MAX),
            unanswered: 0,
            tally,
            save: options.save.as_ref().map(|field| format!("\"{field}\":\"").into_bytes()),
            saved: Vec::new(),
        }
    }

    /// Sends the next requests if the link has none unanswered and there are to be more.
    fn fill(&mut self, link: &mut Link, now: Instant) -> io::Result<()> {
        if !link.unanswered.is_empty() || self.tally.end.is_some_and(|end| now >= end) {
            return Ok(());
        }
        let more = self.depth.min(self.last - self.next);
        for serial in self.next..self.next + more {
            self.requests.write(serial, &mut link.out);
            link.unanswered.push_back(now);
        }
        self.next += more;
        self.unanswered += more;
        link.send()
    }

    fn count(&mut self, answer: Answer, bytes: &[u8], sent: Instant, answered: Instant) {
        self.unanswered -= 1;
        self.tally.note(answer.status);
        if let Some(value) = self.save.as_ref().and_then(|name| value_of(bytes, name)) {
            self.saved.extend_from_slice(value);
            self.saved.push(b'\n');
        }
        if self.tally.has(answered) {
            self.tally.count(answer, answered - sent, answered);
        }
    }
}

/// One request, its answer as it came.
pub(crate) fn show(options: &Options, requests: &Requests) -> Result<Vec<u8>, Trouble> {
    let mut poller = Poller::new()?;
    let mut link = Link::new(0);
    link.connect(options.address, &poller)?;
    requests.write(SHOWN, &mut link.out);
    link.unanswered.push_back(now());
    link.send()?;
    let (mut scratch, mut stirred, mut shown) = (Scratch::new(), Vec::new(), Vec::new());
    while shown.is_empty() {
        poller.wait(SILENCE_MAX, &mut stirred)?;
        let Some(stir) = stirred.first() else { return Err("no answer".into()) };
        link.receive(stir.is_over, &mut scratch, |_, bytes, _| shown.extend_from_slice(bytes))?;
    }
    Ok(shown)
}
