//! The engine's views as the plain values that pages are made of.

use std::sync::Arc;

use base::currency::minor_digits;
use engine::{
    clock::Millis,
    hold::{Hold, HoldState},
    id::OfferIndex,
    line::PlaceState as Fate,
    sale::TicketRef,
    spec::IdentityMode,
    standing::Standing,
    stock::Counts,
    view::{SaleView, Settings},
};
use pages::{
    Frame, Gate, HomePage, Invitation, Moment, Money, Offer, OfferState, Place, PlaceEnd,
    PlaceState, Purchase, PurchaseState, RoomPage, SaleCard, SaleState, Wait,
};

use super::{
    browser::{Browser, FLOOR},
    deal,
};
use crate::{
    app::App,
    handlers::{authority, render},
    token::InviteError,
    wire::{self, format_purchase_id},
};

/// Purchases a page shows; a shopper's limit is usually far below.
const PURCHASES_SHOWN_MAX: usize = 10;

/// What is the visitor's own on a page.
pub(super) struct Seen<'a> {
    pub(super) place: Option<Place>,
    pub(super) ended: Option<PlaceEnd>,
    pub(super) invitation: Invitation,
    pub(super) notice: Option<&'a str>,
    pub(super) purchases: &'a [Arc<Hold>],
    /// The number of the visitor's ticket.
    pub(super) ticket: Option<TicketRef>,
}

/// The list of sales as HTML.
pub(super) fn home(
    app: &App,
    sales: &[Arc<SaleView>],
    more_after: Option<&str>,
    browser: &Browser<'_>,
) -> String {
    let now = app.engine.now();
    let settings: Vec<_> = sales.iter().map(|sale| sale.settings()).collect();
    let cards = sales.iter().zip(&settings).map(|(sale, settings)| {
        let counts: Vec<_> = sale.counts().collect();
        let offers = &settings.spec.offers;
        let currency = offers.first().map_or("", |offer| offer.currency.as_str());
        SaleCard {
            sale: sale.name().as_str(),
            title: &settings.spec.title,
            state: sale_state(render::sale_state(sale, now)),
            opens_at: settings.spec.opens_at.map(moment),
            price: money(offers.iter().map(|offer| offer.price).min().unwrap_or(0), currency),
            available: counts.iter().map(|counts| counts.available).sum(),
            total: counts.iter().map(Counts::total).sum(),
            line_length: sale.line().length(),
        }
    });
    let frame = Frame { language: browser.language, here: "/" };
    HomePage { frame, sales: cards.collect(), more_after }.html()
}

/// The room as HTML, and the seconds after which it reloads by itself.
pub(super) fn room(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    form_key: &dyn Fn() -> String,
    seen: &Seen<'_>,
) -> (String, Option<u64>) {
    let now = app.engine.now();
    let settings = sale.settings();
    let (spec, controls) = (&settings.spec, &settings.controls);
    let ids: Vec<String> =
        seen.purchases.iter().map(|hold| format_purchase_id(sale.epoch(), hold.id)).collect();
    let here = format!("/s/{}", sale.name());
    let is_deal = deal::is_deal(app, sale, &settings);
    let page = RoomPage {
        frame: Frame { language: browser.language, here: &here },
        now: moment(controls.wall(now)),
        sale: sale.name().as_str(),
        title: &spec.title,
        state: sale_state(render::sale_state(sale, now)),
        opens_at: spec.opens_at.map(moment),
        closes_at: spec.closes_at.map(moment),
        gate: gate(sale, &settings),
        message: (!controls.message.is_empty()).then_some(controls.message.as_str()),
        line_length: sale.line().length(),
        offers: offers(sale, &settings, seen.purchases),
        place: seen.place,
        ended: seen.ended,
        invitation: seen.invitation,
        purchases: purchases(sale, is_deal, &settings, seen, &ids, form_key),
        refusal: seen.notice,
        sign_in: deal::sign_in(app, sale, &settings, browser.cookies()),
        can_pay: app.demo_payment && !is_deal,
        key: form_key(),
        buy_key: form_key(),
        floor: app.engine.is_shared().then_some(FLOOR),
        idle_seconds: spec.idle_ms / 1_000,
        session_seconds: spec.session_ms / 1_000,
        hold_seconds: spec.hold_ms / 1_000,
        refreshes: browser.refreshes,
    };
    (page.html(), page.refresh_seconds())
}

fn gate(sale: &SaleView, settings: &Settings) -> Gate {
    if settings.controls.paused {
        Gate::Paused
    } else if sale.active_sessions() >= u64::from(settings.spec.active_max) {
        Gate::Full
    } else {
        Gate::Moving
    }
}

fn offers<'s>(sale: &SaleView, settings: &'s Settings, bought: &[Arc<Hold>]) -> Vec<Offer<'s>> {
    let taken: u64 = bought.iter().filter(|hold| is_taken(hold)).map(|hold| hold.units()).sum();
    let left = u64::from(settings.spec.per_shopper_max).saturating_sub(taken);
    let offers = settings.spec.offers.iter().zip(sale.counts());
    let offers = offers.map(|(offer, counts)| Offer {
        sku: offer.sku.as_str(),
        price: money(offer.price, offer.currency.as_str()),
        available: counts.available,
        total: counts.total(),
        state: offer_state(render::offer_state(counts)),
        quantity_max: u32::try_from(left.min(counts.available)).unwrap_or(u32::MAX),
    });
    offers.collect()
}

