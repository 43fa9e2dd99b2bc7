//! The ring: pushes and drains on one thread, and from several threads at once.

#![expect(missing_docs, reason = "criterion writes undocumented functions")]

use std::{
    thread,
    time::{Duration, Instant},
};

use benches::{now, sized};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{limits::RING_SLOTS, ring};

fn one_thread(criterion: &mut Criterion) {
    let (producer, mut consumer) = ring::bounded::<u64>(RING_SLOTS);
    let mut drained = Vec::with_capacity(1_024);
    let mut group = criterion.benchmark_group("ring/push and drain");
    group.throughput(Throughput::Elements(1_024));
    group.bench_function("1024", |bencher| {
        bencher.iter(|| {
            for value in 0..1_024 {
                producer.push(value).expect("the ring has room");
            }
            drained.clear();
            assert_eq!(consumer.drain(1_024, &mut drained), 1_024);
            assert!(drained.iter().copied().eq(0..1_024), "out of order");
        });
    });
    group.finish();
}

/// Several producers push as fast as the consumer makes room; the sum proves that nothing was lost.
fn contended(producers: u64, each: u64) -> Duration {
    let (producer, mut consumer) = ring::bounded::<u64>(RING_SLOTS);
    let started: Instant = now();
    let pushers: Vec<_> = (0..producers)
        .map(|_| {
            let producer = producer.clone();
            thread::spawn(move || {
                for mut value in 1..=each {
                    while let Err(refused) = producer.push(value) {
                        value = refused.value;
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    drop(producer);
    let (mut count, mut sum, mut out) = (0, 0, Vec::with_capacity(4_096));
    while count < producers * each {
        if consumer.drain(4_096, &mut out) == 0 {
            consumer.wait(Duration::from_millis(1));
        }
        count += out.len() as u64;
        sum += out.drain(..).sum::<u64>();
    }
    let elapsed = started.elapsed();
    assert_eq!(sum, producers * each * (each + 1) / 2, "a value was lost or came twice");
    pushers.into_iter().for_each(|pusher| pusher.join().expect("a pusher does not panic"));
    elapsed
}

fn many_threads(criterion: &mut Criterion) {
    let each = sized(100_000, 1_000);
    let mut group = criterion.benchmark_group("ring/contended");
    for producers in [1, 4] {
        group.throughput(Throughput::Elements(producers * each));
        group.bench_function(format!("{producers} producers"), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| contended(producers, each)).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, one_thread, many_threads);
criterion_main!(benches);
