//! Whoever follows a category or a word hears once of each deal.

use base::cursor::Wanted;
use commons::{ids::Person, notice};
use identity::{
    account,
    ids::AccountId,
    membership::{self, Untied},
};
use store::{Db, on_both, worker::Workers};
use trade::{
    alert::{self, ALERTED, Alerts},
    deal::PUBLISHED,
    ids::DealId,
};

use crate::sellers::{
    Offer, Verb, as_owner, draft, listed, open_with, operator, person, publish, seller, tasks,
};
use store::trial::{Running, until};

async fn follow(db: &Db, account: AccountId, categories: &[&str], keywords: &[&str]) {
    let alerts = Alerts::parse(categories, keywords).unwrap();
    let set = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        alert::set(tx, &live, &alerts).await
    });
    set.await.unwrap();
}

/// What an account was told, the latest first.
async fn told(db: &Db, account: AccountId) -> Vec<DealId> {
    let page = notice::inbox(&db.read(), Person(account.0), Wanted::default()).await.unwrap();
    let of_deals = page.items.into_iter().filter(|notice| notice.kind == ALERTED);
    of_deals.map(|notice| DealId(notice.subject.id.0)).collect()
}

async fn publish_again(db: &Db, deal: DealId) {
    let told = db.write(async |tx| {
        tx.tell(PUBLISHED, &deal);
        Ok::<_, store::sea_orm::DbErr>(())
    });
    told.await.unwrap();
}

/// Waits until nobody is to be told any more.
async fn all_told(db: &Db) {
    for kind in ["trade.alert_published", "trade.alert_deal"] {
        until("all are told", async || tasks(db, kind).await == 0).await;
    }
}

on_both! {
    /// Scenario 3; defects 23 and 24: told once, after the commit, however often it was saved or published.
    async fn scenario_3_defect_23_defect_24_whoever_follows_a_category_hears_once_of_each_deal(trial: Trial) {
        let workers = || alert::with_workers(Workers::default());
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let (u1, u2, u3) =
            (person(&db, "u1").await, person(&db, "u2").await, person(&db, "u3").await);
        follow(&db, u1, &["Living"], &[]).await;
        follow(&db, u1, &["living"], &[]).await;
        follow(&db, u2, &["living", "pet"], &[]).await;
        follow(&db, u3, &["pet"], &[]).await;
        let running = Running::start(workers(), &db);
        let offer = Offer { category: "living", ..Offer::default() };
        let deal = draft(&db, a, &offer).await;
        all_told(&db).await;
        assert!(told(&db, u1).await.is_empty(), "a draft is nobody's business");
        publish(&db, a, deal).await.unwrap();
        until("the last is told", async || told(&db, u2).await == [deal]).await;
        all_told(&db).await;
        for _ in 0..2 {
            publish_again(&db, deal).await;
            all_told(&db).await;
        }
        assert_eq!(told(&db, u1).await, [deal]);
        assert_eq!(told(&db, u2).await, [deal]);
        assert!(told(&db, u3).await.is_empty());
        assert_eq!(notice::unread(&db.read(), Person(u2.0)).await.unwrap(), 1);
        running.stop().await;
    }

    async fn a_word_in_the_title_is_followed_too_and_counts_once_beside_the_category(trial: Trial) {
        let workers = || alert::with_workers(Workers::default());
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let (u1, u2) = (person(&db, "u1").await, person(&db, "u2").await);
        follow(&db, u1, &["beauty"], &["미스트", "수분"]).await;
        follow(&db, u2, &[], &["크림"]).await;
        let running = Running::start(workers(), &db);
        let mist = listed(&db, a, &Offer::default()).await;
        until("the first is told", async || told(&db, u1).await == [mist]).await;
        all_told(&db).await;
        assert_eq!(told(&db, u1).await.len(), 1);
        let title = "봄 크 림";
        let cream = listed(&db, a, &Offer { title, category: "pet", hours: (15, 17), ..Offer::default() }).await;
        until("the other is told", async || told(&db, u2).await == [cream]).await;
        all_told(&db).await;
        assert_eq!(told(&db, u1).await, [mist]);
        running.stop().await;
    }

    /// Defect 23: the original began a thread for each who follows.
    async fn defect_23_many_who_follow_are_told_in_steps(trial: Trial) {
        let workers = || alert::with_workers(Workers::default());
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let count = usize::from(trade::limits::TOLD_AT_ONCE) + 1;
        let mut people = Vec::new();
        for index in 0..count {
            let person = person(&db, &format!("u{index}")).await;
            follow(&db, person, &["beauty"], &["미스트"]).await;
            people.push(person);
        }
        let running = Running::start(workers(), &db);
        let deal = listed(&db, a, &Offer::default()).await;
        for person in people {
            until("everybody is told", async || told(&db, person).await == [deal]).await;
        }
        running.stop().await;
    }

    /// Defect 27: who withdrew keeps a row, and nothing is sent there.
    async fn defect_27_nobody_hears_of_a_deal_that_was_called_off_or_after_a_withdrawal(trial: Trial) {
        let workers = || alert::with_workers(Workers::default());
        let db = open_with(&trial, workers().listeners()).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        let (u1, u2) = (person(&db, "u1").await, person(&db, "u2").await);
        follow(&db, u1, &["beauty"], &["미스트"]).await;
        follow(&db, u2, &["beauty"], &[]).await;
        let deal = listed(&db, a, &Offer::default()).await;
        as_owner(&db, a, deal, Verb::Cancel).await.unwrap();
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, u1).await.unwrap();
            membership::withdraw(tx, &live, &Untied).await
        });
        withdrawn.await.unwrap();
        let running = Running::start(workers(), &db);
        all_told(&db).await;
        until("nothing is left of what was followed", async || {
            alert::of_account(&db.read(), u1).await.unwrap() == Alerts::default()
        })
        .await;
        let next = listed(&db, a, &Offer { hours: (15, 17), ..Offer::default() }).await;
        until("the other is told", async || told(&db, u2).await == [next]).await;
        assert!(told(&db, u1).await.is_empty());
        running.stop().await;
    }

    /// Defect 24: one set for each account.
    async fn defect_24_what_is_followed_is_what_was_saved_last(trial: Trial) {
        let db = open_with(&trial, Workers::default().listeners()).await;
        let u1 = person(&db, "u1").await;
        follow(&db, u1, &["beauty", "pet"], &["미스트", "크림"]).await;
        follow(&db, u1, &["pet"], &["크림", "비누"]).await;
        let alerts = alert::of_account(&db.read(), u1).await.unwrap();
        assert_eq!(alerts, Alerts::parse(&["pet"], &["비누", "크림"]).unwrap());
        follow(&db, u1, &[], &[]).await;
        assert_eq!(alert::of_account(&db.read(), u1).await.unwrap(), Alerts::default());
    }
}
