//! Which sales are called though nothing is asked of them.
//!
//! A sale in which something happens is ticked every 50 ms. One in which nothing does is left alone until
//! time brings something, or the store says that it moves; it is called now and then all the same, together
//! with others.

use engine::{
    clock::Millis,
    id::SaleTag,
    limits::{CLOCK_LEAP_MS, DELIVERY_LEASE_MS, NODE_NOTED_MS, SALES_MAX, STILL_MS, TICK_MS},
    sale::Sale,
};

/// How long a sale is called all the time after something happened in it. Twice as long as it has to stand
/// still before the store says that it moves again.
const LIVELY_MS: u64 = 2 * STILL_MS;
/// How often a sale is called that people are in, or order events, though nothing happens: the store takes
/// four seconds without a call for an outage, and five for the end of the delivering node.
const OCCUPIED_MS: u64 = 1_000;
/// How often one is called in which there is nothing: a call has to come before the delivering node's lease is
/// over. That is well below the silence after which a node is parted.
const QUIET_MS: u64 = 3_500;
/// Quiet sales that one call takes: some milliseconds of the store.
pub(super) const QUIET_SALES_MAX: usize = 128;
/// How often all sales are looked at, for those that are due: twice in a tick.
pub(super) const ROUND_MS: u64 = TICK_MS / 2;

/// What all sales wait at most that are due at once: while some of them are left, no turn waits for a tick. The
/// lease may have been prolonged half a second before a call.
const _: () = {
    let rounds = SALES_MAX.div_ceil(QUIET_SALES_MAX) as u64;
    assert!(QUIET_MS + rounds * ROUND_MS + NODE_NOTED_MS <= DELIVERY_LEASE_MS);
    assert!(OCCUPIED_MS <= QUIET_MS);
};

/// Why a sale is called that nothing is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Something happens in it, or may.
    Tick,
    /// Nothing but that it was not called for long.
    Quiet,
    /// Not due yet, but may join a call that is made anyway.
    QuietSoon,
}

/// When a sale was called last, and what says that it is to be called again.
#[derive(Debug, Default)]
pub(super) struct CallTimes {
    called_at: Millis,
    /// When something happened in it last.
    stirred_at: Millis,
    /// The store's clock leapt since the last call that was answered.
    has_missed_leap: bool,
    /// The sale's time in the last answer. What is appended is of no earlier time.
    pub told_at: Millis,
}

impl CallTimes {
    pub(super) fn called(&mut self, at: Millis) {
        self.called_at = at;
    }

    /// Something happens in the sale: for a while it is called all the time.
    pub(super) fn stir(&mut self, at: Millis) {
        self.stirred_at = self.stirred_at.max(at);
    }

    /// A call was answered, at this time of the sale's.
    pub(super) fn answered(&mut self, told_at: Millis) {
        self.has_missed_leap = false;
        self.told_at = told_at;
    }

    /// The store's clock leapt, as another sale's call found.
    pub(super) fn miss_leap(&mut self) {
        self.has_missed_leap = true;
    }

    /// What the store is told of the time that the node has: no sale's may be moved far beyond it. One leap moves
    /// the node once, so a sale that missed it is moved no further than the node is by now.
    pub(super) fn now_told(&self, now: Millis) -> Millis {
        let moved_ms = if self.has_missed_leap { CLOCK_LEAP_MS } else { 0 };
        Millis(now.0.saturating_sub(moved_ms))
    }

    /// Milliseconds since the last call.
    pub(super) fn since(&self, at: Millis) -> u64 {
        at.since(self.called_at)
    }

    /// Whether more may happen that the store does not tell of: lately something did, or no call since would have
    /// brought what came within the time after which the store tells, as after a turn that stalled.
    pub(super) fn is_lively(&self, at: Millis) -> bool {
        at < self.stirred_at.after(LIVELY_MS) || self.called_at < self.stirred_at.after(STILL_MS)
    }

    /// Why the sale is to be called at `at` though nothing is asked of it, if it is. `steady_since` says since
    /// when the node would have heard if it moved; `None` when it would not.
    pub(super) fn due(
        &self,
        sale: &Sale,
        at: Millis,
        steady_since: impl Fn() -> Option<Millis>,
    ) -> Option<Due> {
        let since = self.since(at);
        if since < TICK_MS {
            return None;
        }
        let is_due = || sale.next_due(at).is_some_and(|due| due <= at);
        let is_told = || steady_since().is_some_and(|since| self.called_at > since);
        if self.is_lively(at) || is_due() || !is_told() {
            return Some(Due::Tick);
        }
        if since >= OCCUPIED_MS && sale.is_occupied() {
            return Some(Due::Tick);
        }
        if since >= QUIET_MS || self.has_missed_leap {
            return Some(Due::Quiet);
        }
        (since >= QUIET_MS / 2).then_some(Due::QuietSoon)
    }
}

/// Those of `all` that are called in this round, and whether quiet ones are left that are due as well.
pub(super) fn due_together(all: Vec<(SaleTag, Due)>) -> (Vec<(SaleTag, Due)>, bool) {
    let (mut due, mut quiet): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, why)| *why == Due::Tick);
    let quiet_due = quiet.iter().filter(|(_, why)| *why == Due::Quiet).count();
    // Those that are due soon fill up a call, but none is made for them.
    if quiet_due > 0 {
        quiet.sort_by_key(|(_, why)| *why == Due::QuietSoon);
        due.extend(quiet.into_iter().take(QUIET_SALES_MAX));
    }
    (due, quiet_due > QUIET_SALES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_leaves_quiet_sales_behind_that_are_due_says_so() {
        let sales =
            |count: usize, why: Due| (0..).map(SaleTag).map(move |tag| (tag, why)).take(count);
        let round = |quiet: usize, soon: usize| {
            let all = sales(2, Due::Tick).chain(sales(soon, Due::QuietSoon));
            let (due, are_left) = due_together(all.chain(sales(quiet, Due::Quiet)).collect());
            let called = due.iter().filter(|(_, why)| *why == Due::Quiet).count();
            (due.len(), called, are_left)
        };
        assert_eq!(round(0, 9), (2, 0, false), "no call is made for those that are due soon");
        assert_eq!(round(1, QUIET_SALES_MAX), (2 + QUIET_SALES_MAX, 1, false));
        assert_eq!(round(QUIET_SALES_MAX, 9), (2 + QUIET_SALES_MAX, QUIET_SALES_MAX, false));
        assert_eq!(round(QUIET_SALES_MAX + 1, 0), (2 + QUIET_SALES_MAX, QUIET_SALES_MAX, true));
    }

    #[test]
    fn a_sale_is_quiet_only_after_a_call_that_the_store_has_nothing_untold_behind() {
        let mut calls = CallTimes::default();
        calls.stir(Millis(5_000));
        calls.called(Millis(5_100));
        assert!(calls.is_lively(Millis(6_999)));
        // The node stalled: what another wrote at 5,500 was not told, for it was only half a second later.
        assert!(calls.is_lively(Millis(8_000)));
        calls.called(Millis(8_000));
        assert!(!calls.is_lively(Millis(8_050)));
    }
}
