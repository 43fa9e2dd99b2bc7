//! The operator's part: putting the sale up and counting its units.
//!
//! Owns the sale the run creates or finds and the readings of its stock and line. A reading is
//! requested once and never retried: while the server is down there is simply no reading.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::client::{Answer, Call, NodeId};
use crate::clock::Stamp;
use crate::ledger::StockRead;
use crate::rng::Rng;
use crate::run::Run;
use crate::scenario::Scenario;
use crate::timeline::{Reading, seconds};
use crate::wire::{OfferRequest, SaleRequest, SaleRules, Standing, Status, Units, find_units};

/// The node that is told to put the sale up.
const FIRST: NodeId = NodeId(0);
/// Between readings of the stock.
const READ_EVERY: Duration = Duration::from_millis(250);
/// A node that does not know of a sale so long after another was told of it never will.
const KNOWN_MAX: Duration = Duration::from_secs(10);
/// Readings kept: an hour of them; a longer run keeps only the latest in place of the last.
const READS_MAX: usize = 4 * 3600;

/// The sale as the run found or made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Units that exist.
    pub(crate) stock: u64,
    /// Units sold before the run.
    pub(crate) sold_before: u64,
    pub(crate) admission_per_second: f64,
    pub(crate) idle_seconds: u64,
    pub(crate) hold_seconds: u64,
    pub(crate) claim_window_seconds: u64,
    /// Just before the sale was put up; `None` for one that stood already.
    pub(crate) opened: Option<Stamp>,
}

/// Puts the sale up, or finds the one that stands.
pub(crate) async fn prepare_sale(run: &Run, scenario: &Scenario) -> Result<Terms, String> {
    if scenario.sale.existing {
        return find_sale(run).await;
    }
    let opened = Some(run.clock.now());
    create_sale(run, scenario).await?;
    known_everywhere(run).await?;
    Ok(Terms {
        stock: scenario.sale.stock,
        sold_before: 0,
        admission_per_second: scenario.pace(),
        idle_seconds: scenario.sale.idle_seconds,
        hold_seconds: scenario.sale.hold_seconds,
        claim_window_seconds: scenario.sale.claim_window_seconds,
        opened,
    })
}

/// A sale of that name is refused by the server: its past would spoil the audit.
async fn create_sale(run: &Run, scenario: &Scenario) -> Result<(), String> {
    let sale = &scenario.sale;
    let offer =
        OfferRequest { sku: run.sku.clone(), total: sale.stock, price: 99_000, currency: "KRW" };
    let body = SaleRequest {
        id: run.sale.clone(),
        title: format!("Load test {}", run.sale),
        order: "arrival",
        identity: "anonymous",
        rejoin: "keep",
        admission_per_second: scenario.pace(),
        active_max: scenario.active_max(),
        claim_window_seconds: sale.claim_window_seconds,
        session_seconds: sale.session_seconds,
        idle_seconds: sale.idle_seconds,
        hold_seconds: sale.hold_seconds,
        per_shopper_max: sale.per_shopper_max,
        offers: [offer],
    };
    let call = Call::post("/v1/admin/sales", &run.operator_key, "").json(&body);
    ask(run, &call, &format!("creating sale {}", run.sale)).await.map(drop)
}

/// Waits until every node serves the sale: one is told of it, the others hear.
async fn known_everywhere(run: &Run) -> Result<(), String> {
    let deadline = run.clock.now().after(KNOWN_MAX);
    for node in run.client.nodes() {
        loop {
            let answer = run.client.send(&Call::get(run.path(""), ""), node).await;
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                break;
            }
            if run.clock.now() >= deadline {
                let address = run.client.address_of(node);
                let told = answer.map_or_else(|lost| lost.to_string(), |a| a.status.to_string());
                return Err(format!("{address} does not serve sale {}: {told}", run.sale));
            }
            tokio::time::sleep(READ_EVERY / 5).await;
        }
    }
    Ok(())
}

/// Reads the rules and the stock of a sale that stands. Holds that are open would end during the
/// run and look like the run's own, so there may be none.
async fn find_sale(run: &Run) -> Result<Terms, String> {
    let path = format!("/v1/admin/sales/{}", run.sale);
    let what = format!("reading sale {}", run.sale);
    let answer = ask(run, &Call::get(path, &run.operator_key), &what).await?;
    let rules: SaleRules = answer
        .parse()
        .ok_or_else(|| format!("{what}: the answer does not tell the sale's rules"))?;
    let units = read_stock(run, FIRST).await.and_then(|read| read.units);
    let units: Units = units
        .ok_or_else(|| format!("{what}: no offer {} in it, or its stock is not told", run.sku))?;
    if units.held + units.paying > 0 {
        return Err(format!(
            "sale {} is in use: {} units held, {} being paid; the audit needs it quiet",
            run.sale, units.held, units.paying
        ));
    }
    Ok(Terms {
        stock: units.total,
        sold_before: units.sold,
        admission_per_second: rules.admission_per_second,
        idle_seconds: rules.idle_seconds,
        hold_seconds: rules.hold_seconds,
        claim_window_seconds: rules.claim_window_seconds,
        opened: None,
    })
}

