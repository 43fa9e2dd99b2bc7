//! From pass to purchase, and what becomes of the hold.
//!
//! Owns the purchase, its retry while units may still come back, and the wrapped backend's part:
//! pay, then confirm or release. Every change is asked for under a key and noted in the record
//! before it leaves.

use std::sync::Arc;
use std::time::Duration;

use super::Shopper;
use crate::client::{Answer, Call, NodeId};
use crate::clock::Stamp;
use crate::ledger::{Bought, Outcome};
use crate::plan::Ending;
use crate::run::Settled;
use crate::wire::{Item, Purchase, PurchaseRequest, PurchaseState};

/// Between attempts while everything is held by others.
const HELD_BY_OTHERS_MS: (u64, u64) = (500, 1_500);

impl Shopper {
    /// Buys with `pass`. `None`: the pass has run out, poll for another.
    pub(super) async fn buy(&mut self, pass: &str) -> Option<Outcome> {
        let run = Arc::clone(&self.run);
        let mut intended = run.clock.now().after(self.record.plan.choosing);
        loop {
            run.pacer.until(intended).await;
            let call = self.purchase_call(pass);
            let Settled { answer, .. } = self.insist(&call, Some(intended)).await;
            run.measures.purchase.record(intended, answer.done);
            match (answer.status, answer.code().as_str()) {
                (200 | 201, _) => return Some(self.bought(pass, &call, &answer).await),
                (409, "sold_out") if run.market.is_gone() => return Some(Outcome::SoldOut),
                (409, "sold_out") => intended = self.wait_for_units(),
                (409, "sale_not_open") => return Some(Outcome::Closed),
                (401, "pass_expired") => return None,
                _ => {
                    run.unexpected(&call, &answer);
                    return Some(Outcome::Refused);
                }
            }
        }
    }

    /// A refusal is final for its key, so the attempt after it has its own.
    fn purchase_call(&self, pass: &str) -> Call {
        let item = Item { sku: self.run.sku.clone(), quantity: self.record.plan.units };
        let key = format!("{}-buy-{}", self.key, self.refusals);
        let path = self.run.path("/purchase");
        Call::post(path, pass, key).json(&PurchaseRequest { items: [item] })
    }

    /// All units are held or sold; some may come back. A shopper who wanted two settles for one. Says
    /// when to try again.
    fn wait_for_units(&mut self) -> Stamp {
        self.refusals += 1;
        if self.run.market.available() > 0 {
            self.record.plan.units = 1;
        }
        let (low, high) = HELD_BY_OTHERS_MS;
        self.run.clock.now().after(Duration::from_millis(self.rng.between(low, high)))
    }

    async fn bought(&mut self, pass: &str, call: &Call, answer: &Answer) -> Outcome {
        let run = Arc::clone(&self.run);
        let Some(purchase) = answer.parse::<Purchase>() else {
            run.unexpected(call, answer);
            return Outcome::Refused;
        };
        let wanted = self.record.plan.units;
        run.witness.contract.check(purchase.units() == wanted, || {
            format!("{wanted} units asked for, {} sold in {}", purchase.units(), purchase.id)
        });
        self.record.purchase = Some(Bought {
            id: purchase.id.clone(),
            units: purchase.units(),
            known: purchase.state,
            asked: None,
        });
        if self.record.plan.double_click {
            let again = self.insist(call, None).await.answer;
            run.witness.replay.check(again.body == answer.body, || {
                let bytes = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
                let (key, first, then) = (&call.key, bytes(answer), bytes(&again));
                format!("key {key} gave {} {first}, then {} {then}", answer.status, again.status)
            });
        }
        match self.record.plan.ending {
            Ending::Abandon => Outcome::Abandoned,
            Ending::Release => self.release(&purchase.id, pass).await,
            Ending::Confirm => self.pay(&purchase).await,
        }
    }

    async fn release(&mut self, id: &str, pass: &str) -> Outcome {
        // Both who may release do: the shopper with the pass, the backend with its key.
        let bearer =
            if self.rng.chance(50) { pass.to_owned() } else { self.run.backend_key.clone() };
        let (state, _) = self.change(id, "release", &bearer, PurchaseState::Released).await;
        if state == PurchaseState::Released { Outcome::Released } else { Outcome::HoldLost }
    }

    async fn pay(&mut self, purchase: &Purchase) -> Outcome {
        let run = Arc::clone(&self.run);
        run.pacer.until(run.clock.now().after(self.record.plan.payment)).await;
        let id = &purchase.id;
        let (paying, _) = self.change(id, "pay", &run.backend_key, PurchaseState::Paying).await;
        if paying != PurchaseState::Paying {
            return Outcome::HoldLost;
        }
        let intended = run.clock.now();
        let (confirmed, node) =
            self.change(id, "confirm", &run.backend_key, PurchaseState::Confirmed).await;
        if confirmed != PurchaseState::Confirmed {
            return Outcome::HoldLost;
        }
        run.measures.confirm.record(intended, run.clock.now());
        run.measures.bought.add_one();
        run.witness.confirmed(purchase.units(), node);
        Outcome::Bought
    }

    /// Asks for a change of state and returns the state that is known afterwards, and who said so.
    async fn change(
        &mut self,
        id: &str,
        verb: &str,
        bearer: &str,
        target: PurchaseState,
    ) -> (PurchaseState, NodeId) {
        let run = Arc::clone(&self.run);
        let path = run.path(&format!("/purchases/{id}"));
        let key = format!("{}-{verb}", self.key);
        let call = Call::post(format!("{path}/{verb}"), bearer, key);
        self.note(|bought| bought.asked = Some(target));
        let Settled { answer, .. } = self.insist(&call, None).await;
        let (found, node) = match answer.status {
            200..=204 => (Some(target), answer.node),
            409 => self.read(path).await,
            _ => (None, answer.node),
        };
        if found.is_none() {
            run.unexpected(&call, &answer);
        }
        // A refusal leaves the acknowledged state standing, except that a hold may have run out;
        // anything else the server found instead is for the audit to judge.
        let expired = found == Some(PurchaseState::Expired);
        self.note(|bought| {
            bought.asked = None;
            if found == Some(target) || (expired && bought.known == PurchaseState::Held) {
                bought.known = found.unwrap_or(bought.known);
            }
        });
        (found.unwrap_or(PurchaseState::Held), node)
    }

    async fn read(&mut self, path: String) -> (Option<PurchaseState>, NodeId) {
        let call = Call::get(path, &self.run.backend_key);
        let Settled { answer, .. } = self.insist(&call, None).await;
        (answer.parse::<Purchase>().map(|purchase| purchase.state), answer.node)
    }

    fn note(&mut self, change: impl FnOnce(&mut Bought)) {
        if let Some(bought) = self.record.purchase.as_mut() {
            change(bought);
        }
    }
}
