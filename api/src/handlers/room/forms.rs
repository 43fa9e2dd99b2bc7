//! `POST /s/{sale}/…`: what the room page's forms ask for.
//!
//! A form sends the browser back to the room, done or refused, so that loading the page again never
//! sends a form again. A refusal the shopper can do nothing about in the room, such as a form that
//! is not ours, is a page of its own.

use std::sync::Arc;

use engine::{
    command::{Entry, HoldReply},
    hold::{Hold, HoldState},
    id::{HoldId, OfferIndex, Sku},
    record::EntryStanding,
    sale::{Settler, TicketRef},
    spec::IdentityMode,
    standing::Standing,
    view::SaleView,
};
use hyper::{Response, StatusCode};
use web::{cookies::Cookie, respond};

use super::{
    browser::{Browser, notice_code, notice_cookie},
    deal, present,
};
use crate::{
    app::{App, Head},
    attend,
    error::ApiError,
    handlers::{Verb, authority, purchase},
    metrics::{self, Outcome},
    route::purchase_form,
    server::{Body, RequestBody, tell_late},
    token::{Principal, Ticket},
};

/// Does what a form asks for and answers with the way back to the room.
pub async fn post(
    app: Arc<App>,
    sale: Arc<SaleView>,
    form: String,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let browser = Browser::of(&app, &head.headers, &head.peer);
    let room = format!("/s/{}", sale.name());
    let refused =
        |refusal: &ApiError| super::answer_refusal(&browser, &format!("{room}/{form}"), refusal);
    let body = match body.read(&head.headers).await {
        Ok(body) => body,
        Err(fault) => return Ok(refused(&fault.into())),
    };
    let fields = Fields(&body);
    let key = fields.get("key");
    if !browser.sends_our_form(&app, sale.tag(), key.as_deref()) {
        return Ok(refused(&ApiError::Forbidden));
    }
    let visit = Visit { app: &app, sale: &sale, head: &head, browser: &browser };
    let done = match form.as_str() {
        "enter" => visit.enter(key.as_deref()).await,
        "leave" => visit.leave().await,
        "buy" => match visit.buy(&fields).await {
            Ok(made) if deal::is_deal(&app, &sale, &sale.settings()) => {
                return Ok(respond::see_other(&deal::checkout(&sale, made.hold.id)));
            }
            bought => bought.map(|_| Vec::new()),
        },
        _ => visit.settle(&form).await,
    };
    Ok(match done {
        Ok(cookies) => respond::with_cookies(respond::see_other(&room), &cookies),
        Err(refusal) if let Some(way) = deal::sign_in_again(&app, &sale, &refusal) => {
            respond::see_other(&way)
        }
        Err(refusal) if is_of_the_form(&refusal) => refused(&refusal),
        Err(refusal) => {
            let mut cookies = vec![notice_cookie(&sale, notice_code(&refusal))];
            if refusal == ApiError::InviteUsed {
                cookies.extend(browser.no_invite(&sale));
            }
            let mut response = respond::with_cookies(respond::see_other(&room), &cookies);
            if refusal.facts().status == StatusCode::TOO_MANY_REQUESTS {
                tell_late(&mut response);
            }
            response
        }
    })
}

/// Whether the form itself is wrong, rather than what it found in the sale.
const fn is_of_the_form(refusal: &ApiError) -> bool {
    matches!(
        refusal,
        ApiError::IdempotencyMismatch
            | ApiError::BadRequest(_)
            | ApiError::InvalidRequest(_)
            | ApiError::NotFound
    )
}

/// A form's fields, as they came.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.0);
        fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }
}

/// One form's sender.
struct Visit<'a> {
    app: &'a App,
    sale: &'a Arc<SaleView>,
    head: &'a Head,
    browser: &'a Browser<'a>,
}

/// The cookies that a form changes.
type Done = Result<Vec<Cookie<'static>>, ApiError>;

