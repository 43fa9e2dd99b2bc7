//! What an order is.

use std::fmt;

use base::{
    moment::Moment,
    money::{MINOR_MAX, Money},
};
use identity::{address::Postal, ids::AccountId};
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use super::state::{Ending, OrderState};
use crate::{
    ids::{DealId, OrderId},
    limits::{GOODS_NAME_CHARS_MAX, LINES_MAX},
};

/// Who keeps the units of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Keeper {
    /// The waiting room's engine.
    #[sea_orm(string_value = "room")]
    Room,
    /// The shop's own stock, for goods without a rush.
    #[sea_orm(string_value = "calm")]
    Calm,
}

/// A hold of units, by the names that its keeper has for it. It is bought by one order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purchase {
    /// The sale.
    pub sale: String,
    /// The hold within it, unique for ever.
    pub purchase: String,
}

/// A hold of the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InRoom {
    /// The sale's epoch.
    pub(crate) epoch: u32,
    /// The hold's number.
    pub(crate) hold: u64,
    /// When the sale was made, in the engine's time. A room that lost its data counts epochs and holds from 1 again,
    /// and its holds are not those of orders that were placed before. `None`: as the room's pages call a hold; it is
    /// of the sale that there is now.
    pub(crate) made_at: Option<u64>,
}

impl fmt::Display for InRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}-{}", self.epoch, self.hold)?;
        self.made_at.map_or(Ok(()), |made_at| write!(f, "@{made_at}"))
    }
}

impl Purchase {
    /// The hold of the waiting room that it is.
    pub(crate) fn in_room(&self) -> Option<InRoom> {
        let (name, made_at) = match self.purchase.split_once('@') {
            Some((name, made_at)) => (name, Some(made_at.parse().ok()?)),
            None => (self.purchase.as_str(), None),
        };
        let (epoch, hold) = name.strip_prefix('p')?.split_once('-')?;
        let named = InRoom { epoch: epoch.parse().ok()?, hold: hold.parse().ok()?, made_at };
        (named.to_string() == self.purchase).then_some(named)
    }
}

/// Units that are held for somebody, as their keeper says. Only a keeper makes one, so quantities and prices
/// are never a client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    pub(crate) account: AccountId,
    pub(crate) keeper: Keeper,
    pub(crate) purchase: Purchase,
    pub(crate) items: Vec<Item>,
    pub(crate) expires_at: Moment,
}

impl Bought {
    /// For whom it is held.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Which hold it is.
    pub const fn purchase(&self) -> &Purchase {
        &self.purchase
    }

    /// What is held.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Until when it has to be paid.
    pub const fn expires_at(&self) -> Moment {
        self.expires_at
    }
}

/// Units of one kind that are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which kind.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit: Money,
}

/// What a kind of goods is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Which kind.
    pub sku: String,
    /// Its name, as it is sold now.
    pub name: String,
}

/// An order that is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct NewOrder<'a> {
    /// What is held for the buyer.
    pub bought: &'a Bought,
    /// What the goods are called.
    pub goods: &'a [Goods],
    /// Where they go.
    pub postal: &'a Postal,
}

/// What a new order comes to.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(super) deal: DealId,
    pub(super) lines: Vec<Line>,
    pub(crate) total: Money,
}

impl Placed {
    pub(super) fn of(new: &NewOrder<'_>) -> Result<Self, PlaceRefusal> {
        let items = new.bought.items();
        if items.is_empty() || items.len() > LINES_MAX {
            return Err(PlaceRefusal::Lines);
        }
        // A sale is named by the id of its deal.
        let deal = new.bought.purchase.sale.parse().map_err(|_| PlaceRefusal::Unknown)?;
        let mut total = Money::zero(items[0].unit.currency);
        let mut lines = Vec::with_capacity(items.len());
        for item in items {
            let goods = new.goods.iter().find(|goods| goods.sku == item.sku);
            let goods = goods.ok_or(PlaceRefusal::Goods)?;
            let cost = item.unit.times(item.quantity);
            total = cost.and_then(|cost| total.plus(cost)).ok_or(PlaceRefusal::Amount)?;
            lines.push(Line {
                sku: item.sku.clone(),
                name: goods.name.chars().take(GOODS_NAME_CHARS_MAX).collect(),
                quantity: item.quantity,
                unit: item.unit,
            });
        }
        if !(1..=MINOR_MAX).contains(&total.minor) {
            return Err(PlaceRefusal::Amount);
        }
        Ok(Self { deal, lines, total })
    }
}

/// Goods of one kind in an order, as they were sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which kind.
    pub sku: String,
    /// What it was called.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one cost.
    pub unit: Money,
}

/// What the orders of a deal in one state come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// In which state.
    pub state: OrderState,
    /// How many orders.
    pub orders: i64,
    /// How many units they have.
    pub units: i64,
    /// What they cost, in minor units. What was given back of them in parts is not taken off.
    pub minor: i64,
}

/// An order.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// Who bought.
    pub account: AccountId,
    /// Of which deal.
    pub deal: DealId,
    /// Who keeps the units.
    pub keeper: Keeper,
    /// Which hold they are.
    pub purchase: Purchase,
    /// What was bought.
    pub lines: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
    /// Where it goes.
    pub postal: Postal,
    /// How it stands.
    pub state: OrderState,
    /// Why it came to nothing, if it did.
    pub ending: Option<Ending>,
    /// When it was placed.
    pub placed_at: Moment,
    /// Until when its payment has to begin.
    pub pay_by: Moment,
}

impl fmt::Debug for Order {
    /// An order says what a person bought, and debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut order = f.debug_struct("Order");
        order.field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Order {
    /// What a provider shows to the shopper.
    pub fn title(&self) -> String {
        let first = self.lines.first().map_or("", |line| line.name.as_str());
        match self.lines.len() {
            0 | 1 => first.to_owned(),
            more => format!("{first} 외 {}건", more - 1),
        }
    }

    /// How many units it has.
    pub fn units(&self) -> u32 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
    }
}

store::refusals! {
    /// Why no order was placed.
    pub PlaceRefusal {
        /// The purchase is not this account's, or not there any more.
        Unknown = "purchase_unknown": "there is no such purchase that could be ordered",
        /// The units went back before the order was placed.
        Gone = "purchase_over": "the time to order these units is over",
        /// It has no lines, or too many.
        Lines = "lines_wrong": "an order has 1 to 64 kinds of goods",
        /// Goods that the deal does not have.
        Goods = "goods_unknown": "the deal has no such goods",
        /// It costs nothing, or more than can be paid.
        Amount = "amount_wrong": "an order costs at least one minor unit, and not more than can be paid",
    }
}
