//! All that a run measures.

use super::{
    alone::Alone, compare::Comparison, crowd::Crowd, nodes::Nodes, pace::Pace, sales::Sales,
    storm::Storm, tail::Tail, watchers::Watchers,
};

/// All that is measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) calls: Vec<Comparison>,
    pub(super) alone: Option<Alone>,
    pub(super) tails: Vec<Tail>,
    pub(super) storm: Option<Storm>,
    pub(super) crowds: Vec<Crowd>,
    pub(super) crowds_large: Vec<Crowd>,
    pub(super) watchers: Option<Watchers>,
    pub(super) nodes: Option<Nodes>,
    pub(super) sales: Option<Sales>,
    pub(super) busy_shop: Vec<Comparison>,
    pub(super) pace: Option<Pace>,
}
