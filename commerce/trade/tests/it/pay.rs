//! Money is taken once, for units that are there, whatever becomes of browsers, calls and processes.

use base::cursor::Wanted;
use commons::{label::Label, subject::Subject};
use doubles::Fault;
use identity::account;
use store::{Failure, on_both};
use tokio::time::{Duration, sleep};
use trade::{
    audit,
    gateway::{Method, Provider},
    holds::Holds as _,
    order::state::OrderState,
    payment::{self, Decision, Doubt},
    till::{self, BeginRefusal, CancelRefusal, DecideRefusal},
};

use crate::{
    refund::operator,
    support::{Shop, won},
};

on_both! {
    /// Scenario 9.
    async fn scenario_9_a_purchase_that_goes_well_is_paid_and_sold(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        for (provider, sold) in [(Provider::KakaoPay, 1), (Provider::Card, 2)] {
            let order = shop.order(kim, 1).await;
            assert_eq!(shop.units().await, (500 - sold, 1, sold - 1));
            let page = shop.begin(kim, order, provider).await.unwrap();
            assert_eq!(shop.begin(kim, order, provider).await.unwrap(), page, "the same page");
            assert_eq!(shop.read(order).await.state, OrderState::Paying);
            assert_eq!(shop.come_back(&shop.pay(&page)).await, order);
            shop.until(&trial, order, OrderState::Paid).await;
            let kept = shop.kept(order).await;
            assert_eq!((kept.method, kept.payment.taken()), (Some(Method::Card), won(31_000)));
            assert_eq!(shop.net(order).await, 31_000);
            assert_eq!(shop.units().await, (500 - sold, 0, sold));
        }
        assert_eq!(shop.kakaopay.asked()[0].json()["total_amount"], 31_000);
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    /// Scenario 10.
    async fn scenario_10_a_browser_that_comes_back_five_times_at_once_is_charged_once(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        // Whatever else stands in the address is nobody's business.
        let url = format!("{}&quantity=50&total_amount=1", shop.pay(&page));
        let work = shop.work();
        let back = || shop.come_back(&url);
        let (a, b, c, d, e) = tokio::join!(back(), back(), back(), back(), back());
        assert_eq!([a, b, c, d, e], [order; 5]);
        work.stop().await;
        shop.until(&trial, order, OrderState::Paid).await;
        let steps = shop.kept(order).await.payment.steps();
        shop.come_back(&url).await;
        assert_eq!(shop.kept(order).await.payment.steps(), steps, "a reload is not written down");
        assert_eq!((shop.kakaopay.count("approve"), shop.net(order).await), (1, 31_000));
    }

    /// Scenario 11.
    async fn scenario_11_of_many_who_want_the_last_unit_one_gets_it_and_the_next_when_it_is_given_up(trial: Trial) {
        let shop = Shop::open(&trial, 1).await;
        let mut shoppers = Vec::new();
        for nth in 0..20 {
            shoppers.push(shop.shopper(&format!("s{nth}")).await);
        }
        let all = shoppers.iter().map(|account| shop.hold(*account, 1));
        let mut won = None;
        for (held, account) in futures(all).await.into_iter().zip(&shoppers) {
            if let Ok(bought) = held {
                assert!(won.replace((bought, *account)).is_none(), "two got one unit");
            }
        }
        let (bought, winner) = won.unwrap();
        let order = shop.place(winner, &bought).await.unwrap();
        shop.begin(winner, order, Provider::KakaoPay).await.unwrap();
        // The tab is closed.
        trial.advance(11 * 60_000);
        shop.until(&trial, order, OrderState::Cancelled).await;
        let next = shop.paid(&trial, shoppers[0], 1, Provider::Card).await;
        assert_eq!((shop.net(next).await, shop.units().await), (31_000, (0, 0, 1)));
    }

    /// Scenario 12.
    async fn scenario_12_defect_12_an_approval_whose_answer_was_lost_with_the_process_is_found_and_not_repeated(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.kakaopay.faults().next("approve", Some(Fault::Silent));
        let url = shop.pay(&page);
        shop.come_back(&url).await;
        let node = shop.node(&trial);
        while shop.net(order).await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        node.kill();
        assert_eq!(shop.read(order).await.state, OrderState::Paying);
        // Its lease is over some time.
        trial.advance(10 * 60_000);
        shop.until(&trial, order, OrderState::Paid).await;
        assert_eq!((shop.kakaopay.count("approve"), shop.net(order).await), (1, 31_000));
    }

    /// Scenario 12, with the unit sold to somebody else meanwhile.
    async fn scenario_12_defect_13_money_for_units_that_are_gone_goes_back_by_itself(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        for provider in [Provider::KakaoPay, Provider::Card] {
            let order = shop.order(kim, 1).await;
            let page = shop.begin(kim, order, provider).await.unwrap();
            let url = shop.pay(&page);
            let approve = if provider == Provider::Card { "capture" } else { "approve" };
            let faults = if provider == Provider::Card { shop.card.faults() } else { shop.kakaopay.faults() };
            faults.next(approve, Some(Fault::LostAfter));
            shop.come_back(&url).await;
            let node = shop.node(&trial);
            while shop.net(order).await == 0 {
                sleep(Duration::from_millis(5)).await;
            }
            node.kill();
            let purchase = shop.read(order).await.purchase;
            shop.till.keepers.calm.release(&purchase).await.unwrap();
            trial.advance(10 * 60_000);
            shop.until(&trial, order, OrderState::Refunded).await;
            assert_eq!((shop.net(order).await, shop.units().await), (0, (500, 0, 0)));
        }
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    async fn defect_16_an_order_is_given_up_only_as_long_as_nobody_agreed_to_pay(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        let url = shop.pay(&page);
        shop.come_back(&url).await;
        let late = shop.cancel(kim, order).await;
        assert!(matches!(late, Err(Failure::Refused(CancelRefusal::NotPending))), "{late:?}");
        // The provider's address for giving up, called by hand, changes nothing either.
        shop.come_back(&url.replace("/return?", "/cancel?")).await;
        shop.until(&trial, order, OrderState::Paid).await;
        shop.come_back(&url.replace("/return?", "/cancel?")).await;
        shop.come_back(&url.replace("/return?", "/fail?")).await;
        assert_eq!(shop.read(order).await.state, OrderState::Paid);
        // One that was not agreed to is, as often as it is asked.
        let order = shop.order(kim, 1).await;
        shop.begin(kim, order, Provider::Card).await.unwrap();
        shop.cancel(kim, order).await.unwrap();
        shop.cancel(kim, order).await.unwrap();
        shop.until(&trial, order, OrderState::Cancelled).await;
        shop.cancel(kim, order).await.unwrap();
        let again = shop.begin(kim, order, Provider::Card).await;
        assert!(matches!(again, Err(Failure::Refused(BeginRefusal::NotPending))), "{again:?}");
    }

    async fn what_contradicts_itself_is_on_the_desk_until_a_person_has_it_asked_again(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        // Somebody sells the units behind the shop's back.
        let purchase = shop.read(order).await.purchase;
        shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.till.keepers.calm.confirm(&purchase).await.unwrap();
        let payment = shop.kept(order).await.id;
        shop.db.write(async |tx| till::look_up(tx, payment).await).await.unwrap();
        // The driver gives up at the time of the provider, and finds them sold.
        trial.advance(20 * 60_000);
        shop.until_payment(&trial, order, |kept| kept.payment.doubt().is_some()).await;
        let desk = payment::desk(&shop.db.read(), Wanted::default()).await.unwrap();
        assert_eq!((desk.items.len(), desk.items[0].order), (1, order));
        assert!(matches!(desk.items[0].doubt, Doubt::Units | Doubt::Unpaid), "{:?}", desk.items);
        shop.db.write(async |tx| till::resolve(tx, payment).await).await.unwrap();
        let desk = payment::desk(&shop.db.read(), Wanted::default()).await.unwrap();
        assert!(desk.items.is_empty());
    }

    async fn an_operator_decides_about_units_that_nobody_paid_and_the_audit_has_it(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let (kim, operator) = (shop.shopper("kim").await, operator(&shop).await);
        let order = shop.order(kim, 1).await;
        let purchase = shop.read(order).await.purchase;
        shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.till.keepers.calm.confirm(&purchase).await.unwrap();
        trial.advance(20 * 60_000);
        shop.until_payment(&trial, order, |kept| kept.payment.doubt() == Some(Doubt::Unpaid)).await;
        let payment = shop.kept(order).await.id;
        let decide = async |account, decision, reason| {
            let decided = shop.db.write(async |tx| {
                let live = account::live(tx, account).await.unwrap();
                till::decide(tx, &live, payment, decision, reason).await
            });
            decided.await
        };
        for (account, decision, reason, refusal) in [
            (kim, Decision::Undo, "a mistake", DecideRefusal::NotAnOperator),
            (operator, Decision::Undo, " ", DecideRefusal::Reason),
            (operator, Decision::UnitsGone, "a mistake", DecideRefusal::WrongDoubt),
        ] {
            let decided = decide(account, decision, reason).await;
            assert!(matches!(decided, Err(Failure::Refused(why)) if why == refusal), "{decided:?}");
        }
        decide(operator, Decision::Undo, "sold by mistake").await.unwrap();
        shop.until(&trial, order, OrderState::Cancelled).await;
        assert_eq!((shop.units().await, shop.net(order).await), ((500, 0, 0), 0));
        let subject = Subject::new(Label::new("order"), order.0);
        let noted = commons::audit::of_subject(&shop.db.read(), &subject, Wanted::default()).await;
        let noted = noted.unwrap().items;
        assert_eq!((noted.len(), noted[0].action.as_str()), (1, "payment.undone"));
        assert_eq!(noted[0].detail["reason"], "sold by mistake");
    }

    async fn defect_12_whoever_was_held_up_after_its_note_asks_nothing(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        let slow = shop.slow(&trial).await;
        let begun = till::begin(&slow, &shop.till, kim, order, Provider::KakaoPay).await;
        assert!(matches!(begun, Err(Failure::Refused(BeginRefusal::Busy))), "{begun:?}");
        assert!(shop.kakaopay.asked().is_empty());
        // It is written down that nothing left, so the next one asks.
        trial.advance(3_600_000);
        shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
    }

    async fn defect_10_a_provider_that_does_not_answer_is_asked_again_under_the_same_payment(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let order = shop.order(kim, 1).await;
        shop.card.faults().next("authorise", Some(Fault::Refused));
        // The order is there, and unpaid, before the provider knows of it.
        assert_eq!((shop.read(order).await.state, shop.card.asked().len()), (OrderState::Waiting, 0));
        let busy = shop.begin(kim, order, Provider::Card).await;
        assert!(matches!(busy, Err(Failure::Refused(BeginRefusal::Busy))), "{busy:?}");
        trial.advance(2_000);
        let page = shop.begin(kim, order, Provider::Card).await.unwrap();
        let other = shop.begin(kim, order, Provider::KakaoPay).await;
        assert!(matches!(other, Err(Failure::Refused(BeginRefusal::Other))), "{other:?}");
        shop.come_back(&shop.pay(&page)).await;
        shop.until(&trial, order, OrderState::Paid).await;
    }

    async fn a_provider_that_says_nothing_holds_up_no_payment_of_another(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        for _ in 0..SILENT {
            let order = shop.order(kim, 1).await;
            let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
            shop.come_back(&shop.pay(&page)).await;
            shop.kakaopay.faults().next("approve", Some(Fault::Silent));
        }
        let order = shop.order(kim, 1).await;
        let page = shop.begin(kim, order, Provider::Card).await.unwrap();
        shop.come_back(&shop.pay(&page)).await;
        shop.until(&trial, order, OrderState::Paid).await;
        let asked = shop.kakaopay.count("approve");
        assert!(asked < SILENT, "it was paid after {asked} calls that nobody answered");
    }
}

/// More payments than go on at once, several times over.
const SILENT: usize = 100;

/// Waits for all of some futures at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (one, done) in &mut all {
            if done.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(output) => *done = Some(output),
                    std::task::Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}
