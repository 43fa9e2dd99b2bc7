//! One visit: into the room, out with an order, to the provider and back, or not.
//!
//! Owns what shoppers do, by the seed, and what they saw. Every call is repeated under its key until it has
//! a definite answer, so a server that is killed costs time and no shopper.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use doubles::kakaopay::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Call};
use crate::measure::{Latency, Percentiles};
use crate::rng::Rng;
use crate::run::Run;

use super::stage::{Doubles, Person, text};

/// The longest visit.
const VISIT_MAX: Duration = Duration::from_mins(3);
/// Between looks at a place or an order.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Looks at an order before its buyer goes home: it is paid without them.
const LOOKS: u32 = 100;

/// How long each step took.
#[derive(Debug)]
pub(super) struct Steps(BTreeMap<&'static str, Latency>);

impl Default for Steps {
    fn default() -> Self {
        let slice = Duration::from_secs(1);
        let names = ["enter", "admitted", "order", "payment", "return", "paid", "refund"];
        Self(names.map(|name| (name, Latency::new(slice))).into())
    }
}

impl Steps {
    pub(super) fn percentiles(&self) -> BTreeMap<&'static str, Percentiles> {
        self.0.iter().map(|(name, latency)| (*name, latency.percentiles())).collect()
    }
}

/// What came of a visit.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) outcome: String,
    /// The shop's order, if one was placed.
    pub(super) order: Option<String>,
    /// The provider's name of its payment, if one was begun.
    pub(super) payment: Option<String>,
    /// Whether the shopper saw it paid.
    pub(super) was_paid: bool,
}

/// How the visits ended, and how many saw their order paid.
pub(super) fn counted(made: &[Made]) -> (BTreeMap<String, u64>, u64) {
    let mut outcomes = BTreeMap::new();
    for one in made {
        *outcomes.entry(one.outcome.clone()).or_default() += 1;
    }
    (outcomes, made.iter().map(|one| u64::from(one.was_paid)).sum())
}

/// A visit that is to be made.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) run: Arc<Run>,
    pub(super) doubles: Arc<Doubles>,
    pub(super) steps: Arc<Steps>,
    pub(super) person: Person,
    pub(super) index: u64,
    /// How long after the opening it begins.
    pub(super) after: Duration,
}

impl Visit {
    /// Makes it. A visit that does not end within minutes ends as that.
    pub(super) async fn made(self, seed: u64) -> Made {
        tokio::time::sleep(self.after).await;
        let mut rng = Rng::split(seed, self.index);
        let mut made = Made::default();
        let outcome = tokio::time::timeout(VISIT_MAX, self.go(&mut rng, &mut made)).await;
        made.outcome = match outcome {
            Ok(Ok(outcome)) => outcome.to_owned(),
            Ok(Err(refused)) => refused,
            Err(_late) => "did not end".to_owned(),
        };
        made
    }

