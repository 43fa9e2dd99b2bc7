//! The built-in pages: what a shopper's browser sees and posts. The ticket lives in a cookie that
//! scripts cannot read; the pass never leaves this process.

use std::sync::Arc;

use bytes::Bytes;
use engine::{
    command::{Entry, HoldReply},
    hold::Hold,
    id::{OfferIndex, Sku},
    record::EntryStanding,
    sale::{Settler, TicketRef},
    standing::Standing,
    view::SaleView,
};
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{ACCEPT_LANGUAGE, HOST, HeaderName, HeaderValue, ORIGIN},
};

use super::{Verb, authority, purchase, render, shopper};
use crate::{
    app::{App, Head},
    error::ApiError,
    metrics::{self, Outcome},
    pages::{
        HomePage, Language, OfferCard, PlaceView, PurchaseView, RoomPage, SaleCard,
        content_security_policy, home as home_page, room as room_page,
    },
    respond::{self, Cache},
    route::purchase_form,
    server::{Answer, Body, RequestBody},
    token::{Principal, Ticket},
    wire::{EtaSeconds, PlaceState, format_purchase_id},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Purchases a page shows; a shopper's limit is usually far below.
const PURCHASES_SHOWN_MAX: usize = 10;

/// `GET /`
pub fn home(app: &App, headers: &HeaderMap) -> Response<Body> {
    let now = app.engine.now();
    let sales = app.engine.sales();
    let settings: Vec<_> = sales.iter().map(|sale| sale.settings()).collect();
    let cards = sales.iter().zip(&settings).map(|(sale, settings)| {
        let counts: Vec<_> = sale.counts().collect();
        SaleCard {
            sale: sale.name().as_str(),
            title: &settings.spec.title,
            state: render::sale_state(sale, now),
            opens_at: settings.spec.opens_at,
            price: settings.spec.offers.iter().map(|offer| offer.price).min().unwrap_or(0),
            currency: settings.spec.offers.first().map_or("", |offer| offer.currency.as_str()),
            available: counts.iter().map(|counts| counts.available).sum(),
            total: counts.iter().map(engine::stock::Counts::total).sum(),
            line_length: sale.line().length(),
        }
    });
    let nonce = nonce();
    let contents = HomePage { language: language(headers), nonce: &nonce, sales: cards.collect() };
    html(&nonce, home_page(&contents))
}

/// `GET /s/{sale}`: answered at once, unless the visitor is called and claims by coming, or has just
/// been given a place by another node.
pub fn show(app: &Arc<App>, sale: Arc<SaleView>, headers: &HeaderMap) -> Answer {
    let language = language(headers);
    let ticket = visitor(app, &sale, headers);
    let is_late = ticket.is_some_and(|ticket| shopper::is_late(app, &sale, ticket));
    let place = ticket.map(|ticket| (ticket, sale.standing(ticket, app.engine.now())));
    let waits = |(_, standing): &(TicketRef, Standing)| {
        is_late || matches!(standing, Standing::Called { .. })
    };
    let Some((ticket, _)) = place.filter(waits) else {
        return Answer::Now(page(app, &sale, language, present(place), None));
    };
    let app = Arc::clone(app);
    Answer::later(async move {
        let (sale, standing) = match shopper::met(&app, sale, ticket).await {
            Ok(met) => met,
            Err(refusal) => return refusal.respond(),
        };
        let standing = shopper::claim(&app, &sale, ticket, standing).await;
        page(&app, &sale, language, present(Some((ticket, standing))), None)
    })
}

/// The visitor's place by the cookie.
fn visitor(app: &App, sale: &SaleView, headers: &HeaderMap) -> Option<TicketRef> {
    let token = authority::cookie(headers, sale)?;
    let ticket = app.keyring.open_ticket_for(sale.tag(), token.as_bytes()).ok()?;
    Some(authority::place_of(&ticket))
}

/// A place, if it still is one.
fn present(place: Option<(TicketRef, Standing)>) -> Option<(TicketRef, Standing)> {
    place.filter(|(_, standing)| shopper::check_here(*standing).is_ok())
}

/// `POST /s/{sale}/…`: does it and sends the browser back to the room.
pub async fn post(
    app: Arc<App>,
    sale: Arc<SaleView>,
    form: String,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    if !from_own_page(&head.headers) {
        return Err(ApiError::Forbidden);
    }
    let body = body.read(&head.headers).await?;
    let visit = Visit { app: &app, sale: &sale, head: &head };
    let done = match form.as_str() {
        "enter" => visit.enter().await,
        "leave" => visit.leave().await,
        "buy" => visit.buy(&body).await,
        _ => visit.settle(&form).await,
    };
    let room = format!("/s/{}", sale.name());
    match done {
        Ok(cookie) => Ok(respond::see_other(&room, cookie.as_deref())),
        Err(refusal) => {
            let place = visit.place().await.ok();
            let refusal = refusal.facts();
            let mut response =
                page(&app, &sale, language(&head.headers), place, Some(refusal.title));
            *response.status_mut() = refusal.status;
            Ok(response)
        }
    }
}

/// One form's sender.
struct Visit<'a> {
    app: &'a App,
    sale: &'a Arc<SaleView>,
    head: &'a Head,
}

