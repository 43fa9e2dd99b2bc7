//! `KakaoPay`, single payment: `ready`, `approve`, `cancel` and `order`, and the page where the shopper
//! pays.
//!
//! Owns the protocol of `open-api.kakaopay.com/online/v1/payment` and what has become of each payment.
//! Refuses recurring payments. Always true: money moves in `approve` and `cancel` only, and each
//! movement is in the ledger.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::moment::Clock;
use hyper::{Method as Verb, StatusCode};

use self::{
    payment::Payment,
    wire::{Approve, Cancel, Look, Ready, Refusal},
};
use crate::{
    Asked, Setting,
    ledger::Ledger,
    page,
    server::{Reply, Server, Site, bind, json, see_other, tells_of_its_server},
    token,
};

mod pay_page;
mod payment;
mod wire;

pub use self::payment::{Method, State};

/// The merchant code that `KakaoPay` gives to everybody for tests of single payments.
pub const CID: &str = "TC0ONETIME";

/// Where the API stands below the double's URL.
pub const PATH: &str = "/online/v1/payment";

/// A running double.
#[derive(Debug)]
pub struct KakaoPay {
    server: Server,
    books: Arc<Books>,
}

struct Books {
    key: String,
    url: String,
    clock: Arc<dyn Clock>,
    ledger: Ledger,
    payments: Mutex<BTreeMap<String, Payment>>,
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").field("url", &self.url).finish_non_exhaustive()
    }
}

tells_of_its_server!(KakaoPay, "`ready`, `approve`, `cancel` and `order` are the operations");

impl KakaoPay {
    /// Starts it; calls must carry `key` in `Authorization: SECRET_KEY {key}`.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting, key: &str) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let books = Arc::new(Books {
            key: key.to_owned(),
            url: bound.url.clone(),
            clock: setting.clock,
            ledger: Ledger::default(),
            payments: Mutex::default(),
        });
        let server = Server::start(bound, Arc::clone(&books), setting.faults);
        Ok(Self { server, books })
    }

    /// The base URL of the API.
    pub fn url(&self) -> String {
        format!("{}{PATH}", self.server.url)
    }

    /// Its books.
    pub fn ledger(&self) -> &Ledger {
        &self.books.ledger
    }

    /// How often an operation was asked for, whatever came of it.
    pub fn count(&self, operation: &str) -> usize {
        let path = format!("{PATH}/{operation}");
        self.asked().iter().filter(|asked| asked.path == path).count()
    }

    /// The state of a payment.
    pub fn state(&self, tid: &str) -> Option<State> {
        let now = self.books.clock.now();
        self.books.lock().get(tid).map(|payment| payment.state(now))
    }

    /// Does what the shopper does with the button to pay, and says where the browser is sent. Nothing
    /// when the payment can no longer be paid.
    pub fn pay(&self, tid: &str, method: Method) -> Option<String> {
        self.books.choose(tid, method.choice())
    }

    /// The same with the button to cancel.
    pub fn quit(&self, tid: &str) -> Option<String> {
        self.books.choose(tid, "cancel")
    }

    /// The same with a wrong password.
    pub fn fail(&self, tid: &str) -> Option<String> {
        self.books.choose(tid, "fail")
    }

    /// Returns money at the provider, as its support staff may do without the shop. Says whether so much
    /// was there.
    pub fn return_unasked(&self, tid: &str, amount: i64) -> bool {
        let mut payments = self.books.lock();
        let Some(payment) = payments.get_mut(tid) else { return false };
        let now = self.books.clock.now();
        let done = payment.cancel(amount, 0, None, now, None).is_ok();
        if done {
            self.books.ledger.write(tid, &payment.order, -amount);
        }
        done
    }
}

impl Site for Books {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        match asked.path.strip_prefix(PATH)? {
            "/ready" => Some("ready"),
            "/approve" => Some("approve"),
            "/cancel" => Some("cancel"),
            "/order" => Some("order"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let Some(operation) = self.operation(asked) else { return self.page(asked) };
        let done = self.authorised(asked).and_then(|()| match operation {
            "ready" => self.ready(&wire::read(asked)?),
            "approve" => self.approve(&wire::read(asked)?),
            "cancel" => self.cancel(&wire::read(asked)?),
            _ => self.look_up(&wire::read(asked)?),
        });
        done.unwrap_or_else(Refusal::reply)
    }

