//! What the book promises, without a sink or an engine.

use std::time::Duration;

use engine::{
    clock::Millis,
    hold::{Hold, HoldState},
    id::{Currency, Epoch, Number, SaleName, ShopperKey},
};

use super::*;

fn event(id: u64, hold: u64) -> OrderEvent {
    event_of("demo", id, hold)
}

fn event_of(sale: &str, id: u64, hold: u64) -> OrderEvent {
    OrderEvent {
        id: EventId(id),
        at: Millis(id),
        sale: SaleName::parse(sale).unwrap(),
        epoch: Epoch(1),
        sale_created_at: Millis(1),
        hold: Hold {
            id: HoldId(hold),
            number: Number(1),
            shopper: ShopperKey(7),
            state: HoldState::Held,
            items: [].into_iter().collect(),
            created_at: Millis(1),
            expires_at: Millis(2),
        },
        skus: Vec::new(),
        currency: Currency::parse("KRW").unwrap(),
    }
}

fn none_dead(_: &OrderEvent) -> bool {
    false
}

fn shown(book: &mut Book) -> Vec<u64> {
    book.next_batch(100, Instant::now()).iter().map(|event| event.id.0).collect()
}

/// Takes `id` of `hold`, with the engine noting it.
fn settle(book: &mut Book, id: u64, hold: u64) {
    book.taken(&event(id, hold));
    acknowledge(book);
}

fn acknowledge(book: &mut Book) {
    for (sale, events) in book.take_taken(100) {
        book.acknowledged(sale, &events);
    }
}

#[test]
fn a_hold_shows_one_event_at_a_time_and_holds_do_not_wait_for_each_other() {
    let mut book = Book::default();
    for (id, hold) in [(1, 1), (2, 1), (3, 2)] {
        book.receive(event(id, hold), none_dead);
    }
    assert_eq!(shown(&mut book), [1, 3]);
    assert_eq!(shown(&mut book), [0; 0]);
    book.taken(&event(1, 1));
    assert_eq!(shown(&mut book), [2]);
}

#[test]
fn what_is_behind_a_dead_letter_waits_until_it_is_offered_again() {
    let mut book = Book::default();
    book.receive(event(1, 1), none_dead);
    book.receive(event(2, 1), none_dead);
    assert_eq!(shown(&mut book), [1]);
    let dead = |event: &OrderEvent| event.id == EventId(1);
    book.dead_lettered(&event(1, 1), dead);
    assert!(book.in_hand.is_empty());

    // Still in the channel from before, as is a stale offer of the dead letter itself.
    book.receive(event(3, 1), dead);
    book.receive(event(1, 1), dead);
    assert_eq!(shown(&mut book), [0; 0]);

    // Requeued: a stale later event first, then the offers in order.
    for id in [4, 1, 2, 3, 4] {
        book.receive(event(id, 1), none_dead);
    }
    for id in 1..=4 {
        assert_eq!(shown(&mut book), [id]);
        settle(&mut book, id, 1);
    }
}

#[test]
fn a_dead_letter_requeued_before_its_death_is_heard_of_goes_on_at_once() {
    let mut book = Book::default();
    book.receive(event(1, 1), none_dead);
    book.receive(event(2, 1), none_dead);
    assert_eq!(shown(&mut book), [1]);
    book.receive(event(1, 1), none_dead);
    book.receive(event(2, 1), none_dead);
    book.dead_lettered(&event(1, 1), none_dead);
    assert_eq!(shown(&mut book), [1]);
    settle(&mut book, 1, 1);
    assert_eq!(shown(&mut book), [2]);
}

#[test]
fn an_event_offered_again_while_in_hand_or_just_acknowledged_is_not_shown_again() {
    let mut book = Book::default();
    book.receive(event(1, 1), none_dead);
    book.receive(event(1, 1), none_dead);
    assert_eq!(shown(&mut book), [1]);
    book.taken(&event(1, 1));
    book.receive(event(1, 1), none_dead);
    let taken = book.take_taken(100);
    book.receive(event(1, 1), none_dead);
    for (sale, events) in taken {
        book.acknowledged(sale, &events);
    }
    book.receive(event(1, 1), none_dead);
    assert_eq!(shown(&mut book), [0; 0]);
}

#[test]
fn memory_of_acknowledged_events_ends_with_the_last_offer_that_could_be_on_its_way() {
    let mut book = Book::default();
    let channel = OUTLET_EVENTS_MAX as u64;
    for id in 1..=3 * channel {
        book.receive(event(id, id), none_dead);
        assert_eq!(shown(&mut book), [id]);
        settle(&mut book, id, id);
        assert!(book.remembered.len() <= OUTLET_EVENTS_MAX + 1);
        assert_eq!(book.remembered.len(), book.remembered_keys.len());
    }
    assert!(book.in_hand.is_empty() && book.stories.is_empty());
}

