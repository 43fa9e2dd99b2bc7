//! What operators do and see. Every call needs an operator's key; every change names its author.

use std::sync::Arc;

use engine::{
    id::{OfferIndex, SaleName},
    record::{Author, Change},
    sale::AuditEntry as EngineAuditEntry,
    spec::OfferSpec,
    view::SaleView,
};
use hyper::{Request, Response, StatusCode};
use serde::Serialize;

use super::{authority, render, shopper::sales_page};
use crate::{
    app::{App, Head, later, or_refusal},
    error::{ApiError, FieldProblem},
    keys::Role,
    respond::{self, Cache},
    route::{Act, Admin},
    server::{Answer, Body, Peer, RequestBody},
    wire::{
        AdminSale, AuditEntry, AuditList, DeadLetter, OfferStats, OutboxObject, ReplayRequest,
        SaleStats, SaleTable, format_purchase_id, read_message, read_nothing, read_page,
        read_patch, read_rate, read_replay, read_restock, read_sale, read_unstrand,
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
    let found = |name: &str| app.engine.sale(name).ok_or(ApiError::NotFound);
    match call {
        Admin::Sales => Answer::Now(or_refusal(list(app, request.uri().query()))),
        Admin::Show { sale } => Answer::Now(or_refusal(found(sale).map(|s| shown(app, &s)))),
        Admin::Audit { sale } => Answer::Now(or_refusal(found(sale).map(|s| ok(&audit(&s))))),
        Admin::Stats { sale } => Answer::Now(or_refusal(found(sale).map(|s| ok(&stats(app, &s))))),
        Admin::Outbox => Answer::Now(or_refusal(outbox(app, request.uri().query()))),
        Admin::Create => {
            later(app, request, peer, |app, head, body| create(app, author, head, body))
        }
        Admin::OutboxReplay => {
            later(app, request, peer, |app, head, body| replay(app, author, head, body))
        }
        Admin::Update { sale } => with_found(found(sale), |sale| {
            later(app, request, peer, |app, head, body| update(app, sale, author, head, body))
        }),
        Admin::Delete { sale } => with_found(found(sale), |sale| {
            later(app, request, peer, |app, head, body| delete(app, sale, author, head, body))
        }),
        Admin::Act { sale, act } => with_found(found(sale), |sale| {
            later(app, request, peer, move |app, head, body| {
                change(app, sale, author, act, head, body)
            })
        }),
    }
}

fn with_found(
    sale: Result<Arc<SaleView>, ApiError>,
    answer: impl FnOnce(Arc<SaleView>) -> Answer,
) -> Answer {
    sale.map_or_else(|refusal| Answer::Now(refusal.respond()), answer)
}

fn ok(value: &impl Serialize) -> Response<Body> {
    respond::json(StatusCode::OK, Cache::NoStore, value)
}

fn shown(app: &App, sale: &SaleView) -> Response<Body> {
    ok(&admin_sale(app, sale))
}

fn admin_sale(app: &App, sale: &SaleView) -> AdminSale {
    let settings = sale.settings();
    let message = settings.controls.message.clone();
    AdminSale {
        table: SaleTable::from(&settings.spec),
        state: render::sale_state(sale, app.engine.now()),
        epoch: sale.epoch().0,
        paused: settings.controls.paused,
        message: (!message.is_empty()).then_some(message),
    }
}

fn list(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let page = sales_page(&read_page(query)?, app.engine.sales())?;
    Ok(ok(&page.map(|sale| admin_sale(app, &sale))))
}

async fn create(
    app: Arc<App>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let spec = read_sale(&body.read(&head.headers).await?)?;
    let name = spec.name.clone();
    app.engine.create(author, spec).await?;
    let sale = app.engine.sale(name.as_str()).ok_or(ApiError::NotFound)?;
    Ok(respond::json(StatusCode::CREATED, Cache::NoStore, &admin_sale(&app, &sale)))
}

async fn update(
    app: Arc<App>,
    sale: Arc<SaleView>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let patch = read_patch(&body.read(&head.headers).await?)?;
    let _turn = app.changes.lock().await;
    let spec = patch.applied_to(&sale.settings().spec).map_err(|problems| {
        ApiError::InvalidRequest(problems.into_iter().map(Into::into).collect())
    })?;
    app.engine.change(&sale, author, Change::Update { spec }).await?;
    Ok(shown(&app, &sale))
}

async fn delete(
    app: Arc<App>,
    sale: Arc<SaleView>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    read_nothing(&body.read(&head.headers).await?)?;
    app.engine.change(&sale, author, Change::Delete).await?;
    Ok(respond::no_content())
}

async fn change(
    app: Arc<App>,
    sale: Arc<SaleView>,
    author: Author,
    act: Act,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let body = body.read(&head.headers).await?;
    let change = match act {
        Act::Message => Change::Message { text: read_message(&body)?.message.unwrap_or_default() },
        Act::Rate => {
            let admission_milli_per_second = read_rate(&body)?.admission_milli_per_second;
            Change::Rate { admission_milli_per_second }
        }
        Act::Restock => {
            let restock = read_restock(&body)?;
            let offer = offer_index(&sale, &restock.sku)?;
            Change::Restock { offer, units: restock.units }
        }
        Act::Unstrand => {
            let unstrand = read_unstrand(&body)?;
            let offer = offer_index(&sale, &unstrand.sku)?;
            Change::Unstrand { offer, units: unstrand.units.unsigned_abs() }
        }
        Act::Pause | Act::Resume | Act::Drain | Act::Open | Act::Close => {
            read_nothing(&body)?;
            switch(act)
        }
    };
    let _turn = app.changes.lock().await;
    app.engine.change(&sale, author, change).await?;
    Ok(shown(&app, &sale))
}

const fn switch(act: Act) -> Change {
    match act {
        Act::Resume => Change::Resume,
        Act::Drain => Change::Drain,
        Act::Open => Change::Open,
        Act::Close => Change::Close,
        Act::Pause | Act::Message | Act::Rate | Act::Restock | Act::Unstrand => Change::Pause,
    }
}

fn offer_index(sale: &SaleView, sku: &engine::id::Sku) -> Result<OfferIndex, ApiError> {
    let settings = sale.settings();
    let index = settings.spec.offers.iter().position(|offer| offer.sku == *sku);
    let index = index.and_then(|index| u16::try_from(index).ok());
    index.map(OfferIndex).ok_or_else(|| {
        ApiError::InvalidRequest(vec![FieldProblem::new("sku", "a SKU of this sale")])
    })
}

fn audit(sale: &SaleView) -> AuditList {
    let settings = sale.settings();
    let offers = &settings.spec.offers;
    let told = |entry| {
        let told = audit_entry(entry, offers);
        AuditEntry { at: settings.controls.wall(told.at), ..told }
    };
    let entries = settings.audit.iter().rev().map(told).collect();
    AuditList { sale: sale.name().as_str().to_owned(), entries }
}

fn audit_entry(entry: &EngineAuditEntry, offers: &[OfferSpec]) -> AuditEntry {
    let sku = |offer: &OfferIndex| {
        offers.get(usize::from(offer.0)).map_or("", |offer| offer.sku.as_str())
    };
    let (action, detail) = match &entry.change {
        None => ("create", String::new()),
        Some(Change::Update { .. }) => ("update", String::new()),
        Some(Change::Pause) => ("pause", String::new()),
        Some(Change::Resume) => ("resume", String::new()),
        Some(Change::Drain) => ("drain", String::new()),
        Some(Change::Open) => ("open", String::new()),
        Some(Change::Close) => ("close", String::new()),
        Some(Change::Delete) => ("delete", String::new()),
        Some(Change::Message { text }) => ("message", text.clone()),
        Some(Change::Rate { admission_milli_per_second: milli }) => {
            ("rate", format!("{}.{:03} per second", milli / 1_000, milli % 1_000))
        }
        Some(Change::Restock { offer, units }) => {
            ("restock", format!("{units:+} units of {}", sku(offer)))
        }
        Some(Change::Unstrand { offer, units }) => {
            ("unstrand", format!("{units} units of {}", sku(offer)))
        }
        Some(Change::Returned { node, promised, released }) => {
            let units = |of: &[u64]| of.iter().sum::<u64>();
            let (promised, released) = (units(promised), units(released));
            let node = node.as_str();
            (
                "returned",
                format!("{node} had promised {promised} units; {released} are for sale again"),
            )
        }
    };
    let (at, author, action) = (entry.at, entry.author.name.clone(), action.to_owned());
    AuditEntry { at, author, action, detail }
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

fn outbox(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let letters = app.engine.dead_letters();
    // By sale and number, as the events' own ids are written.
    let page = read_page(query)?.of(
        letters.iter(),
        |letter| (letter.sale.clone(), letter.event.0),
        |text| {
            let (sale, event) = text.rsplit_once('-')?;
            Some((SaleName::parse(sale)?, event.parse().ok()?))
        },
        |(sale, event)| format!("{sale}-{event}"),
    )?;
    let letter = |letter: &engine::registry::DeadLetter| DeadLetter {
        sale: letter.sale.as_str().to_owned(),
        event: letter.event.0,
        at: letter.at,
        purchase: format_purchase_id(letter.epoch, letter.hold),
        why: letter.why.clone(),
    };
    let lag = app.engine.registry().outbox_lag();
    let status = app.orders.status();
    // What went wrong last is of interest while it is wrong.
    let trouble = status.last_trouble.filter(|_| status.stalled);
    let stalled = trouble.map(|trouble| trouble.as_ref().to_owned());
    Ok(ok(&OutboxObject { lag, stalled, dead_letters: page.map(letter) }))
}

async fn replay(
    app: Arc<App>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    match read_replay(&body.read(&head.headers).await?)? {
        ReplayRequest::All => {
            let letters = app.engine.dead_letters();
            for letters in letters.chunk_by(|one, next| one.sale == next.sale) {
                app.engine.requeue(letters[0].sale.tag(), author.clone(), None).await?;
            }
        }
        ReplayRequest::OfSale { sale, events } => {
            let known = app.engine.sale(sale.as_str()).ok_or_else(|| {
                ApiError::InvalidRequest(vec![FieldProblem::new("sale", "the name of a sale")])
            })?;
            app.engine.requeue(known.tag(), author, events).await?;
        }
    }
    outbox(&app, None)
}
