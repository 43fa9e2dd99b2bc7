//! The built-in pages: what a shopper's browser sees. What it posts is in [`forms`].
//!
//! The ticket lives in a cookie that scripts cannot read; the pass is never given to a page. A
//! refusal is a page too, in the visitor's language, with a way on.

mod browser;
mod forms;

use std::sync::Arc;

use bytes::Bytes;
use engine::{
    hold::Hold, id::OfferIndex, id::SaleName, line::PlaceState as Fate, sale::TicketRef,
    standing::Standing, view::SaleView,
};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
};
use web::{
    request_id::RequestId,
    respond::{self, Cache},
};

use self::browser::{Browser, floor_cookie, notice_cookie};
use super::{authority, only_looks, render, shopper};
use crate::{
    app::{App, split},
    error::{ApiError, Retry},
    pages::{
        HomePage, OfferCard, PlaceEnd, PlaceView, ProblemPage, PurchaseView, RoomPage, SaleCard,
        content_security_policy, home as home_page, problem as problem_page, room as room_page,
    },
    server::{Answer, Body, Peer, RequestBody},
    wire::{EtaSeconds, PlaceState, format_purchase_id},
};

pub use self::forms::post;

/// Purchases a page shows; a shopper's limit is usually far below.
const PURCHASES_SHOWN_MAX: usize = 10;

/// Sales on one page of `/`.
const HOME_SALES_MAX: usize = 100;

/// `GET /`, and the pages behind it: `?after=` the name of the last sale before.
pub fn home(app: &App, query: Option<&str>, headers: &HeaderMap, peer: &Peer) -> Response<Body> {
    let now = app.engine.now();
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let after = pairs.find(|(name, _)| name == "after").map(|(_, value)| value.into_owned());
    let mut sales = app.engine.sales();
    sales.retain(|sale| after.as_deref().is_none_or(|after| sale.name().as_str() > after));
    let has_more = sales.len() > HOME_SALES_MAX;
    sales.truncate(HOME_SALES_MAX);
    let last = sales.last().filter(|_| has_more).map(|sale| sale.name().clone());
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
    let (language, nonce) = (Browser::of(app, headers, peer).language, nonce());
    let more_after = last.as_ref().map(SaleName::as_str);
    let contents = HomePage { language, nonce: &nonce, sales: cards.collect(), more_after };
    html(&nonce, home_page(&contents))
}

/// `GET /s/{sale}`: answered at once, unless the visitor is called and claims by coming, or has just
/// been given a place by another node. A page that is only loaded ahead claims nothing.
pub fn show(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    let claims = !only_looks(&request);
    let (head, _) = split(request, peer);
    let browser = Browser::of(app, &head.headers, &head.peer);
    let ticket = authority::cookie_ticket(app, &sale, &head.headers);
    let ticket = ticket.map(|ticket| authority::place_of(&ticket));
    let is_late = ticket.is_some_and(|ticket| shopper::is_late(app, &sale, ticket));
    let place = ticket.map(|ticket| (ticket, sale.standing(ticket, app.engine.now())));
    let waits = |(_, standing): &(TicketRef, Standing)| {
        is_late || claims && matches!(standing, Standing::Called { .. })
    };
    let Some((ticket, _)) = place.filter(waits) else {
        return Answer::Now(page(app, &sale, &browser, place));
    };
    let app = Arc::clone(app);
    Answer::later(async move {
        let browser = Browser::of(&app, &head.headers, &head.peer);
        let name = sale.name().clone();
        let (sale, standing) = match shopper::met(&app, sale, ticket).await {
            Ok(met) => met,
            Err(refusal) => return answer_refusal(&browser, &format!("/s/{name}"), &refusal),
        };
        let standing =
            if claims { shopper::claim(&app, &sale, ticket, standing).await } else { standing };
        page(&app, &sale, &browser, Some((ticket, standing)))
    })
}

/// A refusal at `path`, as a page if the client takes one.
pub fn refuse(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
    path: &str,
    refusal: &ApiError,
) -> Response<Body> {
    answer_refusal(&Browser::of(app, headers, peer), path, refusal)
}

