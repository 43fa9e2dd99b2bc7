//! A card gateway: a payment is authorised on its page, captured by the shop, and refunded in parts.
//!
//! Owns a protocol of our own, in the manner of those there are: a bearer key, an `Idempotency-Key` with
//! every change, a signed notice of each change of state. Refuses card numbers: the page has none.
//! Always true: money moves in captures and refunds only; one key has one effect.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::moment::{Clock, Moment};
use hyper::{Method, StatusCode, header::HeaderName};
use outbound::Call;
use ring::hmac;
use serde_json::{Value, json};

use self::{
    authorisation::{Authorisation, Begin, Part, Refund},
    refusal::Refusal,
};
use crate::{
    Asked, Setting,
    ledger::Ledger,
    limits,
    notices::Notices,
    page::{Choice, Language, missing, pressed, render, won},
    server::{self, Reply, Server, Site, bind, see_other, tells_of_its_server},
    token,
};

mod authorisation;
mod refusal;

pub use self::authorisation::State;

/// A running double.
#[derive(Debug)]
pub struct CardGateway {
    server: Server,
    books: Arc<Books>,
}

struct Books {
    key: String,
    url: String,
    clock: Arc<dyn Clock>,
    ledger: Ledger,
    notices: Notices,
    authorisations: Mutex<BTreeMap<String, Authorisation>>,
    /// The answer to each key, with what was asked under it. Locked as long as a change takes, so that
    /// of two at once with one key the second gets the first's answer.
    answered: Mutex<BTreeMap<String, (String, StatusCode, Value)>>,
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").field("url", &self.url).finish_non_exhaustive()
    }
}

tells_of_its_server!(
    CardGateway,
    "`authorise`, `capture`, `void`, `refund`, `look` and `notify` are the operations"
);

impl CardGateway {
    /// Starts it; calls must carry `key` as a bearer token, and it signs its notices.
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
            notices: Notices::new(setting.faults.clone()),
            authorisations: Mutex::default(),
            answered: Mutex::default(),
        });
        let server = Server::start(bound, Arc::clone(&books), setting.faults);
        Ok(Self { server, books })
    }

    /// The base URL of the API.
    pub fn url(&self) -> String {
        format!("{}/v1", self.server.url)
    }

    /// Its books.
    pub fn ledger(&self) -> &Ledger {
        &self.books.ledger
    }

    /// The state of a payment.
    pub fn state(&self, id: &str) -> Option<State> {
        self.books.state_of(id)
    }

    /// Does what the shopper does with a button of the page, `pay`, `decline` or `cancel`, and says where
    /// the browser is sent. Nothing when it is too late for it.
    pub fn choose(&self, id: &str, choice: &str) -> Option<String> {
        self.books.choose(id, choice)
    }

    /// Refunds without the shop, as the gateway's support staff may. Says whether so much was there.
    pub fn refund_unasked(&self, id: &str, amount: i64) -> bool {
        let done = self.books.refund(id, amount, None, None);
        done.inspect(|found| self.books.notify(found)).is_ok()
    }
}

/// Whether a notice was signed with this key lately: what a receiver has to check.
pub fn is_signed(key: &str, signature: &str, body: &[u8], now: Moment) -> bool {
    let Some((t, v1)) = signature.split_once(",v1=") else { return false };
    let Some(at) = t.strip_prefix("t=") else { return false };
    let (Ok(seconds), Some(mac)) = (at.parse::<i64>(), token::bytes(v1)) else { return false };
    let made = Moment(seconds.saturating_mul(1_000));
    let is_of_now = now.since(made).max(made.since(now)) <= limits::NOTICE_HOLDS_FOR;
    is_of_now && hmac::verify(&hmac_key(key), &signed(at, body), &mac).is_ok()
}

fn sign(key: &str, at: &str, body: &[u8]) -> String {
    token::hex(hmac::sign(&hmac_key(key), &signed(at, body)).as_ref())
}

fn hmac_key(key: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())
}

