//! Facts and schedules: once for each listener, once for each tick.

use std::time::Duration;

use store::{
    Db,
    fact::{About, Fact},
    on_both,
    schedule::{Schedule, Tick},
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use crate::support::{STEPS, count, count_up, execute, number, open, rows};
use store::trial::{Running, until};

const HOURLY: Schedule =
    Schedule { name: "test.hourly", every: Duration::from_hours(1), offset: Duration::ZERO };

async fn tick(db: Db, lease: Lease<Tick>) -> Outcome {
    let settled = db.write(async |tx| {
        count_up(tx, "ticks").await?;
        lease.finish(tx).await
    });
    Ok(settled.await?)
}

fn ticking() -> Workers {
    Workers::default().on_schedule(HOURLY, Terms::default(), tick)
}

async fn next_tick(db: &Db) -> Option<i64> {
    number(db, "SELECT next_at AS number FROM schedule WHERE name = 'test.hourly'", []).await
}

on_both! {
    async fn a_fact_reaches_each_listener_once_however_often_it_is_told(trial: Trial) {
        const CHANGED: Fact = Fact("deal.changed");
        let hear = |who: &'static str| move |db: Db, lease: Lease<About>| async move {
            let name = format!("{who} {}", lease.task.subject);
            let heard = db.write(async |tx| {
                count_up(tx, &name).await?;
                lease.finish(tx).await
            });
            Ok(heard.await?)
        };
        let workers = Workers::default()
            .on_fact(CHANGED, "alerts.deal", Terms::default(), hear("alerts"))
            .on_fact(CHANGED, "search.deal", Terms::default(), hear("search"));
        let db = trial.open(STEPS, workers.listeners()).await;
        for _ in 0..3 {
            let told = db.write(async |tx| {
                tx.tell(CHANGED, "d1");
                tx.tell(CHANGED, "d1");
                Ok::<_, DbErr>(())
            });
            told.await.unwrap();
        }
        let running = Running::start(workers, &db);
        until("all is heard", async || rows(&db, "task").await == 0).await;
        running.stop().await;
        assert_eq!((count(&db, "alerts d1").await, count(&db, "search d1").await), (1, 1));
    }

    async fn a_schedule_ticks_once_among_nodes_and_once_after_a_downtime(trial: Trial) {
        let dbs = [open(&trial).await, open(&trial).await];
        let start = |db: &Db| Running::start(ticking(), db);
        let running = dbs.each_ref().map(start);
        until("the schedule is there", async || next_tick(&dbs[0]).await.is_some()).await;
        assert_eq!(count(&dbs[0], "ticks").await, 0, "nothing was missed at the first start");
        trial.advance(3_600_000);
        until("the first tick", async || count(&dbs[0], "ticks").await == 1).await;
        for running in running {
            running.stop().await;
        }
        trial.advance(5 * 3_600_000);
        let missed = next_tick(&dbs[0]).await;
        let running = dbs.each_ref().map(start);
        until("the tick after the downtime", async || {
            next_tick(&dbs[0]).await > missed && rows(&dbs[0], "task").await == 0
        }).await;
        for running in running {
            running.stop().await;
        }
        assert_eq!(count(&dbs[0], "ticks").await, 2);
    }

    async fn a_tick_that_a_fast_clock_put_far_ahead_is_put_back(trial: Trial) {
        let db = open(&trial).await;
        let far = trial.clock().now().0 + 30 * 86_400_000;
        let insert = "INSERT INTO schedule (name, next_at) VALUES ('test.hourly', $1)";
        db.write(async |tx| execute(tx, insert, [far.into()]).await.map(drop)).await.unwrap();
        let running = Running::start(ticking(), &db);
        until("it is put back", async || next_tick(&db).await < Some(far)).await;
        trial.advance(3_600_000);
        until("it ticks", async || count(&db, "ticks").await == 1).await;
        running.stop().await;
    }
}