fn answer_refusal(browser: &Browser<'_>, path: &str, refusal: &ApiError) -> Response<Body> {
    let response = refusal.respond();
    if !browser.takes_pages() {
        return response;
    }
    let facts = refusal.facts();
    let reference = RequestId::current().to_string();
    let nonce = nonce();
    // A form's address below the room is one that only forms know.
    let room = path.strip_prefix("/s/").and_then(|rest| rest.split('/').next());
    let room = room.filter(|_| *refusal != ApiError::NotFound);
    let passes = !matches!(facts.retry, Retry::Useless);
    let contents = ProblemPage {
        language: browser.language,
        nonce: &nonce,
        code: facts.code,
        room,
        // Only an address that GET knows can be loaded again.
        retries: passes && path.matches('/').count() == 2,
        reference: &reference,
    };
    let body = problem_page(&contents);
    let mut page = html(&nonce, body);
    *page.status_mut() = facts.status;
    page = page.map(|body| body.about(facts.code));
    for (name, value) in response.headers() {
        if *name != CONTENT_TYPE {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    debug_assert!(page.headers().contains_key(CONTENT_SECURITY_POLICY), "a page has its policy");
    page
}

/// A place, if it still is one.
fn present(place: Option<(TicketRef, Standing)>) -> Option<(TicketRef, Standing)> {
    place.filter(|(_, standing)| shopper::check_here(*standing).is_ok())
}

/// Why a place is over, if it is.
fn end_of(sale: &SaleView, (ticket, standing): (TicketRef, Standing)) -> Option<PlaceEnd> {
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

/// The room as this browser sees it: `place` is that of its ticket, over or not.
fn page(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    place: Option<(TicketRef, Standing)>,
) -> Response<Body> {
    let mut cookies = Vec::new();
    let visitor = browser.visitor().map(str::to_owned).or_else(|| {
        let (name, cookie) = browser.new_visitor()?;
        cookies.push(cookie);
        Some(name)
    });
    let purchases = place.map(|(ticket, _)| sale.holds_of(ticket.shopper)).unwrap_or_default();
    let ended = place.and_then(|place| end_of(sale, place));
    if matches!(ended, Some(PlaceEnd::Left | PlaceEnd::Remade)) && purchases.is_empty() {
        // A ticket that says nothing more. Of the others the page goes on to say what became.
        cookies.extend(browser.no_ticket(sale));
    }
    let mut view = present(place).map(|(ticket, standing)| place_view(ticket, standing));
    if let Some(place) = view.as_mut().filter(|place| app.engine.is_shared() && place.position > 0)
    {
        // Another node may lag behind the one that was asked before.
        place.position = place.position.min(browser.floor(place.number).unwrap_or(u64::MAX));
        place.ahead = place.ahead.min(place.position - 1);
        cookies.push(floor_cookie(sale, place.number, place.position));
    }
    let notice = browser.notice();
    if notice.is_some() {
        cookies.push(notice_cookie(sale, ""));
    }
    let form_key = || {
        let sealed = visitor.as_deref().map(|name| app.keyring.seal_form(sale.tag(), name));
        // Without randomness a form has no key, and its origin decides.
        sealed.and_then(Result::ok).unwrap_or_default()
    };
    let seen = Seen { place: view, ended, notice, purchases: &purchases };
    let nonce = nonce();
    let body = contents(app, sale, browser, (&nonce, &form_key), &seen);
    respond::with_cookies(html(&nonce, body), &cookies)
}

/// What is the visitor's own on a page.
struct Seen<'a> {
    place: Option<PlaceView>,
    ended: Option<PlaceEnd>,
    notice: Option<&'a str>,
    purchases: &'a [Arc<Hold>],
}

fn contents(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    (nonce, form_key): (&str, &dyn Fn() -> String),
    seen: &Seen<'_>,
) -> String {
    let now = app.engine.now();
    let settings = sale.settings();
    let (spec, controls) = (&settings.spec, &settings.controls);
    let taken: u64 = seen.purchases.iter().filter(|h| is_taken(h)).map(|h| h.units()).sum();
    let left = u64::from(spec.per_shopper_max).saturating_sub(taken);
    let offers = spec.offers.iter().zip(sale.counts()).map(|(offer, counts)| OfferCard {
        sku: offer.sku.as_str(),
        price: offer.price,
        currency: offer.currency.as_str(),
        available: counts.available,
        total: counts.total(),
        state: render::offer_state(counts),
        quantity_max: u32::try_from(left.min(counts.available)).unwrap_or(u32::MAX),
        key: form_key(),
    });
    let ids: Vec<String> =
        seen.purchases.iter().map(|hold| format_purchase_id(sale.epoch(), hold.id)).collect();
    let sku = |offer: OfferIndex| {
        spec.offers.get(usize::from(offer.0)).map_or("", |offer| offer.sku.as_str())
    };
    let shown = seen.purchases.iter().zip(&ids).rev().take(PURCHASES_SHOWN_MAX);
    let shown = shown.map(|(hold, id)| PurchaseView {
        purchase: id,
        state: render::purchase_state(hold.state),
        items: hold.items.iter().map(|item| (sku(item.offer), item.quantity)).collect(),
        amount: hold.amount(),
        currency: spec.offers.first().map_or("", |offer| offer.currency.as_str()),
        expires_at: settings.controls.wall(hold.expires_at),
        key: form_key(),
    });
    room_page(&RoomPage {
        language: browser.language,
        nonce,
        now,
        sale: sale.name().as_str(),
        title: &spec.title,
        state: render::sale_state(sale, now),
        opens_at: spec.opens_at,
        closes_at: spec.closes_at,
        paused: controls.paused,
        message: (!controls.message.is_empty()).then_some(controls.message.as_str()),
        line_length: sale.line().length(),
        offers: offers.collect(),
        place: seen.place,
        ended: seen.ended,
        purchases: shown.collect(),
        refusal: seen.notice,
        can_pay: app.demo_payment,
        key: form_key(),
        floor: app.engine.is_shared().then_some(browser::FLOOR),
    })
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

/// 128 random bits, in hex; without randomness a page still renders, but runs no script.
fn nonce() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return "none".to_owned();
    }
    format!("{:032x}", u128::from_le_bytes(bytes))
}
