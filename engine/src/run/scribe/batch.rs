//! A batch between decision and answer, in the parts that the journal takes it in.

use super::request::{Answer, Request};
use crate::{arbiter::Decided, codec::Binary as _, commit::WakeUp};

/// Bytes after which a batch goes on in another part of the journal.
const PART_BYTES: usize = 1024 * 1024;

/// A batch between decision and answer.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub decided: Decided,
    /// The facts' byte form.
    payload: Vec<u8>,
    /// What the journal takes at once, in their order.
    parts: Vec<Part>,
    /// How many of them are durable.
    pub written: usize,
    pub requests: Vec<Request>,
    /// Waiters that have their answers and must be woken.
    pub wake_ups: Vec<WakeUp<Answer>>,
}

/// A part of a batch's payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub records: u32,
    /// Where it ends in the payload.
    end: usize,
}

impl Batch {
    /// Writes the facts' byte form. What one process decides is one part; what a node of many has to
    /// catch up on may be several.
    pub(super) fn encode(&mut self) {
        self.payload.clear();
        self.parts.clear();
        self.written = 0;
        let (mut start, mut records) = (0, 0);
        for record in &self.decided.records {
            let end = self.payload.len();
            if end - start >= PART_BYTES && record.begins_part() {
                self.parts.push(Part { records, end });
                (start, records) = (end, 0);
            }
            record.encode(&mut self.payload);
            records += 1;
        }
        if records > 0 {
            self.parts.push(Part { records, end: self.payload.len() });
        }
    }

    /// The next part to be written, and its bytes.
    pub(super) fn next_part(&self) -> Option<(Part, &[u8])> {
        let part = *self.parts.get(self.written)?;
        let start = self.written.checked_sub(1).map_or(0, |before| self.parts[before].end);
        Some((part, &self.payload[start..part.end]))
    }
}
