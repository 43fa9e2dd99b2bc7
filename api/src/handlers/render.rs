//! Engine views as wire objects: copying and naming, no decisions.

use engine::{
    clock::Millis,
    gate::EtaRange,
    hold::Hold,
    id::{Epoch, Number, ShopperKey},
    record::{EntryAnswer, EntryStanding},
    sale::{Phase, TicketRef},
    spec::OfferSpec,
    standing::Standing,
    stock::Counts,
    view::{SaleView, Settings},
};

use super::authority::Shown;
use crate::{
    app::App,
    token::{Pass, Ticket},
    wire::{
        EtaSeconds, OfferState, OfferStatus, PlaceObject, PlaceState, PurchaseItemObject,
        PurchaseObject, SaleState, SaleStatus, format_purchase_id, write_place,
    },
};

/// How long a shopper at the front waits between polls; those behind wait up to eight times that.
const POLL_MS_MIN: u64 = 1_000;
const POLL_MS_MAX: u64 = 8_000;

/// When to ask again: a tenth of the wait, within bounds, spread by up to a quarter by the number,
/// so that a crowd that came together does not poll together.
pub fn poll_after_ms(number: Number, ahead: u64, eta: Option<EtaRange>) -> u64 {
    let wait_estimates = eta.map(|eta| u64::from(eta.min_seconds) * 1_000);
    let wait_ms = wait_estimates.unwrap_or_else(|| ahead.saturating_mul(10));
    let base = (wait_ms / 10).clamp(POLL_MS_MIN, POLL_MS_MAX);
    base + number.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (base / 4)
}

/// A place's parts that a poll and an entry have in common.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The sale's name.
    pub sale: &'a str,
    /// The verified place.
    pub ticket: TicketRef,
    /// The gate's watermark.
    pub serving: Number,
    /// People in line.
    pub line_length: u64,
    /// The operator's word.
    pub message: Option<&'a str>,
}

/// The object of someone in line. `expires_at` is when silence ends the place.
pub fn in_line<'a>(
    place: &Place<'a>,
    state: PlaceState,
    ahead: u64,
    eta: Option<EtaRange>,
    expires_at: Millis,
) -> PlaceObject<'a> {
    let seconds = |eta: EtaRange| EtaSeconds { min: eta.min_seconds, max: eta.max_seconds };
    PlaceObject {
        sale: place.sale,
        state,
        number: place.ticket.number.0,
        position: ahead + 1,
        ahead,
        serving: place.serving.0,
        line_length: place.line_length,
        eta_seconds: eta.map(seconds),
        poll_after_ms: poll_after_ms(place.ticket.number, ahead, eta),
        expires_at,
        pass: None,
        pass_expires_at: None,
        message: place.message,
        ticket: None,
    }
}

/// The object of someone called or let in.
pub fn called<'a>(
    place: &Place<'a>,
    state: PlaceState,
    expires_at: Millis,
    pass: Option<&'a str>,
) -> PlaceObject<'a> {
    PlaceObject {
        position: 0,
        poll_after_ms: if pass.is_some() { POLL_MS_MAX } else { POLL_MS_MIN },
        pass,
        pass_expires_at: pass.map(|_| expires_at),
        ..in_line(place, state, 0, None, expires_at)
    }
}

/// A place as a poll tells it, as JSON. A ticket that came as a cookie brings no pass: any script of
/// the page's origin could read it, and the page's own forms do without.
pub fn write_standing(
    app: &App,
    sale: &SaleView,
    (ticket, shown): (TicketRef, Shown),
    standing: Standing,
    now: Millis,
    out: &mut Vec<u8>,
) {
    let settings = sale.settings();
    let message = &settings.controls.message;
    let place = Place {
        sale: sale.name().as_str(),
        ticket,
        serving: sale.line().watermark(),
        line_length: sale.line().length(),
        message: (!message.is_empty()).then_some(message),
    };
    let wall = |at| settings.controls.wall(at);
    let silent_until = wall(now.after(settings.spec.idle_ms));
    let waits = |state, ahead, eta| in_line(&place, state, ahead, eta, silent_until);
    let object = match standing {
        Standing::Waiting { ahead, eta } => waits(PlaceState::Waiting, ahead, eta),
        Standing::SoldOut { ahead } => waits(PlaceState::SoldOut, ahead, None),
        Standing::Closed { ahead } => waits(PlaceState::Closed, ahead, None),
        Standing::Called { deadline } => called(&place, PlaceState::Ready, wall(deadline), None),
        Standing::Admitted { claimed_at, expires_at } => {
            let (claimed_at, expires_at) = (wall(claimed_at), wall(expires_at));
            let pass = match shown {
                Shown::Bearer => Some(sign(app, sale, ticket, claimed_at, expires_at)),
                Shown::Cookie => None,
            };
            let object = PlaceObject {
                poll_after_ms: POLL_MS_MAX,
                pass_expires_at: Some(expires_at),
                ..called(&place, PlaceState::Admitted, expires_at, pass.as_deref())
            };
            return write_place(&object, out);
        }
        Standing::Left | Standing::Expired | Standing::Unknown => {
            unreachable!("who is gone is refused before")
        }
    };
    write_place(&object, out);
}

