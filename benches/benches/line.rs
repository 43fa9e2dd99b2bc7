//! The line: the exact position among 1,000, 1,000,000 and 10,000,000, departures, and the same
//! questions put to what else one would take.
//!
//! | alternative | what it can say | its cost |
//! |---|---|---|
//! | `RwLock` of a Fenwick tree | the exact position | log n loads and the lock's word, by every reader |
//! | `Mutex<BTreeMap>`, skip list | the exact position, by counting | as many steps as people ahead |
//! | `DashMap` from shopper to number | the number; those who left still count | a hash, a lock of a shard |
//! | Redis, `ZRANK` | the exact position | a round trip, shared by 64 when pipelined |

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::{Mutex, PoisonError, RwLock},
    time::Duration,
};

use benches::{
    Rng, at_once,
    redis::{AppendFsync, Link, Redis, Reply},
    sized,
};
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use crossbeam_skiplist::SkipSet;
use dashmap::DashMap;
use engine::{
    clock::Millis,
    id::Number,
    line::{LineWriter, PlaceState},
};

const SEED: u64 = 1;
const NOW: Millis = Millis(1_000);
/// Commands that Redis gets at a time when they are pipelined: the connections of our HTTP figures.
const PIPELINED: u32 = 64;

/// A line of `length` of which every tenth has departed and the first hundredth was called.
struct Scene {
    length: u64,
    called: u64,
    /// Who has gone, ascending.
    gone: Vec<Number>,
}

impl Scene {
    fn of(length: u64) -> Self {
        let mut rng = Rng::new(SEED);
        let called = length / 100;
        let gone = (called + 1..=length)
            .filter(|_| rng.next_u64().is_multiple_of(10))
            .map(Number)
            .collect();
        Self { length, called, gone }
    }

    /// The position by the definition.
    fn expected(&self, number: u64) -> u64 {
        let departed = self.gone.partition_point(|gone| gone.0 < number) as u64;
        (number - 1).saturating_sub(departed).saturating_sub(self.called)
    }

    /// Asks about many numbers and compares each answer with the definition.
    fn check(&self, questions: u64, mut ahead: impl FnMut(u64) -> u64) {
        let mut rng = Rng::new(SEED);
        for _ in 0..questions {
            let number = rng.up_to(self.length);
            assert_eq!(ahead(number), self.expected(number), "seed {SEED}, {number}");
        }
    }

    fn line(&self) -> LineWriter {
        let mut line = LineWriter::new(Millis(0));
        line.issue_through(Number(self.length), NOW);
        line.call_through(Number(self.called), self.called);
        line.depart_many(&self.gone, PlaceState::Left, NOW);
        line
    }

    fn fenwick(&self) -> RwLock<Fenwick> {
        let mut tree = Fenwick(vec![0; usize::try_from(self.length).expect("fits") + 1]);
        self.gone.iter().for_each(|number| tree.depart(number.0));
        RwLock::new(tree)
    }

    /// Those who wait, ascending.
    fn waiting(&self) -> impl Iterator<Item = u64> + '_ {
        let is_gone = |number: &u64| self.gone.binary_search(&Number(*number)).is_ok();
        (self.called + 1..=self.length).filter(move |number| !is_gone(number))
    }
}

/// Departures by number; a prefix of them in log n steps (Fenwick 1994).
struct Fenwick(Vec<u32>);