#[test]
fn the_book_is_full_at_its_bound_until_the_engine_notes_what_was_taken() {
    let mut book = Book::default();
    let mut id = 0;
    while book.has_room() {
        id += 1;
        book.receive(event(id, id), none_dead);
    }
    assert_eq!(book.in_hand.len(), EVENTS_IN_HAND_MAX);
    assert_eq!(shown(&mut book).len(), 100);
    book.taken(&event(1, 1));
    assert!(!book.has_room());
    for (sale, events) in book.take_taken(100) {
        book.not_acknowledged(sale, events);
    }
    assert!(!book.has_room());
    acknowledge(&mut book);
    assert!(book.has_room());
}

#[test]
fn events_and_holds_of_one_number_in_two_sales_are_not_each_others() {
    let mut book = Book::default();
    let other = |id| event_of("other", id, 1);
    book.receive(event(1, 1), none_dead);
    book.receive(other(1), none_dead);
    assert_eq!(shown(&mut book), [1, 1]);
    let demo = event(1, 1).sale;
    let dead = |event: &OrderEvent| event.sale == demo && event.id == EventId(1);
    book.dead_lettered(&event(1, 1), dead);
    book.taken(&other(1));
    let taken: Vec<_> = book.take_taken(100).into_iter().collect();
    assert_eq!(taken, [(other(1).sale.tag(), vec![EventId(1)])]);
    book.acknowledged(taken[0].0, &taken[0].1);
    book.receive(event(2, 1), dead);
    book.receive(other(1), dead);
    book.receive(other(2), dead);
    assert_eq!(shown(&mut book), [2], "the other sale's hold is not parked");
    book.receive(event(1, 1), none_dead);
    assert_eq!(shown(&mut book), [1], "nor was this one's event taken");
}

#[test]
fn an_event_that_waits_is_shown_when_it_is_due() {
    let mut book = Book::default();
    let now = Instant::now();
    let due = now + Duration::from_mins(1);
    book.receive(event(1, 1), none_dead);
    assert_eq!(shown(&mut book), [1]);
    assert_eq!(book.refused(&event(1, 1)), 1);
    book.wait(&event(1, 1), due);
    assert!(book.next_batch(1, now).is_empty());
    assert_eq!(book.next_batch(1, due).len(), 1);
    assert_eq!(book.refused(&event(1, 1)), 2);
}

#[test]
fn a_sale_that_is_offered_from_the_beginning_is_taken_in_whatever_was_known_of_it() {
    let mut book = Book::default();
    let dead = |event: &OrderEvent| event.id == EventId(1);
    for (id, hold) in [(1, 1), (2, 2), (3, 2)] {
        book.receive(event(id, hold), none_dead);
    }
    assert_eq!(shown(&mut book), [1, 2]);
    book.dead_lettered(&event(1, 1), dead);
    settle(&mut book, 2, 2);
    book.receive(event_of("other", 1, 1), none_dead);
    assert_eq!(shown(&mut book), [3, 1]);
    book.taken(&event_of("other", 1, 1));
    acknowledge(&mut book);

    // Another node delivered the dead letter, and forgot that this one's sink took the second.
    book.start_over(event(1, 1).sale.tag());
    for (id, hold) in [(2, 2), (3, 2), (4, 1), (5, 2)] {
        book.receive(event(id, hold), none_dead);
    }
    book.receive(event_of("other", 1, 1), none_dead);
    assert_eq!(shown(&mut book), [4], "the hold is not parked; the third is with the sink");
    for next in [2, 5] {
        settle(&mut book, if next == 2 { 3 } else { 2 }, 2);
        assert_eq!(shown(&mut book), [next]);
    }
}

#[test]
fn an_event_that_comes_again_behind_a_dead_letter_of_its_hold_is_not_lost() {
    let mut book = Book::default();
    book.receive(event(2, 1), none_dead);
    assert_eq!(shown(&mut book), [2]);
    book.start_over(event(2, 1).sale.tag());
    for id in [1, 2, 3] {
        book.receive(event(id, 1), none_dead);
    }
    let dead = |event: &OrderEvent| event.id == EventId(2);
    book.dead_lettered(&event(2, 1), dead);
    assert_eq!(shown(&mut book), [1]);
    book.taken(&event(1, 1));
    book.receive(event(3, 1), dead);
    assert_eq!(shown(&mut book), [0; 0], "it waits behind the dead letter");
    book.receive(event(2, 1), none_dead);
    book.receive(event(3, 1), none_dead);
    assert_eq!(shown(&mut book), [2]);
    book.taken(&event(2, 1));
    assert_eq!(shown(&mut book), [3]);
}
