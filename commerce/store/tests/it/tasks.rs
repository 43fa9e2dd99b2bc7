//! A task is done once its cause is committed, its effect happens once, and none is lost.

mod facts;
mod failing;
mod work;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use base::moment::Moment;
use store::{
    Db, on_both, refused,
    sea_orm::DbErr,
    task::Lease,
    trial::BEGIN,
    worker::{Terms, Workers},
};
use tokio::sync::Notify;

use self::work::{Greet, assign, count_it, greet};
use crate::support::{count, open, rows};
use store::trial::{Running, until};

on_both! {
    async fn a_task_is_done_only_if_its_cause_was_committed(trial: Trial) {
        let db = open(&trial).await;
        let refusal = db.write(async |tx| {
            tx.assign(&greet("never"), BEGIN);
            refused::<(), _>("no")
        }).await;
        assert!(refusal.is_err());
        let running = Running::start(Workers::default().on(Terms::default(), count_it), &db);
        assign(&db, "a", BEGIN).await;
        until("a is greeted", async || count(&db, "a").await == 1).await;
        running.stop().await;
        assert_eq!((count(&db, "never").await, rows(&db, "task").await), (0, 0));
    }

    async fn a_task_waits_for_its_time_and_the_earlier_time_holds(trial: Trial) {
        let db = open(&trial).await;
        assign(&db, "a", Moment(BEGIN.0 + 60_000)).await;
        assign(&db, "a", Moment(BEGIN.0 + 30_000)).await;
        assign(&db, "a", Moment(BEGIN.0 + 90_000)).await;
        let running = Running::start(Workers::default().on(Terms::default(), count_it), &db);
        trial.advance(29_999);
        assign(&db, "wake", BEGIN).await;
        until("the wake-up", async || count(&db, "wake").await == 1).await;
        assert_eq!(count(&db, "a").await, 0);
        trial.advance(1);
        until("a is greeted", async || count(&db, "a").await == 1).await;
        running.stop().await;
    }

    async fn a_task_that_is_taken_back_is_not_done(trial: Trial) {
        let db = open(&trial).await;
        assign(&db, "a", BEGIN).await;
        let taken = db.write(async |tx| {
            tx.assign(&greet("b"), BEGIN);
            Ok::<_, DbErr>([
                tx.unassign(&greet("a")).await?,
                tx.unassign(&greet("b")).await?,
                tx.unassign(&greet("c")).await?,
            ])
        }).await;
        assert_eq!(taken.unwrap(), [true, true, false]);
        assert_eq!(rows(&db, "task").await, 0);
    }

    async fn many_workers_do_each_task_once(trial: Trial) {
        let dbs = [open(&trial).await, open(&trial).await, open(&trial).await];
        for number in 0..60 {
            assign(&dbs[0], &format!("t{number}"), BEGIN).await;
        }
        let begun = Arc::new(AtomicU32::new(0));
        let running = dbs.each_ref().map(|db| {
            let begun = Arc::clone(&begun);
            let work = move |db, lease| {
                begun.fetch_add(1, Ordering::SeqCst);
                count_it(db, lease)
            };
            Running::start(Workers::default().on(Terms::default(), work), db)
        });
        until("all are done", async || rows(&dbs[0], "task").await == 0).await;
        for running in running {
            running.stop().await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 60);
        for number in 0..60 {
            assert_eq!(count(&dbs[0], &format!("t{number}")).await, 1);
        }
    }

    async fn a_task_that_is_assigned_while_it_runs_runs_once_more(trial: Trial) {
        let db = open(&trial).await;
        let runs = Arc::new(AtomicU32::new(0));
        let workers = Workers::default().on(Terms::default(), {
            let runs = Arc::clone(&runs);
            move |db: Db, lease: Lease<Greet>| {
                let runs = Arc::clone(&runs);
                async move {
                    if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                        assign(&db, "a", db.now()).await;
                        assign(&db, "a", db.now()).await;
                    }
                    count_it(db, lease).await
                }
            }
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("it ran twice", async || count(&db, "a").await == 2).await;
        running.stop().await;
        assert_eq!((runs.load(Ordering::SeqCst), rows(&db, "task").await), (2, 0));
    }

    async fn a_task_that_is_put_off_is_looked_at_again_then(trial: Trial) {
        let db = open(&trial).await;
        let workers = Workers::default().on(Terms::default(), |db: Db, lease: Lease<Greet>| async move {
            if db.now() < Moment(BEGIN.0 + 5_000) {
                let later = Moment(BEGIN.0 + 5_000);
                return Ok(db.write(async |tx| lease.put_off(tx, later).await).await?);
            }
            assert_eq!(lease.attempt, 1, "to put a task off is no failure");
            count_it(db, lease).await
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("it is put off", async || work::rests(&db, "a").await == Some(0)).await;
        trial.advance(4_999);
        assert_eq!(count(&db, "a").await, 0);
        trial.advance(1);
        until("it is done", async || count(&db, "a").await == 1).await;
        running.stop().await;
    }

    async fn a_worker_that_lost_its_lease_changes_nothing(trial: Trial) {
        let db = open(&trial).await;
        let turn = Arc::new(AtomicU32::new(0));
        let is_done = Arc::new(Notify::new());
        // The first worker holds it no longer, the second does.
        let held = Arc::new(AtomicU32::new(0));
        let workers = Workers::default().on(Terms::default(), {
            let (turn, is_done) = (Arc::clone(&turn), Arc::clone(&is_done));
            let held = Arc::clone(&held);
            move |db: Db, lease: Lease<Greet>| {
                let (turn, is_done) = (Arc::clone(&turn), Arc::clone(&is_done));
                let held = Arc::clone(&held);
                async move {
                    let is_held = async || db.write(async |tx| lease.is_held(tx).await).await.unwrap();
                    // The first worker is slower than its lease; the second has done the task by then.
                    if turn.fetch_add(1, Ordering::SeqCst) == 0 {
                        is_done.notified().await;
                        held.fetch_add(u32::from(is_held().await), Ordering::SeqCst);
                        let outcome = count_it(db, lease).await;
                        is_done.notify_one();
                        return outcome;
                    }
                    held.fetch_add(10 * u32::from(is_held().await), Ordering::SeqCst);
                    count_it(db, lease).await
                }
            }
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("the first begins", async || turn.load(Ordering::SeqCst) == 1).await;
        trial.advance(31_000);
        until("the second is done", async || count(&db, "a").await == 1).await;
        is_done.notify_one();
        tokio::task::yield_now().await;
        is_done.notified().await;
        running.stop().await;
        assert_eq!((count(&db, "a").await, rows(&db, "task").await), (1, 0));
        assert_eq!(held.load(Ordering::SeqCst), 10);
    }
}
