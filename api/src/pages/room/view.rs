//! What the room page is made of, as plain values.

use engine::clock::Millis;

use crate::pages::words::Language;
use crate::wire::{EtaSeconds, OfferState, PlaceState, PurchaseState, SaleState};

/// The room page's contents.
#[derive(Clone, Debug)]
pub struct RoomPage<'a> {
    /// The language to speak.
    pub language: Language,
    /// The nonce of the inline style and script.
    pub nonce: &'a str,
    /// When the page is made: countdowns start here.
    pub now: Millis,
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What the sale is at.
    pub state: SaleState,
    /// When it opens.
    pub opens_at: Option<Millis>,
    /// When it closes.
    pub closes_at: Option<Millis>,
    /// Whether the gate stands still.
    pub paused: bool,
    /// The operator's announcement.
    pub message: Option<&'a str>,
    /// People in line.
    pub line_length: u64,
    /// What is sold.
    pub offers: Vec<OfferCard<'a>>,
    /// The visitor's place, if they have one.
    pub place: Option<PlaceView>,
    /// Why the visitor's last place is over, if they had one.
    pub ended: Option<PlaceEnd>,
    /// The visitor's purchases, newest first.
    pub purchases: Vec<PurchaseView<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// Whether the page may play the payment provider: demos only.
    pub can_pay: bool,
    /// The key of the forms that enter and leave.
    pub key: String,
    /// The cookie that keeps the lowest position shown, where nodes may differ.
    pub floor: Option<&'a str>,
}

/// One offer in the room.
#[derive(Clone, Debug)]
pub struct OfferCard<'a> {
    /// The stock-keeping unit.
    pub sku: &'a str,
    /// Price of one unit, in minor units.
    pub price: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Units free to buy.
    pub available: u64,
    /// All units.
    pub total: u64,
    /// Whether it can be bought.
    pub state: OfferState,
    /// The most this visitor can still take, for the quantity list; shown up to 10.
    pub quantity_max: u32,
    /// The key of its form, its own on each page: pressing the button twice buys once.
    pub key: String,
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

/// The visitor's place.
#[derive(Clone, Copy, Debug)]
pub struct PlaceView {
    /// What the place is at.
    pub state: PlaceState,
    /// The number in line.
    pub number: u64,
    /// `ahead + 1`, 0 once admitted.
    pub position: u64,
    /// People ahead.
    pub ahead: u64,
    /// The estimated wait.
    pub eta: Option<EtaSeconds>,
    /// When to ask again.
    pub poll_after_ms: u64,
    /// When the pass expires, once admitted.
    pub pass_expires_at: Option<Millis>,
}

/// One purchase of the visitor.
#[derive(Clone, Debug)]
pub struct PurchaseView<'a> {
    /// Its id.
    pub purchase: &'a str,
    /// Where it stands.
    pub state: PurchaseState,
    /// SKU and quantity of each line.
    pub items: Vec<(&'a str, u32)>,
    /// What it costs, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// When the hold ends by itself.
    pub expires_at: Millis,
    /// The key of its forms.
    pub key: String,
}
