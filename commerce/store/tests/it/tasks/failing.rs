//! A task that fails is tried later and later, is dead at last, and is never forgotten.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base::moment::Moment;
use store::{
    Db, on_both,
    sea_orm::DbErr,
    task::Lease,
    trial::BEGIN,
    worker::{Outcome, Terms, Trouble, Workers},
};

use super::work::{Greet, assign, count_it, rests};
use crate::support::{count, execute, open, rows};
use store::trial::{Running, until};

const TERMS: Terms =
    Terms { at_once: 4, within: Duration::from_secs(20), attempts: 3, ..Terms::DEFAULT };

async fn dead(db: &Db) -> usize {
    db.read().dead_tasks(10).await.unwrap().len()
}

on_both! {
    async fn it_is_tried_later_and_later_and_is_dead_at_last(trial: Trial) {
        let db = open(&trial).await;
        let ids = Arc::new(Mutex::new(Vec::new()));
        let workers = Workers::default().on(TERMS, {
            let ids = Arc::clone(&ids);
            move |_: Db, lease: Lease<Greet>| {
                ids.lock().unwrap().push(lease.id());
                async move {
                    match lease.attempt {
                        2 => unreachable!("a panic is a failure like any other"),
                        _ => Err(Trouble::new("the other side says no\0")),
                    }
                }
            }
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        let tried = async |times: i64| {
            until("the attempt", async || rests(&db, "a").await == Some(times)).await;
        };
        tried(1).await;
        trial.advance(999);
        assign(&db, "wake", Moment(BEGIN.0 + 3_600_000)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        tried(1).await;
        trial.advance(1);
        tried(2).await;
        trial.advance(2_000);
        tried(3).await;
        let gone = db.read().dead_tasks(10).await.unwrap().remove(0);
        assert_eq!((gone.kind.as_str(), gone.key.as_str()), ("test.greet", "a"));
        assert_eq!(gone.trouble.as_deref(), Some("the other side says no"));
        let revived = db.write(async |tx| tx.revive("test.greet", "a").await).await;
        assert!(revived.unwrap());
        until("it is tried again", async || ids.lock().unwrap().len() == 4).await;
        running.stop().await;
        let ids = ids.lock().unwrap();
        assert!(ids.iter().all(|id| id == "test.greet:a"), "an attempt repeats the same effect");
    }

    async fn only_a_dead_task_is_dismissed_and_then_it_is_gone(trial: Trial) {
        let db = open(&trial).await;
        assign(&db, "a", BEGIN).await;
        let dismiss = async || db.write(async |tx| tx.dismiss("test.greet", "a").await).await.unwrap();
        assert!(!dismiss().await);
        let die = "UPDATE task SET is_dead = TRUE WHERE key = 'a'";
        db.write(async |tx| execute(tx, die, []).await.map(drop)).await.unwrap();
        assert_eq!(dead(&db).await, 1);
        assert!(dismiss().await);
        assert_eq!((dead(&db).await, rows(&db, "task").await), (0, 0));
    }

    async fn one_that_ends_the_process_each_time_is_dead_at_last(trial: Trial) {
        let db = open(&trial).await;
        assign(&db, "a", BEGIN).await;
        // What a process leaves behind that died in its third attempt.
        let left = "UPDATE task SET lease = 'gone', attempts = 3 WHERE key = 'a'";
        db.write(async |tx| execute(tx, left, []).await.map(drop)).await.unwrap();
        let begun = Arc::new(AtomicU32::new(0));
        let workers = Workers::default().on(TERMS, {
            let begun = Arc::clone(&begun);
            move |db: Db, lease: Lease<Greet>| {
                begun.fetch_add(1, Ordering::SeqCst);
                count_it(db, lease)
            }
        });
        let running = Running::start(workers, &db);
        until("it is dead", async || dead(&db).await == 1).await;
        running.stop().await;
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }

    async fn what_is_assigned_while_it_fails_is_done(trial: Trial) {
        let db = open(&trial).await;
        let runs = Arc::new(AtomicU32::new(0));
        let workers = Workers::default().on(Terms { attempts: 1, ..TERMS }, {
            let runs = Arc::clone(&runs);
            move |db: Db, lease: Lease<Greet>| {
                let runs = Arc::clone(&runs);
                async move {
                    if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                        assign(&db, "a", db.now()).await;
                        return Err(Trouble::new("for the last time"));
                    }
                    count_it(db, lease).await
                }
            }
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("it is done", async || count(&db, "a").await == 1).await;
        running.stop().await;
        assert_eq!(dead(&db).await, 0);
    }

    async fn one_that_takes_too_long_is_broken_off(trial: Trial) {
        let db = open(&trial).await;
        let terms = Terms { within: Duration::from_millis(100), attempts: 1, ..TERMS };
        let workers = Workers::default().on(terms, |_: Db, _: Lease<Greet>| {
            std::future::pending::<Outcome>()
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("it is dead", async || dead(&db).await == 1).await;
        running.stop().await;
    }

    async fn what_its_write_has_done_is_undone_with_it(trial: Trial) {
        let db = open(&trial).await;
        let workers = Workers::default().on(Terms { attempts: 1, ..TERMS }, |db: Db, lease: Lease<Greet>| async move {
            let done = db.write(async |tx| {
                crate::support::count_up(tx, "a").await?;
                drop(lease.finish(tx).await?);
                Err::<(), _>(DbErr::Custom("and then it fails".to_owned()))
            });
            done.await?;
            unreachable!("the write failed")
        });
        let running = Running::start(workers, &db);
        assign(&db, "a", BEGIN).await;
        until("it is dead", async || dead(&db).await == 1).await;
        running.stop().await;
        assert_eq!(count(&db, "a").await, 0);
    }
}
