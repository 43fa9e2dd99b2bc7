//! What the order pipeline has not taken: how much of it, and the dead letters.

use std::{collections::BTreeSet, sync::Arc};

use engine::{id::SaleName, record::Author};
use hyper::{Response, StatusCode};
use web::respond::{self, Cache};

use crate::{
    app::{App, Head},
    error::{ApiError, FieldProblem},
    server::{Body, RequestBody},
    wire::{DeadLetter, OutboxObject, ReplayRequest, format_purchase_id, read_page, read_replay},
};

/// A page of dead letters, and how the delivery goes.
pub(super) fn outbox(app: &App, query: Option<&str>) -> Result<Response<Body>, ApiError> {
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
    let told = OutboxObject { lag, stalled, dead_letters: page.map(letter) };
    Ok(respond::json(StatusCode::OK, Cache::NoStore, &told))
}

/// Sends dead letters to the sink again.
pub(super) async fn replay(
    app: Arc<App>,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    match read_replay(&body.read(&head.headers).await?)? {
        ReplayRequest::All => {
            let letters = app.engine.dead_letters();
            let sales: BTreeSet<_> = letters.iter().map(|letter| letter.sale.tag()).collect();
            for sale in sales {
                app.engine.requeue(sale, author.clone(), None).await?;
            }
        }
        ReplayRequest::OfSale { sale, events } => {
            if !app.engine.has_sale(sale.as_str()) {
                let problem = FieldProblem::new("sale", "the name of a sale");
                return Err(ApiError::InvalidRequest(vec![problem]));
            }
            app.engine.requeue(sale.tag(), author, events).await?;
        }
    }
    outbox(&app, None)
}
