//! What is asked in a turn, by whom it goes to.

use std::collections::BTreeMap;

use engine::{
    command::{Ask, Command, Note, Operation, Reply},
    id::SaleTag,
    sale::{EndRefusal, EntryRefusal, PlaceRefusal, PurchaseRefusal, SettleRefusal},
};

/// A turn's commands by whom they go to, each with the place of its reply.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub asked: BTreeMap<SaleTag, Asked>,
    pub operations: Vec<(usize, Operation)>,
}

/// What is asked and told of one sale.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub asks: Vec<(usize, Ask)>,
    pub notes: Vec<(usize, Note)>,
}

impl Asked {
    pub(super) fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.notes.is_empty()
    }
}

impl Sorted {
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.operations.is_empty()
    }

    pub(super) fn take(&mut self, index: usize, command: &Command) {
        match command {
            Command::Ask(sale, ask) => {
                self.asked.entry(*sale).or_default().asks.push((index, ask.clone()));
            }
            Command::Note(sale, note) => {
                self.asked.entry(*sale).or_default().notes.push((index, note.clone()));
            }
            Command::Operate(operation) => self.operations.push((index, operation.clone())),
        }
    }
}

/// The reply to a question about a sale that is not there.
pub(super) fn no_sale(ask: &Ask) -> Reply {
    match ask {
        Ask::Enter { .. } => Reply::Entry(Err(EntryRefusal::NoSale)),
        Ask::Leave { .. } => Reply::Left(Err(PlaceRefusal::NoPlace)),
        Ask::Claim { .. } => Reply::Claim(Err(PlaceRefusal::NoPlace)),
        Ask::Purchase { .. } => Reply::Purchase(Err(PurchaseRefusal::NoSale)),
        Ask::Settle { .. } => Reply::Settle(Err(SettleRefusal::NoHold)),
        Ask::EndSession { .. } => Reply::Ended(Err(EndRefusal::NoSession)),
        Ask::Idle { .. } => Reply::Noted(0),
    }
}
