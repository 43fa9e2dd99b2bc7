//! What is over is removed without anybody asking.

use std::time::Duration;

use identity::{
    account, housekeeping,
    ids::AccountId,
    limits::SWEEP_MAX,
    membership::{Ties, Untied},
    session::{self, Role},
    social::{self, Flow, FlowKeys, FlowRefusal, Provider, Purpose, ReturnTo},
};
use store::{Db, Failure, Tx, on_both, sea_orm::DbErr, trial::Trial, worker::Workers};
use tokio::time::sleep;

use crate::support::{DAY_MS, open, open_with_kim, secrets, sign_in, sign_up, verify};
use store::trial::Running;

/// One account has an order of long ago.
#[derive(Clone)]
struct Buyer(AccountId);

impl Ties for Buyer {
    async fn are_open(&self, _tx: &Tx, _account: AccountId) -> Result<bool, DbErr> {
        Ok(false)
    }

    async fn are_there(&self, _tx: &Tx, account: AccountId) -> Result<bool, DbErr> {
        Ok(account == self.0)
    }
}

/// Keeps house while time goes on, until something is so, and says whether it came to be.
async fn keep_house(
    trial: &Trial,
    db: &Db,
    ties: impl Ties,
    step_ms: i64,
    is_so: impl AsyncFn() -> bool,
) -> bool {
    let working = Running::start(housekeeping::on(Workers::default(), ties), db);
    let mut is_done = false;
    for _ in 0..1_000 {
        trial.advance(step_ms);
        sleep(Duration::from_millis(20)).await;
        is_done = is_so().await;
        if is_done {
            break;
        }
    }
    working.stop().await;
    is_done
}

on_both! {
    async fn no_write_of_a_sweep_removes_more_than_it_may(trial: Trial) {
        let db = open(&trial).await;
        let flow = Flow {
            provider: Provider::Kakao,
            purpose: Purpose::SignIn(Role::Shopper),
            return_to: ReturnTo::of("/"),
        };
        let keys = FlowKeys::new(&secrets());
        let taken = db.write(async |tx| {
            for _ in 0..=SWEEP_MAX {
                let departure = keys.departure(&flow, tx.now());
                let begun = keys.read(&departure.state, &departure.browser).unwrap();
                social::take(tx, &begun).await?;
            }
            Ok::<_, Failure<FlowRefusal>>(())
        });
        taken.await.unwrap();
        trial.advance(DAY_MS);
        let sweep = async || db.write(async |tx| social::sweep(tx).await).await.unwrap();
        assert_eq!([sweep().await, sweep().await, sweep().await], [SWEEP_MAX, 1, 0]);
    }

    async fn a_session_that_was_over_long_ago_is_removed(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let old = sign_in(&db, kim).await.id;
        trial.advance(31 * DAY_MS);
        let new = sign_in(&db, kim).await.id;
        let is_gone = keep_house(&trial, &db, Untied, 60_000, async || {
            session::find(&db.read(), old).await.unwrap().is_none()
        });
        assert!(is_gone.await && session::find(&db.read(), new).await.unwrap().is_some());
    }

    async fn an_account_that_nobody_seems_to_own_is_emptied_after_a_month(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let [verified, buyer, signed_in] = [
            sign_up(&db, "verified@shop.example").await.unwrap().id,
            sign_up(&db, "buyer@shop.example").await.unwrap().id,
            sign_up(&db, "here@shop.example").await.unwrap().id,
        ];
        verify(&db, verified).await;
        sign_in(&db, kim).await;
        trial.advance(29 * DAY_MS);
        sign_in(&db, signed_in).await;
        let young = sign_up(&db, "young@shop.example").await.unwrap().id;
        trial.advance(DAY_MS);
        let is_gone = keep_house(&trial, &db, Buyer(buyer), DAY_MS / 144, async || {
            account::find(&db.read(), kim).await.unwrap().unwrap().withdrawn_at.is_some()
        });
        assert!(is_gone.await);
        assert!(sign_up(&db, "kim@shop.example").await.is_ok(), "the address is free");
        for kept in [verified, buyer, signed_in, young] {
            let found = account::find(&db.read(), kept).await.unwrap().unwrap();
            assert!(found.withdrawn_at.is_none() && found.email.is_some(), "{found:?}");
        }
    }
}
