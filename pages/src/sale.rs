//! What a sale, a place in its line and a purchase are to the pages, as plain values.

use crate::format::{Moment, Money};

/// What a sale is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleState {
    /// Not open yet.
    Coming,
    /// People enter and buy.
    Open,
    /// No new entries; people in line are served.
    Draining,
    /// Every unit is sold.
    SoldOut,
    /// Over.
    Closed,
}

impl SaleState {
    /// The API's word for it, by which the script tells that it has changed.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Open => "open",
            Self::Draining => "draining",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
        }
    }

    /// The class of its tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Coming => "soon",
            Self::Open => "open",
            Self::Draining | Self::SoldOut | Self::Closed => "",
        }
    }
}

/// How a visitor stands who may need an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invitation {
    /// The sale is open to all.
    NotNeeded,
    /// None was brought along.
    Missing,
    /// It does not hold any more.
    Expired,
    /// Its place is over.
    Used,
    /// It is good for a place.
    Ready,
}

impl Invitation {
    /// Whether the visitor can get in line.
    pub(crate) const fn admits(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Ready)
    }

    pub(crate) const fn is_ready(self) -> bool {
        matches!(self, Self::Ready)
    }
}

/// Whether people are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// At the sale's pace.
    Moving,
    /// As many are inside as may be: one in for each who leaves.
    Full,
    /// An operator holds it.
    Paused,
}

impl Gate {
    pub(crate) const fn is_full(self) -> bool {
        matches!(self, Self::Full)
    }

    pub(crate) const fn is_paused(self) -> bool {
        matches!(self, Self::Paused)
    }
}

/// Whether an offer can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferState {
    /// Units are free.
    Available,
    /// None is free now, but some are only held and may come back.
    AllHeld,
    /// Every unit is sold.
    SoldOut,
}

/// One offer in the room.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The stock-keeping unit.
    pub sku: &'a str,
    /// Price of one unit.
    pub price: Money<'a>,
    /// Units free to buy.
    pub available: u64,
    /// All units.
    pub total: u64,
    /// Whether it can be bought.
    pub state: OfferState,
    /// The most this visitor can still take; shown up to 10.
    pub quantity_max: u32,
}

/// Why a place is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceEnd {
    /// The page was not open for too long.
    Idle,
    /// The call was not answered in time.
    Missed,
    /// The time to buy is over.
    SessionOver,
    /// The visitor left.
    Left,
    /// The sale was made again under the same name.
    Remade,
}

/// What a place is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// In line.
    Waiting,
    /// Called; the next look claims it.
    Ready,
    /// Let in.
    Admitted,
    /// In line, with nothing left to buy.
    SoldOut,
    /// The sale is over.
    Closed,
}

impl PlaceState {
    /// The API's word for it, by which the script tells that it has changed.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Admitted => "admitted",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
        }
    }
}

/// The visitor's place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What the place is at.
    pub state: PlaceState,
    /// The number in line.
    pub number: u64,
    /// `ahead + 1`, 0 once called.
    pub position: u64,
    /// People ahead.
    pub ahead: u64,
    /// The estimated wait.
    pub wait: Option<Wait>,
    /// When to ask again.
    pub poll_after_ms: u64,
    /// When the turn is over, once admitted.
    pub turn_ends_at: Option<Moment>,
}

impl Place {
    /// How much of the line is behind this place: its number is the furthest back it ever was.
    pub(crate) const fn covered(&self) -> u64 {
        self.number.saturating_sub(self.ahead)
    }
}

/// An estimated wait in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// At the best.
    pub min: u32,
    /// At the pace measured lately.
    pub max: u32,
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseState {
    /// Reserved; expires by itself.
    Held,
    /// Payment has begun.
    Paying,
    /// Paid.
    Confirmed,
    /// Given up.
    Released,
    /// Not paid in time.
    Expired,
    /// Paid back.
    Refunded,
}

impl PurchaseState {
    pub(crate) const fn is_held(self) -> bool {
        matches!(self, Self::Held)
    }

    pub(crate) const fn is_confirmed(self) -> bool {
        matches!(self, Self::Confirmed)
    }

    /// Whether it may still become an order.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Paying)
    }
}

/// One purchase of the visitor.
#[derive(Clone, Debug)]
pub struct Purchase<'a> {
    /// Its id.
    pub purchase: &'a str,
    /// Where it stands.
    pub state: PurchaseState,
    /// SKU and quantity of each line.
    pub items: Vec<(&'a str, u32)>,
    /// What it costs.
    pub amount: Money<'a>,
    /// When the hold ends by itself.
    pub expires_at: Moment,
    /// Whether it was made from the place the visitor has now.
    pub is_of_this_turn: bool,
    /// The key of its forms.
    pub key: String,
    /// Where the shop takes the money, if the sale is a deal of it.
    pub checkout: Option<String>,
}
