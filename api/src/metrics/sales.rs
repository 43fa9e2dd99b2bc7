//! What is measured of each sale, written from its figures at every scrape.
//!
//! Nothing of a sale is kept in the recorder: what is not there any more when a scrape comes is not
//! written, so the series of a deleted sale end with it. One that is made again under the same name
//! counts from 0, as after a restart of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;
use engine::id::{Epoch, SaleTag};
use engine::sync::{AtomicU64, Ordering};
use engine::view::SaleView;

use super::{
    ACTIVE_SESSIONS, ADMITTED_TOTAL, DEPARTED_TOTAL, ENTER_TOTAL, FAMILIES, Kind, LINE_LENGTH,
    POSITION_TOTAL, PURCHASE_TOTAL, STOCK_UNITS,
};

/// Outcomes counted at once. A sale has some fifty; those of deleted sales go at the next scrape,
/// and without scrapes what comes after these is not missed.
const OUTCOMES_MAX: usize = 131_072;

/// What became of an entry or a purchase, as the `outcome` label has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An entry that waits.
    Waiting,
    /// An entry that was let in at once.
    Admitted,
    /// A purchase that was made.
    Held,
    /// A repeat that was answered as before.
    Replayed,
    /// Refused, with the problem's code.
    Refused(&'static str),
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Held => "held",
            Self::Replayed => "replayed",
            Self::Refused(code) => code,
        }
    }
}

/// A figure of a sale.
type Figure = fn(&SaleView) -> u64;

/// A sale as it was made once; a namesake made later has another epoch.
type Made = (SaleTag, Epoch);

/// Entries and purchases by sale and outcome.
#[derive(Default)]
pub struct Outcomes(DashMap<(Made, &'static str, &'static str), AtomicU64>);

impl Outcomes {
    /// Counts an entry or a purchase of a sale; `name` is the metric's.
    pub fn count(&self, name: &'static str, sale: &SaleView, outcome: Outcome) {
        let key = ((sale.tag(), sale.epoch()), name, outcome.label());
        // ORDERING: Relaxed; a count stands alone.
        if let Some(count) = self.0.get(&key) {
            count.fetch_add(1, Ordering::Relaxed);
        } else if self.0.len() < OUTCOMES_MAX {
            self.0.entry(key).or_default().fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts by metric and outcome of each of these sales. Those of others are dropped.
    fn of(&self, sales: &[Arc<SaleView>]) -> BTreeMap<(Made, &'static str, &'static str), u64> {
        let made: BTreeSet<Made> = sales.iter().map(|sale| (sale.tag(), sale.epoch())).collect();
        self.0.retain(|(of, ..), _| made.contains(of));
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        self.0.iter().map(|entry| (*entry.key(), count(entry.value()))).collect()
    }

    /// What there is to say of these sales, in the Prometheus text format.
    pub fn exposition(&self, sales: &[Arc<SaleView>]) -> String {
        let mut text = String::with_capacity(1_024 + sales.len() * 2_048);
        let outcomes = self.of(sales);
        for name in [ENTER_TOTAL, PURCHASE_TOTAL] {
            let mut family = Family::open(&mut text, name);
            for sale in sales {
                let made = (sale.tag(), sale.epoch());
                let first = (made, name, "");
                let own = outcomes
                    .range(first..)
                    .take_while(|((of, metric, _), _)| (of, metric) == (&made, &name));
                for ((.., outcome), count) in own {
                    family.put(sale, &[("outcome", outcome)], *count);
                }
            }
        }
        let tallies: [(&str, Figure); 4] = [
            (POSITION_TOTAL, |sale| sale.tally().polled_total()),
            (ADMITTED_TOTAL, |sale| sale.tally().admitted_total()),
            (LINE_LENGTH, |sale| sale.line().length()),
            (ACTIVE_SESSIONS, SaleView::active_sessions),
        ];
        for (name, figure) in tallies {
            let mut family = Family::open(&mut text, name);
            for sale in sales {
                family.put(sale, &[], figure(sale));
            }
        }
        let mut departed = Family::open(&mut text, DEPARTED_TOTAL);
        for sale in sales {
            for (reason, count) in sale.tally().departed_total() {
                departed.put(sale, &[("reason", reason)], count);
            }
        }
        let mut stock = Family::open(&mut text, STOCK_UNITS);
        for sale in sales {
            put_stock(&mut stock, sale);
        }
        text
    }
}

fn put_stock(family: &mut Family<'_>, sale: &SaleView) {
    let settings = sale.settings();
    for (offer, counts) in settings.spec.offers.iter().zip(sale.counts()) {
        for (state, units) in [
            ("available", counts.available),
            ("held", counts.held),
            ("paying", counts.paying),
            ("sold", counts.sold),
            ("stranded", counts.stranded),
        ] {
            family.put(sale, &[("sku", offer.sku.as_str()), ("state", state)], units);
        }
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outcomes")
    }
}

/// The lines of one metric.
struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl<'t> Family<'t> {
    fn open(text: &'t mut String, name: &'static str) -> Self {
        if let Some((_, kind, words)) = FAMILIES.iter().find(|(known, ..)| *known == name) {
            let kind = if *kind == Kind::Counter { "counter" } else { "gauge" };
            text.extend(["# HELP ", name, " ", words, "\n# TYPE ", name, " ", kind, "\n"]);
        }
        Self { text, name }
    }

    /// Names of sales and SKUs, outcomes, reasons and states are of letters, digits and `. _ : -`,
    /// so nothing is escaped.
    fn put(&mut self, sale: &SaleView, labels: &[(&str, &str)], value: u64) {
        self.text.extend([self.name, "{sale=\"", sale.name().as_str(), "\""]);
        for (label, value) in labels {
            self.text.extend([",", label, "=\"", value, "\""]);
        }
        self.text.extend(["} ", &value.to_string(), "\n"]);
    }
}
