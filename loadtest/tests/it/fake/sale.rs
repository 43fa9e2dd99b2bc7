//! One sale in memory, under one lock: line, gate, stock, holds.
//!
//! Each fault is a single line where the honest server would do right.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Fault, Node, Reply, problem};

const HELD: &str = "held";

#[derive(Debug)]
struct Ticket {
    number: u64,
    left: bool,
    /// Polls so far: bots ask often.
    polls: u64,
}

#[derive(Debug)]
struct Hold {
    state: &'static str,
    units: u64,
    sku: String,
    expires: Instant,
}

/// Shoppers before the sale is full, where it is: as many as one calm second brings.
const FULL: usize = 20;

/// For how long the gate saves up its pace.
const SAVED: Duration = Duration::from_millis(250);

/// The sale.
#[derive(Debug)]
pub(crate) struct Sale {
    pub(crate) id: String,
    fault: Fault,
    sku: String,
    total: u64,
    available: u64,
    rate: f64,
    hold: Duration,
    opened: Instant,
    serving: u64,
    /// How the gate went, for nodes that are behind.
    course: Vec<(Instant, u64)>,
    /// What nodes have heard by deciding something themselves.
    caught_up: HashMap<usize, u64>,
    tickets: Vec<Ticket>,
    departed: BTreeSet<u64>,
    entry_keys: HashMap<String, usize>,
    holds: Vec<Hold>,
    purchase_keys: HashMap<String, Reply>,
}

impl Sale {
    pub(crate) fn new(fault: Fault, body: &Value) -> Self {
        let offer = &body["offers"][0];
        let total = offer["total"].as_u64().unwrap();
        Self {
            id: body["id"].as_str().unwrap().to_owned(),
            fault,
            sku: offer["sku"].as_str().unwrap().to_owned(),
            total,
            available: total,
            rate: body["admission_per_second"].as_f64().unwrap(),
            hold: Duration::from_secs(body["hold_seconds"].as_u64().unwrap()),
            opened: Instant::now(),
            serving: 0,
            course: Vec::new(),
            caught_up: HashMap::new(),
            tickets: Vec::new(),
            departed: BTreeSet::new(),
            entry_keys: HashMap::new(),
            holds: Vec::new(),
            purchase_keys: HashMap::new(),
        }
    }

    /// Lets time do its part: the gate moves, holds run out.
    pub(crate) fn advance(&mut self) {
        let now = Instant::now();
        let pace = if self.fault == Fault::TriplePace { 3.0 } else { 1.0 };
        let budget = Duration::from_secs(1).div_f64(self.rate * pace);
        let due = now.duration_since(self.opened).as_nanos() / budget.as_nanos();
        let due = u64::try_from(due).unwrap();
        let last = self.tickets.last().map_or(0, |ticket| ticket.number);
        // What nobody came for is saved up for no longer than the burst.
        let saved = u64::try_from(SAVED.as_nanos() / budget.as_nanos()).unwrap();
        let spare = due.saturating_sub(last + saved);
        self.opened += budget * u32::try_from(spare).unwrap();
        self.serving = self.serving.max((due - spare).min(last));
        if self.course.last().is_none_or(|(_, serving)| *serving < self.serving) {
            self.course.push((now, self.serving));
        }
        for hold in &mut self.holds {
            if hold.state == HELD && hold.expires <= now {
                hold.state = "expired";
                self.available += hold.units;
            }
        }
    }

    fn units(&self, state: &str) -> u64 {
        self.holds.iter().filter(|hold| hold.state == state).map(|hold| hold.units).sum()
    }

    pub(crate) fn statistics(&self) -> Reply {
        let offer = json!({
            "sku": self.sku, "total": self.total, "available": self.available,
            "held": self.units(HELD), "paying": self.units("paying"),
            "sold": self.units("confirmed"),
        });
        (200, json!({"sale": self.id, "offers": [offer]}))
    }

    pub(crate) fn rules(&self) -> Reply {
        let hold_seconds = self.hold.as_secs();
        (
            200,
            json!({"id": self.id, "admission_per_second": self.rate, "idle_seconds": 300,
                     "hold_seconds": hold_seconds, "claim_window_seconds": 60}),
        )
    }

    /// How far the gate has come, as far as `node` has heard.
    fn seen(&self, node: Node) -> u64 {
        let now = Instant::now();
        let heard = |(at, _): &(Instant, u64)| now.duration_since(*at) >= node.behind;
        let known = self.course.partition_point(heard);
        let known = known.checked_sub(1).map_or(0, |last| self.course[last].1);
        known.max(self.caught_up.get(&node.index).copied().unwrap_or(0))
    }

    pub(crate) fn status(&self, node: Node) -> Reply {
        let offer = json!({"sku": self.sku, "total": self.total, "available": self.available});
        (
            200,
            json!({"sale": self.id, "state": "open", "serving": self.seen(node), "offers": [offer]}),
        )
    }

    pub(crate) fn enter(&mut self, key: &str, node: Node) -> Reply {
        let known = self.entry_keys.get(key).copied();
        if self.fault == Fault::Full && known.is_none() && self.tickets.len() > FULL {
            return problem(503, "overloaded");
        }
        let index = known.filter(|_| self.fault != Fault::IgnoreEntryKeys).unwrap_or_else(|| {
            let index = self.tickets.len();
            let mut number = index as u64 + 1;
            if self.fault == Fault::DuplicateNumbers && index % 10 == 9 {
                number -= 1;
            }
            if self.fault == Fault::OwnNumbers {
                number = number * 4 + node.index as u64 * 400;
            }
            self.tickets.push(Ticket { number, left: false, polls: 0 });
            self.entry_keys.insert(key.to_owned(), index);
            index
        });
        // The node has heard of everything up to the entry, for that is its own.
        self.caught_up.insert(node.index, self.serving);
        let mut place = self.place(index, self.serving);
        place["ticket"] = json!(format!("t{index}"));
        (if place["state"] == "admitted" { 200 } else { 202 }, place)
    }

