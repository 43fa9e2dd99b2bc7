//! A gateway and the double behind it, so that one suite runs on both.

use std::{sync::Arc, time::Duration};

use doubles::{Faults, Setting, card::CardGateway, clock::MovedClock, kakaopay, ledger::Ledger};
use outbound::{Reach, Secret};
use trade::gateway::{Card, CardOptions, Gateway, KakaoPay, KakaoPayOptions};

const KEY: &str = "key";

/// Short, since some calls are never answered.
const DEADLINE: Duration = Duration::from_millis(700);

/// So late is what is late: later than the deadline.
pub(crate) const LATE: Duration = Duration::from_millis(1_200);

pub(crate) trait Provider: Sized {
    type Gateway: Gateway;

    /// The double's names for taking and returning money.
    const APPROVE: &str;
    const CANCEL: &str;

    async fn start() -> Self;
    fn gateway(&self) -> &Self::Gateway;
    fn clock(&self) -> &MovedClock;
    fn faults(&self) -> &Faults;
    fn ledger(&self) -> &Ledger;

    /// What the shopper does; the URL that the browser is sent to.
    fn pay(&self, reference: &str) -> String;
    fn give_up(&self, reference: &str);
    /// What the provider's support staff does.
    fn return_unasked(&self, reference: &str, amount: i64);
}

fn setting() -> (Setting, Arc<MovedClock>) {
    let clock = Arc::new(MovedClock::default());
    let faults = Faults::seeded(0, 0, LATE);
    (Setting { clock: Arc::<MovedClock>::clone(&clock), faults, ..Setting::local() }, clock)
}

pub(crate) struct OfKakaoPay {
    double: kakaopay::KakaoPay,
    gateway: KakaoPay,
    clock: Arc<MovedClock>,
}

impl Provider for OfKakaoPay {
    type Gateway = KakaoPay;

    const APPROVE: &str = "approve";
    const CANCEL: &str = "cancel";

    async fn start() -> Self {
        let (setting, clock) = setting();
        let double = kakaopay::KakaoPay::start(setting, KEY).await.unwrap();
        let gateway = KakaoPay::new(KakaoPayOptions {
            url: double.url(),
            deadline: DEADLINE,
            reach: Reach::Anywhere,
            ..KakaoPayOptions::new(kakaopay::CID.to_owned(), Secret::new(KEY.to_owned()))
        });
        Self { double, gateway: gateway.unwrap(), clock }
    }

    fn gateway(&self) -> &KakaoPay {
        &self.gateway
    }

    fn clock(&self) -> &MovedClock {
        &self.clock
    }

    fn faults(&self) -> &Faults {
        self.double.faults()
    }

    fn ledger(&self) -> &Ledger {
        self.double.ledger()
    }

    fn pay(&self, reference: &str) -> String {
        self.double.pay(reference, kakaopay::Method::Card).unwrap()
    }

    fn give_up(&self, reference: &str) {
        self.double.quit(reference).unwrap();
    }

    fn return_unasked(&self, reference: &str, amount: i64) {
        assert!(self.double.return_unasked(reference, amount));
    }
}

pub(crate) struct OfCard {
    double: CardGateway,
    gateway: Card,
    clock: Arc<MovedClock>,
}

impl Provider for OfCard {
    type Gateway = Card;

    const APPROVE: &str = "capture";
    const CANCEL: &str = "refund";

    async fn start() -> Self {
        let (setting, clock) = setting();
        let double = CardGateway::start(setting, KEY).await.unwrap();
        let gateway = Card::new(CardOptions {
            deadline: DEADLINE,
            reach: Reach::Anywhere,
            ..CardOptions::new(double.url(), Secret::new(KEY.to_owned()))
        });
        Self { double, gateway: gateway.unwrap(), clock }
    }

    fn gateway(&self) -> &Card {
        &self.gateway
    }

    fn clock(&self) -> &MovedClock {
        &self.clock
    }

    fn faults(&self) -> &Faults {
        self.double.faults()
    }

    fn ledger(&self) -> &Ledger {
        self.double.ledger()
    }

    fn pay(&self, reference: &str) -> String {
        self.double.choose(reference, "pay").unwrap()
    }

    fn give_up(&self, reference: &str) {
        self.double.choose(reference, "cancel").unwrap();
    }

    fn return_unasked(&self, reference: &str, amount: i64) {
        assert!(self.double.refund_unasked(reference, amount));
    }
}
