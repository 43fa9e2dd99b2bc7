//! Models of the lock-free structures, run by loom over every interleaving and every value that the
//! memory model lets a load return, within the stated bound of preemptions.
//!
//! `RUSTFLAGS="--cfg engine_loom" cargo test -p engine --release --test loom`
//!
//! Loom remembers only the last access to a location when it looks for orders worth trying. A thread
//! that loads what it then stores hides an earlier load by another thread, and the order in which the
//! store came first is never tried. Hence the yields between operations: each is a switch that loom
//! takes anyway. Every model was seen to fail with a bug planted in what it checks.

#![cfg(engine_loom)]

use std::time::Duration;

use engine::{
    clock::Millis,
    commit::{self, Abandoned},
    id::{Number, OfferIndex},
    line::{LineWriter, PlaceState},
    ring::{self, Reason, Refused},
    stock::{Counts, Stock},
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
        drop(producer);
    });
}

/// As above with a push into each of two rings before one parker. The producers of both live on.
#[test]
fn two_rings_before_one_consumer_deliver_everything_and_lose_no_wake_up() {
    check(3, || {
        let (first, second, mut lanes) = ring::bounded_lanes(2, 2);
        let (one, two) = (first.clone(), second.clone());
        let one = thread::spawn(move || one.push(Box::new(1)).is_ok());
        let two = thread::spawn(move || two.push(Box::new(2)).is_ok());
        let mut out = Vec::new();
        while out.len() < 2 {
            if lanes.drain(2, 2, &mut out) == 0 {
                lanes.wait(FOREVER);
            }
        }
        let mut values: Vec<_> = out.into_iter().map(|value| *value).collect();
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
        assert!(one.join().unwrap());
        assert!(two.join().unwrap());
        drop((first, second));
    });
}

/// The consumer of two rings parks, and the only producers of both go, one after the other.
#[test]
fn two_rings_wake_their_consumer_for_the_last_producer_of_both_going() {
    check(3, || {
        let (first, second, mut lanes) = ring::bounded_lanes::<Box<u8>>(2, 2);
        let one = thread::spawn(move || first.push(Box::new(1)).is_ok());
        let two = thread::spawn(move || drop(second));
        let mut out = Vec::new();
        loop {
            let closed = lanes.is_closed();
            let drained = lanes.drain(1, 2, &mut out);
            if closed && drained == 0 {
                break;
            }
            lanes.wait(FOREVER);
        }
        assert_eq!(out.len(), 1);
        assert!(one.join().unwrap());
        two.join().unwrap();
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
                thread::yield_now();
            }
            pushed
        });
        let mut out = Vec::new();
        thread::yield_now();
        consumer.drain(3, &mut out);
        let accepted = pusher.join().unwrap();
        consumer.drain(3, &mut out);
        assert!(out.into_iter().map(|value| *value).eq(0..accepted));
        assert!(accepted >= 2);
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

