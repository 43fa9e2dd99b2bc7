//! What is over is removed without anybody asking.

use std::time::Duration;

use identity::{
    housekeeping,
    limits::SWEEP_MAX,
    session::{self, Role},
    social::{self, Flow, Provider, Purpose, ReturnTo},
};
use store::{on_both, sea_orm::DbErr, worker::Workers};
use tokio::{sync::watch, time::sleep};

use crate::support::{DAY_MS, open, open_with_kim, sign_in};

on_both! {
    async fn no_write_of_a_sweep_removes_more_than_it_may(trial: Trial) {
        let db = open(&trial).await;
        let flow = Flow {
            provider: Provider::Kakao,
            purpose: Purpose::SignIn(Role::Shopper),
            return_to: ReturnTo::of("/"),
        };
        let begun = db.write(async |tx| {
            for _ in 0..=SWEEP_MAX {
                social::begin(tx, &flow).await?;
            }
            Ok::<_, DbErr>(())
        });
        begun.await.unwrap();
        trial.advance(DAY_MS);
        let sweep = async || db.write(async |tx| social::sweep(tx).await).await.unwrap();
        assert_eq!([sweep().await, sweep().await, sweep().await], [SWEEP_MAX, 1, 0]);
    }

    async fn a_session_that_was_over_long_ago_is_removed(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let old = sign_in(&db, kim).await.id;
        trial.advance(31 * DAY_MS);
        let new = sign_in(&db, kim).await.id;
        let (stop, stopped) = watch::channel(false);
        let workers = housekeeping::on(Workers::default()).run(db.clone(), stopped);
        let running = tokio::spawn(workers);
        let mut is_gone = false;
        for _ in 0..1_000 {
            trial.advance(60_000);
            sleep(Duration::from_millis(20)).await;
            is_gone = session::find(&db.read(), old).await.unwrap().is_none();
            if is_gone {
                break;
            }
        }
        stop.send(true).unwrap();
        running.await.unwrap();
        assert!(is_gone && session::find(&db.read(), new).await.unwrap().is_some());
    }
}
