//! What the engine is told of a deal, and what it says.

use std::{error::Error, fmt};

use base::{moment::Moment, money::Money};

use crate::deal::Deal;

/// What a sale is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What people read above the room.
    pub title: String,
    /// When it opens.
    pub opens_at: Moment,
    /// When it ends by itself.
    pub closes_at: Moment,
    /// What a unit costs.
    pub price: Money,
    /// Units in all, sold ones included.
    pub stock: u32,
    /// Units that one shopper gets.
    pub per_shopper_max: u32,
    /// Whether nobody is let in for now.
    pub is_paused: bool,
    /// When it is over; before its end if somebody decided so.
    pub over_at: Moment,
}

impl Wanted {
    /// What the sale of a deal is to be; `None` of a draft.
    pub fn of(deal: &Deal) -> Option<Self> {
        deal.published_at?;
        let terms = &deal.terms;
        Some(Self {
            title: terms.title.clone(),
            opens_at: terms.hours.starts_at(),
            closes_at: terms.hours.ends_at(),
            price: terms.unit_price(),
            stock: terms.stock,
            per_shopper_max: terms.per_shopper_max,
            is_paused: deal.paused().is_some(),
            over_at: deal.over_at,
        })
    }
}

/// How a sale stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Absent,
    /// None is known here. Another node may have made one just now.
    Unheard,
    /// There is one.
    Live(Live),
    /// It is over, and kept for refunds alone.
    Archived,
}

/// Which change of a sale was the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The sale's epoch.
    pub epoch: u32,
    /// Changes since it was made.
    pub changes: u64,
}

/// A sale, as the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Which change was the last.
    pub version: Version,
    /// What people read above the room.
    pub title: String,
    /// When it opens; at once if `None`.
    pub opens_at: Option<Moment>,
    /// When it ends by itself; never if `None`.
    pub closes_at: Option<Moment>,
    /// What a unit costs; `None` if it is not one of ours.
    pub price: Option<Money>,
    /// Units in all.
    pub stock: u64,
    /// Units that can be taken away.
    pub available: u64,
    /// Units that one shopper gets.
    pub per_shopper_max: u32,
    /// Whether the gate stands still.
    pub is_paused: bool,
    /// Whether it has opened.
    pub has_opened: bool,
    /// Whether it is over.
    pub is_closed: bool,
}

/// One step that brings a sale to what is wanted. All but the first hold for one version alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes it.
    Create,
    /// Has it say, and allow, what is wanted.
    Update(Version),
    /// Units come, or go.
    Restock(Version, i64),
    /// The gate stands still.
    Pause(Version),
    /// The gate moves again.
    Resume(Version),
    /// It ends now.
    Close(Version),
    /// It goes, so that it can be made with another price.
    Delete(Version),
    /// It is kept for refunds alone.
    Archive(Version),
}

/// Why the engine did not do, or say, what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SalesError {
    /// The sale has changed since it was looked at. It is looked at again.
    MovedOn,
    /// It cannot be done yet, because somebody still buys. It is tried later.
    NotYet,
    /// The engine refuses it, in its words.
    Refused(String),
    /// The engine did not answer: it may have done it.
    Away(String),
}

impl fmt::Display for SalesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MovedOn => f.write_str("the sale has changed since it was looked at"),
            Self::NotYet => f.write_str("somebody still buys in the sale"),
            Self::Refused(why) => write!(f, "the engine refused: {why}"),
            Self::Away(why) => write!(f, "the engine did not answer: {why}"),
        }
    }
}

impl Error for SalesError {}
