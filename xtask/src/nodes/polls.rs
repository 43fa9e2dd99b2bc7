//! Whether polls reach the store.
//!
//! Owns two samples of what Redis is asked while a sale stands still: without polls, and with as
//! many polls at all nodes as the machine can make. Polls are answered from each node's memory, so the
//! two must hardly differ: with polls, each node only tells the others from time to time who is still
//! waiting.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::json;

use super::{
    cluster::{Cluster, fresh},
    fault::Fault,
    http::{Client, Request},
    node::OPERATOR_KEY,
    probe::wait_for_sale,
    store::Store,
};
use crate::{failure::Failure, process, project::Project, step::Job};

/// What a sample is taken over.
const SAMPLE: Duration = Duration::from_secs(5);
/// For the line to be heard of everywhere and for polls to be under way.
const SETTLE: Duration = Duration::from_secs(2);
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// People in line, and pollers at each node.
const PLACES: u64 = 300;
const POLLERS: usize = 2;
/// Polls may add this many commands a second for each node, whatever their number.
const ADDED_PER_NODE_MAX: f64 = 5.0;
/// A measurement with fewer polls a second says nothing.
const POLLS_PER_SECOND_MIN: f64 = 500.0;

const SALE: &str = "standing";

/// The measurement.
#[derive(Debug)]
pub(crate) struct Polls {
    pub(crate) count: u32,
}

/// Commands a second, by name, and polls answered a second.
#[derive(Debug, Default)]
struct Sample {
    commands: BTreeMap<String, f64>,
    total: f64,
    polls: f64,
}

impl Job for Polls {
    fn name(&self) -> String {
        format!("what polls at {} nodes ask of Redis", self.count)
    }

    fn run(&self, project: &Project) -> Result<(), Failure> {
        let directory = fresh(project.target.join("crowd").join("polls"))?;
        let cluster = Cluster::start(project, self.count, Fault::None, &directory)?;
        let nodes = cluster.addresses();
        let tickets = stand(&nodes)?;
        thread::sleep(SETTLE);
        let store = |source| Failure::NotStarted { call: "INFO".to_owned(), source };
        let without = sample(&cluster.store, &AtomicU64::new(0)).map_err(store)?;
        let mut pollers = Pollers::start(&nodes, &tickets);
        thread::sleep(SETTLE);
        let with = sample(&cluster.store, &pollers.polled).map_err(store)?;
        let unanswered = pollers.finish();
        cluster.close().into_iter().collect::<Result<(), _>>()?;
        self.judge(&without, &with, unanswered)?;
        fs::remove_dir_all(&directory).map_err(|source| Failure::Disk { path: directory, source })
    }
}

impl Polls {
    fn judge(&self, without: &Sample, with: &Sample, unanswered: u64) -> Result<(), Failure> {
        for (name, sample) in [("without polls", without), ("with polls", with)] {
            println!(
                "{name}: {:.0} polls a second, {:.1} commands a second: {:.1?}",
                sample.polls, sample.total, sample.commands
            );
        }
        println!(
            "{}",
            json!({"nodes": self.count, "polls_per_second": with.polls,
                   "commands_per_second_without_polls": without.total,
                   "commands_per_second_with_polls": with.total,
                   "unanswered_polls": unanswered})
        );
        let (added, allowed) =
            (with.total - without.total, ADDED_PER_NODE_MAX * f64::from(self.count));
        if added <= allowed && with.polls >= POLLS_PER_SECOND_MIN && unanswered == 0 {
            return Ok(());
        }
        let what = format!(
            "{:.0} polls a second ({POLLS_PER_SECOND_MIN} are needed to tell), {unanswered} \
             unanswered, added {added:.1} commands a second; allowed are {allowed:.0}",
            with.polls
        );
        Err(Failure::Nodes { what })
    }
}

/// Threads that poll.
#[derive(Debug)]
struct Pollers {
    stop: Arc<AtomicBool>,
    /// Polls answered so far.
    polled: Arc<AtomicU64>,
    threads: Vec<JoinHandle<u64>>,
}

impl Pollers {
    fn start(nodes: &[SocketAddr], tickets: &Arc<Vec<String>>) -> Self {
        let (stop, polled) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let start = |node| {
            let (stop, polled) = (Arc::clone(&stop), Arc::clone(&polled));
            let tickets = Arc::clone(tickets);
            thread::spawn(move || poll(node, &tickets, &stop, &polled))
        };
        let threads = nodes.iter().flat_map(|node| [*node; POLLERS]).map(start).collect();
        Self { stop, polled, threads }
    }

