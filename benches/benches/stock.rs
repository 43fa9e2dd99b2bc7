//! The stock: a permit taken and spent, returned, refused, and units freed; beside the counters one
//! would otherwise take.
//!
//! A permit is an RAII guard over several offers, all or nothing; a counter behind a mutex is a
//! number. The mutex and the `DashMap` do less, then, and Redis as much as it does in the classic
//! design: a script that decrements if positive.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use benches::{
    at_once,
    redis::{AppendFsync, Redis, Reply},
    sized,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use engine::{
    id::OfferIndex,
    stock::{Counts, Stock},
};

const HOT: OfferIndex = OfferIndex(0);
const UNITS: u64 = 1_000_000;
/// Commands that Redis gets at a time when they are pipelined: the connections of our HTTP figures.
const PIPELINED: u32 = 64;

/// Takes a unit if there is one: what is left, or -1.
const SCRIPT: &str = "if tonumber(redis.call('GET', KEYS[1])) > 0 then \
                      return redis.call('DECR', KEYS[1]) end return -1";

fn stock(available: u64) -> Arc<Stock> {
    Arc::new(Stock::new(&[Counts { available, ..Counts::default() }]))
}

/// A counter as it is usually guarded.
#[derive(Debug, Default)]
struct Counter(Mutex<u64>);

impl Counter {
    fn of(units: u64) -> Self {
        Self(Mutex::new(units))
    }

    fn take(&self) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = *left > 0;
        *left -= u64::from(is_there);
        is_there
    }

    fn free(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn left(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_one(offers: &DashMap<u32, u64>) -> bool {
    offers.get_mut(&0).is_some_and(|mut left| {
        let is_there = *left > 0;
        *left -= u64::from(is_there);
        is_there
    })
}

fn free_one(offers: &DashMap<u32, u64>) {
    if let Some(mut left) = offers.get_mut(&0) {
        *left += 1;
    }
}

fn permits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stock/take and give back");
    let sold = stock(UNITS);
    group.bench_function("ours, spent and freed", |bencher| {
        bencher.iter(|| {
            sold.take(&[(HOT, 1)]).expect("units are left").spend();
            sold.free(HOT, 1);
        });
    });
    assert_eq!(sold.permits(HOT), 1_000_000, "as many came back as were spent");

    let returned = stock(UNITS);
    group.bench_function("ours, dropped", |bencher| {
        bencher.iter(|| drop(returned.take(&[(HOT, 1)]).expect("units are left")));
    });
    assert_eq!(returned.permits(HOT), 1_000_000, "a dropped permit returns its unit");

    let counter = Counter::of(UNITS);
    group.bench_function("Mutex of a counter", |bencher| {
        bencher.iter(|| {
            assert!(counter.take());
            counter.free();
        });
    });
    assert_eq!(counter.left(), UNITS);

    let offers = DashMap::from_iter([(0, UNITS)]);
    group.bench_function("DashMap of offers", |bencher| {
        bencher.iter(|| {
            assert!(take_one(&offers));
            free_one(&offers);
        });
    });
    assert_eq!(offers.get(&0).map(|left| *left), Some(UNITS));
    group.finish();
}

fn contended(criterion: &mut Criterion) {
    let each = sized(100_000, 1_000);
    for threads in [2, 4] {
        let name = format!("stock/take and give back by {threads} threads");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(threads as u64 * each));
        let timed = |rounds: u64, once: &(dyn Fn() + Sync)| -> Duration {
            let round = || at_once(threads, |_| (0..each).for_each(|_| once()));
            (0..rounds).map(|_| round()).sum()
        };
        let stock = stock(UNITS);
        group.bench_function("ours", |bencher| {
            let once = || drop(stock.take(&[(HOT, 1)]).expect("units are left"));
            bencher.iter_custom(|rounds| timed(rounds, &once));
        });
        assert_eq!(stock.permits(HOT), 1_000_000, "every permit returned its unit");
        let counter = Counter::of(UNITS);
        group.bench_function("Mutex of a counter", |bencher| {
            let once = || {
                assert!(counter.take());
                counter.free();
            };
            bencher.iter_custom(|rounds| timed(rounds, &once));
        });
        assert_eq!(counter.left(), UNITS);
        let offers = DashMap::from_iter([(0, UNITS)]);
        group.bench_function("DashMap of offers", |bencher| {
            let once = || {
                assert!(take_one(&offers));
                free_one(&offers);
            };
            bencher.iter_custom(|rounds| timed(rounds, &once));
        });
        assert_eq!(offers.get(&0).map(|left| *left), Some(UNITS));
        group.finish();
    }
}

fn sold_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stock/sold out");
    let empty = stock(0);
    group.bench_function("ours", |bencher| {
        bencher.iter(|| assert!(empty.take(&[(HOT, 1)]).is_err()));
    });
    let counter = Counter::default();
    group.bench_function("Mutex of a counter", |bencher| {
        bencher.iter(|| assert!(!counter.take()));
    });
    let offers = DashMap::from_iter([(0, 0)]);
    group.bench_function("DashMap of offers", |bencher| {
        bencher.iter(|| assert!(!take_one(&offers)));
    });
    group.finish();
}

fn redis(criterion: &mut Criterion) {
    let redis = Redis::start(AppendFsync::Off).expect("a redis of our own");
    let mut link = redis.link().expect("it accepts");
    let script = link.load(SCRIPT).expect("the script is sound");
    for (name, units) in [("stock/take by Redis", 1_000_000_000_000), ("stock/sold out", 0_i64)] {
        let mut group = criterion.benchmark_group(name);
        link.call(&[b"SET", b"stock", units.to_string().as_bytes()]).expect("a stock");
        let mut left = units;
        for pipelined in [1, PIPELINED] {
            group.throughput(Throughput::Elements(u64::from(pipelined)));
            group.bench_function(format!("Redis script, {pipelined} at a time"), |bencher| {
                bencher.iter(|| {
                    for _ in 0..pipelined {
                        link.push(&[b"EVALSHA", &script, b"1", b"stock"]);
                    }
                    link.send().expect("it is sent");
                    for _ in 0..pipelined {
                        left = if units == 0 { -1 } else { left - 1 };
                        assert_eq!(link.read().expect("an answer"), Reply::Integer(left));
                    }
                });
            });
        }
        group.finish();
    }
}

fn counts(criterion: &mut Criterion) {
    let stock = stock(1_000);
    criterion.bench_function("stock/counts", |bencher| {
        bencher.iter(|| assert_eq!(stock.counts(HOT).map(|counts| counts.total()), Some(1_000)));
    });
}

criterion_group!(benches, permits, contended, sold_out, redis, counts);
criterion_main!(benches);
