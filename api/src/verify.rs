//! `rushgate verify` prints the certificate of a data directory, as JSON; `rushgate prune` removes the oldest
//! segments of its journal behind one.
//!
//! Exit codes: 0 every promise held, 1 one was broken or nothing can be removed, 2 the directory cannot be
//! read.

use std::{path::Path, process::ExitCode};

use engine::{
    certificate::{
        Certificate, Gap, LeftBehind, LeftHold, OfferCertificate, PruneError, Pruned,
        PrunedCertificate, SaleCertificate, certify,
    },
    disk::{Disk, real::RealDisk},
    hold::HoldState,
    id::{Number, ShopperKey, Sku},
};
use serde_json::{Value, json};

use crate::{
    console::{complain, say, with_causes},
    wire::{PurchaseState, format_purchase_id, format_time},
};

/// What the program exits with when there is nothing to judge.
const EXIT_UNREADABLE: u8 = 2;

/// Audits `data` and prints the certificate.
pub fn run(data: &Path) -> ExitCode {
    let disk = match RealDisk::open_existing(data) {
        Ok(disk) => disk,
        Err(error) => return unreadable(&error),
    };
    match certify(&disk) {
        Ok(certificate) => {
            let clean = certificate.violations.is_empty();
            let printed = say(&format!("{:#}\n", to_json(&certificate)));
            if clean { printed } else { ExitCode::FAILURE }
        }
        Err(error) => unreadable(&error),
    }
}

/// Removes the oldest segments of the journal in `data` as `prune` does it, and prints what is left to go by.
pub fn prune(data: &Path, prune: impl FnOnce(&dyn Disk) -> Result<Pruned, PruneError>) -> ExitCode {
    let disk = match RealDisk::open_existing(data) {
        Ok(disk) => disk,
        Err(error) => return unreadable(&error),
    };
    match prune(&disk) {
        Ok(Pruned { segments, point, gaps }) => say(&format!(
            "{:#}\n",
            json!({
                "segments_removed": segments,
                "first_segment": point.segment,
                "proven_up_to_record": point.sequence.0,
                "chain_hash": hex(&point.hash.0),
                "never_audited": gaps.iter().map(|Gap { first, last }| {
                    json!({ "first_record": first.0, "last_record": last.0 })
                }).collect::<Vec<_>>(),
            })
        )),
        Err(error @ (PruneError::Journal(_) | PruneError::Disk(_))) => unreadable(&error),
        Err(error) => {
            let how = if matches!(error, PruneError::Gap(_)) { " with --past-gap" } else { "" };
            complain(&format!("{}: {}{how}", data.display(), with_causes(&error)));
            ExitCode::FAILURE
        }
    }
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    complain(&with_causes(error));
    ExitCode::from(EXIT_UNREADABLE)
}

fn to_json(certificate: &Certificate) -> Value {
    let Certificate { records, truncated_bytes, chain_hash, at, .. } = certificate;
    let Certificate { sales, left_behind, violations, unproven, pruned, .. } = certificate;
    json!({
        "verdict": if violations.is_empty() { "clean" } else { "violated" },
        "records": records,
        "chain_hash": hex(&chain_hash.0),
        "last_decided_at": format_time(*at),
        "truncated_bytes": truncated_bytes,
        "sales": sales.iter().map(sale).collect::<Vec<_>>(),
        "left_behind": left_behind.iter().map(what_was_left).collect::<Vec<_>>(),
        "violations": violations,
        "unproven": unproven,
        "pruned": pruned.as_ref().map(what_was_pruned),
    })
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn what_was_pruned(pruned: &PrunedCertificate) -> Value {
    json!({
        "records": pruned.records,
        "chain_hash": hex(&pruned.point.hash.0),
        "state": hex(&pruned.state),
        "sales_deleted": pruned.deleted,
    })
}

/// What this node had acknowledged and the other nodes went on without.
fn what_was_left(left: &LeftBehind) -> Value {
    let place = |(number, shopper): &(Number, ShopperKey)| json!({ "number": number.0, "shopper": format!("{:032x}", shopper.0) });
    let state = |state: HoldState| PurchaseState::from(state).word();
    let item = |(sku, quantity): &(Sku, u32)| json!({ "sku": sku.as_str(), "quantity": quantity });
    let hold = |hold: &LeftHold| {
        json!({
            "purchase": format_purchase_id(left.epoch, hold.hold),
            "shopper": format!("{:032x}", hold.shopper.0),
            "state": state(hold.state),
            "known_as": hold.known_as.map(state),
            "items": hold.items.iter().map(item).collect::<Vec<_>>(),
        })
    };
    json!({
        "sale": left.sale.as_str(),
        "places": left.places.iter().map(place).collect::<Vec<_>>(),
        "purchases": left.holds.iter().map(hold).collect::<Vec<_>>(),
    })
}

fn sale(sale: &SaleCertificate) -> Value {
    json!({
        "sale": sale.sale.as_str(),
        "epoch": sale.epoch.0,
        "entered": sale.entered,
        "called": sale.called,
        "departed": sale.departed,
        "claimed": sale.claimed,
        "holds": sale.holds,
        "offers": sale.offers.iter().map(offer).collect::<Vec<_>>(),
        "archive": sale.archive.map(|archive| {
            json!({ "digest": hex(&archive.digest), "proven": archive.is_proven })
        }),
    })
}

/// Units beyond 64 bits can only come from a journal that was forged; they are shown as text.
fn offer(offer: &OfferCertificate) -> Value {
    let units =
        |units: i128| i64::try_from(units).map_or_else(|_| json!(units.to_string()), Value::from);
    json!({
        "sku": offer.sku.as_str(),
        "total": units(offer.total),
        "available": units(offer.available),
        "held": units(offer.held),
        "paying": units(offer.paying),
        "sold": units(offer.sold),
        "stranded": units(offer.stranded),
    })
}

#[cfg(test)]
mod tests {
    use engine::id::{Epoch, HoldId, SaleName};

    use super::*;

    #[test]
    fn what_was_left_behind_is_named_as_the_shop_knows_it() {
        let hold = |number, known_as| LeftHold {
            hold: HoldId(number),
            shopper: ShopperKey(10),
            state: HoldState::Confirmed,
            known_as,
            items: vec![(Sku::parse("a").unwrap(), 2)],
        };
        let left = LeftBehind {
            sale: SaleName::parse("demo").unwrap(),
            epoch: Epoch(1),
            places: vec![(Number(7), ShopperKey(10))],
            holds: vec![hold(3, None), hold(2, Some(HoldState::Held))],
        };
        let shopper = "0000000000000000000000000000000a";
        let purchase = |id: &str, known_as: Value| {
            let items = [json!({ "sku": "a", "quantity": 2 })];
            json!({
                "purchase": id, "shopper": shopper, "state": "confirmed", "known_as": known_as,
                "items": items,
            })
        };
        let expected = json!({
            "sale": "demo",
            "places": [{ "number": 7, "shopper": shopper }],
            "purchases": [purchase("p1-3", Value::Null), purchase("p1-2", json!("held"))],
        });
        assert_eq!(what_was_left(&left), expected);
    }
}
