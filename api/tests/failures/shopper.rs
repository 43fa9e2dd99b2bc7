//! One shopper: what was asked, what was acknowledged, and what may have happened.
//!
//! Every step checks its answer against what the shopper knows already: a number never changes, a
//! position never rises, a purchase is in a state that some request of its shopper asked for.

use std::io;

use serde_json::Value;

use crate::{
    Dice,
    client::{Answer, Call, Client},
};

/// A shopper and the ledger of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shopper {
    /// The idempotency key of its entry; also makes its other keys.
    pub(crate) key: String,
    /// Number and ticket, once acknowledged.
    pub(crate) number: Option<u64>,
    pub(crate) ticket: String,
    /// The last position told.
    position: Option<u64>,
    pub(crate) pass: Option<String>,
    pub(crate) left: Left,
    pub(crate) purchase: Option<Purchase>,
}

/// Whether the shopper gave its place up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Left {
    #[default]
    No,
    /// Asked and not answered.
    Maybe,
    Yes,
}

/// A purchase asked for.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) sku: &'static str,
    pub(crate) quantity: u64,
    /// Refused for good: there is no hold.
    pub(crate) refused: bool,
    /// The id, once acknowledged.
    pub(crate) id: Option<String>,
    /// The bytes of the acknowledgement.
    pub(crate) reply: Vec<u8>,
    /// The last state acknowledged.
    pub(crate) state: String,
    /// A state asked for and not acknowledged.
    pub(crate) maybe: Option<&'static str>,
}

impl Purchase {
    fn body(&self) -> String {
        format!("{{\"items\":[{{\"sku\":\"{}\",\"quantity\":{}}}]}}", self.sku, self.quantity)
    }
}

/// A refusal with 503 says "not now": the ledger treats it as "unknown", which allows more.
const NOT_NOW: u16 = 503;

impl Shopper {
    /// Someone whose keys begin with `name`, made long enough for an entry's.
    pub(crate) fn new(mut name: String) -> Self {
        name.push_str("-of-all-these-shoppers");
        Self { key: name, ..Self::default() }
    }

    /// Enters, or asks again with the same key.
    pub(crate) fn enter(&mut self, client: &mut Client) -> io::Result<Answer> {
        let call = Call { key: Some(&self.key), ..Call::post("/v1/sales/demo/enter") };
        let answer = client.send(&call)?;
        if answer.status == NOT_NOW {
            return Ok(answer);
        }
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        let number = answer.json()["number"].as_u64().unwrap();
        assert_eq!(*self.number.get_or_insert(number), number, "{}: another number", self.key);
        self.ticket = answer.text("ticket");
        Ok(answer)
    }

    /// Does whatever comes next, chosen by `dice`.
    pub(crate) fn advance(
        &mut self,
        client: &mut Client,
        backend: &str,
        dice: &mut Dice,
    ) -> io::Result<()> {
        if self.number.is_none() {
            return self.enter(client).map(drop);
        }
        match (&self.pass, &self.purchase) {
            (None, _) if self.left == Left::No && dice.below(10) == 0 => self.leave(client),
            (None, _) => self.poll(client),
            (Some(_), None) => {
                let sku = if dice.below(2) == 0 { "scarce" } else { "plenty" };
                self.begin(sku, 1 + dice.below(2));
                self.buy(client).map(drop)
            }
            (Some(_), Some(bought)) if bought.refused => self.poll(client),
            (Some(_), Some(bought)) if bought.id.is_none() => self.buy(client).map(drop),
            (Some(_), Some(bought)) => {
                let choices: &[_] = match bought.state.as_str() {
                    "held" => &["pay", "confirm", "release"],
                    "paying" => &["confirm", "release"],
                    _ => return self.poll(client),
                };
                let choice = choices[usize::try_from(dice.below(choices.len() as u64)).unwrap()];
                // One doubt at a time: what may have been asked is asked again, nothing else.
                let choice = bought.maybe.map_or(choice, verb);
                self.settle(client, backend, choice)
            }
        }
    }

