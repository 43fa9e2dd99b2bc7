//! The ring: pushes and drains on one thread, and from several threads at once; beside the queues
//! one would otherwise take, all with as many slots.
//!
//! All but crossbeam's `ArrayQueue` can wake a consumer that waits; that one is polled.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use benches::{now, sized};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam::queue::ArrayQueue;
use engine::{limits::RING_SLOTS, ring};
use tokio::sync::mpsc;

/// The most values that the consumer takes at a time, as the scribe does.
const BATCH: usize = 4_096;
const BURST: u64 = 1_024;
/// How long a consumer waits before it looks again.
const WAIT: Duration = Duration::from_millis(1);

/// A queue with its two ends apart: a push that may be refused, and a drain that may wait.
struct Queue<P, D> {
    name: &'static str,
    push: P,
    drain: D,
}

fn ours() -> Queue<impl Fn(u64) -> bool + Sync, impl FnMut(&mut Vec<u64>)> {
    let (producer, mut consumer) = ring::bounded::<u64>(RING_SLOTS);
    Queue {
        name: "ours",
        push: move |value| producer.push(value).is_ok(),
        drain: move |out: &mut Vec<u64>| {
            if consumer.drain(BATCH, out) == 0 {
                consumer.wait(WAIT);
            }
        },
    }
}

fn array_queue(
    queue: &ArrayQueue<u64>,
) -> Queue<impl Fn(u64) -> bool + Sync, impl FnMut(&mut Vec<u64>)> {
    Queue {
        name: "crossbeam ArrayQueue",
        push: |value| queue.push(value).is_ok(),
        drain: |out: &mut Vec<u64>| {
            out.extend(std::iter::from_fn(|| queue.pop()).take(BATCH));
            if out.is_empty() {
                thread::yield_now();
            }
        },
    }
}

/// A queue behind a mutex.
struct Locked {
    values: Mutex<VecDeque<u64>>,
    came: Condvar,
}

impl Locked {
    fn new() -> Self {
        Self { values: Mutex::new(VecDeque::with_capacity(RING_SLOTS)), came: Condvar::new() }
    }
}

fn locked(queue: &Locked) -> Queue<impl Fn(u64) -> bool + Sync, impl FnMut(&mut Vec<u64>)> {
    Queue {
        name: "Mutex of a VecDeque",
        push: |value| {
            let mut values = queue.values.lock().unwrap_or_else(PoisonError::into_inner);
            let has_room = values.len() < RING_SLOTS;
            if has_room {
                values.push_back(value);
                if values.len() == 1 {
                    queue.came.notify_one();
                }
            }
            has_room
        },
        drain: |out: &mut Vec<u64>| {
            let values = queue.values.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = queue.came.wait_timeout_while(values, WAIT, |values| values.is_empty());
            let (mut values, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let count = values.len().min(BATCH);
            out.extend(values.drain(..count));
        },
    }
}

fn crossbeam_channel() -> Queue<impl Fn(u64) -> bool + Sync, impl FnMut(&mut Vec<u64>)> {
    let (sender, receiver) = crossbeam::channel::bounded(RING_SLOTS);
    Queue {
        name: "crossbeam channel",
        push: move |value| sender.try_send(value).is_ok(),
        drain: move |out: &mut Vec<u64>| {
            out.extend(receiver.recv_timeout(WAIT));
            out.extend(receiver.try_iter().take(BATCH - 1));
        },
    }
}

fn tokio_mpsc() -> Queue<impl Fn(u64) -> bool + Sync, impl FnMut(&mut Vec<u64>)> {
    let (sender, mut receiver) = mpsc::channel(RING_SLOTS);
    Queue {
        name: "tokio mpsc",
        push: move |value| sender.try_send(value).is_ok(),
        drain: move |out: &mut Vec<u64>| {
            receiver.blocking_recv_many(out, BATCH);
        },
    }
}

fn burst<P: Fn(u64) -> bool, D: FnMut(&mut Vec<u64>)>(
    criterion: &mut Criterion,
    queue: Queue<P, D>,
) {
    let Queue { name, push, mut drain } = queue;
    let mut drained = Vec::with_capacity(BATCH);
    let mut group = criterion.benchmark_group("ring/push and drain 1024");
    group.throughput(Throughput::Elements(BURST));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for value in 0..BURST {
                assert!(push(value), "the ring has room");
            }
            drained.clear();
            drain(&mut drained);
            assert!(drained.iter().copied().eq(0..BURST), "out of order");
        });
    });
    group.finish();
}

fn one_thread(criterion: &mut Criterion) {
    burst(criterion, ours());
    burst(criterion, array_queue(&ArrayQueue::new(RING_SLOTS)));
    burst(criterion, locked(&Locked::new()));
    burst(criterion, crossbeam_channel());
    burst(criterion, tokio_mpsc());
}

/// Several producers push as fast as the consumer makes room; the sum proves that nothing was lost.
fn contended<P, D>(producers: u64, each: u64, queue: &mut Queue<P, D>) -> Duration
where
    P: Fn(u64) -> bool + Sync,
    D: FnMut(&mut Vec<u64>),
{
    let Queue { push, drain, .. } = queue;
    let push = &*push;
    let started: Instant = now();
    thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(move || {
                for value in 1..=each {
                    while !push(value) {
                        thread::yield_now();
                    }
                }
            });
        }
        let (mut count, mut sum, mut out) = (0, 0, Vec::with_capacity(BATCH));
        while count < producers * each {
            drain(&mut out);
            count += out.len() as u64;
            sum += out.drain(..).sum::<u64>();
        }
        assert_eq!(sum, producers * each * (each + 1) / 2, "a value was lost or came twice");
    });
    started.elapsed()
}

fn raced<P, D>(criterion: &mut Criterion, producers: u64, mut queue: Queue<P, D>)
where
    P: Fn(u64) -> bool + Sync,
    D: FnMut(&mut Vec<u64>),
{
    let each = sized(100_000, 1_000);
    let mut group = criterion.benchmark_group(format!("ring/{producers} producers"));
    group.throughput(Throughput::Elements(producers * each));
    group.bench_function(queue.name, |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds).map(|_| contended(producers, each, &mut queue)).sum()
        });
    });
    group.finish();
}

fn many_threads(criterion: &mut Criterion) {
    for producers in [1, 4] {
        raced(criterion, producers, ours());
        raced(criterion, producers, array_queue(&ArrayQueue::new(RING_SLOTS)));
        raced(criterion, producers, locked(&Locked::new()));
        raced(criterion, producers, crossbeam_channel());
        raced(criterion, producers, tokio_mpsc());
    }
}

criterion_group!(benches, one_thread, many_threads);
criterion_main!(benches);