impl Fenwick {
    fn depart(&mut self, number: u64) {
        let mut at = usize::try_from(number).expect("fits");
        while let Some(count) = self.0.get_mut(at) {
            *count += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn departed_through(&self, number: u64) -> u64 {
        let mut at = usize::try_from(number).expect("fits");
        let mut sum = 0;
        while at > 0 {
            sum += u64::from(self.0[at]);
            at &= at - 1;
        }
        sum
    }
}

fn fenwick_ahead(tree: &RwLock<Fenwick>, number: u64, called: u64) -> u64 {
    let departed = tree.read().unwrap_or_else(PoisonError::into_inner).departed_through(number - 1);
    (number - 1).saturating_sub(departed).saturating_sub(called)
}

fn ahead(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line/ahead");
    for length in [1_000, sized(1_000_000, 10_000), sized(10_000_000, 40_000)] {
        let scene = Scene::of(length);
        let questions = sized(1_000_000, 10_000);
        let mut rng = Rng::new(SEED);
        let line = scene.line();
        scene.check(questions, |number| line.ahead(Number(number)));
        group.bench_function(BenchmarkId::new("ours", length), |bencher| {
            bencher.iter(|| black_box(line.ahead(Number(rng.up_to(length)))));
        });
        drop(line);
        let tree = scene.fenwick();
        scene.check(questions, |number| fenwick_ahead(&tree, number, scene.called));
        group.bench_function(BenchmarkId::new("RwLock of a Fenwick tree", length), |bencher| {
            bencher.iter(|| black_box(fenwick_ahead(&tree, rng.up_to(length), scene.called)));
        });
    }
    group.finish();
}

fn ahead_by_map(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line/ahead");
    group.sample_size(10);
    for length in [1_000, sized(1_000_000, 2_000)] {
        let scene = Scene::of(length);
        let mut rng = Rng::new(SEED);
        let shoppers: Vec<u128> = (0..length).map(|_| rng.next_u128()).collect();
        let numbers: DashMap<u128, u64> = shoppers.iter().copied().zip(1..).collect();
        let number_of = |number: u64| {
            let shopper = shoppers[usize::try_from(number - 1).expect("fits")];
            numbers.get(&shopper).map(|found| *found)
        };
        assert!((1..=length).all(|number| number_of(number) == Some(number)));
        group.bench_function(BenchmarkId::new("DashMap, departed counted", length), |bencher| {
            bencher.iter(|| black_box(number_of(rng.up_to(length))));
        });
        let tree: BTreeMap<u64, u128> = scene.waiting().map(|n| (n, u128::from(n))).collect();
        let tree = Mutex::new(tree);
        let count = |number| {
            let tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
            tree.range(..number).count() as u64
        };
        scene.check(10, count);
        group.bench_function(
            BenchmarkId::new("Mutex of a BTreeMap, counting", length),
            |bencher| {
                bencher.iter(|| black_box(count(rng.up_to(length))));
            },
        );
        let list: SkipSet<u64> = scene.waiting().collect();
        let count = |number| list.range(..number).count() as u64;
        scene.check(10, count);
        group.bench_function(
            BenchmarkId::new("crossbeam skip list, counting", length),
            |bencher| {
                bencher.iter(|| black_box(count(rng.up_to(length))));
            },
        );
    }
    group.finish();
}

fn ahead_by_redis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line/ahead");
    for length in [1_000, sized(1_000_000, 2_000)] {
        let redis = Redis::start(AppendFsync::Off).expect("a redis of our own");
        let mut link = redis.link().expect("it accepts");
        let member = |number: u64| Rng::new(number).next_u128().to_le_bytes();
        link.fill_line(b"line", length, |number| member(number).to_vec()).expect("it is filled");
        let mut rng = Rng::new(SEED);
        for pipelined in [1, PIPELINED] {
            let name = format!("Redis ZRANK, {pipelined} at a time");
            group.throughput(Throughput::Elements(u64::from(pipelined)));
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| ranks(&mut link, &mut rng, length, pipelined));
            });
        }
    }
    group.finish();
}

/// Asks for the ranks of random members, all in one write. The same numbers again, from a copy of
/// the generator, are the answers.
fn ranks(link: &mut Link, rng: &mut Rng, length: u64, count: u32) {
    let mut asked = rng.clone();
    for _ in 0..count {
        let member = Rng::new(rng.up_to(length)).next_u128().to_le_bytes();
        link.push(&[b"ZRANK", b"line", &member]);
    }
    link.send().expect("it is sent");
    for _ in 0..count {
        let rank = i64::try_from(asked.up_to(length) - 1).expect("fits");
        assert_eq!(link.read().expect("a rank"), Reply::Integer(rank));
    }
}