/// A place as its entry tells it, as JSON with the ticket: the same answer gives the same bytes.
pub fn write_entry(app: &App, sale: &SaleView, epoch: Epoch, answer: &EntryAnswer) -> Vec<u8> {
    let EntryAnswer { number, shopper, at, standing } = answer;
    let (number, shopper, settings) = (*number, *shopper, sale.settings());
    let wall = |at: &Millis| settings.controls.wall(*at);
    let ticket = Ticket { sale: sale.tag(), epoch, number, shopper, issued_at: wall(at) };
    let text = app.keyring.seal_ticket(&ticket);
    let ticket = TicketRef { epoch, number, shopper };
    let (serving, line_length) = match standing {
        EntryStanding::Waiting { serving, line_length, .. }
        | EntryStanding::SoldOut { serving, line_length, .. }
        | EntryStanding::Admitted { serving, line_length, .. } => (*serving, *line_length),
    };
    let sale_name = sale.name().as_str();
    let place = Place { sale: sale_name, ticket, serving, line_length, message: None };
    let mut out = Vec::with_capacity(1_024);
    match standing {
        EntryStanding::Waiting { ahead, eta, silent_until, .. } => {
            let object = in_line(&place, PlaceState::Waiting, *ahead, *eta, wall(silent_until));
            write_place(&PlaceObject { ticket: Some(text.as_str()), ..object }, &mut out);
        }
        EntryStanding::SoldOut { ahead, silent_until, .. } => {
            let object = in_line(&place, PlaceState::SoldOut, *ahead, None, wall(silent_until));
            write_place(&PlaceObject { ticket: Some(text.as_str()), ..object }, &mut out);
        }
        EntryStanding::Admitted { claimed_at, expires_at, .. } => {
            let (claimed_at, expires_at) = (wall(claimed_at), wall(expires_at));
            let pass = sign(app, sale, ticket, claimed_at, expires_at);
            let object = called(&place, PlaceState::Admitted, expires_at, Some(&pass));
            write_place(&PlaceObject { ticket: Some(text.as_str()), ..object }, &mut out);
        }
    }
    out
}

/// Signs an admission's pass; the same admission always gives the same pass.
fn sign(
    app: &App,
    sale: &SaleView,
    ticket: TicketRef,
    issued_at: Millis,
    expires_at: Millis,
) -> String {
    let TicketRef { epoch, number, shopper } = ticket;
    let sale = sale.name().clone();
    app.keyring.sign_pass(&Pass { sale, epoch, number, shopper, issued_at, expires_at })
}

/// A sale's status. `settings` is borrowed from the view.
pub fn status<'a>(sale: &'a SaleView, settings: &'a Settings, now: Millis) -> SaleStatus<'a> {
    let (spec, message) = (&settings.spec, &settings.controls.message);
    let offers = spec.offers.iter().zip(sale.counts());
    SaleStatus {
        sale: sale.name().as_str(),
        title: &spec.title,
        state: sale_state(sale, now),
        opens_at: spec.opens_at,
        closes_at: spec.closes_at,
        epoch: sale.epoch().0,
        serving: sale.line().watermark().0,
        line_length: sale.line().length(),
        admission_per_second: SaleStatus::pace(spec.admission_milli_per_second),
        paused: settings.controls.paused,
        message: (!message.is_empty()).then_some(message.as_str()),
        offers: offers.map(|(offer, counts)| offer_status(offer, counts)).collect(),
        draw: None,
    }
}

fn offer_status(offer: &OfferSpec, counts: Counts) -> OfferStatus<'_> {
    OfferStatus {
        sku: offer.sku.as_str(),
        price: offer.price,
        currency: offer.currency.as_str(),
        total: counts.total(),
        available: counts.available,
        state: offer_state(counts),
    }
}

/// Whether an offer can be bought.
pub const fn offer_state(counts: Counts) -> OfferState {
    if counts.available > 0 {
        OfferState::Available
    } else if counts.held + counts.paying > 0 {
        OfferState::AllHeld
    } else {
        OfferState::SoldOut
    }
}

/// What a sale is at.
pub fn sale_state(sale: &SaleView, now: Millis) -> SaleState {
    state_of(sale.phase(now), sale.is_sold_out())
}

/// The state of a sale in this phase.
pub const fn state_of(phase: Phase, is_sold_out: bool) -> SaleState {
    match phase {
        Phase::Scheduled => SaleState::Coming,
        Phase::Closed => SaleState::Closed,
        Phase::Open | Phase::Draining if is_sold_out => SaleState::SoldOut,
        Phase::Open => SaleState::Open,
        Phase::Draining => SaleState::Draining,
    }
}

/// A purchase as JSON: the same hold in the same state gives the same bytes.
pub fn write_purchase(sale: &SaleView, hold: &Hold) -> Result<Vec<u8>, serde_json::Error> {
    let settings = sale.settings();
    let offers = &settings.spec.offers;
    let item = |item: &engine::hold::HoldItem| PurchaseItemObject {
        sku: offers.get(usize::from(item.offer.0)).map_or("", |offer| offer.sku.as_str()),
        quantity: item.quantity,
        price: item.price,
    };
    serde_json::to_vec(&PurchaseObject {
        purchase: &format_purchase_id(sale.epoch(), hold.id),
        sale: sale.name().as_str(),
        shopper: &shopper_text(hold.shopper),
        state: hold.state.into(),
        items: hold.items.iter().map(item).collect(),
        amount: hold.amount(),
        currency: offers.first().map_or("", |offer| offer.currency.as_str()),
        expires_at: settings.controls.wall(hold.expires_at),
        created_at: settings.controls.wall(hold.created_at),
    })
}

/// A shopper key as the wire writes it: 32 hex digits.
pub fn shopper_text(shopper: ShopperKey) -> String {
    format!("{:032x}", shopper.0)
}
