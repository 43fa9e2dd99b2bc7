//! The line: the exact position among 1,000 and among 10,000,000, and departures.

#![expect(missing_docs, reason = "criterion writes undocumented functions")]

use std::hint::black_box;

use benches::{Rng, sized};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use engine::{
    clock::Millis,
    id::Number,
    line::{LineWriter, PlaceState},
};

const SEED: u64 = 1;
const NOW: Millis = Millis(1_000);

/// A line of `length` of which every tenth has departed and the first hundredth was called, and
/// how many departed up to each number.
fn line(length: u64) -> (LineWriter, Vec<u32>) {
    let mut rng = Rng::new(SEED);
    let mut line = LineWriter::new(Millis(0));
    line.issue_through(Number(length), NOW);
    let called = length / 100;
    line.call_through(Number(called), called);
    let gone: Vec<Number> =
        (called + 1..=length).filter(|_| rng.next_u64().is_multiple_of(10)).map(Number).collect();
    line.depart_many(&gone, PlaceState::Left, NOW);
    let mut gone = gone.into_iter().peekable();
    let mut count = 0;
    let mut departed_before = |number| {
        let before = count;
        count += u32::from(gone.next_if_eq(&Number(number)).is_some());
        before
    };
    let departed = (1..=length).map(&mut departed_before).collect();
    (line, departed)
}

fn ahead(criterion: &mut Criterion) {
    for length in [1_000, sized(10_000_000, 40_000)] {
        let (line, departed) = line(length);
        let called = line.watermark().0;
        let expected = |number: u64| {
            let slot = usize::try_from(number - 1).expect("fits");
            (number - 1).saturating_sub(u64::from(departed[slot])).saturating_sub(called)
        };
        let mut rng = Rng::new(SEED);
        for _ in 0..sized(1_000_000, 10_000) {
            let number = rng.up_to(length);
            assert_eq!(line.ahead(Number(number)), expected(number), "seed {SEED}, {number}");
        }
        criterion.bench_function(&format!("line/ahead/{length}"), |bencher| {
            bencher.iter(|| black_box(line.ahead(Number(rng.up_to(length)))));
        });
    }
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

criterion_group!(benches, ahead, depart_many);
criterion_main!(benches);
