//! A made-up result for the renderings' own tests.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Latencies, Report, Schedule, Setting, Traffic};
use crate::audit::{Agreement, Foresight, Verdict};
use crate::clock::{Clock, Stamp};
use crate::ledger::Outcome;
use crate::measure::Measures;
use crate::server::Kill;
use crate::timeline::{Order, Point, Reading};
use crate::wire::Units;

/// Four seconds of a sale with a kill at the second.
pub(super) fn report() -> Report {
    let measures = measures();
    let latency = || measures.enter.percentiles();
    let point = |i: u32| Point {
        arrival_seconds: f64::from(i) / 10.0,
        number: u64::from(i) + 1,
        admitted_seconds: f64::from(i) / 8.0 + 0.5,
    };
    Report {
        passed: true,
        verdicts: vec![Verdict {
            rule: "no number is given twice",
            ok: true,
            seen: "100 numbers".to_owned(),
            examples: Vec::new(),
        }],
        scenario: "sample".to_owned(),
        setting: Setting {
            server: "127.0.0.1:8080".to_owned(),
            sale: "flash-1".to_owned(),
            seed: 1,
            shoppers: 100,
            over_seconds: 3.0,
            stock: 100,
            admission_per_second: 20.0,
            connections: 8,
            data: None,
        },
        elapsed_seconds: 4.0,
        schedule: Schedule::new(measures.schedule.percentiles(), Duration::from_millis(5)),
        eta: Foresight { count: 80, p50_seconds: 0.0, p90_seconds: 1.5, within_range_share: 0.75 },
        latency: Latencies {
            enter: latency(),
            position: latency(),
            purchase: latency(),
            confirm: latency(),
            stream: latency(),
        },
        traffic: Traffic {
            answered: 400,
            answered_per_second: 100.0,
            unanswered: 3,
            pushed_back: 0,
        },
        outcomes: BTreeMap::from([(Outcome::Bought, 80), (Outcome::SoldOut, 20)]),
        agreement: Agreement {
            arrival_and_number: Some(1.0),
            acknowledgement_and_number: Some(0.9),
            number_and_admission: None,
        },
        lag: None,
        kills: vec![Kill { at: at(2_000), back: at(2_240), in_flight: 3, answered: 190 }],
        timeline: measures.timeline(at(4_000)),
        order: Order { of: 20, points: (0..20).map(point).collect() },
    }
}

fn at(millis: u64) -> Stamp {
    Stamp::default().after(Duration::from_millis(millis))
}

fn measures() -> Measures {
    let measures = Measures::new(Clock::start(), Duration::from_millis(250));
    measures.plan((0..100).map(|i| Duration::from_millis(30 * i)));
    for i in 0..100 {
        measures.arrived.add_one();
        measures.answered.add_one();
        measures.schedule.record(at(30 * i), at(30 * i));
        let kinds = [
            &measures.enter,
            &measures.position,
            &measures.stream,
            &measures.purchase,
            &measures.confirm,
        ];
        for latency in kinds {
            latency.record(at(30 * i), at(30 * i + 2 + i % 7));
        }
    }
    for i in (0..16_u32).filter(|i| *i != 8) {
        let sold = 5 * u64::from(i);
        let units =
            Units { total: 100, available: 98 - sold, held: 1, paying: 1, sold, stranded: 0 };
        let reading = Reading {
            at_seconds: f64::from(i) / 4.0 + 0.2,
            line_length: Some(10 * u64::from(i)),
            serving: Some(6 * u64::from(i)),
            let_in: Some(5 * u64::from(i)),
            active_sessions: Some(3),
            allowed_per_second: Some(20.0),
            units: Some(units),
        };
        measures.read(at(250 * u64::from(i) + 200), reading);
    }
    measures
}