impl Visit<'_> {
    /// Gives the visitor a place, unless the one they have still is one.
    async fn enter(&self, key: Option<&str>) -> Done {
        let known = self.ticket();
        if let Some(ticket) = known
            && present(Some((ticket, self.standing(ticket).await?))).is_some()
        {
            return Ok(Vec::new());
        }
        // A key that was not made here is no secret, so it identifies no one.
        let key = key.filter(|key| self.browser.has_form_key(self.app, self.sale.tag(), Some(key)));
        let entry = self.entry(known, key).await;
        let outcome = match &entry {
            Ok(entry) if entry.replayed => Outcome::Replayed,
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
        let now = self.app.engine.now();
        Ok(vec![self.browser.ticket_cookie(self.sale, ticket.as_str(), now)])
    }

    async fn entry(&self, known: Option<TicketRef>, key: Option<&str>) -> Result<Entry, ApiError> {
        let known = known.map(|ticket| ticket.shopper);
        let from = (&self.head.headers, &*self.head.peer);
        let (shopper, replay) =
            authority::page_entrant(self.app, self.sale, from, known, key).await?;
        let entry = self.app.engine.enter(self.sale, shopper, replay).await?;
        let Entry { epoch, answer, .. } = &entry;
        let ticket = TicketRef { epoch: *epoch, number: answer.number, shopper: answer.shopper };
        if entry.replayed && present(Some((ticket, self.standing(ticket).await?))).is_none() {
            // The form was sent again after the place it brought was over.
            return Ok(self.app.engine.enter(self.sale, shopper, None).await?);
        }
        Ok(entry)
    }

    async fn leave(&self) -> Done {
        let Some(ticket) = self.ticket() else { return Ok(Vec::new()) };
        if present(Some((ticket, self.standing(ticket).await?))).is_some() {
            self.app.engine.leave(self.sale, ticket).await?;
        }
        // The ticket goes on to show what was bought with it.
        let bought = !self.sale.holds_of(ticket.shopper).is_empty();
        // It also shows, once, what became of the invitation.
        let is_guest = self.sale.settings().spec.identity == IdentityMode::Invite;
        Ok(if bought || is_guest { Vec::new() } else { self.browser.no_ticket(self.sale) })
    }

    async fn buy(&self, fields: &Fields<'_>) -> Result<HoldReply, ApiError> {
        let bought = self.purchase(fields).await;
        let outcome = match &bought {
            Ok(made) if made.replayed => Outcome::Replayed,
            Ok(_) => Outcome::Held,
            Err(refusal) => Outcome::Refused(refusal.facts().code),
        };
        self.app.outcomes.count(metrics::PURCHASE_TOTAL, self.sale, outcome);
        bought
    }

    async fn purchase(&self, fields: &Fields<'_>) -> Result<HoldReply, ApiError> {
        let ticket = self.ticket().ok_or(ApiError::TicketInvalid)?;
        let Standing::Admitted { .. } = self.standing(ticket).await? else {
            return Err(ApiError::PassExpired);
        };
        let bad = || ApiError::BadRequest("the form is not one of this page");
        let sku = fields.get("sku").and_then(|sku| Sku::parse(&sku)).ok_or_else(bad)?;
        let quantity: u32 = fields.get("quantity").and_then(|q| q.parse().ok()).ok_or_else(bad)?;
        let key = fields.get("key").filter(|key| (1..=128).contains(&key.len())).ok_or_else(bad)?;
        let offers = &self.sale.settings().spec.offers;
        let offer = offers.iter().position(|offer| offer.sku == sku).ok_or_else(bad)?;
        let offer = OfferIndex(u16::try_from(offer).map_err(|_| bad())?);
        if !(1..=1_000_000).contains(&quantity) {
            return Err(bad());
        }
        let route = format!("buy/{}/{}", self.sale.name(), self.sale.epoch().0);
        let principal = Principal::Shopper(ticket.shopper);
        // The same form with another choice is another request, and is refused.
        let choice = format!("{quantity} {}", sku.as_str());
        let replay = authority::replay(principal, &route, &key, choice.as_bytes());
        Ok(self.app.engine.purchase(self.sale, ticket, vec![(offer, quantity)], replay).await?)
    }

    /// Gives a purchase up or, in the demo, plays the payment provider. It takes no live place: a
    /// reservation outlives the session it was made in.
    async fn settle(&self, form: &str) -> Done {
        let (id, verb) = purchase_form(form).ok_or(ApiError::NotFound)?;
        let ticket = self.ticket().ok_or(ApiError::TicketInvalid)?;
        let id = purchase::hold_id(self.sale, id)?;
        let hold = self.hold(id).await?.filter(|hold| hold.shopper == ticket.shopper);
        let hold = hold.ok_or(ApiError::NotFound)?;
        let settle = |verb: Verb, by| self.app.engine.settle(self.sale, id, verb.step(), by, None);
        match verb {
            "pay" if self.app.demo_payment && !self.is_deal() => {
                if hold.state != HoldState::Paying {
                    settle(Verb::Pay, Settler::Backend).await?;
                }
                settle(Verb::Confirm, Settler::Backend).await?;
            }
            "release" => {
                settle(Verb::Release, Settler::Shopper(ticket.shopper)).await?;
            }
            _ => return Err(ApiError::NotFound),
        }
        Ok(Vec::new())
    }

    /// Whether the shop takes the money.
    fn is_deal(&self) -> bool {
        deal::is_deal(self.app, self.sale, &self.sale.settings())
    }

    /// A purchase, which another node may have made just now.
    async fn hold(&self, id: HoldId) -> Result<Option<Arc<Hold>>, ApiError> {
        let known = self.sale.hold(id);
        if known.is_some() || !self.app.engine.is_shared() {
            return Ok(known);
        }
        self.app.engine.refresh(self.sale).await?;
        let sale = self.app.engine.live_sale(self.sale.name().as_str());
        Ok(sale.and_then(|sale| sale.hold(id)))
    }

    /// The place of the visitor's cookie.
    fn ticket(&self) -> Option<TicketRef> {
        let ticket = authority::cookie_ticket(self.app, self.sale, &self.head.headers);
        ticket.map(|ticket| authority::place_of(&ticket))
    }

    async fn standing(&self, ticket: TicketRef) -> Result<Standing, ApiError> {
        let sale = Arc::clone(self.sale);
        Ok(attend::met(&self.app.engine, sale, ticket).await?.1)
    }
}
