//! All that the room page is made from. Its template stands on this file and calls what is told of the
//! page in the others.

use askama::Template;

use super::lead::{Lead, Opening};
use crate::{
    format::{self, Moment},
    frame::Frame,
    sale::{Gate, Invitation, Offer, Place, PlaceEnd, Purchase, SaleState},
};

/// The room page.
#[derive(Clone, Debug, Template)]
#[template(path = "room.html", whitespace = "minimize")]
pub struct RoomPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// When the page is made: countdowns start here.
    pub now: Moment,
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What the sale is at.
    pub state: SaleState,
    /// When it opens.
    pub opens_at: Option<Moment>,
    /// When it closes.
    pub closes_at: Option<Moment>,
    /// Whether people are let in.
    pub gate: Gate,
    /// The operator's announcement.
    pub message: Option<&'a str>,
    /// People in line.
    pub line_length: u64,
    /// What is sold.
    pub offers: Vec<Offer<'a>>,
    /// The visitor's place, if they have one.
    pub place: Option<Place>,
    /// Why the visitor's last place is over, if they had one.
    pub ended: Option<PlaceEnd>,
    /// How the visitor stands who may need an invitation.
    pub invitation: Invitation,
    /// The visitor's purchases, newest first.
    pub purchases: Vec<Purchase<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// Where the visitor signs in who has to do so before entering.
    pub sign_in: Option<String>,
    /// Whether the page may play the payment provider: demos only.
    pub can_pay: bool,
    /// The key of the forms that enter and leave.
    pub key: String,
    /// The key of the form that buys, its own on each page: pressing the button twice buys once.
    pub buy_key: String,
    /// The cookie that keeps the lowest position shown, where nodes may differ.
    pub floor: Option<&'a str>,
    /// How long a place is kept without a sign of life.
    pub idle_seconds: u64,
    /// How long a turn lasts.
    pub session_seconds: u64,
    /// How long a reservation lasts.
    pub hold_seconds: u64,
    /// Whether the page reloads by itself where no script runs.
    pub refreshes: bool,
}
