//! What operators do and see. Every call needs an operator's key; every change names its author.

mod audit;
mod invites;
mod outbox;
mod terms;

use std::sync::Arc;

use engine::{
    command::{Changed, Terms},
    id::{OfferIndex, SaleName, SaleTag},
    record::{Author, Change},
    sale::{ChangeAnswer, Controls},
    spec::{IdentityMode, SaleSpec},
    view::SaleView,
};
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use web::respond::{self, Cache};

pub(super) use self::terms::write_version;

use self::{
    audit::audit,
    outbox::{outbox, replay},
};
use super::{authority, render, shopper::sales_page};
use crate::{
    app::{App, Head, later, or_refusal},
    archiving::Asker,
    error::{ApiError, FieldProblem},
    found::Found,
    route::{Act, Admin},
    server::{Answer, Body, Peer, RequestBody},
    token::Role,
    wire::{
        AdminSale, OfferStats, SaleState, SaleStats, SaleTable, read_message, read_nothing,
        read_page, read_patch, read_rate, read_restock, read_sale, read_unstrand,
    },
};

/// Answers an operator's call.
pub fn answer(
    app: &Arc<App>,
    call: Admin<'_>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    let author = match authority::key_of(app, request.headers(), Role::Operator) {
        Ok(author) => author,
        Err(refusal) => return Answer::Now(refusal.respond()),
    };
    let now = |answer: Result<Response<Body>, ApiError>| Answer::Now(or_refusal(answer));
    let query = request.uri().query();
    match call {
        Admin::Sales => now(list(app, query)),
        Admin::Show { sale } => with_sale(app, sale, |found| {
            found.answer(app, Asker::Key, |app, sale| Ok(shown(app, sale)))
        }),
        Admin::Audit { sale } => {
            let query = query.map(str::to_owned);
            let audit = move |_: &App, sale: &SaleView| audit(sale, query.as_deref());
            with_sale(app, sale, |found| found.answer(app, Asker::Key, audit))
        }
        Admin::Stats { sale } => with_sale(app, sale, |found| {
            found.answer(app, Asker::Key, |app, sale| Ok(ok(&stats(app, sale))))
        }),
        Admin::Outbox => now(outbox(app, query)),
        Admin::Create => {
            later(app, request, peer, |app, head, body| create(app, author, head, body))
        }
        Admin::OutboxReplay => {
            later(app, request, peer, |app, head, body| replay(app, author, head, body))
        }
        Admin::Update { sale } => with_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| update(app, sale, author, head, body))
        }),
        Admin::Delete { sale } => match SaleName::parse(sale) {
            // It may be gone already, by this very request.
            Some(sale) => {
                later(app, request, peer, |app, head, body| delete(app, sale, author, head, body))
            }
            None => Answer::Now(ApiError::NotFound.respond()),
        },
        Admin::Invites { sale } => with_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| {
                invites::make(app, sale, author, head, body)
            })
        }),
        Admin::Act { sale, act } => with_sale(app, sale, |sale| {
            later(app, request, peer, move |app, head, body| {
                change(app, sale, author, act, head, body)
            })
        }),
    }
}

fn with_sale(app: &App, name: &str, answer: impl FnOnce(Found) -> Answer) -> Answer {
    let refused = || Answer::Now(ApiError::NotFound.respond());
    Found::find(app, name).map_or_else(refused, answer)
}

fn ok(value: &impl Serialize) -> Response<Body> {
    respond::json(StatusCode::OK, Cache::NoStore, value)
}

fn shown(app: &App, sale: &SaleView) -> Response<Body> {
    let version = sale.settings().version;
    terms::with_version(ok(&admin_sale(app, sale)), version)
}

fn admin_sale(app: &App, sale: &SaleView) -> AdminSale {
    let settings = sale.settings();
    let state = render::sale_state(sale, app.engine.now());
    described(&settings.spec, &settings.controls, state, settings.version.epoch.0)
}

/// A sale as a change left it.
fn changed_sale(answer: &ChangeAnswer) -> AdminSale {
    let state = render::state_of(answer.phase(), answer.is_sold_out);
    described(&answer.spec, &answer.controls, state, answer.version.epoch.0)
}

fn described(spec: &SaleSpec, controls: &Controls, state: SaleState, epoch: u32) -> AdminSale {
    let message = controls.message.clone();
    AdminSale {
        table: SaleTable::from(spec),
        state,
        epoch,
        paused: controls.paused,
        message: (!message.is_empty()).then_some(message),
    }
}

fn list(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let page = sales_page(&read_page(query)?, app.engine.sales())?;
    Ok(ok(&page.map(|sale| admin_sale(app, &sale))))
}

/// The answer to a change: the sale as it left it, in the words of the first time.
fn told(status: StatusCode, changed: &Changed) -> Response<Body> {
    let response = changed.answer.as_deref().map_or_else(respond::no_content, |answer| {
        let told = respond::json(status, Cache::NoStore, &changed_sale(answer));
        terms::with_version(told, answer.version)
    });
    if changed.replayed { respond::replayed(response) } else { response }
}

