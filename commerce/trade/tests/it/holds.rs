//! How every keeper of stock behaves.

use identity::ids::AccountId;
use store::trial::Trial;
use trade::{
    holds::{CalmHolds, Holds, HoldsError},
    ids::DealId,
    order::{Purchase, state::Units},
};

use crate::{
    room::House,
    support::{Shop, sign_up},
};

/// A keeper of ten units of one kind.
trait Kept {
    type Holds: Holds;

    async fn open() -> Self;
    fn holds(&self) -> &Self::Holds;
    /// Holds so many units for somebody.
    async fn hold(&self, units: u32) -> Purchase;
    /// Free units.
    async fn free(&self) -> i64;
}

struct OfRoom {
    house: House,
    sale: std::sync::Arc<engine::view::SaleView>,
    holds: trade::holds::Room,
    db: store::Db,
    _trial: Trial,
}

impl Kept for OfRoom {
    type Holds = trade::holds::Room;

    async fn open() -> Self {
        let trial = Trial::sqlite();
        let db = crate::support::database(&trial).await;
        let house = House::open();
        let sale = house.publish(DealId::new(db.now()), 10, 60_000).await;
        Self { holds: house.room(), house, sale, db, _trial: trial }
    }

    fn holds(&self) -> &Self::Holds {
        &self.holds
    }

    async fn hold(&self, units: u32) -> Purchase {
        self.house.buy(&self.sale, account(&self.db).await, units).await
    }

    async fn free(&self) -> i64 {
        i64::try_from(self.sale.counts().next().unwrap().available).unwrap()
    }
}

struct OfCalm {
    shop: Shop,
    holds: CalmHolds,
    _trial: Trial,
}

impl OfCalm {
    async fn on(trial: Trial) -> Self {
        let shop = Shop::open(&trial, 10).await;
        Self { holds: CalmHolds::new(shop.db.clone()), shop, _trial: trial }
    }
}

impl Kept for OfCalm {
    type Holds = CalmHolds;

    async fn open() -> Self {
        Self::on(Trial::sqlite()).await
    }

    fn holds(&self) -> &CalmHolds {
        &self.holds
    }

    async fn hold(&self, units: u32) -> Purchase {
        let account = account(&self.shop.db).await;
        self.shop.hold(account, units).await.unwrap().purchase().clone()
    }

    async fn free(&self) -> i64 {
        self.shop.units().await.0
    }
}

struct OfCalmOnPostgres(OfCalm);

impl Kept for OfCalmOnPostgres {
    type Holds = CalmHolds;

    async fn open() -> Self {
        Self(OfCalm::on(Trial::postgres()).await)
    }

    fn holds(&self) -> &CalmHolds {
        self.0.holds()
    }

    async fn hold(&self, units: u32) -> Purchase {
        self.0.hold(units).await
    }

    async fn free(&self) -> i64 {
        self.0.free().await
    }
}

async fn account(db: &store::Db) -> AccountId {
    let name = format!("s{}", base::id::Id::new(db.now()));
    sign_up(db, &name).await
}

macro_rules! of_all {
    ($(async fn $name:ident<K: Kept>() $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run<K: Kept>() $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_the_room() {
                run::<OfRoom>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_calm_stock() {
                run::<OfCalm>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_calm_stock_on_postgres() {
                run::<OfCalmOnPostgres>().await;
            }
        }
    )*};
}

of_all! {
    async fn units_go_from_held_to_sold_and_back_each_step_once_however_often_asked<K: Kept>() {
        let keeper = K::open().await;
        let holds = keeper.holds();
        let purchase = keeper.hold(3).await;
        assert_eq!(keeper.free().await, 7);
        assert_eq!(holds.look(&purchase).await, Ok(Units::Held));
        for _ in 0..2 {
            assert_eq!(holds.pay(&purchase).await, Ok(Units::Paying));
        }
        for _ in 0..2 {
            assert_eq!(holds.confirm(&purchase).await, Ok(Units::Confirmed));
        }
        assert_eq!(holds.pay(&purchase).await, Ok(Units::Confirmed), "a late call moves nothing");
        assert_eq!(holds.release(&purchase).await, Ok(Units::Confirmed));
        assert_eq!(keeper.free().await, 7);
        for _ in 0..2 {
            assert_eq!(holds.refund(&purchase).await, Ok(Units::Refunded));
        }
        assert_eq!((keeper.free().await, holds.look(&purchase).await), (10, Ok(Units::Refunded)));
    }

    async fn units_that_were_released_never_come_back<K: Kept>() {
        let keeper = K::open().await;
        let holds = keeper.holds();
        for pays_first in [false, true] {
            let purchase = keeper.hold(2).await;
            if pays_first {
                holds.pay(&purchase).await.unwrap();
            }
            assert_eq!(holds.release(&purchase).await, Ok(Units::Released));
            assert_eq!(holds.release(&purchase).await, Ok(Units::Released));
            assert_eq!(holds.pay(&purchase).await, Ok(Units::Released));
            assert_eq!(holds.confirm(&purchase).await, Ok(Units::Released));
            assert_eq!(holds.refund(&purchase).await, Ok(Units::Released));
            assert_eq!(keeper.free().await, 10);
        }
    }

    async fn of_many_calls_at_once_each_finds_the_units_in_one_place<K: Kept>() {
        let keeper = K::open().await;
        let holds = keeper.holds();
        let purchase = keeper.hold(1).await;
        let (confirmed, released, paid) =
            tokio::join!(holds.confirm(&purchase), holds.release(&purchase), holds.pay(&purchase));
        let end = holds.look(&purchase).await.unwrap();
        assert!(matches!(end, Units::Confirmed | Units::Released), "{end:?}");
        let said = [confirmed.unwrap(), released.unwrap(), paid.unwrap()];
        assert!(said.iter().all(|one| [end, Units::Paying].contains(one)), "{said:?} then {end:?}");
        assert_eq!(keeper.free().await, if end == Units::Confirmed { 9 } else { 10 });
    }

    async fn a_hold_that_is_none_is_gone<K: Kept>() {
        let keeper = K::open().await;
        let known = keeper.hold(1).await;
        for strange in ["p1-999", "p9-1", "", "01hzzzzzzzzzzzzzzzzzzzzzzz"] {
            let purchase = Purchase { purchase: strange.to_owned(), ..known.clone() };
            assert_eq!(keeper.holds().look(&purchase).await, Err(HoldsError::Gone), "{strange}");
            assert_eq!(keeper.holds().confirm(&purchase).await, Err(HoldsError::Gone), "{strange}");
        }
    }
}