/// The visitor's latest purchases, newest first; `ids` are those of all of them, in their order.
fn purchases<'s>(
    sale: &SaleView,
    is_deal: bool,
    settings: &'s Settings,
    seen: &Seen<'_>,
    ids: &'s [String],
    form_key: &dyn Fn() -> String,
) -> Vec<Purchase<'s>> {
    let spec = &settings.spec;
    let sku = |offer: OfferIndex| {
        spec.offers.get(usize::from(offer.0)).map_or("", |offer| offer.sku.as_str())
    };
    let currency = spec.offers.first().map_or("", |offer| offer.currency.as_str());
    let shown = seen.purchases.iter().zip(ids).rev().take(PURCHASES_SHOWN_MAX);
    let shown = shown.map(|(hold, id)| Purchase {
        purchase: id,
        state: purchase_state(hold.state),
        items: hold.items.iter().map(|item| (sku(item.offer), item.quantity)).collect(),
        amount: money(hold.amount(), currency),
        expires_at: moment(settings.controls.wall(hold.expires_at)),
        is_of_this_turn: seen.ticket.is_some_and(|ticket| ticket.number == hold.number),
        key: form_key(),
        checkout: (is_deal && deal::is_payable(hold.state)).then(|| deal::checkout(sale, hold.id)),
    });
    shown.collect()
}

fn is_taken(hold: &Hold) -> bool {
    matches!(hold.state, HoldState::Held | HoldState::Paying | HoldState::Confirmed)
}

/// A place that is one.
pub(super) fn place(sale: &SaleView, ticket: TicketRef, standing: Standing) -> Place {
    let view = |state, ahead: Option<u64>, eta: Option<engine::gate::EtaRange>| Place {
        state,
        number: ticket.number.0,
        position: ahead.map_or(0, |ahead| ahead + 1),
        ahead: ahead.unwrap_or(0),
        wait: eta.map(|eta| Wait { min: eta.min_seconds, max: eta.max_seconds }),
        poll_after_ms: render::poll_after_ms(ticket.number, ahead.unwrap_or(0), eta),
        turn_ends_at: None,
    };
    match standing {
        Standing::Waiting { ahead, eta } => view(PlaceState::Waiting, Some(ahead), eta),
        Standing::SoldOut { ahead } => view(PlaceState::SoldOut, Some(ahead), None),
        Standing::Closed { ahead } => view(PlaceState::Closed, Some(ahead), None),
        Standing::Admitted { expires_at, .. } => Place {
            turn_ends_at: Some(moment(sale.settings().controls.wall(expires_at))),
            ..view(PlaceState::Admitted, None, None)
        },
        Standing::Called { .. } | Standing::Left | Standing::Expired | Standing::Unknown => {
            view(PlaceState::Ready, None, None)
        }
    }
}

/// How the visitor stands who may need an invitation; `over` is the ticket of a place that is over.
pub(super) fn invitation(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    over: Option<TicketRef>,
) -> Invitation {
    if sale.settings().spec.identity != IdentityMode::Invite {
        return Invitation::NotNeeded;
    }
    let text = authority::cookie_invite(app, sale, browser.headers());
    match text.map(|text| authority::open_invite(app, sale, text)) {
        Some(Ok(guest)) if over.is_none_or(|ticket| ticket.shopper != guest) => Invitation::Ready,
        Some(Err(InviteError::Expired)) => Invitation::Expired,
        // A place that is over was somebody's by an invitation.
        Some(Ok(_)) => Invitation::Used,
        _ if over.is_some() => Invitation::Used,
        Some(Err(InviteError::Invalid | InviteError::WrongSale)) | None => Invitation::Missing,
    }
}

/// Why a place is over, if it is.
pub(super) fn end_of(
    sale: &SaleView,
    (ticket, standing): (TicketRef, Standing),
) -> Option<PlaceEnd> {
    match standing {
        Standing::Left => Some(PlaceEnd::Left),
        Standing::Unknown => Some(PlaceEnd::Remade),
        Standing::Expired => Some(match sale.line().place(ticket.number).0 {
            Fate::Idle => PlaceEnd::Idle,
            Fate::Called | Fate::Unclaimed => PlaceEnd::Missed,
            Fate::Unissued
            | Fate::Waiting
            | Fate::Admitted
            | Fate::Completed
            | Fate::Over
            | Fate::Left
            | Fate::Revoked => PlaceEnd::SessionOver,
        }),
        Standing::Waiting { .. }
        | Standing::SoldOut { .. }
        | Standing::Closed { .. }
        | Standing::Called { .. }
        | Standing::Admitted { .. } => None,
    }
}

const fn moment(at: Millis) -> Moment {
    Moment(at.0)
}

/// A sale of an earlier build may have a code that is on no list.
fn money(minor: i64, currency: &str) -> Money<'_> {
    Money { minor, currency, digits: minor_digits(currency).unwrap_or(2) }
}

const fn sale_state(state: wire::SaleState) -> SaleState {
    match state {
        wire::SaleState::Coming => SaleState::Coming,
        wire::SaleState::Open => SaleState::Open,
        wire::SaleState::Draining => SaleState::Draining,
        wire::SaleState::SoldOut => SaleState::SoldOut,
        wire::SaleState::Closed => SaleState::Closed,
    }
}

const fn offer_state(state: wire::OfferState) -> OfferState {
    match state {
        wire::OfferState::Available => OfferState::Available,
        wire::OfferState::AllHeld => OfferState::AllHeld,
        wire::OfferState::SoldOut => OfferState::SoldOut,
    }
}

fn purchase_state(state: HoldState) -> PurchaseState {
    match wire::PurchaseState::from(state) {
        wire::PurchaseState::Held => PurchaseState::Held,
        wire::PurchaseState::Paying => PurchaseState::Paying,
        wire::PurchaseState::Confirmed => PurchaseState::Confirmed,
        wire::PurchaseState::Released => PurchaseState::Released,
        wire::PurchaseState::Expired => PurchaseState::Expired,
        wire::PurchaseState::Refunded => PurchaseState::Refunded,
    }
}