async fn create(
    app: Arc<App>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let body = body.read(&head.headers).await?;
    let spec = read_sale(&body)?;
    if spec.identity == IdentityMode::Jwt && app.accounts.is_none() {
        const ALLOWED: &str = "jwt only where the configuration has a [jwt] section";
        let problem = FieldProblem::new("identity", ALLOWED);
        return Err(ApiError::InvalidRequest(vec![problem]));
    }
    let replay = terms::replay(&head.headers, &author, "create", &body)?;
    Ok(told(StatusCode::CREATED, &app.engine.create(author, spec, replay).await?))
}

async fn update(
    app: Arc<App>,
    sale: Found,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let body = body.read(&head.headers).await?;
    let patch = read_patch(&body)?;
    let terms = terms::read(&head.headers, &author, &format!("update/{}", sale.name()), &body)?;
    make(&app, sale.name().tag(), author, Change::Update { patch }, terms).await
}

async fn delete(
    app: Arc<App>,
    sale: SaleName,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    read_nothing(&body.read(&head.headers).await?)?;
    let terms = terms::read(&head.headers, &author, &format!("delete/{sale}"), b"")?;
    if terms.replay.is_none() && !app.engine.has_sale(sale.as_str()) {
        return Err(ApiError::NotFound);
    }
    make(&app, sale.tag(), author, Change::Delete, terms).await
}

async fn change(
    app: Arc<App>,
    sale: Found,
    author: Author,
    act: Act,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let body = body.read(&head.headers).await?;
    let sale = sale.view(&app, Asker::Key).await?;
    // Nothing and `{}` are the same request.
    let switch = |change| read_nothing(&body).map(|()| (change, &b""[..]));
    let (change, key_body) = match act {
        Act::Message => {
            let text = read_message(&body)?.message.unwrap_or_default();
            (Change::Message { text }, &body[..])
        }
        Act::Rate => {
            let admission_milli_per_second = read_rate(&body)?.admission_milli_per_second;
            (Change::Rate { admission_milli_per_second }, &body[..])
        }
        Act::Restock => {
            let restock = read_restock(&body)?;
            let offer = offer_index(&sale, &restock.sku)?;
            (Change::Restock { offer, units: restock.units }, &body[..])
        }
        Act::Unstrand => {
            let unstrand = read_unstrand(&body)?;
            let offer = offer_index(&sale, &unstrand.sku)?;
            (Change::Unstrand { offer, units: unstrand.units.unsigned_abs() }, &body[..])
        }
        Act::Pause => switch(Change::Pause)?,
        Act::Resume => switch(Change::Resume)?,
        Act::Drain => switch(Change::Drain)?,
        Act::Open => switch(Change::Open)?,
        Act::Close => switch(Change::Close)?,
        Act::Archive => return archive(&app, &sale, author, &head, &body).await,
    };
    let terms =
        terms::read(&head.headers, &author, &format!("{}/{}", act.word(), sale.name()), key_body)?;
    make(&app, sale.tag(), author, change, terms).await
}

async fn archive(
    app: &App,
    sale: &SaleView,
    author: Author,
    head: &Head,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    read_nothing(body)?;
    let terms = terms::read(&head.headers, &author, &format!("archive/{}", sale.name()), b"")?;
    Ok(told(StatusCode::OK, &app.engine.archive(sale, author, terms).await?))
}

async fn make(
    app: &App,
    sale: SaleTag,
    author: Author,
    change: Change,
    terms: Terms,
) -> Result<Response<Body>, ApiError> {
    Ok(told(StatusCode::OK, &app.engine.change(sale, author, change, terms).await?))
}

fn offer_index(sale: &SaleView, sku: &engine::id::Sku) -> Result<OfferIndex, ApiError> {
    let settings = sale.settings();
    let index = settings.spec.offers.iter().position(|offer| offer.sku == *sku);
    let index = index.and_then(|index| u16::try_from(index).ok());
    index.map(OfferIndex).ok_or_else(|| {
        ApiError::InvalidRequest(vec![FieldProblem::new("sku", "a SKU of this sale")])
    })
}

fn stats(app: &App, sale: &SaleView) -> SaleStats {
    let (line, settings) = (sale.line(), sale.settings());
    let offers = settings.spec.offers.iter().zip(sale.counts()).map(|(offer, counts)| OfferStats {
        sku: offer.sku.as_str().to_owned(),
        total: counts.total(),
        available: counts.available,
        held: counts.held,
        paying: counts.paying,
        sold: counts.sold,
        stranded: counts.stranded,
    });
    SaleStats {
        sale: sale.name().as_str().to_owned(),
        epoch: sale.epoch().0,
        entered: line.issued().0,
        line_length: line.length(),
        departed: sale.departed(),
        serving: line.watermark().0,
        active_sessions: sale.active_sessions(),
        offers: offers.collect(),
        outbox_lag: app.engine.registry().outbox_lag(),
        dead_letters: app.engine.dead_letters().len() as u64,
    }
}
