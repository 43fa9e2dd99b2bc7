//! Who did what to a sale.

use std::cmp::Reverse;

use engine::{
    id::OfferIndex, record::Change, sale::AuditEntry as EngineAuditEntry, spec::OfferSpec,
    view::SaleView,
};
use hyper::{Response, StatusCode};
use web::respond::{self, Cache};

use crate::{
    error::ApiError,
    server::Body,
    wire::{AuditEntry, patched_fields, read_page},
};

/// A page of who did what, newest first. The changes of a sale are counted, and its creation is number 0.
pub(super) fn audit(sale: &SaleView, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let settings = sale.settings();
    let numbers = (0..=settings.version.changes).rev();
    let page = read_page(query)?.of(
        settings.audit.iter().rev().zip(numbers),
        |(_, number)| Reverse(*number),
        |text| text.parse().ok().map(Reverse),
        |Reverse(number)| number.to_string(),
    )?;
    let offers = &settings.spec.offers;
    Ok(respond::json(
        StatusCode::OK,
        Cache::NoStore,
        &page.map(|(entry, _)| {
            let told = audit_entry(entry, offers);
            AuditEntry { at: settings.controls.wall(told.at), ..told }
        }),
    ))
}

/// One line of it.
fn audit_entry(entry: &EngineAuditEntry, offers: &[OfferSpec]) -> AuditEntry {
    let sku = |offer: &OfferIndex| {
        offers.get(usize::from(offer.0)).map_or("", |offer| offer.sku.as_str())
    };
    let (action, detail) = match &entry.change {
        None => ("create", String::new()),
        Some(Change::Update { patch }) => ("update", patched_fields(patch).join(", ")),
        Some(Change::Pause) => ("pause", String::new()),
        Some(Change::Resume) => ("resume", String::new()),
        Some(Change::Drain) => ("drain", String::new()),
        Some(Change::Open) => ("open", String::new()),
        Some(Change::Close) => ("close", String::new()),
        Some(Change::Delete) => ("delete", String::new()),
        Some(Change::Archive { .. }) => ("archive", String::new()),
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