    /// Ends them; how many polls were not answered.
    fn finish(&mut self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.threads.drain(..).map(|thread| thread.join().unwrap_or(1)).sum()
    }
}

impl Drop for Pollers {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Puts up a sale whose gate hardly moves, and people in its line; their tickets.
fn stand(nodes: &[SocketAddr]) -> Result<Arc<Vec<String>>, Failure> {
    let failed = |what: String| Failure::Nodes { what };
    let body = json!({
        "id": SALE, "title": "Standing", "admission_per_second": 0.001, "active_max": 1,
        "idle_seconds": 600,
        "offers": [{"sku": "unit", "total": 1, "price": 1000, "currency": "EUR"}],
    });
    let mut clients: Vec<Client> =
        nodes.iter().map(|node| Client::new(*node, ANSWER_MAX)).collect();
    let put = Request {
        bearer: OPERATOR_KEY,
        body: &body.to_string(),
        ..Request::post("/v1/admin/sales")
    };
    let answer = clients[0].ask(&put).map_err(|error| failed(error.to_string()))?;
    if answer.status != 201 {
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(failed(format!("the sale was answered {}: {told}", answer.status)));
    }
    let begun = process::now();
    let known = wait_for_sale(nodes, SALE, || Ok::<_, Failure>(begun.elapsed() >= ANSWER_MAX * 2))?;
    known.ok_or_else(|| failed("a node does not hear of the sale".to_owned()))?;
    let path = format!("/v1/sales/{SALE}/enter");
    let mut tickets = Vec::new();
    for (count, client) in (0..PLACES).zip((0..clients.len()).cycle()) {
        let key = format!("one-place-of-the-polls-{count}");
        let answer = clients[client].ask(&Request { key: &key, ..Request::post(&path) });
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let ticket = answer.text("ticket");
        tickets.push(
            ticket.ok_or_else(|| failed(format!("entering was answered {}", answer.status)))?,
        );
    }
    Ok(Arc::new(tickets))
}

/// Polls one place after the other until told to stop; how many were not answered.
fn poll(node: SocketAddr, tickets: &[String], stop: &AtomicBool, polled: &AtomicU64) -> u64 {
    let mut client = Client::new(node, ANSWER_MAX);
    let path = format!("/v1/sales/{SALE}/position");
    let mut wrong = 0;
    for ticket in tickets.iter().cycle() {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let answer = client.ask(&Request { bearer: ticket, ..Request::get(&path) });
        if answer.is_ok_and(|answer| answer.status == 200) {
            polled.fetch_add(1, Ordering::Relaxed);
        } else {
            wrong += 1;
        }
    }
    wrong
}

fn sample(store: &Store, polled: &AtomicU64) -> io::Result<Sample> {
    let (before, polls_before) =
        (calls(&store.info("commandstats")?), polled.load(Ordering::Relaxed));
    let begun = process::now();
    thread::sleep(SAMPLE);
    let polls = polled.load(Ordering::Relaxed) - polls_before;
    let (after, seconds) = (calls(&store.info("commandstats")?), begun.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = |count: u64| count as f64 / seconds;
    // Our own question is one of them.
    let commands = after
        .iter()
        .filter(|(name, _)| *name != "info")
        .map(|(name, count)| (name.clone(), rate(count - before.get(name).copied().unwrap_or(0))));
    let commands: BTreeMap<String, f64> = commands.filter(|(_, rate)| *rate > 0.0).collect();
    Ok(Sample { total: commands.values().sum(), commands, polls: rate(polls) })
}

/// Calls of each command so far.
fn calls(info: &str) -> BTreeMap<String, u64> {
    let lines = info.lines().filter_map(|line| line.trim().strip_prefix("cmdstat_"));
    let counted = lines.filter_map(|line| {
        let (name, figures) = line.split_once(':')?;
        let count = figures.split(',').find_map(|figure| figure.strip_prefix("calls="))?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_what_redis_says() {
        let info = "# Commandstats\r\ncmdstat_fcall:calls=120,usec=9,usec_per_call=0.1\r\n\
                    cmdstat_config|set:calls=1,usec=3\r\n";
        let expected = [("config|set".to_owned(), 1), ("fcall".to_owned(), 120)];
        assert_eq!(calls(info), BTreeMap::from(expected));
    }
}
