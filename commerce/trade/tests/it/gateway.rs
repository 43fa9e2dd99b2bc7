//! How every gateway behaves.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::Duration,
};

use base::money::{Currency, Money};
use doubles::Fault;
use outbound::{Reach, Secret};
use tokio::time::{Instant, sleep};
use trade::gateway::{
    Attempt, Back, Gateway as _, GatewayError, GiveBack, Intent, KakaoPay, KakaoPayOptions, Method,
    Proof, Stage, Standing,
};

use crate::provider::{LATE, OfCard, OfKakaoPay, Provider};

/// Makes each test of the block two: one for each provider.
macro_rules! on_both {
    ($(async fn $name:ident<P: Provider>() $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run<P: Provider>() $body

            #[tokio::test]
            async fn at_kakaopay() {
                run::<OfKakaoPay>().await;
            }

            #[tokio::test]
            async fn at_the_card_gateway() {
                run::<OfCard>().await;
            }
        }
    )*};
}

const AMOUNT: Money = won(31_000);

const fn won(amount: i64) -> Money {
    Money::new(amount, Currency::KRW)
}

fn intent(payment: &str) -> Intent<'_> {
    Intent {
        payment,
        shopper: "u1",
        title: "미스트",
        quantity: 1,
        amount: AMOUNT,
        back: Back {
            paid: "http://shop.example/paid?payment=p1",
            given_up: "http://shop.example/given-up",
            failed: "http://shop.example/failed",
        },
    }
}

/// A payment that was begun: the provider's id of it.
async fn begun<P: Provider>(provider: &P, payment: &str) -> String {
    provider.gateway().ready(&intent(payment)).await.unwrap().reference
}

/// A payment that the shopper paid for: the provider's id and the proof.
async fn paid<P: Provider>(provider: &P, payment: &str) -> (String, Proof) {
    let reference = begun(provider, payment).await;
    let url = provider.pay(&reference);
    let proof = provider.gateway().proof(url.split_once('?').unwrap().1).unwrap();
    (reference, proof)
}

/// A payment whose money was taken.
async fn captured<P: Provider>(provider: &P, payment: &str) -> String {
    let (reference, proof) = paid(provider, payment).await;
    provider.gateway().approve(&attempt(&reference, payment), &proof).await.unwrap();
    reference
}

fn attempt<'a>(reference: &'a str, payment: &'a str) -> Attempt<'a> {
    Attempt { reference, payment, shopper: "u1", amount: AMOUNT }
}

const REFUND: &str = "01hzzzzzzzzzzzzzzzzzzzzzzz";

fn part(amount: i64, before: i64) -> GiveBack<'static> {
    GiveBack { refund: REFUND, amount: won(amount), before: won(before) }
}

