//! Buying, and what the backend reports of it: the life of a hold over HTTP.

use std::sync::Arc;

use bytes::Bytes;
use engine::{
    command::HoldReply,
    id::{HoldId, OfferIndex, SaleName},
    record::ReplayKey,
    sale::Settler,
    view::SaleView,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use web::respond::{self, Cache};

use super::{
    Verb,
    authority::{self, Party},
    render,
};
use crate::{
    app::{App, Head, later, or_refusal},
    archiving::Asker,
    error::{ApiError, FieldProblem},
    found::Found,
    metrics::{self, Outcome},
    server::{Answer, Body, Peer, RequestBody},
    token::{Principal, Role, VerifiedPass, parse_jti},
    wire::{PurchaseRequest, parse_purchase_id, read_nothing, read_purchase},
};

/// `POST /v1/sales/{sale}/purchase`. When nothing is left of any offer, which is what most of a crowd
/// meets, the answer is the same whatever is asked for, and the body is not even read.
pub fn make(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    if sale.stock().is_exhausted()
        && request.body().is_within_limit()
        && let Err(refusal) = ask_at_all(app, &sale, request.headers())
    {
        count_refusal(app, &sale, &refusal);
        return Answer::Now(refusal.respond());
    }
    later(app, request, peer, |app, head, body| async move {
        let made = buy(&app, &sale, &head, body).await;
        let made = made.inspect_err(|refusal| count_refusal(&app, &sale, refusal))?;
        let outcome = if made.replayed { Outcome::Replayed } else { Outcome::Held };
        app.outcomes.count(metrics::PURCHASE_TOTAL, &sale, outcome);
        tell(&sale, &made, StatusCode::CREATED)
    })
}

fn count_refusal(app: &App, sale: &SaleView, refusal: &ApiError) {
    let outcome = Outcome::Refused(refusal.facts().code);
    app.outcomes.count(metrics::PURCHASE_TOTAL, sale, outcome);
}

/// Whether there is anything to buy, for a shopper who may buy.
fn ask_at_all(app: &App, sale: &SaleView, headers: &HeaderMap) -> Result<(), ApiError> {
    let asked = Asked::read(app, sale, headers)?;
    let refusal = app.engine.refusal_of_all(sale, asked.replay(b"").key);
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

async fn buy(
    app: &App,
    sale: &SaleView,
    head: &Head,
    body: RequestBody,
) -> Result<HoldReply, ApiError> {
    let asked = Asked::read(app, sale, &head.headers)?;
    if sale.stock().is_exhausted() && body.is_within_limit() {
        let key = asked.replay(b"").key;
        let refusal = app.engine.refusal_of_all_shared(sale, key).await?;
        refusal.map_or(Ok(()), |refusal| Err(ApiError::from(refusal)))?;
    }
    let body = body.read(&head.headers).await?;
    let items = offers(sale, &read_purchase(&body)?)?;
    let pass = authority::place_of_pass(&asked.pass);
    Ok(app.engine.purchase(sale, pass, items, asked.replay(&body)).await?)
}

/// What the head of a purchase says.
struct Asked<'a> {
    pass: VerifiedPass,
    /// The idempotency key and its route.
    key: &'a str,
    route: String,
}

impl<'a> Asked<'a> {
    fn read(app: &App, sale: &SaleView, headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let pass = authority::pass(app, sale, headers)?;
        let key = authority::required_key(headers)?;
        let route = format!("purchase/{}/{}", sale.name(), sale.epoch().0);
        Ok(Self { pass, key, route })
    }

    fn replay(&self, body: &[u8]) -> ReplayKey {
        authority::replay(Principal::Shopper(self.pass.shopper), &self.route, self.key, body)
    }
}

/// The offers a request names by SKU.
pub fn offers(
    sale: &SaleView,
    request: &PurchaseRequest,
) -> Result<Vec<(OfferIndex, u32)>, ApiError> {
    let settings = sale.settings();
    let mut items = Vec::with_capacity(request.items.len());
    for (line, item) in request.items.iter().enumerate() {
        let index = settings.spec.offers.iter().position(|offer| offer.sku == item.sku);
        let index = index.and_then(|index| u16::try_from(index).ok()).ok_or_else(|| {
            let problem = FieldProblem::new(format!("items[{line}].sku"), "a SKU of this sale");
            ApiError::InvalidRequest(vec![problem])
        })?;
        items.push((OfferIndex(index), item.quantity));
    }
    Ok(items)
}

/// `GET /v1/sales/{sale}/purchases/{id}`. Who may not ask learns nothing and costs nothing: an archived
/// sale is not unpacked for them.
pub fn show(app: &Arc<App>, found: Found, id: &str, headers: &HeaderMap) -> Answer {
    let party = match authority::party(app, found.name(), headers) {
        Ok(party) => party,
        Err(refusal) => return Answer::Now(refusal.respond()),
    };
    match found {
        Found::Shown(sale) => show_shown(app, sale, id, party),
        Found::Archived(_) => {
            let id = id.to_owned();
            found.answer(app, party.asker(), move |_, sale| {
                show_to(&party, sale, hold_id(sale, &id)?)
            })
        }
    }
}

fn show_shown(app: &Arc<App>, sale: Arc<SaleView>, id: &str, party: Party) -> Answer {
    let id = match hold_id(&sale, id) {
        Ok(id) => id,
        Err(refusal) => return Answer::Now(refusal.respond()),
    };
    if sale.hold(id).is_some() || !app.engine.is_shared() {
        return Answer::Now(or_refusal(show_to(&party, &sale, id)));
    }
    // Another node may have made it just now.
    let app = Arc::clone(app);
    Answer::later(async move {
        if let Err(failure) = app.engine.refresh(&sale).await {
            return ApiError::from(failure).respond();
        }
        // A sale that was taken over meanwhile has another view.
        let sale = app.engine.sale_at_once(sale.name().as_str());
        or_refusal(sale.ok_or(ApiError::NotFound).and_then(|sale| show_to(&party, &sale, id)))
    })
}

fn show_to(party: &Party, sale: &SaleView, id: HoldId) -> Result<Response<Body>, ApiError> {
    let hold = sale.hold(id).ok_or(ApiError::NotFound)?;
    match party {
        Party::Shopper(shopper) if *shopper != hold.shopper => Err(ApiError::NotFound),
        Party::Shopper(_) | Party::Key(_) => {
            tell(sale, &HoldReply { hold, replayed: false }, StatusCode::OK)
        }
    }
}

/// `POST /v1/sales/{sale}/purchases/{id}/{pay,confirm,release,refund}`
pub async fn step(
    app: Arc<App>,
    found: Found,
    id: String,
    verb: Verb,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let (by, principal) = settler(&app, found.name(), verb, &head.headers)?;
    let key = authority::idempotency_key(&head.headers)?;
    let body = body.read(&head.headers).await?;
    read_nothing(&body)?;
    let asker = match by {
        Settler::Backend => Asker::Key,
        Settler::Shopper(_) => Asker::Shopper,
    };
    let sale = found.view(&app, asker).await?;
    let hold = hold_id(&sale, &id)?;
    let replay = key.map(|key| {
        let route = format!("{}/{}/{id}", verb.name(), sale.name());
        authority::replay(principal, &route, key, b"")
    });
    let settled = app.engine.settle(&sale, hold, verb.step(), by, replay).await?;
    tell(&sale, &settled, StatusCode::OK)
}

/// On whose word a purchase moves on. A shopper may only give up; the rest is the backend's.
fn settler(
    app: &App,
    sale: &SaleName,
    verb: Verb,
    headers: &HeaderMap,
) -> Result<(Settler, Principal), ApiError> {
    if verb != Verb::Release {
        authority::key_of(app, headers, Role::Backend)?;
        return Ok((Settler::Backend, Principal::Key(Role::Backend)));
    }
    match authority::party(app, sale, headers)? {
        Party::Key(Role::Backend) => Ok((Settler::Backend, Principal::Key(Role::Backend))),
        Party::Key(Role::Operator) => Err(ApiError::Forbidden),
        Party::Shopper(shopper) => Ok((Settler::Shopper(shopper), Principal::Shopper(shopper))),
    }
}

/// `POST /v1/sales/{sale}/sessions/{jti}/end`
pub async fn end_session(
    app: Arc<App>,
    sale: Arc<SaleView>,
    jti: String,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    authority::key_of(&app, &head.headers, Role::Backend)?;
    read_nothing(&body.read(&head.headers).await?)?;
    let (epoch, number) = parse_jti(&jti).ok_or(ApiError::NotFound)?;
    app.engine.end_session(&sale, epoch, number).await?;
    Ok(respond::no_content())
}

/// A hold of this sale's epoch by its public id.
pub fn hold_id(sale: &SaleView, id: &str) -> Result<HoldId, ApiError> {
    let (epoch, hold) = parse_purchase_id(id).ok_or(ApiError::NotFound)?;
    if epoch == sale.epoch() { Ok(hold) } else { Err(ApiError::NotFound) }
}

fn tell(
    sale: &SaleView,
    reply: &HoldReply,
    status: StatusCode,
) -> Result<Response<Body>, ApiError> {
    let body = render::write_purchase(sale, &reply.hold).map_err(|_| ApiError::Internal)?;
    let body = Bytes::from(body);
    let response = respond::bytes(status, respond::JSON, Cache::NoStore, body);
    Ok(if reply.replayed { respond::replayed(response) } else { response })
}
