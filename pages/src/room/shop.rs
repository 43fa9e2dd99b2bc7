//! What is for sale in the room, and what the visitor has bought.

use super::{
    lead::{Countdown, Lead},
    page::RoomPage,
};
use crate::{
    format::{self, Html},
    sale::{Offer, OfferState, Purchase, SaleState},
};

/// Choices in the list of quantities.
const QUANTITIES_MAX: u32 = 10;

/// One offer to choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'p> {
    pub(super) offer: &'p Offer<'p>,
    pub(super) is_first: bool,
}

/// One line of a purchase.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) quantity: u32,
}

impl RoomPage<'_> {
    pub(super) fn only_offer(&self) -> Option<&Offer<'_>> {
        self.offers.first().filter(|_| self.offers.len() == 1)
    }

    /// What people call an offer: the sale's own title where it sells one thing.
    pub(super) fn product(&self, sku: &str) -> String {
        let is_only = self.only_offer().is_some_and(|offer| offer.sku == sku);
        if is_only && !self.title.is_empty() { format::plain(self.title) } else { sku.to_owned() }
    }

    pub(super) fn left(&self, offer: &Offer<'_>) -> String {
        let words = self.frame.words();
        match offer.state {
            OfferState::Available => {
                words.left.with_both(format::count(offer.available), format::count(offer.total))
            }
            OfferState::AllHeld => words.all_held.to_owned(),
            OfferState::SoldOut => words.sold_out.to_owned(),
        }
    }

    /// What this visitor can buy now.
    pub(super) fn buyable(&self) -> impl Iterator<Item = &Offer<'_>> {
        let is_free =
            |offer: &&Offer<'_>| offer.state == OfferState::Available && offer.quantity_max > 0;
        self.offers.iter().filter(move |_| self.is_in_session()).filter(is_free)
    }

    pub(super) fn can_buy(&self) -> bool {
        self.buyable().next().is_some()
    }

    /// Whether it is the visitor's own limit that keeps them from buying.
    pub(super) fn limit_is_reached(&self) -> bool {
        self.offers.iter().any(|offer| offer.state == OfferState::Available)
    }

    pub(super) fn choices(&self) -> Vec<Choice<'_>> {
        let offers = self.buyable().enumerate();
        offers.map(|(at, offer)| Choice { offer, is_first: at == 0 }).collect()
    }

    pub(super) fn quantities(&self) -> std::ops::RangeInclusive<u32> {
        let most = self.buyable().map(|offer| offer.quantity_max).max().unwrap_or(0);
        1..=most.min(QUANTITIES_MAX)
    }

    /// Whether the form that buys stands below what was bought before.
    pub(super) fn buys_more(&self) -> bool {
        self.can_buy() && !matches!(self.lead(), Lead::Turn(_))
    }

    /// Whether the offers are listed for information.
    pub(super) fn lists_offers(&self) -> bool {
        let is_told =
            matches!(self.lead(), Lead::Coming | Lead::Enter | Lead::Ended(_) | Lead::Waiting(_));
        is_told && self.offers.len() > 1
    }

    /// Whether a visitor whose reservation leads the page can get in line for more.
    pub(super) fn enters_again(&self) -> bool {
        let is_out = self.place.is_none() && self.state == SaleState::Open;
        is_out && self.invitation.admits() && matches!(self.lead(), Lead::Hold(_) | Lead::Paying(_))
    }

    pub(super) fn items(&self, purchase: &Purchase<'_>) -> Vec<Item> {
        let item =
            |(sku, quantity): &(&str, u32)| Item { name: self.product(sku), quantity: *quantity };
        purchase.items.iter().map(item).collect()
    }

    /// The purchases that do not lead the page.
    pub(super) fn other_purchases(&self) -> Vec<&Purchase<'_>> {
        let lead = self.lead();
        let leading = if let Lead::Hold(purchase) | Lead::Paying(purchase) = lead {
            Some(purchase.purchase)
        } else {
            None
        };
        self.purchases.iter().filter(|purchase| Some(purchase.purchase) != leading).collect()
    }

    /// Whether something can be done about a purchase: in the demo, a payment that broke off can be
    /// ended from here.
    pub(super) fn is_open(&self, purchase: &Purchase<'_>) -> bool {
        let is_paid_here = self.can_pay || purchase.checkout.is_some();
        purchase.state.is_open() && (purchase.state.is_held() || is_paid_here)
    }

    pub(super) fn reserved_until(&self, purchase: &Purchase<'_>) -> Html {
        self.frame.words().reserved_until.around(&self.time(purchase.expires_at))
    }

    /// What is left of the time to pay.
    pub(super) fn to_pay(&self, purchase: &Purchase<'_>) -> Countdown {
        Countdown::of(purchase.expires_at.seconds_after(self.now), self.hold_seconds)
    }
}
