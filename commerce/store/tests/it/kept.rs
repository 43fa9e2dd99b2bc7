//! One effect and one answer for each key.

use store::{
    Db, Failure,
    kept::{Answer, Once, Request},
    on_both, refused,
    worker::Workers,
};

use crate::support::{count, count_up, open, rows};
use store::trial::{Running, until};

fn request(principal: &str, key: &str, digest: u8) -> Request {
    Request::new(principal, "POST /v1/orders", key, [digest; 32]).unwrap()
}

fn answer(text: &str) -> Answer {
    let location = Some(format!("/v1/orders/{text}"));
    Answer { status: 201, location, body: text.as_bytes().to_vec() }
}

async fn order(db: &Db, request: &Request, text: &str) -> Result<Once, Failure<&'static str>> {
    db.once(request, async |tx| {
        count_up(tx, "orders").await?;
        Ok(answer(text))
    })
    .await
}

async fn kept(db: &Db) -> i64 {
    rows(db, "kept_answer").await
}

#[test]
fn a_key_is_visible_and_not_too_long() {
    let request = |key: &str| Request::new("a", "r", key, [0; 32]);
    assert!(request("k").is_some() && request(&"k".repeat(128)).is_some());
    for bad in ["", "a b", "a\n", "키", &"k".repeat(129)] {
        assert!(request(bad).is_none(), "{bad}");
    }
}

on_both! {
    async fn a_repetition_gets_the_first_answer_and_has_no_effect(trial: Trial) {
        let db = open(&trial).await;
        let asked = request("a", "k", 1);
        assert_eq!(order(&db, &asked, "first").await.unwrap(), Once::Done(answer("first")));
        assert_eq!(order(&db, &asked, "second").await.unwrap(), Once::Replayed(answer("first")));
        assert_eq!(count(&db, "orders").await, 1);
    }

    async fn a_key_belongs_to_one_asker_and_one_request(trial: Trial) {
        let db = open(&trial).await;
        order(&db, &request("a", "k", 1), "first").await.unwrap();
        assert_eq!(order(&db, &request("a", "k", 2), "x").await.unwrap(), Once::Mismatch);
        let other = order(&db, &request("b", "k", 2), "other").await.unwrap();
        assert_eq!(other, Once::Done(answer("other")));
        assert_eq!(count(&db, "orders").await, 2);
    }

    async fn a_refusal_is_not_kept(trial: Trial) {
        let db = open(&trial).await;
        let asked = request("a", "k", 1);
        let refusal = db.once(&asked, async |tx| {
            count_up(tx, "orders").await?;
            refused("sold out")
        }).await;
        assert!(matches!(refusal, Err(Failure::Refused("sold out"))), "{refusal:?}");
        assert_eq!(order(&db, &asked, "then").await.unwrap(), Once::Done(answer("then")));
        assert_eq!(count(&db, "orders").await, 1);
    }

    async fn of_many_at_once_one_has_the_effect_and_all_get_its_answer(trial: Trial) {
        let db = open(&trial).await;
        let askers: Vec<_> = (0..12).map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                order(&db, &request("a", "k", 1), &number.to_string()).await.unwrap()
            })
        }).collect();
        let mut done = Vec::new();
        let mut replayed = Vec::new();
        for asker in askers {
            match asker.await.unwrap() {
                Once::Done(answer) => done.push(answer),
                Once::Replayed(answer) => replayed.push(answer),
                Once::Mismatch => unreachable!("all ask for the same"),
            }
        }
        assert_eq!((done.len(), replayed.len()), (1, 11));
        assert!(replayed.iter().all(|answer| *answer == done[0]));
        assert_eq!(count(&db, "orders").await, 1);
    }

    async fn answers_are_forgotten_after_a_day(trial: Trial) {
        let db = open(&trial).await;
        let asked = request("a", "k", 1);
        order(&db, &asked, "first").await.unwrap();
        order(&db, &request("a", "l", 1), "other").await.unwrap();
        trial.advance(24 * 3_600_000 - 1);
        assert_eq!(order(&db, &asked, "x").await.unwrap(), Once::Replayed(answer("first")));
        trial.advance(1);
        assert_eq!(order(&db, &asked, "again").await.unwrap(), Once::Done(answer("again")));
        assert_eq!(kept(&db).await, 2);
        let running = Running::start(Workers::default(), &db);
        until("the schedule is there", async || rows(&db, "schedule").await == 1).await;
        trial.advance(3_600_000);
        until("the other is forgotten", async || kept(&db).await == 1).await;
        running.stop().await;
    }
}
