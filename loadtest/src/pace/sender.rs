//! The one thread of a fixed rate: it sends on time and reads in between.
//!
//! Owns the grid of moments and the loop over it. Sending comes first: answers are read only while
//! the next deadline is far enough, and between requests that are late already. There is no other
//! thread to wait for, no lock and nothing allocated on the way, so that between a moment and its
//! system call stands only the kernel's own delay.

use std::hint;
use std::io::Write as _;
use std::time::Duration;

use super::socket::{SLICE, Sockets};
use crate::clock::{Clock, Stamp};
use crate::measure::{Latency, Percentiles};
use crate::pacer;

/// The end of a wait is spun: shorter than reading a few answers or a sleep and its wake-up take,
/// and at 20,000 requests a second at most three tenths of one processor.
const SPIN: Duration = Duration::from_micros(15);
/// Longest sleep while a socket is wanted, or the last answers.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Requests that are sent late in a row before answers are read: they free the sockets.
const LATE_ROW_MAX: u64 = 4;

/// The bytes of each request, made before it is due.
#[derive(Debug)]
pub(super) enum Requests {
    /// Whole requests, in turn.
    Position(Vec<Vec<u8>>),
    /// Everything up to the part of the key that never repeats.
    Enter { head: Vec<u8>, request: Vec<u8> },
}

impl Requests {
    /// `GET path` with each of the tickets.
    pub(super) fn position(host: &str, path: &str, tickets: &[String]) -> Self {
        let request = |ticket: &String| {
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {ticket}\r\n\r\n")
        };
        Self::Position(tickets.iter().map(request).map(String::into_bytes).collect())
    }

    /// `POST path` with a key that begins with `key`.
    pub(super) fn enter(host: &str, path: &str, key: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nidempotency-key: {key}"
        );
        Self::Enter { head: head.into_bytes(), request: Vec::new() }
    }

    /// Request `index`.
    fn get(&mut self, index: u64) -> &[u8] {
        match self {
            Self::Position(all) => &all[usize::try_from(index).unwrap_or(usize::MAX) % all.len()],
            Self::Enter { head, request } => {
                request.clear();
                request.extend_from_slice(head);
                write!(request, "{index}\r\n\r\n").expect("a vector takes what it is given");
                request
            }
        }
    }
}

/// All it needs.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) clock: Clock,
    pub(super) begin: Stamp,
    pub(super) rate: u64,
    pub(super) count: u64,
    pub(super) requests: Requests,
    pub(super) sockets: Sockets,
    /// With no socket free for so long, the server is gone and sending stops. The last answers
    /// are waited for as long.
    pub(super) patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) requests: u64,
    /// Requests that found no socket free and left late for that.
    pub(super) waited_for_socket: u64,
    pub(super) schedule: Percentiles,
    pub(super) sockets: Sockets,
}

impl Sender {
    /// Sends everything, unless the server is gone, and reads the answers.
    pub(super) fn run(mut self) -> Sent {
        pacer::sharpen();
        let schedule = Latency::new(SLICE);
        let (mut sent, mut late_row, mut waited_for_socket) = (0, 0_u64, 0);
        while sent < self.count {
            let intended = self.intended(sent);
            if self.read_until(intended) {
                late_row = 0;
            } else {
                late_row += 1;
                if late_row % LATE_ROW_MAX == 0 {
                    self.sockets.attend(Duration::ZERO);
                }
            }
            let mut socket = self.sockets.take_free();
            if socket.is_none() {
                waited_for_socket += 1;
                socket = self.wait_for_socket();
            }
            let Some(socket) = socket else { break };
            schedule.record(intended, self.clock.now());
            self.sockets.write(socket, intended, self.requests.get(sent));
            sent += 1;
        }
        let deadline = self.clock.now().after(self.patience);
        while self.sockets.tally().outcomes() < sent && self.clock.now() < deadline {
            self.sockets.attend(LOOK_EVERY);
        }
        let schedule = schedule.percentiles();
        Sent { requests: sent, waited_for_socket, schedule, sockets: self.sockets }
    }

    /// When request `index` is meant to leave. From the index, so that no error adds up.
    fn intended(&self, index: u64) -> Stamp {
        let nanos = u128::from(index) * 1_000_000_000 / u128::from(self.rate);
        self.begin.after(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Reads answers until shortly before `moment`, and returns at it; false when it has passed.
    fn read_until(&mut self, moment: Stamp) -> bool {
        let mut in_time = false;
        loop {
            let left = moment.since(self.clock.now());
            if left.is_zero() {
                return in_time;
            }
            in_time = true;
            if left > SPIN {
                self.sockets.attend(left.saturating_sub(SPIN));
            } else {
                hint::spin_loop();
            }
        }
    }

    fn wait_for_socket(&mut self) -> Option<usize> {
        let deadline = self.clock.now().after(self.patience);
        while self.clock.now() < deadline {
            self.sockets.attend(LOOK_EVERY);
            if let Some(socket) = self.sockets.take_free() {
                return Some(socket);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_take_the_tickets_in_turn_and_keys_never_repeat() {
        let tickets = ["t0".to_owned(), "t1".to_owned()];
        let mut position = Requests::position("h", "/p", &tickets);
        let third = b"GET /p HTTP/1.1\r\nhost: h\r\nauthorization: Bearer t1\r\n\r\n";
        assert_eq!(position.get(3), third);
        let mut enter = Requests::enter("h", "/e", "k-");
        assert!(enter.get(12).ends_with(b"\r\nidempotency-key: k-12\r\n\r\n"));
        assert!(enter.get(3).ends_with(b"\r\nidempotency-key: k-3\r\n\r\n"));
    }
}
