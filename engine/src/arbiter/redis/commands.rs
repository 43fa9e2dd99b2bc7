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

use super::StoreError;
use crate::{
    codec::Binary as _,
    command::Command,
    id::SaleTag,
    limits::{IDLE_PLACES_MAX, PURCHASE_ITEMS_MAX},
    sale::{Settler, TicketRef},
};

const _: () = assert!(PURCHASE_ITEMS_MAX <= u8::MAX as usize);

/// The byte form of a batch.
///
/// # Panics
/// When a command is of another sale.
pub(super) fn encode(sale: SaleTag, commands: &[Command]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(commands.len() * 64);
    let together = |one: &Command, next: &Command| is_plain_entry(one) && is_plain_entry(next);
    for run in commands.chunk_by(together) {
        if is_plain_entry(&run[0]) {
            out.push(8);
            u32::try_from(run.len()).map_err(|_| StoreError::NotForStore)?.encode(&mut out);
        }
        for command in run {
            let of = put(command, &mut out).ok_or(StoreError::NotForStore)?;
            assert_eq!(of, sale, "a batch is of one sale");
        }
    }
    Ok(out)
}

fn is_plain_entry(command: &Command) -> bool {
    matches!(command, Command::Enter { replay: None, .. })
}

/// Writes a command, of plain entries the shopper alone; `None` for one that the store does not decide.
fn put(command: &Command, out: &mut Vec<u8>) -> Option<SaleTag> {
    match command {
        Command::Enter { sale, shopper, replay: None } => {
            shopper.encode(out);
            Some(*sale)
        }
        Command::Enter { sale, shopper, replay } => {
            out.push(1);
            shopper.encode(out);
            replay.encode(out);
            Some(*sale)
        }
        Command::Leave { sale, ticket } => {
            out.push(2);
            put_ticket(*ticket, out);
            Some(*sale)
        }
        Command::Claim { sale, ticket } => {
            out.push(3);
            put_ticket(*ticket, out);
            Some(*sale)
        }
        Command::Purchase { sale, pass, items, replay } => {
            out.push(4);
            put_ticket(*pass, out);
            Some(*replay).encode(out);
            out.push(u8::try_from(items.len()).ok()?);
            for (offer, quantity) in items {
                offer.encode(out);
                quantity.encode(out);
            }
            Some(*sale)
        }
        Command::Settle { sale, epoch, hold, step, by, replay } => {
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
            Some(*sale)
        }
        Command::EndSession { sale, epoch, number } => {
            out.push(6);
            epoch.encode(out);
            number.encode(out);
            Some(*sale)
        }
        Command::Idle { sale, numbers } => {
            out.push(7);
            let count = u32::try_from(numbers.len()).ok()?;
            assert!(numbers.len() <= IDLE_PLACES_MAX, "a batch lets go of so many at the most");
            count.encode(out);
            for number in numbers {
                number.encode(out);
            }
            Some(*sale)
        }
        Command::Create { .. }
        | Command::Change { .. }
        | Command::Delivered { .. }
        | Command::DeadLetter { .. }
        | Command::Requeue { .. } => None,
    }
}

fn put_ticket(ticket: TicketRef, out: &mut Vec<u8>) {
    ticket.epoch.encode(out);
    ticket.number.encode(out);
    ticket.shopper.encode(out);
}