    fn refusal(&self) -> Reply {
        Refusal::UNAVAILABLE.reply()
    }
}

impl Books {
    fn authorised(&self, asked: &Asked) -> Result<(), Refusal> {
        let key = asked.header("authorization").and_then(|line| line.strip_prefix("SECRET_KEY "));
        let is_json =
            asked.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if key != Some(&self.key) {
            return Err(Refusal::KEY);
        }
        if asked.method != Verb::POST || !is_json {
            return Err(Refusal::PARAMETER);
        }
        Ok(())
    }

    fn ready(&self, ready: &Ready) -> Result<Reply, Refusal> {
        let payment = Payment::begin(ready, self.clock.now())?;
        let tid = format!("T{}", token::random(19));
        let reply = json(StatusCode::OK, &payment.begun(&tid, &format!("{}/pay/{tid}", self.url)));
        self.lock().insert(tid, payment);
        Ok(reply)
    }

    fn approve(&self, approve: &Approve) -> Result<Reply, Refusal> {
        let mut payments = self.lock();
        let payment = found(&mut payments, &approve.cid, &approve.tid)?;
        let aid = payment.approve(approve, self.clock.now())?;
        self.ledger.write(&approve.tid, &payment.order, payment.total);
        Ok(json(StatusCode::OK, &payment.approved(&approve.tid, &aid)))
    }

    fn cancel(&self, cancel: &Cancel) -> Result<Reply, Refusal> {
        let mut payments = self.lock();
        let payment = found(&mut payments, &cancel.cid, &cancel.tid)?;
        let Cancel { cancel_amount, cancel_tax_free_amount, .. } = *cancel;
        if cancel.cancel_available_amount.is_some_and(|said| said != payment.available().total) {
            return Err(Refusal::AMOUNT);
        }
        let vat = cancel.cancel_vat_amount;
        let payload = cancel.payload.clone();
        let now = self.clock.now();
        let action = payment.cancel(cancel_amount, cancel_tax_free_amount, vat, now, payload)?;
        self.ledger.write(&cancel.tid, &payment.order, -cancel_amount);
        Ok(json(StatusCode::OK, &payment.cancelled(&cancel.tid, &action, now)))
    }

    fn look_up(&self, look: &Look) -> Result<Reply, Refusal> {
        let mut payments = self.lock();
        let payment = found(&mut payments, &look.cid, &look.tid)?;
        Ok(json(StatusCode::OK, &payment.looked_up(&look.tid, self.clock.now())))
    }

    /// The shopper's page.
    fn page(&self, asked: &Asked) -> Reply {
        let parts = asked.parts();
        let ["pay", tid] = parts[..] else { return nothing() };
        if asked.method == Verb::POST {
            let words = [("approve", "card"), ("cancel", "cancel"), ("fail", "fail")];
            let choice = page::pressed(asked, words);
            if let Some(url) = self.choose(tid, &choice) {
                return see_other(&url);
            }
            // Pressed on a page of before, such as one that the browser went back to.
        }
        let mut payments = self.lock();
        let Some(payment) = payments.get_mut(tid) else { return page::missing(asked) };
        let language = page::Language::of(asked);
        let now = self.clock.now();
        payment.look(now);
        page::render(asked, language, &pay_page::of(payment, now, language))
    }

    /// What a shopper chose, and where the browser goes then.
    fn choose(&self, tid: &str, choice: &str) -> Option<String> {
        let now = self.clock.now();
        let mut payments = self.lock();
        payments.get_mut(tid)?.choose(choice, now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Payment>> {
        self.payments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found<'a>(
    payments: &'a mut BTreeMap<String, Payment>,
    cid: &str,
    tid: &str,
) -> Result<&'a mut Payment, Refusal> {
    payments.get_mut(tid).filter(|payment| payment.cid == cid).ok_or(Refusal::UNKNOWN)
}

fn nothing() -> Reply {
    json(
        StatusCode::NOT_FOUND,
        &serde_json::json!({ "error_code": -2, "error_message": "not found" }),
    )
}
