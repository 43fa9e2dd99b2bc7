//! A push goes to whoever is signed in on a device now, and to no session that ended.

use identity::{
    account,
    device::{self, Platform, PushToken},
    ids::{AccountId, SessionId},
    session,
};
use store::{Db, on_both};

use crate::support::{DAY_MS, open_with_kim, sign_in, sign_up};

fn token(text: &str) -> PushToken {
    PushToken::parse(text).unwrap()
}

async fn register(db: &Db, account: AccountId, session: SessionId, text: &str) -> bool {
    let token = token(text);
    let done = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        session::register_device(tx, &live, session, Platform::Web, &token).await
    });
    done.await.is_ok()
}

async fn tokens(db: &Db, account: AccountId) -> Vec<String> {
    let all = session::devices(&db.read(), account, db.now()).await.unwrap();
    all.iter().map(|device| device.token.as_str().to_owned()).collect()
}

on_both! {
    async fn an_account_has_one_device_for_each_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let (phone, laptop) = (sign_in(&db, kim).await.id, sign_in(&db, kim).await.id);
        assert!(register(&db, kim, phone, "a").await);
        trial.advance(1);
        assert!(register(&db, kim, laptop, "b").await);
        assert_eq!(tokens(&db, kim).await, ["b", "a"]);
        trial.advance(1);
        assert!(register(&db, kim, phone, "c").await && register(&db, kim, phone, "c").await);
        assert_eq!(tokens(&db, kim).await, ["c", "b"]);
        let found = session::device(&db.read(), phone, db.now()).await.unwrap().unwrap();
        assert_eq!((found.account, found.platform, found.seen_at), (kim, Platform::Web, db.now()));
    }

    async fn a_device_goes_with_its_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let (phone, laptop) = (sign_in(&db, kim).await.id, sign_in(&db, kim).await.id);
        register(&db, kim, phone, "a").await;
        register(&db, kim, laptop, "b").await;
        db.write(async |tx| session::end(tx, phone).await).await.unwrap();
        assert_eq!(tokens(&db, kim).await, ["b"]);
        assert!(!register(&db, kim, phone, "a").await, "it has ended");
    }

    async fn a_shared_browser_gets_the_pushes_of_whoever_signed_in_last(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let (of_kim, of_lee) = (sign_in(&db, kim).await.id, sign_in(&db, lee).await.id);
        assert!(register(&db, kim, of_kim, "shared").await);
        assert!(!register(&db, lee, of_kim, "other").await, "of somebody else");
        assert!(register(&db, lee, of_lee, "shared").await);
        assert_eq!((tokens(&db, kim).await.len(), tokens(&db, lee).await.len()), (0, 1));
    }

    async fn a_session_that_ran_out_gets_no_pushes(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await.id;
        register(&db, kim, session, "a").await;
        trial.advance(30 * DAY_MS);
        assert!(tokens(&db, kim).await.is_empty());
        assert_eq!(session::device(&db.read(), session, db.now()).await.unwrap(), None);
    }

    async fn of_two_who_register_one_browser_at_once_both_are_answered_and_one_has_it(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let (of_kim, of_lee) = (sign_in(&db, kim).await.id, sign_in(&db, lee).await.id);
        for round in 0..16 {
            let shared = format!("shared{round}");
            let (one, other) = tokio::join!(
                register(&db, kim, of_kim, &shared),
                register(&db, lee, of_lee, &shared),
            );
            assert!(one && other);
            let all = [tokens(&db, kim).await, tokens(&db, lee).await].concat();
            assert_eq!(all.iter().filter(|token| **token == shared).count(), 1);
        }
    }

    async fn a_token_that_the_push_service_does_not_know_any_more_is_pruned(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await.id;
        register(&db, kim, session, "dead").await;
        let dead = token("dead");
        let prune = async || db.write(async |tx| device::prune(tx, &dead).await).await.unwrap();
        assert!(prune().await && !prune().await);
        assert!(tokens(&db, kim).await.is_empty());
    }
}
