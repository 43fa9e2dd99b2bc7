//! Which sales are called though nothing is asked of them.
//!
//! A sale in which something happens is ticked every 50 ms. One in which nothing does is left alone until
//! time brings something, or the store says that it moves; it is called now and then all the same, together
//! with others.

use engine::{clock::Millis, id::SaleTag, limits::TICK_MS};

use super::{Node, replica::Replica};

/// How often a sale is called that people are in, or order events, though nothing happens: the store takes
/// four seconds without a call for an outage, and five for the end of the delivering node.
const OCCUPIED_MS: u64 = 1_000;
/// How often one is called in which there is nothing. Well below the silence after which a node is parted.
const QUIET_MS: u64 = 6_000;
/// Quiet sales that one call takes: some milliseconds of the store.
pub(super) const QUIET_SALES_MAX: usize = 128;

/// Why a sale is called that nothing is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Something happens in it, or may.
    Tick,
    /// Only that it has not been for long.
    Quiet,
    /// That it would be before long, and there is a call to share.
    QuietSoon,
}

impl Node {
    /// The sales that are to be called though nothing is asked of them; of the quiet ones as many as one call
    /// takes, and the others in the next turns.
    pub(super) fn due(&self, at: Millis) -> Vec<(SaleTag, Due)> {
        let following = self.replicas.iter().filter(|(_, replica)| replica.is_following());
        let why =
            |(tag, replica): (&SaleTag, &Replica)| Some((*tag, self.due_of(*tag, replica, at)?));
        let all: Vec<(SaleTag, Due)> = following.filter_map(why).collect();
        let (mut due, mut quiet): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, why)| *why == Due::Tick);
        // Those that are due soon fill up a call, but none is made for them.
        if quiet.iter().any(|(_, why)| *why == Due::Quiet) {
            quiet.sort_by_key(|(_, why)| *why == Due::QuietSoon);
            due.extend(quiet.into_iter().take(QUIET_SALES_MAX));
        }
        due
    }

    fn due_of(&self, tag: SaleTag, replica: &Replica, at: Millis) -> Option<Due> {
        let (sale, since) = (self.world.sale(tag)?, at.since(replica.called_at));
        if since < TICK_MS {
            return None;
        }
        let steady_since = self.breakers.steady_since(&self.shard(tag));
        // A store that was away may have come back as another.
        let is_steady = steady_since.is_some_and(|since| replica.called_at > since);
        let is_lively = at < replica.lively_until || replica.joining_since.is_some();
        let is_due = || sale.next_due(at).is_some_and(|due| due <= at);
        if self.heard.is_none() || !is_steady || is_lively || is_due() {
            return Some(Due::Tick);
        }
        if since >= OCCUPIED_MS && sale.is_occupied() {
            return Some(Due::Tick);
        }
        if since >= QUIET_MS {
            return Some(Due::Quiet);
        }
        (since >= QUIET_MS / 2).then_some(Due::QuietSoon)
    }
}