/// What a signature is over.
fn signed(at: &str, body: &[u8]) -> Vec<u8> {
    [at.as_bytes(), b".", body].concat()
}

impl Site for Books {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        match (asked.method == Method::POST, &asked.parts()[..]) {
            (true, ["v1", "authorisations"]) => Some("authorise"),
            (true, ["v1", "authorisations", _, "capture"]) => Some("capture"),
            (true, ["v1", "authorisations", _, "void"]) => Some("void"),
            (true, ["v1", "authorisations", _, "refunds"]) => Some("refund"),
            (false, ["v1", "authorisations", ..]) => Some("look"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let done = match self.operation(asked) {
            None => return self.page(asked),
            Some(_) if asked.bearer() != Some(&self.key) => Err(Refusal::KEY),
            Some("look") => self.look(asked),
            Some(_) => self.once(asked),
        };
        match done {
            Ok((status, body)) => server::json(status, &body),
            Err(refusal) => refusal.reply(),
        }
    }

    fn refusal(&self) -> Reply {
        Refusal::UNAVAILABLE.reply()
    }
}

type Done = Result<(StatusCode, Value), Refusal>;

impl Books {
    /// Changes something, once for each key: a repetition gets the first answer.
    fn once(&self, asked: &Asked) -> Done {
        let key = asked.header("idempotency-key").ok_or(Refusal::NO_KEY)?;
        let body = String::from_utf8_lossy(&asked.body);
        let what = format!("{} {body}", asked.path);
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, status, answer)) = answered.get(key) {
            let is_same = *first == what;
            return if is_same { Ok((*status, answer.clone())) } else { Err(Refusal::REUSED) };
        }
        let (status, answer) = self.change(asked)?;
        answered.insert(key.to_owned(), (what, status, answer.clone()));
        Ok((status, answer))
    }

    fn change(&self, asked: &Asked) -> Done {
        let now = self.clock.now();
        let changed = match asked.parts()[..] {
            [.., id, "capture"] => {
                let Part { amount } = asked.body_as().map_err(|_| Refusal::REQUEST)?;
                self.with(id, |found| found.capture(amount, now)).inspect(|found| {
                    self.ledger.write(id, &found.order, amount);
                })?
            }
            [.., id, "refunds"] => {
                let Refund { amount, refunded_before, reference } =
                    asked.body_as().map_err(|_| Refusal::REQUEST)?;
                self.refund(id, amount, Some(refunded_before), Some(reference))?
            }
            [.., id, "void"] if self.state_of(id) == Some(State::Voided) => {
                // Asked again under another key: nothing changes, so nobody is told.
                return self.told(id);
            }
            [.., id, "void"] => self.with(id, |found| found.void(now))?,
            _ => {
                let begin: Begin = asked.body_as().map_err(|_| Refusal::REQUEST)?;
                let id = format!("auth_{}", token::random(20));
                let new = Authorisation::begin(&id, begin, now)?;
                let answer = new.json(&self.url, now);
                self.lock().insert(id, new);
                return Ok((StatusCode::CREATED, answer));
            }
        };
        self.notify(&changed);
        Ok((StatusCode::OK, changed.json(&self.url, now)))
    }

    /// Refunds, if so much was refunded before or nobody says how much.
    fn refund(
        &self,
        id: &str,
        amount: i64,
        before: Option<i64>,
        reference: Option<String>,
    ) -> Result<Authorisation, Refusal> {
        let now = self.clock.now();
        let refunded = self.with(id, |found| {
            if before.is_some_and(|before| before != found.refunded()) {
                return Err(Refusal::REFUNDED);
            }
            found.refund(amount, reference, now)
        });
        refunded.inspect(|found| self.ledger.write(id, &found.order, -amount))
    }

    fn look(&self, asked: &Asked) -> Done {
        if let [.., "authorisations", id] = asked.parts()[..] {
            return self.told(id);
        }
        let now = self.clock.now();
        let state = self.lock();
        let order = asked.query_value("order").ok_or(Refusal::REQUEST)?;
        let of_order = state.values().filter(|found| found.order == order);
        let items: Vec<_> = of_order.map(|found| found.json(&self.url, now)).collect();
        Ok((StatusCode::OK, json!({ "items": items })))
    }

    /// How a payment stands.
    fn told(&self, id: &str) -> Done {
        let state = self.lock();
        let found = state.get(id).ok_or(Refusal::UNKNOWN)?;
        Ok((StatusCode::OK, found.json(&self.url, self.clock.now())))
    }

    fn state_of(&self, id: &str) -> Option<State> {
        self.lock().get(id).map(|found| found.state(self.clock.now()))
    }

    /// Changes a payment and gives a copy of it as it is then.
    fn with(
        &self,
        id: &str,
        change: impl FnOnce(&mut Authorisation) -> Result<(), Refusal>,
    ) -> Result<Authorisation, Refusal> {
        let mut state = self.lock();
        let found = state.get_mut(id).ok_or(Refusal::UNKNOWN)?;
        change(found)?;
        Ok(found.clone())
    }

    fn choose(&self, id: &str, choice: &str) -> Option<String> {
        let now = self.clock.now();
        let found = self.with(id, |found| found.choose(choice, now)).ok()?;
        if choice != "back" {
            self.notify(&found);
        }
        Some(found.back(now))
    }

    fn notify(&self, found: &Authorisation) {
        let Some(url) = &found.notify_url else { return };
        let now = self.clock.now();
        let notice = json!({
            "id": format!("evt_{}", token::random(20)),
            "kind": found.state(now).name(),
            "authorisation": found.json(&self.url, now),
        });
        let key = self.key.clone();
        let clock = Arc::clone(&self.clock);
        let signing = move |notice: &Value| {
            let body = serde_json::to_vec(notice).unwrap_or_default();
            let at = (clock.now().0 / 1_000).to_string();
            let signature = format!("t={at},v1={}", sign(&key, &at, &body));
            Call::post("")
                .body("application/json", body.into())
                .header(HeaderName::from_static("gateway-signature"), &signature)
        };
        self.notices.send(url, notice, Arc::new(signing));
    }

    /// The shopper's page.
    fn page(&self, asked: &Asked) -> Reply {
        let ["pay", id] = asked.parts()[..] else { return Refusal::UNKNOWN.reply() };
        if asked.method == Method::POST {
            let words = [("approve", "pay"), ("cancel", "cancel"), ("fail", "decline")];
            let choice = pressed(asked, words);
            if let Some(url) = self.choose(id, &choice) {
                return see_other(&url);
            }
            // Pressed on a page of before, such as one that the browser went back to.
        }
        let Some(found) = self.lock().get(id).cloned() else {
            return missing(asked);
        };
        let language = Language::of(asked);
        render(asked, language, &self.choice(&found, language))
    }

    fn choice(&self, found: &Authorisation, language: Language) -> Choice {
        let is_open = found.state(self.clock.now()) == State::Pending;
        let button = |value: &str, korean, english| {
            (value.to_owned(), language.say(korean, english).to_owned())
        };
        let choices = if is_open {
            vec![
                button("pay", "카드로 결제", "Pay by card"),
                button("decline", "한도 초과 카드로 결제", "Pay with a card over its limit"),
                button("cancel", "결제 취소", "Cancel"),
            ]
        } else {
            vec![button("back", "상점으로 돌아가기", "Back to the shop")]
        };
        Choice {
            title: language.say("카드 결제 (시험용)", "Card payment (double)").to_owned(),
            note: if is_open {
                language.say("실제 돈은 움직이지 않습니다.", "No real money moves.")
            } else {
                language.say("이 결제는 이미 끝났습니다.", "This payment has ended.")
            },
            facts: vec![
                (language.say("내용", "For"), found.description.clone()),
                (language.say("결제 금액", "Amount"), won(found.amount)),
                (language.say("주문 번호", "Order"), found.order.clone()),
            ],
            choices,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Authorisation>> {
        self.authorisations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