/// A cookie to set, if the form changes it.
type Done = Result<Option<String>, ApiError>;

impl Visit<'_> {
    async fn enter(&self) -> Done {
        if visitor(self.app, self.sale, &self.head.headers).is_some() {
            return Ok(None);
        }
        let entry = self.entry().await;
        let outcome = match &entry {
            Ok(entry) => match entry.answer.standing {
                EntryStanding::Waiting { .. } | EntryStanding::SoldOut { .. } => Outcome::Waiting,
                EntryStanding::Admitted { .. } => Outcome::Admitted,
            },
            Err(refusal) => Outcome::Refused(refusal.facts().code),
        };
        self.app.outcomes.count(metrics::ENTER_TOTAL, self.sale, outcome);
        let entry = entry?;
        let ticket = self.app.keyring.seal_ticket(&Ticket {
            sale: self.sale.tag(),
            epoch: entry.epoch,
            number: entry.answer.number,
            shopper: entry.answer.shopper,
            issued_at: entry.answer.at,
        });
        Ok(Some(self.cookie(ticket.as_str(), "")))
    }

    async fn entry(&self) -> Result<Entry, ApiError> {
        let (headers, peer) = (&self.head.headers, &self.head.peer);
        let (shopper, _) = authority::entrant(self.app, self.sale, headers, peer)?;
        Ok(self.app.engine.enter(self.sale, shopper, None).await?)
    }

    async fn leave(&self) -> Done {
        let (ticket, _) = self.place().await?;
        self.app.engine.leave(self.sale, ticket).await?;
        Ok(Some(self.cookie("", "; Max-Age=0")))
    }

    async fn buy(&self, body: &[u8]) -> Done {
        let bought = self.purchase(body).await;
        let outcome = match &bought {
            Ok(made) if made.replayed => Outcome::Replayed,
            Ok(_) => Outcome::Held,
            Err(refusal) => Outcome::Refused(refusal.facts().code),
        };
        self.app.outcomes.count(metrics::PURCHASE_TOTAL, self.sale, outcome);
        bought.map(|_| None)
    }

    async fn purchase(&self, body: &[u8]) -> Result<HoldReply, ApiError> {
        let (ticket, standing) = self.place().await?;
        let Standing::Admitted { .. } = standing else { return Err(ApiError::PassExpired) };
        let field = |name: &str| {
            form_urlencoded::parse(body).find(|(found, _)| found == name).map(|(_, value)| value)
        };
        let bad = || ApiError::BadRequest("the form is not one of this page");
        let sku = field("sku").and_then(|sku| Sku::parse(&sku)).ok_or_else(bad)?;
        let quantity: u32 = field("quantity").and_then(|q| q.parse().ok()).ok_or_else(bad)?;
        let key = field("key").filter(|key| (1..=128).contains(&key.len())).ok_or_else(bad)?;
        let offers = &self.sale.settings().spec.offers;
        let offer = offers.iter().position(|offer| offer.sku == sku).ok_or_else(bad)?;
        let offer = OfferIndex(u16::try_from(offer).map_err(|_| bad())?);
        if !(1..=1_000_000).contains(&quantity) {
            return Err(bad());
        }
        let route = format!("buy/{}/{}", self.sale.name(), self.sale.epoch().0);
        let principal = Principal::Shopper(ticket.shopper);
        let replay = authority::replay(principal, &route, &key, b"");
        Ok(self.app.engine.purchase(self.sale, ticket, vec![(offer, quantity)], replay).await?)
    }

    /// Gives a purchase up or, in the demo, plays the payment provider.
    async fn settle(&self, form: &str) -> Done {
        let (id, verb) = purchase_form(form).ok_or(ApiError::NotFound)?;
        let (ticket, _) = self.place().await?;
        let id = purchase::hold_id(self.sale, id)?;
        let mine = |hold: &Arc<Hold>| hold.shopper == ticket.shopper;
        self.sale.hold(id).filter(mine).ok_or(ApiError::NotFound)?;
        let settle = |verb: Verb, by| self.app.engine.settle(self.sale, id, verb.step(), by, None);
        match verb {
            "pay" if self.app.demo_payment => {
                settle(Verb::Pay, Settler::Backend).await?;
                settle(Verb::Confirm, Settler::Backend).await?;
            }
            "release" => {
                settle(Verb::Release, Settler::Shopper(ticket.shopper)).await?;
            }
            _ => return Err(ApiError::NotFound),
        }
        Ok(None)
    }

    async fn place(&self) -> Result<(TicketRef, Standing), ApiError> {
        let ticket = visitor(self.app, self.sale, &self.head.headers);
        let ticket = ticket.ok_or(ApiError::TicketInvalid)?;
        let sale = Arc::clone(self.sale);
        let (_, standing) = shopper::met(self.app, sale, ticket).await?;
        present(Some((ticket, standing))).ok_or(ApiError::TicketInvalid)
    }

    fn cookie(&self, value: &str, more: &str) -> String {
        let name = authority::cookie_name(self.sale);
        let secure = if self.head.peer.tls { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")
    }
}

