//! What requests are made of.
//!
//! Invariant: a serial gives the same bytes whenever it is written.

use std::{fs, io::Write as _};

use crate::{Options, Trouble};

/// Steps through the lines so that neighbours in the file are not asked for together. A prime, so
/// that every line comes once before one comes again, unless there are a multiple of it.
const STRIDE: u64 = 1_000_003;

/// A template, taken apart.
#[derive(Debug)]
pub(crate) struct Requests {
    parts: Vec<Part>,
    lines: Vec<Vec<u8>>,
    serial_from: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    Line,
    Serial,
}

impl Requests {
    pub(crate) fn read(options: &Options) -> Result<Self, Trouble> {
        let parts = parts(&fs::read_to_string(&options.template)?);
        let lines = match &options.lines {
            Some(path) => fs::read_to_string(path)?.lines().map(Into::into).collect(),
            None => Vec::new(),
        };
        if parts.contains(&Part::Line) && lines.is_empty() {
            return Err("the template asks for lines and there are none".into());
        }
        Ok(Self { parts, lines, serial_from: options.serial_from })
    }

    /// Appends the request of this serial.
    pub(crate) fn write(&self, serial: u64, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Line => {
                    let at = serial.wrapping_mul(STRIDE) % self.lines.len() as u64;
                    out.extend_from_slice(&self.lines[usize::try_from(at).unwrap_or(0)]);
                }
                Part::Serial => {
                    // Writing to memory cannot fail.
                    drop(write!(out, "{:016x}", self.serial_from + serial));
                }
            }
        }
    }
}

fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        parts.push(Part::Bytes(before.into()));
        if let Some(after) = from.strip_prefix("{line}") {
            parts.push(Part::Line);
            rest = after;
        } else if let Some(after) = from.strip_prefix("{serial}") {
            parts.push(Part::Serial);
            rest = after;
        } else {
            parts.push(Part::Bytes(b"{".to_vec()));
            rest = &from[1..];
        }
    }
    parts.push(Part::Bytes(rest.into()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_serials_take_their_places() {
        let lines = vec![b"one".to_vec(), b"two".to_vec()];
        let requests = Requests { parts: parts("{\"a\":{line}/{serial}}"), lines, serial_from: 16 };
        let written = |serial| {
            let mut out = Vec::new();
            requests.write(serial, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(0), "{\"a\":one/0000000000000010}");
        assert_eq!(written(1), "{\"a\":two/0000000000000011}");
        assert_eq!(written(2), "{\"a\":one/0000000000000012}");
    }
}
