//! The engine's `position` alone: nanoseconds a call, by the length of the line; prints JSON.
//!
//! In each line every tenth has departed and the first hundredth was called. Every answer that is
//! measured is checked: their sum must be the one that counting gives, and a sample is compared one
//! by one before.

#![forbid(unsafe_code)]

use std::{hint::black_box, io::Write as _, process::ExitCode};

use benches::{Rng, now};
use clap::Parser;
use engine::{
    clock::Millis,
    id::Number,
    line::{LineWriter, PlaceState},
};
use serde_json::json;

const SEED: u64 = 1;
const NOW: Millis = Millis(1_000);
/// Answers compared one by one.
const COMPARED: u64 = 100_000;
/// Numbers asked for again and again: more than any cache line keeps, few enough to be made before.
const ASKED: u64 = 1 << 20;

#[derive(Debug, Parser)]
#[command(about = "Nanoseconds a position takes, by the length of the line")]
struct Options {
    /// Lengths of lines.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000, 10_000_000])]
    lengths: Vec<u64>,
    /// Calls for each length.
    #[arg(long, default_value_t = 20_000_000)]
    calls: u64,
    /// Times to measure each length, in turns.
    #[arg(long, default_value_t = 5)]
    turns: usize,
}

/// A line and where people in it must be told to stand.
struct Known {
    length: u64,
    line: LineWriter,
    asked: Vec<Number>,
    /// The sum of the answers to `asked`.
    sum: u64,
    nanoseconds: Vec<f64>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "position: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut lines = Vec::new();
    for &length in &options.lengths {
        lines.push(Known::new(length)?);
    }
    let rounds = options.calls.div_ceil(ASKED);
    for _ in 0..options.turns {
        for line in &mut lines {
            line.measure(rounds)?;
        }
    }
    let report = lines.iter().map(
        |line| json!({ "length": line.length, "calls": rounds * ASKED, "ns": line.nanoseconds }),
    );
    writeln!(std::io::stdout(), "{}", json!({ "lines": report.collect::<Vec<_>>() }))?;
    Ok(())
}

impl Known {
    fn new(length: u64) -> Result<Self, String> {
        if length == 0 {
            return Err("a line has at least one in it".to_owned());
        }
        let mut rng = Rng::new(SEED);
        let mut line = LineWriter::new(Millis(0));
        line.issue_through(Number(length), NOW);
        let called = length / 100;
        line.call_through(Number(called), called);
        let is_gone: Vec<bool> =
            (1..=length).map(|number| number > called && rng.up_to(10) == 1).collect();
        let gone = (1..=length).zip(&is_gone).filter(|(_, gone)| **gone);
        let gone: Vec<Number> = gone.map(|(number, _)| Number(number)).collect();
        line.depart_many(&gone, PlaceState::Left, NOW);
        let mut gone_before = 0;
        let expected: Vec<u64> = (1..=length)
            .zip(&is_gone)
            .map(|(number, &is_gone)| {
                let ahead = (number - 1).saturating_sub(gone_before + called);
                gone_before += u64::from(is_gone);
                ahead
            })
            .collect();
        let of = |number: Number| expected[usize::try_from(number.0 - 1).unwrap_or(usize::MAX)];
        for _ in 0..COMPARED {
            let number = Number(rng.up_to(length));
            let (told, counted) = (line.ahead(number), of(number));
            if told != counted {
                let number = number.0;
                return Err(format!("{told} ahead of {number} of {length}, counted {counted}"));
            }
        }
        let asked: Vec<Number> = (0..ASKED).map(|_| Number(rng.up_to(length))).collect();
        let sum = asked.iter().map(|&number| of(number)).sum();
        Ok(Self { length, line, asked, sum, nanoseconds: Vec::new() })
    }

    #[expect(clippy::cast_precision_loss, reason = "calls of a few seconds, far below 2^53")]
    fn measure(&mut self, rounds: u64) -> Result<(), String> {
        let started = now();
        let mut sum = 0_u64;
        for _ in 0..rounds {
            sum += self.asked.iter().map(|&number| self.line.ahead(black_box(number))).sum::<u64>();
        }
        let took = started.elapsed();
        if sum != self.sum * rounds {
            return Err(format!("answers in a line of {} add up to {sum}", self.length));
        }
        self.nanoseconds.push(took.as_secs_f64() * 1e9 / (rounds * ASKED) as f64);
        Ok(())
    }
}