    fn place(&self, index: usize, serving: u64) -> Value {
        let number = self.tickets[index].number;
        let jumps = self.fault == Fault::JumpQueue && number.is_multiple_of(7);
        // Fifty polls within a run of a second or two is more than any person is asked for.
        let favoured = self.fault == Fault::FavourBots && self.tickets[index].polls > 50;
        let admitted = number <= serving || jumps || favoured;
        let sold_out = !admitted && self.units("confirmed") >= self.total;
        let state = match (admitted, sold_out) {
            (true, _) => "admitted",
            (false, true) => "sold_out",
            (false, false) => "waiting",
        };
        let ahead = serving + 1..number.max(serving + 1);
        let departed = self.departed.range(ahead).count() as u64;
        let position = (number - serving.min(number)).saturating_sub(departed);
        let ahead = u32::try_from(number - serving.min(number)).unwrap();
        let wait = f64::from(ahead) / self.rate;
        let wait = if self.fault == Fault::WrongEta { wait + 60.0 } else { wait };
        json!({
            "eta_seconds": (!admitted).then(|| json!({"min": (wait - 1.0).max(0.0), "max": wait + 1.0})),
            "sale": self.id, "state": state, "number": number,
            "position": if admitted { 0 } else { position.max(1) },
            "serving": serving, "line_length": self.tickets.len(), "poll_after_ms": if self.tickets.len() < 1000 { 60 } else { 1000 },
            "pass": admitted.then(|| format!("p{index}")),
        })
    }

    fn ticket(&mut self, token: &str) -> Result<usize, Reply> {
        let index = token.strip_prefix('t').and_then(|index| index.parse().ok());
        let index = index.filter(|&index: &usize| index < self.tickets.len());
        let forgets = self.fault == Fault::ForgetTickets && self.serving > 20;
        match index {
            Some(index) if forgets && index % 10 == 5 => Err(problem(401, "ticket_invalid")),
            Some(index) => Ok(index),
            None => Err(problem(401, "ticket_invalid")),
        }
    }

    pub(crate) fn position(&mut self, token: &str, node: Node) -> Reply {
        match self.ticket(token) {
            Ok(index) if self.tickets[index].left => problem(410, "ticket_left"),
            Ok(index) => {
                self.tickets[index].polls += 1;
                (200, self.place(index, self.seen(node)))
            }
            Err(refused) => refused,
        }
    }

    pub(crate) fn leave(&mut self, token: &str) -> Reply {
        match self.ticket(token) {
            Ok(index) => {
                self.tickets[index].left = true;
                self.departed.insert(self.tickets[index].number);
                (204, Value::Null)
            }
            Err(refused) => refused,
        }
    }

    pub(crate) fn purchase(&mut self, pass: &str, key: &str, body: &Value) -> Reply {
        if !pass.starts_with('p') && self.fault != Fault::SellWithoutPass {
            return problem(401, "pass_invalid");
        }
        if let Some(reply) = self.purchase_keys.get(key) {
            return reply.clone();
        }
        let units = body["items"][0]["quantity"].as_u64().unwrap();
        let sells = units <= self.available;
        let reply = if sells || self.fault == Fault::Oversell {
            self.available = self.available.saturating_sub(units);
            let expires = Instant::now() + self.hold;
            let sku = body["items"][0]["sku"].as_str().unwrap().to_owned();
            self.holds.push(Hold { state: HELD, units, sku, expires });
            (201, self.purchase_object(self.holds.len() - 1))
        } else {
            problem(409, "sold_out")
        };
        self.purchase_keys.insert(key.to_owned(), reply.clone());
        reply
    }

    fn purchase_object(&self, index: usize) -> Value {
        let hold = &self.holds[index];
        let items = json!([{"sku": hold.sku, "quantity": hold.units}]);
        json!({"purchase": format!("h{index}"), "sale": self.id, "state": hold.state,
               "items": items, "amount": hold.units, "currency": "KRW"})
    }

    fn hold(&self, id: &str) -> Option<usize> {
        id.strip_prefix('h')?.parse().ok().filter(|&index: &usize| index < self.holds.len())
    }

    pub(crate) fn read(&self, id: &str) -> Reply {
        match self.hold(id) {
            Some(index) if self.fault == Fault::ForgetPurchases && index % 10 == 5 => {
                problem(404, "purchase_unknown")
            }
            Some(index) => (200, self.purchase_object(index)),
            None => problem(404, "purchase_unknown"),
        }
    }

    pub(crate) fn change(&mut self, id: &str, verb: &str) -> Reply {
        let Some(index) = self.hold(id) else { return problem(404, "purchase_unknown") };
        let from = self.holds[index].state;
        let target = match (verb, from) {
            ("pay", HELD | "paying") => "paying",
            ("confirm", "paying" | "confirmed") => "confirmed",
            ("release", HELD | "paying" | "released") => "released",
            _ => return problem(409, "wrong_state"),
        };
        if target == "released" && from != target && self.fault != Fault::LoseReleasedUnits {
            self.available += self.holds[index].units;
        }
        self.holds[index].state = target;
        (200, self.purchase_object(index))
    }
}
