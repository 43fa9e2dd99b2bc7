//! The status of a sale: the same for everyone, so caches may serve it.

use engine::clock::Millis;
use serde::Serialize;

use super::time;

/// How a sale stands.
#[derive(Clone, Debug, Serialize)]
pub struct SaleStatus<'a> {
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What it is at.
    pub state: SaleState,
    /// When entering and buying begin; null: at once.
    #[serde(serialize_with = "time::serialize_option")]
    pub opens_at: Option<Millis>,
    /// When both end; null: never.
    #[serde(serialize_with = "time::serialize_option")]
    pub closes_at: Option<Millis>,
    /// The present epoch.
    pub epoch: u32,
    /// The gate's watermark.
    pub serving: u64,
    /// People in line.
    pub line_length: u64,
    /// The configured pace.
    pub admission_per_second: f64,
    /// Whether the gate stands still.
    pub paused: bool,
    /// The operator's word to everyone.
    pub message: Option<&'a str>,
    /// What is sold.
    pub offers: Vec<OfferStatus<'a>>,
    /// The draw's proof; null without a draw.
    pub draw: Option<()>,
}

/// What a sale is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Open => "open",
            Self::Draining => "draining",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
        }
    }
}

/// How one offer stands.
#[derive(Clone, Debug, Serialize)]
pub struct OfferStatus<'a> {
    /// The stock-keeping unit.
    pub sku: &'a str,
    /// Price of one unit, in minor units.
    pub price: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Units of the sale.
    pub total: u64,
    /// Units free to buy now.
    pub available: u64,
    /// Whether it can be bought.
    pub state: OfferState,
}

/// Whether an offer can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// Units are free.
    Available,
    /// None is free now, but some are only held and may come back.
    AllHeld,
    /// Every unit is sold.
    SoldOut,
}

/// A pace in thousandths as the wire writes it.
pub(super) fn per_second(milli: u64) -> f64 {
    // The engine allows at most 10^9 thousandths, so nothing is cut off.
    f64::from(u32::try_from(milli).unwrap_or(u32::MAX)) / 1_000.0
}

impl SaleStatus<'_> {
    /// A pace in thousandths as [`Self::admission_per_second`] has it.
    pub fn pace(milli: u64) -> f64 {
        per_second(milli)
    }
}
