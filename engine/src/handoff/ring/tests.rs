//! What the ring promises, on real threads; `tests/loom.rs` proves the interleavings.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::{Reason, Refused, bounded, bounded_lanes};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn values_come_out_in_the_order_they_went_in() {
    let (producer, mut consumer) = bounded(8);
    let mut out = Vec::new();
    for lap in 0..100_u32 {
        for step in 0..5 {
            producer.push(lap * 5 + step).unwrap();
        }
        assert_eq!(producer.depth(), 5);
        assert_eq!(consumer.drain(3, &mut out), 3);
        assert_eq!(consumer.drain(8, &mut out), 2);
    }
    assert!(out.iter().copied().eq(0..500));
}

#[test]
fn the_first_of_two_rings_is_taken_from_first_and_leaves_room_for_the_second() {
    let (first, second, mut lanes) = bounded_lanes(8, 8);
    for value in 0..6 {
        second.push(("second", value)).unwrap();
        first.push(("first", value)).unwrap();
    }
    let mut out = Vec::new();
    assert_eq!(lanes.drain(2, 5, &mut out), 5);
    let expected = [("first", 0), ("first", 1), ("second", 0), ("second", 1), ("second", 2)];
    assert_eq!(out, expected);
    assert_eq!((first.depth(), second.depth()), (4, 3));
}

#[test]
fn a_full_second_ring_refuses_nothing_of_the_first() {
    let (first, second, mut lanes) = bounded_lanes(2, 2);
    second.push(1).unwrap();
    second.push(2).unwrap();
    assert_eq!(second.push(3), Err(Refused { value: 3, reason: Reason::Full }));
    first.push(4).unwrap();
    let mut out = Vec::new();
    lanes.drain(1, 4, &mut out);
    assert_eq!(out, [4, 1, 2]);
}

#[test]
fn a_push_into_either_ring_wakes_the_consumer() {
    let (first, second, mut lanes) = bounded_lanes(4, 4);
    for producer in [&first, &second] {
        let producer = producer.clone();
        let pusher = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            producer.push(7).unwrap();
        });
        let mut out = Vec::new();
        while lanes.drain(4, 4, &mut out) == 0 {
            lanes.wait(LONG);
        }
        assert_eq!(out, [7]);
        pusher.join().unwrap();
    }
}

#[test]
fn a_full_ring_hands_the_value_back() {
    let (producer, mut consumer) = bounded(2);
    producer.push("a").unwrap();
    producer.push("b").unwrap();
    assert_eq!(producer.push("c"), Err(Refused { value: "c", reason: Reason::Full }));
    let mut out = Vec::new();
    assert_eq!(consumer.drain(1, &mut out), 1);
    producer.push("c").unwrap();
    assert_eq!(producer.push("d"), Err(Refused { value: "d", reason: Reason::Full }));
}

#[test]
fn closing_drops_what_is_left_and_refuses_the_rest() {
    let (producer, consumer) = bounded(4);
    let counted = Arc::new(());
    producer.push(Arc::clone(&counted)).unwrap();
    producer.push(Arc::clone(&counted)).unwrap();
    drop(consumer);
    assert_eq!(Arc::strong_count(&counted), 1);
    let refused = producer.push(Arc::clone(&counted)).unwrap_err();
    assert_eq!(refused.reason, Reason::Closed);
    assert_eq!(producer.depth(), 0);
}

#[test]
fn the_last_producer_to_go_wakes_the_consumer() {
    let (producer, mut consumer) = bounded::<u8>(4);
    let second = producer.clone();
    drop(producer);
    assert!(!consumer.is_closed());
    let leaver = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        second.push(7).unwrap();
    });
    while !consumer.is_closed() {
        consumer.wait(LONG);
    }
    let mut out = Vec::new();
    assert_eq!(consumer.drain(4, &mut out), 1);
    leaver.join().unwrap();
}

#[test]
fn waiting_ends_at_the_timeout() {
    let (producer, mut consumer) = bounded::<u8>(4);
    consumer.wait(Duration::from_millis(5));
    assert_eq!(consumer.drain(4, &mut Vec::new()), 0);
    producer.push(1).unwrap();
    consumer.wait(LONG);
    assert_eq!(consumer.drain(4, &mut Vec::new()), 1);
}

/// Each round trip needs its own wake-up; a lost one would wait out the long timeout.
#[test]
fn no_wake_up_is_lost_between_push_and_park() {
    let (producer, mut consumer) = bounded::<u32>(2);
    let (reply, replies) = mpsc::sync_channel(1);
    let rounds = 50_000;
    let pusher = thread::spawn(move || {
        for round in 0..rounds {
            producer.push(round).unwrap();
            assert_eq!(replies.recv().unwrap(), round);
        }
    });
    let mut out = Vec::new();
    for _ in 0..rounds {
        while consumer.drain(2, &mut out) == 0 {
            consumer.wait(LONG);
        }
        reply.send(out.pop().unwrap()).unwrap();
    }
    pusher.join().unwrap();
}

#[test]
fn many_producers_lose_nothing_and_keep_their_own_order() {
    const EACH: u32 = 100_000;
    let (producer, mut consumer) = bounded::<Box<(usize, u32)>>(64);
    let pushers = [0, 1, 2, 3].map(|who| {
        let producer = producer.clone();
        thread::spawn(move || {
            for step in 0..EACH {
                let mut value = Box::new((who, step));
                while let Err(refused) = producer.push(value) {
                    value = refused.value;
                    thread::yield_now();
                }
            }
        })
    });
    drop(producer);
    let mut next = [0; 4];
    let mut out = Vec::new();
    loop {
        let closed = consumer.is_closed();
        let drained = consumer.drain(32, &mut out);
        for value in out.drain(..) {
            let (who, step) = *value;
            assert_eq!(step, next[who]);
            next[who] += 1;
        }
        if drained == 0 {
            if closed {
                break;
            }
            consumer.wait(LONG);
        }
    }
    assert_eq!(next, [EACH; 4]);
    for pusher in pushers {
        pusher.join().unwrap();
    }
}

#[test]
fn closing_under_fire_accounts_for_every_value() {
    for _ in 0..200 {
        let (producer, mut consumer) = bounded::<Arc<()>>(8);
        let counted = Arc::new(());
        let pushers = [(); 3].map(|()| {
            let (producer, counted) = (producer.clone(), Arc::clone(&counted));
            thread::spawn(move || {
                loop {
                    match producer.push(Arc::clone(&counted)) {
                        Ok(()) => {}
                        Err(Refused { reason: Reason::Full, .. }) => thread::yield_now(),
                        Err(Refused { reason: Reason::Closed, .. }) => break producer,
                    }
                }
            })
        });
        consumer.drain(100, &mut Vec::new());
        drop(consumer);
        // The producers are still alive: nothing may be waiting for them to go.
        let alive = pushers.map(|pusher| pusher.join().unwrap());
        assert_eq!(Arc::strong_count(&counted), 1);
        drop(alive);
    }
}
