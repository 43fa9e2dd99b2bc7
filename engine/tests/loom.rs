//! Models of the lock-free structures, run by loom over every interleaving and every value that the
//! memory model lets a load return, within the stated bound of preemptions.
//!
//! `RUSTFLAGS="--cfg engine_loom" cargo test -p engine --release --test loom`

#![cfg(engine_loom)]

use std::time::Duration;

use engine::{
    commit::{self, Abandoned},
    ring::{self, Reason, Refused},
};
use loom::{model::Builder, sync::Arc, thread};

const FOREVER: Duration = Duration::MAX;

/// Checks `model` with at most `preemptions` forced switches of threads. Few are enough for nearly
/// every known bug, and the count of interleavings is exponential in it.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Two pushers, one parker: nothing is lost, nothing comes twice, and no wake-up is missed (loom's
/// parker never times out, so a missed one is a deadlock; and a third producer lives on, so that the
/// last one's going does not wake the consumer by chance).
#[test]
fn ring_delivers_everything_and_loses_no_wake_up() {
    check(3, || {
        let (producer, mut consumer) = ring::bounded(2);
        let (first, second) = (producer.clone(), producer.clone());
        let one = thread::spawn(move || first.push(Box::new(1)).is_ok());
        let two = thread::spawn(move || second.push(Box::new(2)).is_ok());
        let mut out = Vec::new();
        while out.len() < 2 {
            if consumer.drain(2, &mut out) == 0 {
                consumer.wait(FOREVER);
            }
        }
        let mut values: Vec<_> = out.into_iter().map(|value| *value).collect();
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
        assert!(one.join().unwrap());
        assert!(two.join().unwrap());
    });
}

/// A slot is used again only after it was emptied: three pushes through two slots.
#[test]
fn ring_refuses_rather_than_overwrites() {
    check(3, || {
        let (producer, mut consumer) = ring::bounded(2);
        let pusher = thread::spawn(move || {
            let mut pushed = 0;
            for value in 0..3 {
                match producer.push(Box::new(value)) {
                    Ok(()) => pushed += 1,
                    Err(Refused { reason, .. }) => {
                        assert_eq!(reason, Reason::Full);
                        break;
                    }
                }
            }
            pushed
        });
        let mut out = Vec::new();
        consumer.drain(3, &mut out);
        let pushed = pusher.join().unwrap();
        consumer.drain(3, &mut out);
        assert!(out.into_iter().map(|value| *value).eq(0..pushed));
        assert!(pushed >= 2);
    });
}

/// The consumer parks and the only producer goes: it wakes, and sees that nobody is left.
#[test]
fn ring_wakes_for_the_last_producer_going() {
    check(3, || {
        let (producer, mut consumer) = ring::bounded::<Box<u8>>(2);
        let pusher = thread::spawn(move || producer.push(Box::new(1)).is_ok());
        let mut out = Vec::new();
        loop {
            let closed = consumer.is_closed();
            let drained = consumer.drain(2, &mut out);
            if closed && drained == 0 {
                break;
            }
            consumer.wait(FOREVER);
        }
        assert_eq!(out.len(), 1);
        assert!(pusher.join().unwrap());
    });
}

/// The consumer goes while two push: what was accepted is dropped though the producers live on, and
/// what was not comes back.
#[test]
fn ring_closing_drops_every_accepted_value() {
    check(3, || {
        let (producer, consumer) = ring::bounded(2);
        let counted = Arc::new(());
        let push = |producer: ring::Producer<Arc<()>>, value: Arc<()>| {
            move || {
                let refused = producer.push(value).err();
                assert!(refused.is_none_or(|refused| refused.reason == Reason::Closed));
                producer
            }
        };
        let one = thread::spawn(push(producer.clone(), Arc::clone(&counted)));
        let two = thread::spawn(push(producer, Arc::clone(&counted)));
        drop(consumer);
        let alive = [one.join().unwrap(), two.join().unwrap()];
        assert_eq!(Arc::strong_count(&counted), 1);
        assert_eq!(alive[0].push(counted).unwrap_err().reason, Reason::Closed);
    });
}

/// A blocked waiter gets the answer, whichever side comes first.
#[test]
fn commit_resolves_a_waiter() {
    check(4, || {
        let (promise, commit) = commit::pair();
        let resolver = thread::spawn(move || promise.resolve(Box::new(7)));
        assert_eq!(commit.wait(), Ok(Box::new(7)));
        resolver.join().unwrap();
    });
}

/// A promise that goes unresolved tells its waiter.
#[test]
fn commit_abandons_a_waiter() {
    check(4, || {
        let (promise, commit) = commit::pair::<u8>();
        let dropper = thread::spawn(move || drop(promise));
        assert_eq!(commit.wait(), Err(Abandoned));
        dropper.join().unwrap();
    });
}

/// The task that polls changes its waker while the promise resolves: the last waker is the one that
/// is woken, unless the poll saw the answer itself.
#[test]
fn commit_changes_wakers_under_a_resolving_promise() {
    use std::task::{Context, Poll, Waker};
    check(4, || {
        let (promise, mut commit) = commit::pair();
        let resolver = thread::spawn(move || promise.resolve(Box::new(7)));
        let mut early = Context::from_waker(Waker::noop());
        match Future::poll(std::pin::Pin::new(&mut commit), &mut early) {
            Poll::Ready(answer) => assert_eq!(answer, Ok(Box::new(7))),
            Poll::Pending => assert_eq!(commit.wait(), Ok(Box::new(7))),
        }
        resolver.join().unwrap();
    });
}

/// The handler hangs up while the scribe answers: nothing leaks, nothing is touched twice.
#[test]
fn commit_survives_a_handler_that_hangs_up() {
    check(4, || {
        let (promise, commit) = commit::pair();
        let counted = Arc::new(());
        let answer = Arc::clone(&counted);
        let resolver = thread::spawn(move || promise.resolve(answer));
        drop(commit);
        resolver.join().unwrap();
        assert_eq!(Arc::strong_count(&counted), 1);
    });
}