    async fn go(&self, rng: &mut Rng, made: &mut Made) -> Result<&'static str, String> {
        let run = &self.run;
        let enter = Call::post(run.path("/enter"), &self.person.access, "");
        let place: Value = self.step("enter", &enter, &[200, 202], rng).await?;
        let begun = run.clock.now();
        let pass = match place["pass"].as_str() {
            Some(pass) => pass.to_owned(),
            None => match self.admitted(&text(&place, "ticket")?, rng).await? {
                Some(pass) => pass,
                None => return Ok("sold out"),
            },
        };
        self.steps.0["admitted"].record(begun, run.clock.now());
        let key = format!("{}-{}", run.nonce, self.index);
        let wanted = json!({
            "deal": run.sale, "quantity": 1, "pass": pass,
            "address": {
                "receiver": "Kim Hana", "phone": "010-1234-5678", "zip": "06236",
                "road": "Teheran-ro 152",
            },
        });
        let call = Call::post("/v1/orders", &self.person.access, key).json(&wanted);
        let answer = self.answered("order", &call, rng).await;
        if answer.status == 409 && answer.code() == "sold_out" {
            return Ok("sold out");
        }
        let order = text(&parsed(&call, &answer, &[201])?, "order")?;
        made.order = Some(order.clone());
        self.pay(&order, rng, made).await
    }

    /// The pass, once there is one; nothing if all is sold before.
    async fn admitted(&self, ticket: &str, rng: &mut Rng) -> Result<Option<String>, String> {
        let call = Call::get(self.run.path("/position"), ticket);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let answer = self.run.insist(&call, rng).await.answer;
            let place = parsed(&call, &answer, &[200])?;
            if let Some(pass) = place["pass"].as_str() {
                return Ok(Some(pass.to_owned()));
            }
            if place["state"] == "sold_out" {
                return Ok(None);
            }
        }
    }

    async fn pay(
        &self,
        order: &str,
        rng: &mut Rng,
        made: &mut Made,
    ) -> Result<&'static str, String> {
        let gateway = if rng.chance(50) { "kakaopay" } else { "card" };
        let call = Call::post(format!("/v1/orders/{order}/payments"), &self.person.access, "");
        let call = call.json(&json!({ "gateway": gateway }));
        let page = text(&self.step("payment", &call, &[201], rng).await?, "redirect_url")?;
        let payment = page.rsplit('/').next().unwrap_or_default().to_owned();
        made.payment = Some(payment.clone());
        if rng.chance(5) {
            return Ok("left the provider's page open");
        }
        let pays = !rng.chance(10);
        let back = match (gateway, pays) {
            ("kakaopay", true) => self.doubles.kakaopay.pay(&payment, Method::Card),
            ("kakaopay", false) => self.doubles.kakaopay.quit(&payment),
            (_, true) => self.doubles.card.choose(&payment, "pay"),
            (_, false) => self.doubles.card.choose(&payment, "decline"),
        };
        let back = back.ok_or("the provider's page was closed")?;
        let path = back.find("/v1/payments").map_or("", |at| &back[at..]);
        let times = match rng.below(10) {
            0 => return Ok("paid and never came back"),
            1 | 2 => 2,
            3 => {
                tokio::time::sleep(Duration::from_secs(rng.between(1, 5))).await;
                1
            }
            _ => 1,
        };
        for _ in 0..times {
            self.step("return", &Call::get(path, ""), &[303], rng).await?;
        }
        if !pays {
            return Ok("did not pay");
        }
        self.settled(order, rng, made).await
    }

    /// Waits until the order is paid; some then want their money back.
    async fn settled(
        &self,
        order: &str,
        rng: &mut Rng,
        made: &mut Made,
    ) -> Result<&'static str, String> {
        let begun = self.run.clock.now();
        let look = Call::get(format!("/v1/orders/{order}"), &self.person.access);
        for _ in 0..LOOKS {
            let answer = self.run.insist(&look, rng).await.answer;
            let state = text(&parsed(&look, &answer, &[200])?, "state")?;
            match state.as_str() {
                "paid" => {
                    made.was_paid = true;
                    break;
                }
                "waiting" | "paying" | "confirming" => tokio::time::sleep(LOOK_EVERY).await,
                _ => return Ok("paid, and the order was not kept"),
            }
        }
        if !made.was_paid {
            return Ok("went home before it was confirmed");
        }
        self.steps.0["paid"].record(begun, self.run.clock.now());
        if !rng.chance(10) {
            return Ok("paid");
        }
        let key = format!("{}-{}-back", self.run.nonce, self.index);
        let refunds = format!("/v1/orders/{order}/refunds");
        let call = Call::post(refunds, &self.person.access, key);
        let call = call.json(&json!({ "reason": "too large" }));
        self.step("refund", &call, &[201], rng).await?;
        Ok("wanted the money back")
    }

    async fn step(
        &self,
        name: &'static str,
        call: &Call,
        allowed: &[u16],
        rng: &mut Rng,
    ) -> Result<Value, String> {
        let answer = self.answered(name, call, rng).await;
        parsed(call, &answer, allowed)
    }

    async fn answered(&self, name: &'static str, call: &Call, rng: &mut Rng) -> Answer {
        let begun = self.run.clock.now();
        let answer = self.run.insist(call, rng).await.answer;
        self.steps.0[name].record(begun, answer.done);
        answer
    }
}

fn parsed(call: &Call, answer: &Answer, allowed: &[u16]) -> Result<Value, String> {
    if allowed.contains(&answer.status) {
        return Ok(answer.parse().unwrap_or_default());
    }
    // Without ids, so that alike refusals are counted together.
    let what = call.path.split('/').nth(2).unwrap_or_default();
    Err(format!("{} {what}: {} {}", call.method, answer.status, answer.code()))
}
