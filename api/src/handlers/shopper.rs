//! What shoppers ask before they buy: status, entering, position, leaving.

use std::sync::Arc;

use bytes::Bytes;
use engine::{
    clock::Millis, id::SaleName, record::EntryStanding, sale::TicketRef, standing::Standing,
    view::SaleView,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use web::{
    buckets::Quota,
    respond::{self, Cache},
};

use super::{
    authority::{self, Shown},
    only_looks, render,
};
use crate::{
    app::{App, Head, or_refusal},
    attend,
    error::ApiError,
    metrics::{self, Outcome},
    server::{Answer, Body, RequestBody},
    wire::{List, Page, SaleState, read_nothing, read_page},
};

/// Bytes a position answer takes without a pass.
const POSITION_BYTES: usize = 384;

/// `GET /v1/sales`
pub fn sales(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let now = app.engine.now();
    let mut sales = app.engine.sales();
    sales.retain(|sale| render::sale_state(sale, now) != SaleState::Closed);
    let page = sales_page(&read_page(query)?, sales)?;
    let settings: Vec<_> = page.items.iter().map(|sale| sale.settings()).collect();
    let items = page.items.iter().zip(&settings);
    let items = items.map(|(sale, settings)| render::status(sale, settings, now)).collect();
    let list = List { items, next_cursor: page.next_cursor };
    Ok(respond::json(StatusCode::OK, Cache::Shared, &list))
}

/// A page of sales, which are by name.
pub fn sales_page(page: &Page, sales: Vec<Arc<SaleView>>) -> Result<List<Arc<SaleView>>, ApiError> {
    let name = |sale: &Arc<SaleView>| sale.name().clone();
    let offers = |sale: &Arc<SaleView>| sale.settings().spec.offers.len();
    Ok(page.of_heavy(sales, name, SaleName::parse, ToString::to_string, offers)?)
}

/// `GET /v1/sales/{sale}`
pub fn status(app: &App, sale: &SaleView, headers: &HeaderMap) -> Response<Body> {
    let settings = sale.settings();
    let status = render::status(sale, &settings, app.engine.now());
    respond::json_unless_known(headers, Cache::Shared, &status)
}

/// `POST /v1/sales/{sale}/enter`
pub async fn enter(
    app: Arc<App>,
    sale: Arc<SaleView>,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let counted = |outcome| app.outcomes.count(metrics::ENTER_TOTAL, &sale, outcome);
    let entered = enter_room(&app, &sale, &head, body).await.inspect_err(|refusal| {
        counted(Outcome::Refused(refusal.facts().code));
    })?;
    counted(match (entered.replayed, entered.status) {
        (true, _) => Outcome::Replayed,
        (false, StatusCode::OK) => Outcome::Admitted,
        (false, _) => Outcome::Waiting,
    });
    let body = Bytes::from(entered.body);
    let mut response = respond::bytes(entered.status, respond::JSON, Cache::NoStore, body);
    if let Some(left) = entered.left {
        left.say(response.headers_mut());
    }
    Ok(if entered.replayed { respond::replayed(response) } else { response })
}

struct EnteredRoom {
    status: StatusCode,
    body: Vec<u8>,
    replayed: bool,
    /// What the caller's address may still do.
    left: Option<Quota>,
}

async fn enter_room(
    app: &App,
    sale: &SaleView,
    head: &Head,
    body: RequestBody,
) -> Result<EnteredRoom, ApiError> {
    let body = body.read(&head.headers).await?;
    read_nothing(&body)?;
    let (shopper, replay, left) = authority::entrant(app, sale, &head.headers, &head.peer).await?;
    let entry = app.engine.enter(sale, shopper, replay).await?;
    let status = match entry.answer.standing {
        EntryStanding::Waiting { .. } | EntryStanding::SoldOut { .. } => StatusCode::ACCEPTED,
        EntryStanding::Admitted { .. } => StatusCode::OK,
    };
    if let (EntryStanding::Waiting { eta: Some(eta), .. }, false) =
        (&entry.answer.standing, entry.replayed)
    {
        app.wait_estimates.note(sale.tag(), entry.answer.number, entry.answer.at, *eta);
    }
    let body = render::write_entry(app, sale, entry.epoch, &entry.answer);
    Ok(EnteredRoom { status, body, replayed: entry.replayed, left })
}

/// `GET /v1/sales/{sale}/position`: answered from atomics, unless the shopper is called: then the
/// poll is the claim, and waits until it is durable.
///
/// HEAD and a request that a browser makes ahead claim nothing: nobody sees their answers.
pub fn position<B>(app: &Arc<App>, sale: Arc<SaleView>, request: &Request<B>) -> Answer {
    let (ticket, shown) = match authority::ticket_or_cookie(app, &sale, request.headers()) {
        Ok((ticket, shown)) => (authority::place_of(&ticket), shown),
        Err(refusal) => return Answer::Now(refusal.respond()),
    };
    sale.tally().polled();
    let now = app.engine.now();
    // Asked first: a place that is published in between is known, and never taken for none.
    let is_late = attend::is_late(&app.engine, &sale, ticket);
    let standing = sale.standing(ticket, now);
    let claims = !only_looks(request);
    let waits = is_late || claims && matches!(standing, Standing::Called { .. });
    if !waits {
        return Answer::Now(or_refusal(place(app, &sale, (ticket, shown), standing, now)));
    }
    let app = Arc::clone(app);
    Answer::later(async move {
        let (sale, standing) = match attend::met(&app.engine, sale, ticket).await {
            Ok(met) => met,
            Err(refusal) => return refusal.respond(),
        };
        let standing = if claims {
            attend::claim((&app.engine, &app.wait_estimates), &sale, ticket, standing).await
        } else {
            standing
        };
        or_refusal(place(&app, &sale, (ticket, shown), standing, now))
    })
}

fn place(
    app: &App,
    sale: &SaleView,
    ticket: (TicketRef, Shown),
    standing: Standing,
    now: Millis,
) -> Result<Response<Body>, ApiError> {
    attend::check_here(standing)?;
    let mut body = Vec::with_capacity(POSITION_BYTES);
    render::write_standing(app, sale, ticket, standing, now, &mut body);
    Ok(respond::bytes(StatusCode::OK, respond::JSON, Cache::NoStore, Bytes::from(body)))
}

/// `POST /v1/sales/{sale}/leave`
pub async fn leave(
    app: Arc<App>,
    sale: Arc<SaleView>,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let ticket = authority::ticket(&app, &sale, &head.headers)?;
    read_nothing(&body.read(&head.headers).await?)?;
    app.engine.leave(&sale, authority::place_of(&ticket)).await?;
    Ok(respond::no_content())
}
