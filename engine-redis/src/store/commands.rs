//! Commands as the library reads them: one string, in the byte form of the codec.
//!
//! | command | byte | then |
//! |---|---:|---|
//! | enter | 1 | shopper, replay |
//! | leave | 2 | ticket |
//! | claim | 3 | ticket |
//! | purchase | 4 | ticket, replay, count (1 byte), that many offers (2) and quantities (4) |
//! | settle | 5 | epoch (4), hold, step, 0 for the backend or 1 and the shopper, replay |
//! | end session | 6 | epoch (4), number |
//! | idle | 7 | count (4), that many numbers |
//! | enter, without a key | 8 | count (4), that many shoppers |
//!
//! Entries without a key that follow each other are one command, each with a reply of its own.
//!
//! A ticket is epoch (4), number (8) and shopper (16). A replay is 0, or 1 with key and body (16 each).

use engine::{
    codec::Binary as _,
    command::Ask,
    limits::{IDLE_PLACES_MAX, PURCHASE_ITEMS_MAX},
    sale::{Settler, TicketRef},
};

const _: () = assert!(PURCHASE_ITEMS_MAX <= u8::MAX as usize);

/// The byte form of what a batch asks.
pub(super) fn encode(asks: &[Ask]) -> Vec<u8> {
    let mut out = Vec::with_capacity(asks.len() * 64);
    let together = |one: &Ask, next: &Ask| is_plain_entry(one) && is_plain_entry(next);
    for run in asks.chunk_by(together) {
        if is_plain_entry(&run[0]) {
            out.push(8);
            u32::try_from(run.len()).expect("a batch is far shorter").encode(&mut out);
        }
        for ask in run {
            put(ask, &mut out);
        }
    }
    out
}

fn is_plain_entry(ask: &Ask) -> bool {
    matches!(ask, Ask::Enter { replay: None, .. })
}

/// Writes one; of plain entries the shopper alone.
fn put(ask: &Ask, out: &mut Vec<u8>) {
    match ask {
        Ask::Enter { shopper, replay: None } => shopper.encode(out),
        Ask::Enter { shopper, replay } => {
            out.push(1);
            shopper.encode(out);
            replay.encode(out);
        }
        Ask::Leave { ticket } => {
            out.push(2);
            put_ticket(*ticket, out);
        }
        Ask::Claim { ticket } => {
            out.push(3);
            put_ticket(*ticket, out);
        }
        Ask::Purchase { pass, items, replay } => {
            out.push(4);
            put_ticket(*pass, out);
            Some(*replay).encode(out);
            out.push(u8::try_from(items.len()).expect("a purchase has few items"));
            for (offer, quantity) in items {
                offer.encode(out);
                quantity.encode(out);
            }
        }
        Ask::Settle { epoch, hold, step, by, replay } => {
            out.push(5);
            epoch.encode(out);
            hold.encode(out);
            step.encode(out);
            match by {
                Settler::Backend => out.push(0),
                Settler::Shopper(shopper) => {
                    out.push(1);
                    shopper.encode(out);
                }
            }
            replay.encode(out);
        }
        Ask::EndSession { epoch, number } => {
            out.push(6);
            epoch.encode(out);
            number.encode(out);
        }
        Ask::Idle { numbers } => {
            assert!(numbers.len() <= IDLE_PLACES_MAX, "a batch ends so many places at most");
            out.push(7);
            u32::try_from(numbers.len()).expect("few places").encode(out);
            for number in numbers {
                number.encode(out);
            }
        }
    }
}

fn put_ticket(ticket: TicketRef, out: &mut Vec<u8>) {
    ticket.epoch.encode(out);
    ticket.number.encode(out);
    ticket.shopper.encode(out);
}
