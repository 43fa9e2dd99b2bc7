//! Reading reads, writing is all or nothing, and the schema is what its steps say.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use base::writing;
use store::{
    Db, Failure, OpenError, Options, Step,
    fact::Listeners,
    on_both, refused,
    sea_orm::{ConnectionTrait as _, DbErr},
    trial::Trial,
};
use testkit::postgres::Postgres;
use tokio::sync::{Barrier, Notify};

use crate::support::{count, count_up, execute, open, rows};

async fn count_it(db: &Db, name: &str) -> Result<(), DbErr> {
    db.write(async |tx| count_up(tx, name).await).await
}

on_both! {
    async fn the_reading_door_changes_nothing(trial: Trial) {
        let db = open(&trial).await;
        let error = count_up(&db.read(), "x").await.unwrap_err().to_string();
        assert!(error.contains("readonly") || error.contains("read-only"), "{error}");
        assert_eq!(count(&db, "x").await, 0);
    }

    async fn a_refused_write_leaves_nothing_behind(trial: Trial) {
        let db = open(&trial).await;
        let refusal = db.write(async |tx| {
            count_up(tx, "x").await?;
            refused::<(), _>("no")
        }).await;
        assert!(matches!(refusal, Err(Failure::Refused("no"))), "{refusal:?}");
        assert_eq!(count(&db, "x").await, 0);
    }

    async fn an_error_that_a_write_passes_over_undoes_it_all_the_same(trial: Trial) {
        let db = open(&trial).await;
        let insert = "INSERT INTO thing (name, count) VALUES ('y', 1)";
        let done = db.write(async |tx| {
            execute(tx, insert, []).await?;
            count_up(tx, "x").await?;
            assert!(execute(tx, insert, []).await.is_err());
            Ok::<_, DbErr>(())
        }).await;
        assert!(done.is_err());
        assert_eq!(rows(&db, "thing").await, 0);
    }

    async fn a_write_that_is_dropped_half_way_leaves_nothing_and_holds_up_nobody(trial: Trial) {
        let db = open(&trial).await;
        let begun = Arc::new(Notify::new());
        let writer = tokio::spawn({
            let (db, begun) = (db.clone(), Arc::clone(&begun));
            async move {
                db.write(async |tx| {
                    count_up(tx, "x").await?;
                    begun.notify_one();
                    std::future::pending::<()>().await;
                    Ok::<_, DbErr>(())
                }).await
            }
        });
        begun.notified().await;
        writer.abort();
        assert!(writer.await.unwrap_err().is_cancelled());
        count_it(&db, "x").await.unwrap();
        assert_eq!(count(&db, "x").await, 1);
    }

    async fn writes_beside_each_other_lose_none(trial: Trial) {
        let db = open(&trial).await;
        let writers: Vec<_> = (0..16).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..8 {
                    count_it(&db, "x").await.unwrap();
                }
            })
        }).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(count(&db, "x").await, 128);
    }

    async fn a_write_is_known_to_be_one_and_holds_no_other(trial: Trial) {
        let db = open(&trial).await;
        assert!(!writing::is_inside());
        let inside = db.write(async |_| Ok::<_, DbErr>(writing::is_inside())).await;
        assert!(inside.unwrap());
        let nested = tokio::spawn({
            let db = db.clone();
            async move { db.write(async |_| count_it(&db, "x").await).await }
        });
        assert!(nested.await.unwrap_err().is_panic());
        assert_eq!(count(&db, "x").await, 0);
    }

    async fn a_schema_opens_again_and_a_changed_step_is_refused(trial: Trial) {
        let thing = |text| [Step { number: 1_000, name: "things", text }];
        drop(open(&trial).await);
        drop(open(&trial).await);
        let steps = thing("CREATE TABLE thing (name TEXT);");
        let opened =
            Db::open(&trial.options(), &steps, Listeners::default(), trial.clock()).await;
        assert!(matches!(opened, Err(OpenError::Migrate(_))), "{opened:?}");
    }
}

/// Only PostgreSQL lets two writes run beside each other, so only there they can deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writes_that_deadlock_both_are_done() {
    let trial = Trial::postgres();
    let db = open(&trial).await;
    for name in ["a", "b"] {
        count_it(&db, name).await.unwrap();
    }
    let barrier = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let both = |one: &'static str, two: &'static str| {
        let (db, barrier, runs) = (db.clone(), Arc::clone(&barrier), Arc::clone(&runs));
        tokio::spawn(async move {
            db.write(async |tx| {
                count_up(tx, one).await?;
                // The first run of each waits for the other; a run after a deadlock does not.
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    barrier.wait().await;
                }
                count_up(tx, two).await
            })
            .await
        })
    };
    let (ab, ba) = (both("a", "b"), both("b", "a"));
    ab.await.unwrap().unwrap();
    ba.await.unwrap().unwrap();
    assert_eq!((count(&db, "a").await, count(&db, "b").await), (3, 3));
    assert!(runs.load(Ordering::SeqCst) > 2, "one of them at least ran again");
}

/// SQLite rolls back by itself when its disk is full; its client must not go on counting a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_after_a_full_disk_is_there() {
    let trial = Trial::sqlite();
    let db = open(&trial).await;
    let full = db.write(async |tx| {
        tx.execute_unprepared("PRAGMA max_page_count = 40").await?;
        for number in 0..2_000 {
            execute(tx, "INSERT INTO thing VALUES ($1, 0)", [format!("{number:0>500}").into()])
                .await?;
        }
        Ok::<_, DbErr>(())
    });
    let error = full.await.unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    let refusal = db.write(async |_| refused::<(), _>("no")).await;
    assert!(matches!(refusal, Err(Failure::Refused("no"))), "{refusal:?}");
    count_it(&db, "x").await.unwrap();
    drop(db);
    let db = open(&trial).await;
    assert_eq!((count(&db, "x").await, rows(&db, "thing").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_away_is_used_again() {
    let mut server = Postgres::start_durable().unwrap();
    let trial = Trial::at(server.database().unwrap());
    let db = open(&trial).await;
    count_it(&db, "x").await.unwrap();
    server.kill().unwrap();
    assert!(count_it(&db, "x").await.is_err());
    server.start_again().unwrap();
    count_it(&db, "x").await.unwrap();
    assert_eq!(count(&db, "x").await, 2);
}

#[tokio::test]
async fn what_names_no_database_is_refused() {
    let trial = Trial::sqlite();
    for url in [
        "",
        "mysql://x",
        "sqlite:",
        "sqlite::memory:",
        "sqlite://shop.db",
        "sqlite:shop.db?mode=ro",
    ] {
        let options = Options { url: url.to_owned(), connections: 1 };
        let opened = Db::open(&options, &[], Listeners::default(), trial.clock()).await;
        assert!(matches!(opened, Err(OpenError::Url)), "{url}: {opened:?}");
    }
}