/// Two readers at once: what a lock costs even those who only read.
fn ahead_by_two(criterion: &mut Criterion) {
    let length = sized(1_000_000, 10_000);
    let each = sized(100_000, 1_000);
    let scene = Scene::of(length);
    let (line, tree) = (scene.line(), scene.fenwick());
    let mut group = criterion.benchmark_group("line/ahead by 2 threads");
    group.throughput(Throughput::Elements(2 * each));
    let read = |rounds: u64, ahead: &(dyn Fn(u64) -> u64 + Sync)| -> Duration {
        let round = || {
            at_once(2, |which| {
                let mut rng = Rng::new(which as u64);
                (0..each).for_each(|_| {
                    black_box(ahead(rng.up_to(length)));
                });
            })
        };
        (0..rounds).map(|_| round()).sum()
    };
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|rounds| read(rounds, &|number| line.ahead(Number(number))));
    });
    group.bench_function("RwLock of a Fenwick tree", |bencher| {
        let ahead = |number| fenwick_ahead(&tree, number, scene.called);
        bencher.iter_custom(|rounds| read(rounds, &ahead));
    });
    group.finish();
}

fn depart_many(criterion: &mut Criterion) {
    let length = sized(1_000_000, 10_000);
    let mut rng = Rng::new(SEED);
    let mut some: Vec<Number> = (0..1_000).map(|_| Number(rng.up_to(length))).collect();
    some.sort_unstable();
    some.dedup();
    let fresh = || {
        let mut line = LineWriter::new(Millis(0));
        line.issue_through(Number(length), NOW);
        line
    };
    criterion.bench_function("line/depart_many/1000", |bencher| {
        bencher.iter_batched(
            fresh,
            |mut line| {
                line.depart_many(&some, PlaceState::Left, NOW);
                assert_eq!(line.length(), length - some.len() as u64);
                line
            },
            BatchSize::PerIteration,
        );
    });
}

/// New numbers for a whole batch of entries, and what the alternatives pay for one entry.
fn enter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line/enter");
    let batch = u64::from(PIPELINED);
    group.throughput(Throughput::Elements(batch));
    let fresh = || LineWriter::new(Millis(0));
    let mut line = fresh();
    group.bench_function("ours, 64 at a time", |bencher| {
        bencher.iter(|| {
            if line.issued().0 + batch > engine::limits::PLACES_MAX / 8 {
                line = fresh();
            }
            let last = Number(line.issued().0 + batch);
            line.issue_through(last, NOW);
            assert_eq!(line.issued(), last);
        });
    });
    enter_by_redis(&mut group);
    group.finish();
}

fn enter_by_redis(group: &mut BenchmarkGroup<'_, WallTime>) {
    let redis = Redis::start(AppendFsync::Off).expect("a redis of our own");
    let mut link = redis.link().expect("it accepts");
    let mut entered = 0_u64;
    for pipelined in [1, u64::from(PIPELINED)] {
        group.throughput(Throughput::Elements(pipelined));
        let name = format!("Redis ZADD NX and ZRANK, {pipelined} at a time");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let first = entered;
                for _ in 0..pipelined {
                    entered += 1;
                    let member = Rng::new(entered).next_u128().to_le_bytes();
                    let score = entered.to_string();
                    link.push(&[b"ZADD", b"line", b"NX", score.as_bytes(), &member]);
                    link.push(&[b"ZRANK", b"line", &member]);
                }
                link.send().expect("it is sent");
                for rank in first..entered {
                    assert_eq!(link.read().expect("an addition"), Reply::Integer(1));
                    let rank = i64::try_from(rank).expect("fits");
                    assert_eq!(link.read().expect("a rank"), Reply::Integer(rank));
                }
            });
        });
    }
}

criterion_group!(benches, ahead, ahead_by_map, ahead_by_redis, ahead_by_two, depart_many, enter);
criterion_main!(benches);
