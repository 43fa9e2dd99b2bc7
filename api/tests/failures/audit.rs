//! The audit: everything acknowledged is there, nothing is there twice, and the sums are right.
//!
//! Because all that happens in a test's sale is in the ledger, the sums are exact: the server may
//! have neither less nor more than the ledger once every doubt is settled.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    client::Client,
    crowd::Crowd,
    shopper::{Left, Shopper},
    site::Server,
};

/// Shoppers whose requests are repeated with their keys, to see that the replies are kept.
const REPEATED: usize = 40;

/// Compares the ledger with the server, settling what was in doubt; panics at the first finding.
pub(crate) fn audit(server: &Server, crowd: &mut Crowd) {
    eprintln!("audit of {} shoppers, seed {}", crowd.len(), crowd.seed());
    let mut client = server.client();
    let highest = crowd.shoppers().filter_map(|shopper| shopper.number).max().unwrap_or(0);
    for shopper in crowd.shoppers() {
        look_at(shopper, &mut client, &server.backend);
    }
    let skip = (crowd.len() / REPEATED).max(1);
    for shopper in crowd.shoppers().step_by(skip) {
        repeat(shopper, &mut client);
    }
    numbers(crowd);
    sums(server, crowd);
    newcomer(crowd, &mut client, highest);
}

/// One shopper's number, place and purchase.
fn look_at(shopper: &mut Shopper, client: &mut Client, backend: &str) {
    if shopper.number.is_none() {
        shopper.enter(client).unwrap();
    }
    assert!(shopper.number.is_some(), "{}: not let in", shopper.key);
    shopper.poll(client).unwrap();
    if shopper.left == Left::Maybe {
        shopper.left = Left::No;
    }
    let Some(purchase) = &shopper.purchase else { return };
    if purchase.id.is_none() && !purchase.refused {
        shopper.buy(client).unwrap();
    }
    let purchase = shopper.purchase.as_ref().unwrap();
    if purchase.refused {
        return;
    }
    let (sku, quantity) = (purchase.sku, purchase.quantity);
    let found = shopper.look_at_purchase(client, backend);
    assert_eq!(found["items"][0]["sku"].as_str(), Some(sku), "{}", shopper.key);
    assert_eq!(found["items"][0]["quantity"].as_u64(), Some(quantity), "{}", shopper.key);
}

/// The same keys give the same replies.
fn repeat(shopper: &mut Shopper, client: &mut Client) {
    // The key of a place that was given up gives a new one.
    if shopper.left == Left::No {
        let again = shopper.enter(client).unwrap();
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}: {again:?}", shopper.key);
    }
    if shopper.purchase.as_ref().is_some_and(|purchase| purchase.id.is_some()) {
        let again = shopper.buy(client).unwrap();
        let replayed = again.header("idempotent-replayed");
        assert_eq!(replayed, Some("true"), "{}: {again:?}", shopper.key);
    }
}

/// One number a shopper, none twice, none missing.
fn numbers(crowd: &mut Crowd) {
    let count = crowd.len();
    let numbers: BTreeSet<u64> = crowd.shoppers().filter_map(|shopper| shopper.number).collect();
    assert_eq!(numbers.len(), count, "a number was given twice");
    let last = numbers.last().copied().unwrap_or(0);
    assert_eq!(last, count as u64, "a number went to nobody");
}

/// The stock is what the purchases make it.
fn sums(server: &Server, crowd: &mut Crowd) {
    let mut units: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for shopper in crowd.shoppers() {
        let bought = shopper.purchase.as_ref().filter(|purchase| !purchase.refused);
        if let Some(bought) = bought {
            *units.entry((bought.sku, bought.state.as_str())).or_default() += bought.quantity;
        }
    }
    let of = |sku, state| units.get(&(sku, state)).copied().unwrap_or(0);
    let stats = server.stats();
    for offer in stats["offers"].as_array().unwrap() {
        let sku = offer["sku"].as_str().unwrap();
        let found = |field: &str| offer[field].as_u64().unwrap();
        for (field, state) in [("held", "held"), ("paying", "paying"), ("sold", "confirmed")] {
            assert_eq!(found(field), of(sku, state), "{field} of {sku} in {stats}");
        }
        let taken = found("held") + found("paying") + found("sold");
        assert_eq!(found("available") + taken, found("total"), "{sku} in {stats}");
    }
    assert_eq!(stats["entered"].as_u64(), Some(crowd.len() as u64), "{stats}");
}

/// Who comes now comes after everybody who was acknowledged.
fn newcomer(crowd: &mut Crowd, client: &mut Client, highest: u64) {
    let worker = &mut crowd.workers[0];
    let key = format!("{:016x}-newcomer-{}", highest, worker.shoppers.len());
    let mut shopper = Shopper::new(key);
    shopper.enter(client).unwrap();
    assert!(shopper.number > Some(highest), "{shopper:?} after {highest}");
    worker.shoppers.push(shopper);
}