async fn ask(run: &Run, call: &Call, what: &str) -> Result<Answer, String> {
    let answer = run.client.send(call, FIRST).await.map_err(|error| {
        format!("the server at {} does not answer: {error}", run.client.address_of(FIRST))
    })?;
    match answer.status {
        200 | 201 => Ok(answer),
        401 | 403 => Err(format!(
            "the operator key is refused ({}): give --operator-key, RUSHGATE__KEYS__OPERATOR or \
             --data DIR with its keys.json",
            answer.status
        )),
        status => {
            Err(format!("{what} was answered {status}: {}", String::from_utf8_lossy(&answer.body)))
        }
    }
}

/// Reads the stock of `node` once. `None` when neither the operator's nor the public view answered.
pub(crate) async fn read_stock(run: &Run, node: NodeId) -> Option<StockRead> {
    let confirmed_before = run.witness.confirmed_by(node);
    let path = format!("/v1/admin/sales/{}/stats", run.sale);
    let counted = run.client.send(&Call::get(path, &run.operator_key), node).await;
    let counted = counted.ok().filter(|answer| answer.status == 200);
    // The counts are of some moment between request and answer; the middle is the best guess.
    let counted_at = counted.as_ref().map(|answer| {
        let round_trip = answer.done.since(answer.sent);
        answer.sent.after(round_trip / 2)
    });
    let counted = counted.and_then(|answer| answer.parse::<Value>());
    let units = counted.as_ref().and_then(|document| find_units(document, &run.sku));
    let standing = counted.and_then(|document| serde_json::from_value::<Standing>(document).ok());
    let status = run.client.send(&Call::get(run.path(""), ""), node).await;
    let status = status
        .ok()
        .filter(|answer| answer.status == 200)
        .and_then(|answer| answer.parse::<Status>());
    let public = status
        .as_ref()
        .and_then(|status| status.offers.iter().find(|offer| offer.sku == run.sku))
        .map(|offer| (offer.total, offer.available));
    if units.is_none() && public.is_none() {
        return None;
    }
    let at = run.clock.now();
    let counted_at = counted_at.unwrap_or(at);
    let reading = reading(counted_at, standing.unwrap_or_default(), status.as_ref(), units);
    run.measures.read(counted_at, reading);
    let allowed_per_second = status.and_then(|status| status.admission_per_second);
    Some(StockRead { node, at, confirmed_before, units, public, allowed_per_second })
}

/// How far the gate has come, by the node that knows most; 0 when none says.
pub(crate) async fn serving(run: &Run) -> u64 {
    let mut furthest = 0;
    for node in run.client.nodes() {
        let status = run.client.send(&Call::get(run.path(""), ""), node).await.ok();
        let serving = status.and_then(|answer| answer.parse::<Status>()?.serving);
        furthest = furthest.max(serving.unwrap_or(0));
    }
    furthest
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

/// Reads the stock again and again until `stop`, of each node in turn, telling the crowd, and returns
/// the readings.
pub(crate) async fn watch_stock(run: Arc<Run>, mut stop: watch::Receiver<bool>) -> Vec<StockRead> {
    let mut reads: Vec<StockRead> = Vec::new();
    loop {
        for node in run.client.nodes() {
            tokio::select! {
                () = tokio::time::sleep(READ_EVERY) => {}
                _ = stop.wait_for(|stopped| *stopped) => return reads,
            }
            if let Some(read) = read_stock(&run, node).await {
                tell(&run, &read);
                reads.truncate(READS_MAX - 1);
                reads.push(read);
            }
        }
    }
}

/// Waits until no hold is open and all nodes count alike, at most `patience`, and returns the readings
/// on the way; the last one of each node is the sale's final stock.
pub(crate) async fn settle(run: &Run, patience: Duration) -> Vec<StockRead> {
    let deadline = run.clock.now().after(patience);
    let mut rng = Rng::new(deadline.0);
    let mut reads = Vec::new();
    loop {
        let mut round = Vec::new();
        for node in run.client.nodes() {
            round.extend(read_stock(run, node).await);
        }
        let all_told = round.len() == run.client.nodes().len();
        let quiet = |read: &StockRead| read.units.is_none_or(|units| units.held == 0);
        let alike = round.iter().all(|read| quiet(read) && read.units == round[0].units);
        reads.extend(round);
        if all_told && alike {
            return reads;
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
        (None, Some((total, _))) => run.witness.confirmed_units() >= total,
        (None, None) => false,
    };
    run.market.publish(available, gone);
}