/// A batch is resolved before any of it is woken: both waiters get their answers, whichever of them
/// was waiting by then.
#[test]
fn commit_wakes_a_batch_after_all_its_answers() {
    check(3, || {
        let ((one, first), (two, second)) = (commit::pair(), commit::pair());
        let resolver = thread::spawn(move || {
            let first = one.resolve_unheard(Box::new(1));
            let second = two.resolve_unheard(Box::new(2));
            drop((first, second));
        });
        let waiter = thread::spawn(move || second.wait());
        assert_eq!(first.wait(), Ok(Box::new(1)));
        assert_eq!(waiter.join().unwrap(), Ok(Box::new(2)));
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

const BASE: Millis = Millis(0);

/// The scribe departs people of every kind of distance and calls some, while a reader polls: no
/// position rises, none is past the exact ones before and after, and the last is exact. Under loom a
/// word has 2 places, a block 4 and a segment 8.
#[test]
fn line_never_shows_a_position_that_rises() {
    check(3, || {
        let mut writer = LineWriter::new(BASE);
        writer.issue_through(Number(12), BASE);
        let line = writer.line();
        let scribe = thread::spawn(move || {
            writer.depart(Number(2), PlaceState::Left, BASE);
            writer.call_through(Number(3), 2);
            thread::yield_now();
            writer.depart_many(&[Number(4), Number(5), Number(9)], PlaceState::Idle, BASE);
        });
        // Behind the departures by a bit, by a block and by a segment; and where they end up.
        let watched = [(Number(4), 0), (Number(7), 1), (Number(12), 5)];
        let mut shown = watched.map(|(number, _)| number.0 - 1);
        for _ in 0..2 {
            thread::yield_now();
            for ((number, least), last) in watched.iter().zip(&mut shown) {
                let ahead = line.ahead(*number);
                assert!(ahead <= *last);
                assert!(ahead >= *least);
                *last = ahead;
            }
        }
        scribe.join().unwrap();
        for (number, least) in watched {
            assert_eq!(line.ahead(number), least);
        }
        assert_eq!(line.length(), 6);
    });
}

/// Whoever sees a number as issued or called sees its place, also across a segment's edge.
#[test]
fn line_publishes_places_before_it_counts_them() {
    check(3, || {
        let mut writer = LineWriter::new(BASE);
        let line = writer.line();
        let scribe = thread::spawn(move || {
            writer.issue_through(Number(9), BASE);
            thread::yield_now();
            writer.set_place(Number(1), PlaceState::Called, Millis(5));
            writer.call_through(Number(1), 1);
        });
        for _ in 0..2 {
            thread::yield_now();
            if line.watermark() == Number(1) {
                assert_eq!(line.place(Number(1)), (PlaceState::Called, Millis(5)));
            }
            let issued = line.issued();
            assert!(issued == Number(0) || line.place(issued).0 == PlaceState::Waiting);
        }
        scribe.join().unwrap();
    });
}

/// Two readers and the scribe need a segment's seconds at once: whoever makes them, all write to the same.
#[test]
fn line_hears_of_everyone_whoever_makes_the_seconds() {
    check(3, || {
        let mut writer = LineWriter::new(BASE);
        writer.issue_through(Number(2), BASE);
        let second = |number: u64| BASE.after(number * 1_000);
        let readers = [1, 2].map(|number| {
            let line = writer.line();
            thread::spawn(move || line.hear(Number(number), second(number)))
        });
        writer.issue_through(Number(3), second(3));
        for reader in readers {
            reader.join().unwrap();
        }
        for number in 1..=3 {
            assert_eq!(writer.line().heard(Number(number)), second(number));
        }
    });
}

const A: OfferIndex = OfferIndex(0);
const B: OfferIndex = OfferIndex(1);

fn stock(available: [u64; 2]) -> std::sync::Arc<Stock> {
    let counts = available.map(|available| Counts { available, ..Counts::default() });
    std::sync::Arc::new(Stock::new(&counts))
}

/// Two purchases race for the last units while another returns one: never more permits than units,
/// and every unit is accounted for.
#[test]
fn stock_never_issues_a_unit_twice() {
    check(3, || {
        let stock = stock([2, 1]);
        let returned = stock.take(&[(A, 1)]).unwrap();
        let takers = [[(A, 1), (B, 1)], [(B, 1), (A, 1)]].map(|items| {
            let stock = std::sync::Arc::clone(&stock);
            thread::spawn(move || stock.take(&items).map(engine::stock::Permit::spend).is_ok())
        });
        drop(returned);
        let spent: i64 = takers.into_iter().map(|taker| i64::from(taker.join().unwrap())).sum();
        assert!(spent <= 1);
        assert_eq!(stock.permits(A), 2 - spent);
        assert_eq!(stock.permits(B), 1 - spent);
    });
}

/// Counters that are read together were published together.
#[test]
fn stock_counters_add_up_whenever_they_are_seen() {
    check(3, || {
        let stock = stock([3, 0]);
        let scribe = {
            let stock = std::sync::Arc::clone(&stock);
            thread::spawn(move || {
                for sold in 1..=3 {
                    let counts = Counts { available: 3 - sold, sold, ..Counts::default() };
                    stock.publish(A, counts);
                    thread::yield_now();
                }
            })
        };
        let mut sold = 0;
        for _ in 0..2 {
            thread::yield_now();
            let counts = stock.counts(A).unwrap();
            assert_eq!(counts.total(), 3);
            assert!(counts.sold >= sold);
            sold = counts.sold;
        }
        scribe.join().unwrap();
    });
}
