//! The operator's part: putting the sale up and counting its units.
//!
//! Owns the sale the run creates and the readings of its stock and line. A reading is asked for
//! once, never again: while the server is down there is simply none.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::client::Call;
use crate::clock::Stamp;
use crate::ledger::StockRead;
use crate::rng::Rng;
use crate::run::Run;
use crate::timeline::{Reading, seconds};
use crate::wire::{OfferRequest, SaleRequest, Standing, Status, Units, find_units};

/// The one thing on sale.
pub(crate) const SKU: &str = "unit";
/// Between readings of the stock.
const READ_EVERY: Duration = Duration::from_millis(250);
/// Readings kept: an hour of them; a longer run keeps only the latest in place of the last.
const READS_MAX: usize = 4 * 3600;

/// How the sale is run.
#[derive(Clone, Debug)]
pub(crate) struct SaleOptions {
    pub(crate) stock: u64,
    pub(crate) admission_per_second: f64,
    pub(crate) active_max: u64,
    pub(crate) idle_seconds: u64,
    pub(crate) hold_seconds: u64,
}

/// Puts the sale up. An existing sale is refused: its past would spoil the audit.
pub(crate) async fn create_sale(run: &Run, options: &SaleOptions) -> Result<(), String> {
    let body = SaleRequest {
        id: run.sale.clone(),
        title: format!("Load test {}", run.sale),
        order: "arrival",
        identity: "anonymous",
        rejoin: "keep",
        admission_per_second: options.admission_per_second,
        active_max: options.active_max,
        claim_window_seconds: 60,
        session_seconds: 600,
        idle_seconds: options.idle_seconds,
        hold_seconds: options.hold_seconds,
        per_shopper_max: 2,
        offers: [OfferRequest { sku: SKU, total: options.stock, price: 99_000, currency: "KRW" }],
    };
    let call = Call::post("/v1/admin/sales", &run.operator_key, "").json(&body);
    let answer = run.client.send(&call).await.map_err(|error| {
        format!("the server at {} does not answer: {error}", run.client.address())
    })?;
    match answer.status {
        200 | 201 => Ok(()),
        401 | 403 => Err(format!(
            "the operator key is refused ({}): give --operator-key, RUSHGATE__KEYS__OPERATOR or \
             --data DIR with its keys.json",
            answer.status
        )),
        status => Err(format!(
            "creating sale {} was answered {status}: {}",
            run.sale,
            String::from_utf8_lossy(&answer.body)
        )),
    }
}

/// Reads the stock once. `None` when neither the operator's nor the public view answered.
pub(crate) async fn read_stock(run: &Run) -> Option<StockRead> {
    let confirmed_before = run.witness.confirmed_units();
    let path = format!("/v1/admin/sales/{}/stats", run.sale);
    let counted = run.client.send(&Call::get(path, &run.operator_key)).await;
    let counted = counted.ok().filter(|answer| answer.status == 200);
    // The counts are of some moment between request and answer; the middle is the best guess.
    let counted_at = counted.as_ref().map(|answer| {
        let round_trip = answer.done.since(answer.sent);
        answer.sent.after(round_trip / 2)
    });
    let counted = counted.and_then(|answer| answer.parse::<Value>());
    let units = counted.as_ref().and_then(|document| find_units(document, SKU));
    let standing = counted.and_then(|document| serde_json::from_value::<Standing>(document).ok());
    let status = run.client.send(&Call::get(run.path(""), "")).await;
    let status = status
        .ok()
        .filter(|answer| answer.status == 200)
        .and_then(|answer| answer.parse::<Status>());
    let public = status
        .as_ref()
        .and_then(|status| status.offers.iter().find(|offer| offer.sku == SKU))
        .map(|offer| (offer.total, offer.available));
    if units.is_none() && public.is_none() {
        return None;
    }
    let at = run.clock.now();
    let counted_at = counted_at.unwrap_or(at);
    let reading = reading(counted_at, standing.unwrap_or_default(), status.as_ref(), units);
    run.measures.read(counted_at, reading);
    Some(StockRead { at, confirmed_before, units, public })
}

/// What the timeline keeps of it. The statistics are fresh, the public status may be cached.
fn reading(at: Stamp, counted: Standing, status: Option<&Status>, units: Option<Units>) -> Reading {
    Reading {
        at_seconds: seconds(at),
        line_length: counted.line_length.or_else(|| status?.line_length),
        serving: counted.serving.or_else(|| status?.serving),
        let_in: counted.let_in(),
        active_sessions: counted.active_sessions,
        allowed_per_second: status.and_then(|status| status.admission_per_second),
        units,
    }
}

/// Reads the stock again and again until `stop`, telling the crowd, and returns the readings.
pub(crate) async fn watch_stock(run: Arc<Run>, mut stop: watch::Receiver<bool>) -> Vec<StockRead> {
    let mut reads: Vec<StockRead> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(READ_EVERY) => {}
            _ = stop.wait_for(|stopped| *stopped) => return reads,
        }
        if let Some(read) = read_stock(&run).await {
            tell(&run, &read);
            reads.truncate(READS_MAX - 1);
            reads.push(read);
        }
    }
}

/// Waits until no hold is open, at most `patience`, and returns the readings on the way; the last
/// one is the sale's final stock.
pub(crate) async fn settle(run: &Run, patience: Duration) -> Vec<StockRead> {
    let deadline = run.clock.now().after(patience);
    let mut rng = Rng::new(deadline.0);
    let mut reads = Vec::new();
    loop {
        if let Some(read) = read_stock(run).await {
            reads.push(read);
            if read.units.is_none_or(|units| units.held == 0) {
                return reads;
            }
        }
        if run.clock.now() >= deadline {
            return reads;
        }
        tokio::time::sleep(READ_EVERY + Duration::from_millis(rng.below(50))).await;
    }
}

/// Without the operator's view, the sale is over when every unit's confirmation is acknowledged.
fn tell(run: &Run, read: &StockRead) {
    let available = match (read.units, read.public) {
        (Some(units), _) => units.available,
        (None, Some((_, available))) => available,
        (None, None) => 0,
    };
    let gone = match (read.units, read.public) {
        (Some(units), _) => units.sold >= units.total,
        (None, Some((total, _))) => read.confirmed_before >= total,
        (None, None) => false,
    };
    run.market.publish(available, gone);
}
