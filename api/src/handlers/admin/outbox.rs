//! What the order pipeline has not taken: how much of it, and the dead letters.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use engine::{
    id::{SaleName, SaleTag, SinkName},
    record::Author,
};
use hyper::{Response, StatusCode};
use web::respond::{self, Cache};

use crate::{
    app::{App, Head},
    error::{ApiError, FieldProblem},
    pipeline::Watcher,
    server::{Body, RequestBody},
    wire::{
        DeadLetter, OutboxObject, ReplayRequest, SinkObject, format_purchase_id, read_page,
        read_replay,
    },
};

/// A page of dead letters, and how the delivery goes.
pub(super) fn outbox(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let letters = app.engine.dead_letters();
    // By sale, number and sink; the first two as the events' own ids are written.
    let page = read_page(query)?.of(
        letters.iter(),
        |letter| (letter.sale.clone(), letter.event.0, letter.sink),
        |text| {
            let (event, sink) = text.rsplit_once('-')?;
            let (sale, event) = event.rsplit_once('-')?;
            Some((SaleName::parse(sale)?, event.parse().ok()?, SinkName::parse(sink)?))
        },
        |(sale, event, sink)| format!("{sale}-{event}-{sink}"),
    )?;
    let letter = |letter: &engine::registry::DeadLetter| DeadLetter {
        sale: letter.sale.as_str().to_owned(),
        event: letter.event.0,
        sink: letter.sink.as_str().to_owned(),
        at: letter.at,
        purchase: format_purchase_id(letter.epoch, letter.hold),
        why: letter.why.clone(),
    };
    let lag = app.engine.registry().outbox_lag();
    let sinks = sinks(app);
    let stalled = sinks.iter().find_map(|sink| sink.stalled.clone());
    let told = OutboxObject { lag, stalled, sinks, dead_letters: page.map(letter) };
    Ok(respond::json(StatusCode::OK, Cache::NoStore, &told))
}

/// How the delivery to each sink goes.
fn sinks(app: &App) -> Vec<SinkObject> {
    let lags: BTreeMap<_, _> = app.engine.registry().sink_lags().collect();
    let letters = app.engine.dead_letters();
    let object = |orders: &Watcher| {
        let (sink, status) = (orders.sink(), orders.status());
        // What went wrong last is of interest while it is wrong.
        let trouble = status.last_trouble.filter(|_| status.stalled);
        SinkObject {
            sink: sink.as_str().to_owned(),
            lag: lags.get(&sink).copied().unwrap_or(0),
            dead_letters: letters.iter().filter(|letter| letter.sink == sink).count() as u64,
            stalled: trouble.map(|trouble| trouble.as_ref().to_owned()),
        }
    };
    app.orders.iter().map(object).collect()
}

/// Sends dead letters again to the sinks that refused them.
pub(super) async fn replay(
    app: Arc<App>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let ReplayRequest { sale, sink, events } = read_replay(&body.read(&head.headers).await?)?;
    let mut sinks: Vec<SinkName> = app.orders.iter().map(Watcher::sink).collect();
    sinks.retain(|known| sink.is_none_or(|sink| sink == *known));
    if sinks.is_empty() {
        return Err(unknown("sink", "the name of a sink that is configured"));
    }
    let refused: BTreeSet<(SaleTag, SinkName)> = match sale {
        None => {
            let letters = app.engine.dead_letters();
            let refused = letters.iter().map(|letter| (letter.sale.tag(), letter.sink));
            refused.filter(|(_, sink)| sinks.contains(sink)).collect()
        }
        Some(sale) => {
            if !app.engine.has_sale(sale.as_str()) {
                return Err(unknown("sale", "the name of a sale"));
            }
            sinks.into_iter().map(|sink| (sale.tag(), sink)).collect()
        }
    };
    for (sale, sink) in refused {
        app.engine.requeue(sale, author.clone(), sink, events.clone()).await?;
    }
    outbox(&app, None)
}

fn unknown(field: &'static str, allowed: &str) -> ApiError {
    ApiError::InvalidRequest(vec![FieldProblem::new(field, allowed)])
}
