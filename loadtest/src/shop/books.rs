//! The shop's books and the providers', compared once everything has come to rest.
//!
//! Owns the rules of a shop run. It sets the clocks 20 minutes on, by which every payment that nobody
//! finished is over, and waits until no order is under way.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use crate::admin;
use crate::audit::{Broken, Verdict};
use crate::client::{Call, NodeId};
use crate::run::Run;

use super::stage::{Clocks, Doubles, Person, of_demo, text, told};
use super::visit::Made;

/// Past every provider's 15 minutes, and the shop's.
const REST: SignedDuration = SignedDuration::from_mins(20);
/// How long the shop may take to finish everything then.
const REST_MAX: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An order at the end, by the operator's file and the provider's ledger.
struct Settled {
    order: String,
    state: String,
    quantity: u64,
    amount: i64,
    refunded: i64,
    captures: usize,
    net: i64,
}

impl Settled {
    fn is_under_way(&self) -> bool {
        matches!(
            self.state.as_str(),
            "waiting" | "paying" | "confirming" | "cancelling" | "owed" | "refunding"
        )
    }

    /// What the shop says it has of the money.
    fn claimed(&self) -> i64 {
        match self.state.as_str() {
            "paid" | "part_refunded" => self.amount - self.refunded,
            _ => 0,
        }
    }
}

/// Waits for rest and judges.
pub(super) async fn audit(
    run: &Run,
    clock: &mut Clocks,
    doubles: &Doubles,
    data: &Path,
    units: u64,
    made: &[Made],
) -> Result<Vec<Verdict>, String> {
    clock.advance(REST)?;
    let operator = of_demo(run, data, "operator").await?;
    let deadline = run.clock.now().after(REST_MAX);
    let settled = loop {
        let settled = look(run, &operator, doubles, made).await?;
        if settled.iter().all(|one| !one.is_under_way()) || run.clock.now() >= deadline {
            break settled;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let mut verdicts = vec![
        comes_to_rest(&settled),
        paid_once(&settled),
        books_agree(&settled, doubles),
        seen_is_kept(made, &settled),
        units_add_up(run, units, &settled).await,
    ];
    for (rule, path) in [
        ("no payment is in doubt", "/v1/admin/doubts"),
        ("no task is dead", "/v1/admin/dead-tasks"),
    ] {
        let list = told(run, &Call::get(path, &operator.access), &[200]).await?;
        let mut broken = Broken::default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        for item in &items {
            broken.note(item.to_string());
        }
        verdicts.push(Verdict::new(rule, format!("{} found", items.len()), broken));
    }
    Ok(verdicts)
}

async fn look(
    run: &Run,
    operator: &Person,
    doubles: &Doubles,
    made: &[Made],
) -> Result<Vec<Settled>, String> {
    let mut entries = doubles.kakaopay.ledger().entries();
    entries.extend(doubles.card.ledger().entries());
    let mut settled = Vec::new();
    for one in made {
        let Some(order) = &one.order else { continue };
        let path = format!("/v1/admin/orders/{order}");
        let file = told(run, &Call::get(path, &operator.access), &[200]).await?;
        let whole = |name: &str| file[name].as_i64().unwrap_or_default();
        let those = entries.iter().filter(|entry| Some(&entry.payment) == one.payment.as_ref());
        let those: Vec<i64> = those.map(|entry| entry.amount).collect();
        settled.push(Settled {
            order: order.clone(),
            state: text(&file, "state")?,
            quantity: file["quantity"].as_u64().unwrap_or_default(),
            amount: whole("amount"),
            refunded: whole("refunded"),
            captures: those.iter().filter(|amount| **amount > 0).count(),
            net: those.iter().sum(),
        });
    }
    Ok(settled)
}

fn comes_to_rest(settled: &[Settled]) -> Verdict {
    let mut broken = Broken::default();
    for one in settled {
        broken.check(!one.is_under_way(), || format!("{} is still {}", one.order, one.state));
    }
    let seen = format!("{} orders", settled.len());
    Verdict::new("every order comes to rest", seen, broken)
}

fn paid_once(settled: &[Settled]) -> Verdict {
    let mut broken = Broken::default();
    for one in settled {
        broken.check(one.captures <= 1, || format!("{} {} times", one.order, one.captures));
    }
    let captures: usize = settled.iter().map(|one| one.captures).sum();
    Verdict::new("no order is paid twice", format!("{captures} captures"), broken)
}

/// Order by order, and in all: money of payments that no shopper knows of would show in the sum.
fn books_agree(settled: &[Settled], doubles: &Doubles) -> Verdict {
    let mut broken = Broken::default();
    for one in settled {
        let claimed = one.claimed();
        broken.check(one.net == claimed, || {
            let Settled { order, state, net, .. } = one;
            format!("{order} is {state} with {claimed}, the provider says {net}")
        });
    }
    let (kakaopay, card) = (doubles.kakaopay.ledger().totals(), doubles.card.ledger().totals());
    let (captured, back) = (kakaopay.0 + card.0, kakaopay.1 + card.1);
    let net: i64 = settled.iter().map(Settled::claimed).sum();
    broken.check(captured == net + back, || format!("{captured} captured ≠ {net} + {back}"));
    let seen = format!("{captured} captured, {net} kept, {back} given back");
    Verdict::new("what providers captured is what the shop kept and gave back", seen, broken)
}

fn seen_is_kept(made: &[Made], settled: &[Settled]) -> Verdict {
    let mut broken = Broken::default();
    let paid = made.iter().filter(|one| one.was_paid).filter_map(|one| one.order.as_deref());
    let paid: Vec<&str> = paid.collect();
    for one in settled.iter().filter(|one| paid.contains(&one.order.as_str())) {
        let is_kept = matches!(one.state.as_str(), "paid" | "part_refunded" | "refunded");
        broken.check(is_kept, || format!("{} was paid and is {}", one.order, one.state));
    }
    Verdict::new("an order that was seen paid stays so", format!("{} orders", paid.len()), broken)
}

async fn units_add_up(run: &Run, total: u64, settled: &[Settled]) -> Verdict {
    let mut broken = Broken::default();
    let sold = settled.iter().filter(|one| matches!(one.state.as_str(), "paid" | "part_refunded"));
    let sold: u64 = sold.map(|one| one.quantity).sum();
    let read = admin::read_stock(run, NodeId(0)).await.and_then(|read| read.units);
    let seen = format!("{sold} units of {total} in paid orders");
    match read {
        None => broken.note("the stock cannot be read".to_owned()),
        Some(units) => {
            broken.check(units.accounted() == total, || format!("{units:?} of {total}"));
            broken.check(units.sold == sold, || format!("the room sold {}", units.sold));
            broken.check(units.held + units.paying == 0, || format!("{units:?} at rest"));
        }
    }
    Verdict::new("every paid order has its units, and no other", seen, broken)
}