/// Waits until the one late call of an operation had its effect.
async fn arrived<P: Provider>(provider: &P, operation: &str) {
    let until = Instant::now() + 10 * LATE;
    while provider.faults().late_arrivals(operation) == 0 {
        assert!(Instant::now() < until, "the late {operation} never arrived");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn standing<P: Provider>(provider: &P, reference: &str, payment: &str) -> Standing {
    provider.gateway().look_up(&attempt(reference, payment)).await.unwrap()
}

on_both! {
    async fn money_is_taken_once_the_shopper_paid_and_not_before<P: Provider>() {
        let provider = P::start().await;
        let begun = provider.gateway().ready(&intent("p1")).await.unwrap();
        assert!(begun.page.starts_with("http://127.0.0.1:"), "{begun:?}");
        assert_eq!(begun.lasts, Duration::from_mins(15));
        let (reference, nothing) = (begun.reference, won(0));
        let attempt = attempt(&reference, "p1");
        let open = standing(&provider, &reference, "p1").await;
        assert_eq!((open.stage, open.taken, open.back), (Stage::Open, nothing, nothing));
        let early = provider.gateway().approve(&attempt, &Proof::of("made-up".to_owned())).await;
        assert!(matches!(early, Err(GatewayError::NotDone(_))), "still pending: {early:?}");
        assert_eq!(provider.ledger().entries(), []);

        let url = provider.pay(&reference);
        let paid = standing(&provider, &reference, "p1").await;
        assert_eq!((paid.stage, paid.taken), (Stage::Agreed, nothing));
        let proof = provider.gateway().proof(url.split_once('?').unwrap().1).unwrap();
        let captured = provider.gateway().approve(&attempt, &proof).await.unwrap();
        assert_eq!((captured.amount, captured.method), (AMOUNT, Method::Card));
        let told = standing(&provider, &reference, "p1").await;
        let (ours, method) = (nothing, Some(Method::Card));
        let taken = Standing { stage: Stage::Taken, taken: AMOUNT, back: nothing, ours, method };
        assert_eq!(told, taken);
        assert_eq!(provider.ledger().net("p1"), 31_000);
    }

    async fn a_payment_that_was_given_up_or_is_too_old_has_ended<P: Provider>() {
        let provider = P::start().await;
        let (given_up, late) = (begun(&provider, "p1").await, begun(&provider, "p2").await);
        provider.give_up(&given_up);
        provider.clock().advance(Duration::from_mins(15));
        for (reference, payment) in [(given_up, "p1"), (late, "p2")] {
            assert_eq!(standing(&provider, &reference, payment).await.stage, Stage::Over);
            let proof = Proof::of("made-up".to_owned());
            let refused =
                provider.gateway().approve(&attempt(&reference, payment), &proof).await;
            assert!(matches!(refused, Err(GatewayError::Refused { .. })), "{refused:?}");
            // Nothing is held, so there is nothing to let go of.
            provider.gateway().void(&attempt(&reference, payment)).await.unwrap();
        }
        assert_eq!(provider.ledger().entries(), []);
    }

    async fn an_approval_without_an_answer_is_told_by_looking_up<P: Provider>() {
        let provider = P::start().await;
        for (payment, fault) in [
            ("refused", Fault::Refused),
            ("before", Fault::LostBefore),
            ("after", Fault::LostAfter),
            ("silent", Fault::Silent),
        ] {
            let (reference, proof) = paid(&provider, payment).await;
            let attempt = attempt(&reference, payment);
            provider.faults().next(P::APPROVE, Some(fault));
            let unheard = provider.gateway().approve(&attempt, &proof).await;
            assert!(matches!(unheard, Err(GatewayError::Unheard(_))), "{fault:?}: {unheard:?}");
            let told = standing(&provider, &reference, payment).await;
            assert_eq!(told.taken.minor, provider.ledger().net(payment), "{fault:?}");
            let was_taken = matches!(fault, Fault::LostAfter | Fault::Silent);
            assert_eq!(told.stage == Stage::Taken, was_taken, "{fault:?}");

            // Whoever asks again all the same is never told that it was refused.
            let again = provider.gateway().approve(&attempt, &proof).await;
            assert!(!matches!(again, Err(GatewayError::Refused { .. })), "{fault:?}: {again:?}");
            assert_eq!(provider.ledger().captures(payment), 1, "{fault:?}");
        }
    }

    async fn money_is_given_back_in_parts_until_none_is_left<P: Provider>() {
        let provider = P::start().await;
        let reference = captured(&provider, "p1").await;
        let attempt = attempt(&reference, "p1");
        let gateway = provider.gateway();
        assert_eq!(gateway.cancel(&attempt, &part(1_000, 0)).await.unwrap(), won(1_000));
        let too_much = gateway.cancel(&attempt, &part(30_001, 1_000)).await;
        assert!(matches!(too_much, Err(GatewayError::Refused { .. })), "{too_much:?}");
        assert_eq!(gateway.cancel(&attempt, &part(30_000, 1_000)).await.unwrap(), AMOUNT);
        let told = standing(&provider, &reference, "p1").await;
        assert_eq!((told.stage, told.taken), (Stage::Taken, AMOUNT));
        assert_eq!((told.back, told.ours), (AMOUNT, AMOUNT), "all of it by calls of ours");
        assert_eq!(provider.ledger().net("p1"), 0);
    }

    async fn money_that_is_asked_back_again_is_given_back_once<P: Provider>() {
        let provider = P::start().await;
        for (payment, fault) in [("after", Fault::LostAfter), ("silent", Fault::Silent)] {
            let reference = captured(&provider, payment).await;
            let attempt = attempt(&reference, payment);
            let part = part(1_000, 0);
            provider.faults().next(P::CANCEL, Some(fault));
            let unheard = provider.gateway().cancel(&attempt, &part).await;
            assert!(matches!(unheard, Err(GatewayError::Unheard(_))), "{fault:?}: {unheard:?}");
            let again = provider.gateway().cancel(&attempt, &part).await;
            assert!(!matches!(again, Err(GatewayError::Refused { .. })), "{fault:?}: {again:?}");
            assert_eq!(standing(&provider, &reference, payment).await.back, won(1_000));
            let other = GiveBack { amount: won(2_000), ..part };
            let other = provider.gateway().cancel(&attempt, &other).await;
            assert!(matches!(other, Err(GatewayError::Unheard(_))), "{fault:?}: {other:?}");
            assert_eq!(provider.ledger().net(payment), 30_000, "{fault:?}");
        }
    }

    async fn what_is_overtaken_by_its_own_repetition_moves_money_once<P: Provider>() {
        let provider = P::start().await;
        let (reference, proof) = paid(&provider, "p1").await;
        let attempt = attempt(&reference, "p1");
        let gateway = provider.gateway();
        provider.faults().next(P::APPROVE, Some(Fault::Overtaken));
        let unheard = gateway.approve(&attempt, &proof).await;
        assert!(matches!(unheard, Err(GatewayError::Unheard(_))), "{unheard:?}");
        gateway.approve(&attempt, &proof).await.unwrap();
        let part = part(1_000, 0);
        provider.faults().next(P::CANCEL, Some(Fault::Overtaken));
        let unheard = gateway.cancel(&attempt, &part).await;
        assert!(matches!(unheard, Err(GatewayError::Unheard(_))), "{unheard:?}");
        gateway.cancel(&attempt, &part).await.unwrap();
        arrived(&provider, P::APPROVE).await;
        arrived(&provider, P::CANCEL).await;
        assert_eq!(provider.ledger().captures("p1"), 1);
        assert_eq!(provider.ledger().net("p1"), 30_000);
    }

    async fn a_late_repayment_has_no_effect_beside_the_one_that_followed_it<P: Provider>() {
        let provider = P::start().await;
        let reference = captured(&provider, "p1").await;
        let attempt = attempt(&reference, "p1");
        let gateway = provider.gateway();
        provider.faults().next(P::CANCEL, Some(Fault::Overtaken));
        let unheard = gateway.cancel(&attempt, &part(500, 0)).await;
        assert!(matches!(unheard, Err(GatewayError::Unheard(_))), "{unheard:?}");
        // Something else is given back in between, so that what was given back before is another amount.
        provider.return_unasked(&reference, 200);
        assert_eq!(standing(&provider, &reference, "p1").await.back, won(200));
        assert_eq!(gateway.cancel(&attempt, &part(500, 200)).await.unwrap(), won(700));
        arrived(&provider, P::CANCEL).await;
        let told = standing(&provider, &reference, "p1").await;
        assert_eq!((told.back, told.ours), (won(700), won(500)), "the rest was not by us");
        assert_eq!(provider.ledger().net("p1"), 30_300);
    }

    async fn money_that_is_given_back_without_the_shop_is_seen_by_looking_up<P: Provider>() {
        let provider = P::start().await;
        let reference = captured(&provider, "p1").await;
        provider.return_unasked(&reference, 5_000);
        let told = standing(&provider, &reference, "p1").await;
        assert_eq!((told.back, told.ours), (won(5_000), won(0)));
    }

    async fn another_currency_is_refused_before_anybody_is_asked<P: Provider>() {
        let provider = P::start().await;
        let dollars = Money::new(100, Currency::parse("USD").unwrap());
        let refused =
            provider.gateway().ready(&Intent { amount: dollars, ..intent("p1") }).await;
        assert!(matches!(refused, Err(GatewayError::Refused { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn what_a_card_holds_is_let_go_of_by_voiding_it_however_often() {
    let provider = OfCard::start().await;
    let gateway = provider.gateway();
    for fault in [None, Some(Fault::LostAfter), Some(Fault::Silent), Some(Fault::Overtaken)] {
        let payment = format!("{fault:?}");
        let (reference, proof) = paid(&provider, &payment).await;
        let attempt = attempt(&reference, &payment);
        provider.faults().next("void", fault);
        let first = gateway.void(&attempt).await;
        assert_eq!(first.is_ok(), fault.is_none(), "{fault:?}: {first:?}");
        gateway.void(&attempt).await.unwrap();
        assert_eq!(standing(&provider, &reference, &payment).await.stage, Stage::Over);
        let refused = gateway.approve(&attempt, &proof).await;
        assert!(matches!(refused, Err(GatewayError::Refused { .. })), "{fault:?}: {refused:?}");
    }
    arrived(&provider, "void").await;
    assert_eq!(provider.ledger().entries(), []);
    // Money that was taken is given back, not let go of.
    let reference = captured(&provider, "p1").await;
    let taken = gateway.void(&attempt(&reference, "p1")).await;
    assert!(matches!(taken, Err(GatewayError::Refused { .. })), "{taken:?}");
    assert_eq!(provider.ledger().net("p1"), 31_000);
}

#[tokio::test]
async fn an_answer_of_kakaopay_without_its_amount_says_nothing_of_money() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let body = r#"{"status":"PART_CANCEL_PAYMENT","amount":{"total":31000}}"#;
        let length = body.len();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 4_096];
            let _read = stream.read(&mut asked).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
    let gateway = KakaoPay::new(KakaoPayOptions {
        url: format!("http://127.0.0.1:{port}"),
        reach: Reach::Anywhere,
        ..KakaoPayOptions::new("TC0ONETIME".to_owned(), Secret::new("key".to_owned()))
    });
    let gateway = gateway.unwrap();
    let attempt = attempt("T1", "p1");
    let cancelled = gateway.cancel(&attempt, &part(500, 0)).await;
    assert!(matches!(cancelled, Err(GatewayError::Unheard(_))), "{cancelled:?}");
    let told = gateway.look_up(&attempt).await;
    assert!(matches!(told, Err(GatewayError::Unheard(_))), "{told:?}");
}
