//! Whoever likes a deal is reminded once of each time before it opens.

use base::{cursor::Wanted, moment::Moment};
use commons::{ids::Person, like, notice};
use identity::{account, ids::AccountId};
use store::{
    Db, on_both,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
    trial::Trial,
    worker::Workers,
};
use trade::{
    deal,
    ids::DealId,
    reminder::{self, REMINDED, Times},
};

use crate::sellers::{
    HOUR_MS, Offer, Verb, as_owner, go_to, listed, next_task, open_with, operator, person, read,
    seller,
};
use store::trial::{Running, until};

fn workers() -> Workers {
    reminder::with_workers(Workers::default(), &Times::default())
}

async fn set_like(db: &Db, account: AccountId, deal: DealId, likes: bool) {
    let set = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        let person = Person(live.id().0);
        if likes {
            like::add(tx, person, &deal::subject(deal)).await.unwrap();
        } else {
            like::remove(tx, person, &deal::subject(deal)).await?;
        }
        Ok::<_, store::sea_orm::DbErr>(())
    });
    set.await.unwrap();
}

/// The hours before the opening that an account was reminded of, the latest first.
async fn reminded(db: &Db, account: AccountId) -> Vec<String> {
    let page = notice::inbox(&db.read(), Person(account.0), Wanted::default()).await.unwrap();
    let those = page.items.into_iter().filter(|notice| notice.kind == REMINDED);
    those.map(|notice| notice.detail).collect()
}

/// Waits until nothing is due by now.
async fn idle(db: &Db) {
    let due = async |kind| next_task(db, kind).await.is_some_and(|at| at <= db.now());
    let is_idle = async || {
        !due("trade.remind").await && !due("trade.remind_published").await && leased(db).await == 0
    };
    until("nothing is due", is_idle).await;
}

/// How many tasks somebody works on.
async fn leased(db: &Db) -> i64 {
    number(
        &db.read(),
        "SELECT COUNT(*) AS number FROM task WHERE lease IS NOT NULL AND kind LIKE 'trade.%'",
    )
    .await
}

/// How many wait for a transaction of PostgreSQL.
async fn waiting(on: &impl ConnectionTrait) -> i64 {
    number(
        on,
        "SELECT COUNT(*) AS number FROM pg_locks \
         WHERE NOT granted AND transactionid = pg_current_xact_id()::xid",
    )
    .await
}

async fn number(on: &impl ConnectionTrait, text: &str) -> i64 {
    let statement = Statement::from_string(on.get_database_backend(), text);
    on.query_one_raw(statement).await.unwrap().unwrap().try_get("", "number").unwrap()
}

/// A deal that opens at midnight of the third day, whose owner lists it at the start.
async fn opening(trial: &Trial) -> (Db, DealId, Moment, crate::sellers::Seller) {
    let db = open_with(trial, workers().listeners()).await;
    let boss = operator(&db, "boss").await;
    let a = seller(&db, boss, "a", 1).await;
    let deal = listed(&db, a, &Offer { day: 3, hours: (0, 2), ..Offer::default() }).await;
    let opens_at = read(&db, deal).await.terms.hours.starts_at();
    (db, deal, opens_at, a)
}

on_both! {
    /// Scenario 4; defect 22.
    async fn scenario_4_defect_22_whoever_likes_a_deal_is_reminded_of_each_time_from_then_on(trial: Trial) {
        let (db, deal, opens_at, _) = opening(&trial).await;
        let (early, late, gone) =
            (person(&db, "early").await, person(&db, "late").await, person(&db, "gone").await);
        let before = |hours: i64| Moment(opens_at.0 - hours * HOUR_MS);
        // Two replicas.
        let replicas = [Running::start(workers(), &db), Running::start(workers(), &db)];
        go_to(&trial, &db, before(30));
        set_like(&db, early, deal, true).await;
        set_like(&db, gone, deal, true).await;
        idle(&db).await;
        assert!(reminded(&db, early).await.is_empty());
        go_to(&trial, &db, before(24));
        until("a day before", async || reminded(&db, early).await == ["1440m"]).await;
        go_to(&trial, &db, before(12));
        until("half a day before", async || reminded(&db, early).await == ["720m", "1440m"]).await;
        go_to(&trial, &db, before(2));
        set_like(&db, late, deal, true).await;
        trial.advance(30 * 60_000);
        set_like(&db, gone, deal, false).await;
        go_to(&trial, &db, before(1));
        until("an hour before", async || reminded(&db, late).await == ["60m"]).await;
        idle(&db).await;
        for replica in replicas {
            replica.stop().await;
        }
        let again = Running::start(workers(), &db);
        idle(&db).await;
        assert_eq!(reminded(&db, early).await, ["60m", "720m", "1440m"]);
        assert_eq!(reminded(&db, late).await, ["60m"]);
        assert_eq!(reminded(&db, gone).await, ["720m", "1440m"]);
        again.stop().await;
    }

    /// Scenario 4; defect 22: reminders are due at a time, and no tick is missed.
    async fn scenario_4_defect_22_a_reminder_that_comes_too_late_is_not_sent(trial: Trial) {
        let (db, deal, opens_at, _) = opening(&trial).await;
        let account = person(&db, "kim").await;
        set_like(&db, account, deal, true).await;
        let running = Running::start(workers(), &db);
        idle(&db).await;
        running.stop().await;
        // No worker runs until half an hour before it opens.
        go_to(&trial, &db, Moment(opens_at.0 - HOUR_MS / 2));
        let running = Running::start(workers(), &db);
        until("an hour before", async || reminded(&db, account).await == ["60m"]).await;
        idle(&db).await;
        assert_eq!(reminded(&db, account).await, ["60m"]);
        running.stop().await;
    }

    async fn nobody_is_reminded_of_a_deal_that_was_called_off(trial: Trial) {
        let (db, deal, opens_at, a) = opening(&trial).await;
        let account = person(&db, "kim").await;
        set_like(&db, account, deal, true).await;
        let running = Running::start(workers(), &db);
        idle(&db).await;
        as_owner(&db, a, deal, Verb::Cancel).await.unwrap();
        go_to(&trial, &db, Moment(opens_at.0 - HOUR_MS));
        idle(&db).await;
        assert!(reminded(&db, account).await.is_empty());
        running.stop().await;
    }

    async fn accounts_are_told_in_the_order_in_which_others_lock_them(trial: Trial) {
        let (db, deal, opens_at, _) = opening(&trial).await;
        let mut people = [person(&db, "kim").await, person(&db, "lee").await];
        people.sort();
        let [first, last] = people;
        for account in [last, first] {
            set_like(&db, account, deal, true).await;
            trial.advance(1);
        }
        let running = Running::start(workers(), &db);
        idle(&db).await;
        // Whoever locks them in their order meets nobody who holds a later one and waits for an earlier one.
        let locked = db.write(async |tx| {
            account::live(tx, first).await.unwrap();
            go_to(&trial, &db, Moment(opens_at.0 - 24 * HOUR_MS));
            if tx.get_database_backend() == DbBackend::Postgres {
                until("the reminder waits", async || waiting(tx).await > 0).await;
                let text = "SELECT id FROM account WHERE id = $1 FOR UPDATE NOWAIT";
                let values = [last.to_string().into()];
                tx.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, text, values)).await?;
            }
            account::live(tx, last).await.unwrap();
            Ok::<_, store::sea_orm::DbErr>(())
        });
        locked.await.unwrap();
        for account in people {
            until("a day before", async || reminded(&db, account).await == ["1440m"]).await;
        }
        running.stop().await;
    }
}