/// Whether a form came from a page of this host: another site's cannot act in a visitor's name.
fn from_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let own = |origin: &str| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == text(&HOST)
    };
    text(&ORIGIN).is_none_or(own)
}

fn page(
    app: &App,
    sale: &SaleView,
    language: Language,
    place: Option<(TicketRef, Standing)>,
    refusal: Option<&str>,
) -> Response<Body> {
    let now = app.engine.now();
    let settings = sale.settings();
    let (spec, controls) = (&settings.spec, &settings.controls);
    let nonce = nonce();
    let purchases = place.map(|(ticket, _)| sale.holds_of(ticket.shopper)).unwrap_or_default();
    let taken: u64 = purchases.iter().filter(|hold| is_taken(hold)).map(|hold| hold.units()).sum();
    let left = u64::from(spec.per_shopper_max).saturating_sub(taken);
    let offers = spec.offers.iter().zip(sale.counts()).map(|(offer, counts)| OfferCard {
        sku: offer.sku.as_str(),
        price: offer.price,
        currency: offer.currency.as_str(),
        available: counts.available,
        total: counts.total(),
        state: render::offer_state(counts),
        quantity_max: u32::try_from(left.min(counts.available)).unwrap_or(u32::MAX),
    });
    let ids: Vec<String> =
        purchases.iter().map(|hold| format_purchase_id(sale.epoch(), hold.id)).collect();
    let sku = |offer: OfferIndex| {
        spec.offers.get(usize::from(offer.0)).map_or("", |offer| offer.sku.as_str())
    };
    let shown = purchases.iter().zip(&ids).rev().take(PURCHASES_SHOWN_MAX);
    let shown = shown.map(|(hold, id)| PurchaseView {
        purchase: id,
        state: render::purchase_state(hold.state),
        items: hold.items.iter().map(|item| (sku(item.offer), item.quantity)).collect(),
        amount: hold.amount(),
        currency: spec.offers.first().map_or("", |offer| offer.currency.as_str()),
        expires_at: hold.expires_at,
    });
    let contents = RoomPage {
        language,
        nonce: &nonce,
        sale: sale.name().as_str(),
        title: &spec.title,
        state: render::sale_state(sale, now),
        opens_at: spec.opens_at,
        closes_at: spec.closes_at,
        paused: controls.paused,
        message: (!controls.message.is_empty()).then_some(controls.message.as_str()),
        line_length: sale.line().length(),
        offers: offers.collect(),
        place: place.map(|(ticket, standing)| place_view(ticket, standing)),
        purchases: shown.collect(),
        refusal,
        can_pay: app.demo_payment,
    };
    html(&nonce, room_page(&contents))
}

fn is_taken(hold: &Hold) -> bool {
    use engine::hold::HoldState::{Confirmed, Held, Paying};
    matches!(hold.state, Held | Paying | Confirmed)
}

fn place_view(ticket: TicketRef, standing: Standing) -> PlaceView {
    let view = |state, ahead: Option<u64>, eta: Option<engine::gate::EtaRange>| PlaceView {
        state,
        number: ticket.number.0,
        position: ahead.map_or(0, |ahead| ahead + 1),
        ahead: ahead.unwrap_or(0),
        eta: eta.map(|eta| EtaSeconds { min: eta.min_seconds, max: eta.max_seconds }),
        poll_after_ms: render::poll_after_ms(ticket.number, ahead.unwrap_or(0), eta),
        pass_expires_at: None,
    };
    match standing {
        Standing::Waiting { ahead, eta } => view(PlaceState::Waiting, Some(ahead), eta),
        Standing::SoldOut { ahead } => view(PlaceState::SoldOut, Some(ahead), None),
        Standing::Closed { ahead } => view(PlaceState::Closed, Some(ahead), None),
        Standing::Admitted { expires_at, .. } => PlaceView {
            pass_expires_at: Some(expires_at),
            ..view(PlaceState::Admitted, None, None)
        },
        Standing::Called { .. } | Standing::Left | Standing::Expired | Standing::Unknown => {
            view(PlaceState::Ready, None, None)
        }
    }
}

fn html(nonce: &str, html: String) -> Response<Body> {
    let policy = HeaderValue::from_str(&content_security_policy(nonce));
    let policy = policy.unwrap_or(respond::PAGE_POLICY);
    respond::page(StatusCode::OK, Cache::NoStore, policy, Bytes::from(html))
}

fn language(headers: &HeaderMap) -> Language {
    Language::of_header(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

/// 128 random bits, in hex; without randomness a page still renders, but runs no script.
fn nonce() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return "none".to_owned();
    }
    format!("{:032x}", u128::from_le_bytes(bytes))
}
