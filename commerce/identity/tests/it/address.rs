//! An account has so many addresses, one of them the default, and nobody else reaches them.

use identity::{
    account,
    address::{self, AddRefusal, Address, AddressRefusal, Postal, Typed},
    ids::{AccountId, AddressId},
    limits::ADDRESSES_MAX,
};
use store::{Db, Failure, on_both};

use crate::support::{open_with_kim, sign_up};

fn at(road: &str) -> Postal {
    let typed =
        Typed { receiver: "Kim Hana", phone: "010-1234-5678", zip: "06236", road, detail: "3층" };
    Postal::parse(&typed).unwrap()
}

async fn add(db: &Db, account: AccountId, road: &str) -> Result<AddressId, Failure<AddRefusal>> {
    let postal = at(road);
    db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        address::add(tx, &live, &postal).await
    })
    .await
}

async fn set_default(db: &Db, account: AccountId, id: AddressId) -> bool {
    let done = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        address::set_default(tx, &live, id).await
    });
    is_done(&done.await)
}

async fn remove(db: &Db, account: AccountId, id: AddressId) -> bool {
    let done = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        address::remove(tx, &live, id).await
    });
    is_done(&done.await)
}

fn is_done(done: &Result<(), Failure<AddressRefusal>>) -> bool {
    assert!(matches!(done, Ok(()) | Err(Failure::Refused(AddressRefusal::Unknown))), "{done:?}");
    done.is_ok()
}

/// Each address's road, the default with a star.
async fn roads(db: &Db, account: AccountId) -> Vec<String> {
    let all = address::list(&db.read(), account).await.unwrap();
    let default = address::default_of(&db.read(), account).await.unwrap();
    let is_default = |one: &&Address| one.is_default;
    assert_eq!(all.iter().find(is_default), default.as_ref());
    let star = |one: &Address| if one.is_default { "*" } else { "" };
    all.iter().map(|one| format!("{}{}", one.postal.road(), star(one))).collect()
}

on_both! {
    async fn exactly_one_address_is_the_default(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let mut ids = Vec::new();
        for road in ["a", "b", "c"] {
            trial.advance(1);
            ids.push(add(&db, kim, road).await.unwrap());
        }
        assert_eq!(roads(&db, kim).await, ["a*", "c", "b"]);
        assert!(set_default(&db, kim, ids[1]).await && set_default(&db, kim, ids[1]).await);
        assert_eq!(roads(&db, kim).await, ["b*", "c", "a"]);
        assert!(remove(&db, kim, ids[1]).await);
        assert_eq!(roads(&db, kim).await, ["c*", "a"]);
        assert!(remove(&db, kim, ids[0]).await);
        assert_eq!(roads(&db, kim).await, ["c*"]);
        assert!(!remove(&db, kim, ids[0]).await && remove(&db, kim, ids[2]).await);
        assert!(roads(&db, kim).await.is_empty());
        add(&db, kim, "d").await.unwrap();
        assert_eq!(roads(&db, kim).await, ["d*"]);
    }

    async fn of_many_who_choose_a_default_at_once_one_is_it(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let mut ids = Vec::new();
        for road in ["a", "b", "c", "d", "e", "f"] {
            ids.push(add(&db, kim, road).await.unwrap());
        }
        let many: Vec<_> = ids.into_iter().map(|id| {
            let db = db.clone();
            tokio::spawn(async move { set_default(&db, kim, id).await })
        }).collect();
        for one in many {
            assert!(one.await.unwrap());
        }
        let defaults = roads(&db, kim).await.iter().filter(|road| road.ends_with('*')).count();
        assert_eq!(defaults, 1);
    }

    async fn nobody_reaches_an_address_of_somebody_else(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let id = add(&db, kim, "a").await.unwrap();
        add(&db, lee, "b").await.unwrap();
        assert!(!set_default(&db, lee, id).await && !remove(&db, lee, id).await);
        let elsewhere = at("elsewhere");
        let changed = db.write(async |tx| {
            let live = account::live(tx, lee).await.unwrap();
            address::change(tx, &live, id, &elsewhere).await
        });
        assert!(!is_done(&changed.await));
        assert_eq!(address::find(&db.read(), lee, id).await.unwrap(), None);
        assert_eq!(roads(&db, kim).await, ["a*"]);
        assert_eq!(roads(&db, lee).await, ["b*"]);
    }

    async fn an_address_says_what_it_was_changed_to(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let id = add(&db, kim, "a").await.unwrap();
        let elsewhere = at("elsewhere");
        let changed = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            address::change(tx, &live, id, &elsewhere).await
        });
        assert!(is_done(&changed.await));
        let found = address::find(&db.read(), kim, id).await.unwrap().unwrap();
        assert!(found.postal == elsewhere && found.is_default);
    }

    async fn an_account_has_so_many_addresses(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        for _ in 0..ADDRESSES_MAX {
            add(&db, kim, "a").await.unwrap();
        }
        let more = add(&db, kim, "a").await;
        assert!(matches!(more, Err(Failure::Refused(AddRefusal::TooMany))), "{more:?}");
    }
}