    /// Asks for the position, and checks it.
    pub(crate) fn poll(&mut self, client: &mut Client) -> io::Result<()> {
        let path = "/v1/sales/demo/position";
        let answer = client.send(&Call { bearer: Some(&self.ticket), ..Call::get(path) })?;
        match (answer.status, self.left) {
            (410, Left::Maybe | Left::Yes) => self.left = Left::Yes,
            (200, Left::No | Left::Maybe) => {
                let place = answer.json();
                assert_eq!(place["number"].as_u64(), self.number, "{}: {answer:?}", self.key);
                let position = place["position"].as_u64().unwrap();
                let before = self.position.unwrap_or(u64::MAX);
                assert!(position <= before, "{}: {before} rose to {position}", self.key);
                self.position = Some(position);
                if let Some(pass) = place["pass"].as_str() {
                    self.pass = Some(pass.to_owned());
                }
            }
            _ => panic!("{}: {:?} and {answer:?}", self.key, self.left),
        }
        Ok(())
    }

    fn leave(&mut self, client: &mut Client) -> io::Result<()> {
        self.left = Left::Maybe;
        let path = "/v1/sales/demo/leave";
        let answer = client.send(&Call { bearer: Some(&self.ticket), ..Call::post(path) })?;
        assert!(matches!(answer.status, 204 | NOT_NOW), "{answer:?}");
        if answer.status == 204 {
            self.left = Left::Yes;
        }
        Ok(())
    }

    fn begin(&mut self, sku: &'static str, quantity: u64) {
        self.purchase = Some(Purchase {
            sku,
            quantity,
            refused: false,
            id: None,
            reply: Vec::new(),
            state: String::new(),
            maybe: None,
        });
    }

    /// Buys what was begun, or asks again with the same key and body.
    pub(crate) fn buy(&mut self, client: &mut Client) -> io::Result<Answer> {
        let purchase = self.purchase.as_mut().unwrap();
        let (body, key) = (purchase.body(), format!("{}-buy", self.key));
        let answer = client.send(&Call {
            bearer: self.pass.as_deref(),
            key: Some(&key),
            body: &body,
            ..Call::post("/v1/sales/demo/purchase")
        })?;
        match answer.status {
            201 if purchase.id.is_none() => {
                purchase.id = Some(answer.text("purchase"));
                purchase.reply.clone_from(&answer.body);
                purchase.state = "held".into();
            }
            201 => assert_eq!(purchase.reply, answer.body, "{}: another reply", self.key),
            409 if purchase.id.is_none() && answer.code() == "sold_out" => purchase.refused = true,
            NOT_NOW => {}
            _ => panic!("{}: {answer:?}", self.key),
        }
        Ok(answer)
    }

    fn settle(&mut self, client: &mut Client, backend: &str, verb: &str) -> io::Result<()> {
        let purchase = self.purchase.as_mut().unwrap();
        let target = target(verb);
        purchase.maybe = Some(target);
        let path = format!("/v1/sales/demo/purchases/{}/{verb}", purchase.id.as_ref().unwrap());
        let answer = client.send(&Call { bearer: Some(backend), ..Call::post(&path) })?;
        assert!(matches!(answer.status, 200 | NOT_NOW), "{}: {answer:?}", self.key);
        if answer.status == 200 {
            assert_eq!(answer.text("state"), target);
            (purchase.state, purchase.maybe) = (target.to_owned(), None);
        }
        Ok(())
    }

    /// Compares the purchase with what the server has; a doubt becomes knowledge.
    pub(crate) fn look_at_purchase(&mut self, client: &mut Client, backend: &str) -> Value {
        let purchase = self.purchase.as_mut().unwrap();
        let path = format!("/v1/sales/demo/purchases/{}", purchase.id.as_ref().unwrap());
        let answer = client.ask(&Call { bearer: Some(backend), ..Call::get(&path) });
        assert_eq!(answer.status, 200, "{}: an acknowledged purchase is gone", self.key);
        let found = answer.text("state");
        let allowed = found == purchase.state || purchase.maybe == Some(found.as_str());
        assert!(allowed, "{}: {purchase:?} is {found}", self.key);
        (purchase.state, purchase.maybe) = (found, None);
        answer.json()
    }
}

fn target(verb: &str) -> &'static str {
    match verb {
        "pay" => "paying",
        "confirm" => "confirmed",
        "release" => "released",
        _ => panic!("no such step: {verb}"),
    }
}

fn verb(target: &str) -> &'static str {
    match target {
        "paying" => "pay",
        "confirmed" => "confirm",
        _ => "release",
    }
}
