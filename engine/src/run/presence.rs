//! Who still waits, where many nodes serve: a shopper polls any of them, and all have to know.
//!
//! Time is cut into periods, a sixteenth of the sale's patience each. When one is over, this node tells
//! the others whom it heard of in it, a bit for each place, and takes over what all of them heard in
//! the one before, which by then all have told. So a place is ended late, by four periods, and never
//! while any node hears of it. The cost is one exchange a period, whatever the shoppers poll.

use std::collections::BTreeMap;

use crate::{
    arbiter::Peers,
    clock::Millis,
    id::{Number, SaleTag},
    line::Line,
    view::SaleView,
};

/// Periods in a sale's patience.
const PERIODS: u64 = 16;
/// The shortest period.
const PERIOD_MS_MIN: u64 = 1_000;
/// How many periods later than on a single node a place is ended: two until what a node heard is known to all,
/// and two for nodes and clocks that are late.
const PERIODS_LATE: u64 = 4;
/// How many periods are made up for at once: what the others told is kept for three.
const LATE_PERIODS_MAX: u64 = 2;

/// What this node told and heard of each sale.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    sales: BTreeMap<SaleTag, SalePresence>,
}

/// One sale.
#[derive(Clone, Copy, Debug)]
struct SalePresence {
    /// The last period told.
    told: u64,
    /// Since when nothing was missed that others heard.
    since: Millis,
}

impl Presence {
    /// Forgets the sales that are gone.
    pub(crate) fn retain(&mut self, is_there: impl Fn(SaleTag) -> bool) {
        self.sales.retain(|tag, _| is_there(*tag));
    }

    /// Places of a sale not heard of since then are quiet; `None` while that cannot be known.
    pub(crate) fn limit(
        &mut self,
        peers: Option<&mut dyn Peers>,
        view: &SaleView,
        at: Millis,
    ) -> Option<Millis> {
        let idle_ms = view.settings().spec.idle_ms;
        let Some(peers) = peers else { return Some(Millis(at.0.saturating_sub(idle_ms))) };
        let period_ms = (idle_ms / PERIODS).max(PERIOD_MS_MIN);
        let since = self.exchange(peers, view, at, period_ms);
        let reach = idle_ms + PERIODS_LATE * period_ms;
        (at.since(since) > reach).then(|| Millis(at.0.saturating_sub(reach)))
    }

    /// Tells and hears when a period is over. Answers since when nothing was missed.
    fn exchange(
        &mut self,
        peers: &mut dyn Peers,
        view: &SaleView,
        at: Millis,
        period_ms: u64,
    ) -> Millis {
        let over = (at.0 / period_ms).saturating_sub(1);
        let fresh = SalePresence { told: over.saturating_sub(1), since: at };
        let known = self.sales.entry(view.tag()).or_insert(fresh);
        if over <= known.told {
            return known.since;
        }
        if over > known.told + LATE_PERIODS_MAX {
            *known = SalePresence { told: over - 1, since: at };
        }
        let line = view.line();
        let base = Number(line.watermark().0 / 8 * 8 + 1);
        // A turn may begin late: what was missed by a period is told and heard now.
        for period in known.told + 1..=over {
            let before = period.saturating_sub(1);
            let bitmap = bitmap_of(line, base, Millis(period * period_ms));
            let told = peers.tell_heard(view.tag(), (period, period_ms), base, &bitmap);
            match peers.heard_by_all(view.tag(), before, base).filter(|_| told) {
                Some(bits) => hear_all(line, base, &bits, Millis((before + 1) * period_ms)),
                None => known.since = at,
            }
        }
        known.told = over;
        known.since
    }
}

/// A bit for each number from `base` on that was heard of since `from`; the most significant of a byte
/// first, and no byte behind the last that is not 0.
fn bitmap_of(line: &Line, base: Number, from: Millis) -> Vec<u8> {
    let mut bitmap = Vec::new();
    for number in base.0..=line.issued().0 {
        // What was heard is kept in whole seconds, rounded down.
        if line.heard(Number(number)).after(1_000) > from {
            let bit = number - base.0;
            let byte = usize::try_from(bit / 8).expect("a line fits in memory");
            bitmap.resize(bitmap.len().max(byte + 1), 0);
            bitmap[byte] |= 0x80 >> (bit % 8);
        }
    }
    bitmap
}

fn hear_all(line: &Line, base: Number, bits: &[u8], at: Millis) {
    for (byte, first) in bits.iter().zip((base.0..).step_by(8)) {
        for bit in (0..8).filter(|bit| byte & (0x80 >> bit) != 0) {
            line.hear(Number(first + bit), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineWriter;

    #[test]
    fn what_one_node_heard_another_takes_over() {
        let (mut one, mut other) = (LineWriter::new(Millis(0)), LineWriter::new(Millis(0)));
        for writer in [&mut one, &mut other] {
            writer.issue_through(Number(40), Millis(0));
        }
        let heard = [Number(9), Number(16), Number(17), Number(33)];
        for number in heard {
            one.line().hear(number, Millis(70_000));
        }
        let bits = bitmap_of(&one.line(), Number(9), Millis(60_000));
        assert_eq!(bits, [0x81, 0x80, 0, 0x80]);
        hear_all(&other.line(), Number(9), &bits, Millis(80_000));
        let known = (1..=40).map(Number).filter(|n| other.line().heard(*n) == Millis(80_000));
        assert_eq!(known.collect::<Vec<_>>(), heard);
        assert!(bitmap_of(&one.line(), Number(9), Millis(90_000)).is_empty());
    }
}
