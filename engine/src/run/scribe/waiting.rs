//! Requests that cannot be decided yet:
//!
//! - the other nodes of their sales have yet to hear that this one serves;
//! - their sale is a large archived one that is being packed or unpacked, or its file is being written;
//! - they make a sale, and other nodes are asked whether they know one of its name.
//!
//! Nothing was decided of them, so they take their turn as if they had come when they can be decided, in the
//! order in which they came. They are asked again every tick. Whatever else is asked of their sales meanwhile
//! waits behind them, so no one who came later is decided first.

use std::collections::BTreeSet;

use super::request::Request;
use crate::{
    clock::Millis,
    command::Reply,
    id::SaleTag,
    limits::{NOT_YET_MAX, TICK_MS},
};

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// In the order they came.
    requests: Vec<Request>,
    sales: BTreeSet<SaleTag>,
    /// When they are asked again.
    until: Millis,
}

impl Waiting {
    /// Puts those that wait before all others once their tick is over. Until then, takes from the others what is
    /// asked of the same sales.
    pub(super) fn join(&mut self, requests: &mut Vec<Request>, at: Millis) {
        if self.requests.is_empty() {
            return;
        }
        if at >= self.until {
            self.sales.clear();
            drop(requests.splice(0..0, self.requests.drain(..)));
            return;
        }
        let sales = &self.sales;
        let waits = |request: &mut Request| sales.contains(&request.command.sale());
        let behind: Vec<Request> = requests.extract_if(.., waits).collect();
        for request in behind {
            if let Some(too_many) = self.add(request, at) {
                too_many.promise.resolve(Ok(Reply::Unavailable));
            }
        }
    }

    /// Takes one that could not be decided; gives it back when there are too many.
    pub(super) fn add(&mut self, request: Request, at: Millis) -> Option<Request> {
        if self.requests.len() >= NOT_YET_MAX {
            return Some(request);
        }
        if self.requests.is_empty() {
            self.until = at.after(TICK_MS);
        }
        self.sales.insert(request.command.sale());
        self.requests.push(request);
        None
    }

    /// The end: nothing was decided of them.
    pub(super) fn refuse(&mut self) {
        let requests = self.requests.drain(..);
        requests.for_each(|request| request.promise.resolve(Ok(Reply::Unavailable)));
    }
}
