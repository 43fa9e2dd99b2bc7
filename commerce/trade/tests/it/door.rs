//! What a pass is good for at the door.

use std::sync::Arc;

use engine::{hold::Step, id::HoldId, sale::Settler, sale::TicketRef};
use identity::ids::AccountId;
use store::trial::Trial;
use trade::{
    door::{Door, DoorError, DoorRefusal, PassFault, Passes, Shown},
    ids::DealId,
    order::Bought,
};

use crate::{
    room::House,
    support::{database, sign_up},
};

/// Passes whose text is the admission's number.
#[derive(Debug)]
struct Numbered(Vec<TicketRef>);

impl Passes for Numbered {
    fn read(&self, pass: &str, _sale: &str) -> Result<TicketRef, PassFault> {
        if pass == "over" {
            return Err(PassFault::Over);
        }
        let at = pass.parse::<usize>().ok();
        at.and_then(|at| self.0.get(at).copied()).ok_or(PassFault::Invalid)
    }
}

/// A deal, two shoppers with a pass each, and the door.
struct Scene {
    house: House,
    sale: Arc<engine::view::SaleView>,
    deal: DealId,
    shoppers: [AccountId; 2],
    door: Door,
    _trial: Trial,
}

impl Scene {
    async fn open(units: u64) -> Self {
        let trial = Trial::sqlite();
        let db = database(&trial).await;
        let house = House::open();
        let deal = DealId::new(db.now());
        let sale = house.publish(deal, units, 60_000).await;
        let shoppers = [sign_up(&db, "u1").await, sign_up(&db, "u2").await];
        let mut passes = Vec::new();
        for account in shoppers {
            let shopper = house.keys.of_account(sale.name(), &account.to_string());
            let entry = house.engine.enter(&sale, shopper, None).await.unwrap();
            passes.push(TicketRef { epoch: entry.epoch, number: entry.answer.number, shopper });
        }
        let door = Door::new(house.room(), Arc::new(Numbered(passes)));
        Self { house, sale, deal, shoppers, door, _trial: trial }
    }

    async fn admit(&self, who: usize, pass: &str, quantity: u32) -> Result<Bought, DoorError> {
        self.door.admit(self.shoppers[who], self.deal, &Shown { pass, quantity }).await
    }

    fn free(&self) -> u64 {
        self.sale.counts().next().unwrap().available
    }

    async fn settle(&self, bought: &Bought, step: Step) {
        let hold = bought.purchase().purchase.split(['-', '@']).nth(1).unwrap().parse().unwrap();
        let settled =
            self.house.engine.settle(&self.sale, HoldId(hold), step, Settler::Backend, None);
        settled.await.unwrap();
    }
}

fn refusal(found: Result<Bought, DoorError>) -> DoorRefusal {
    match found {
        Err(DoorError::Refused(refusal)) => refusal,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_8_defect_5_a_pass_holds_units_for_its_own_account_alone() {
    let scene = Scene::open(20).await;
    assert_eq!(refusal(scene.admit(1, "0", 1).await), DoorRefusal::PassForeign);
    assert_eq!(refusal(scene.admit(0, "none", 1).await), DoorRefusal::PassForeign);
    assert_eq!(refusal(scene.admit(0, "over", 1).await), DoorRefusal::PassOver);
    assert_eq!(refusal(scene.admit(0, "0", 11).await), DoorRefusal::Limit);
    assert_eq!(scene.free(), 20);
    let bought = scene.admit(0, "0", 3).await.unwrap();
    assert_eq!((bought.items()[0].quantity, bought.items()[0].unit.minor), (3, 31_000));
    assert_eq!(scene.free(), 17);
    let purchase = &bought.purchase().purchase;
    let door = &scene.door;
    assert_eq!(
        door.bought(scene.shoppers[0], scene.deal, purchase).await.unwrap(),
        Some(bought.clone())
    );
    assert_eq!(door.bought(scene.shoppers[1], scene.deal, purchase).await.unwrap(), None);
    assert!(!door.give_up(scene.shoppers[1], scene.deal, purchase).await.unwrap());
    assert!(door.give_up(scene.shoppers[0], scene.deal, purchase).await.unwrap());
    assert_eq!(scene.free(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_is_shown_again_holds_the_same_units() {
    let scene = Scene::open(20).await;
    let both = tokio::join!(scene.admit(0, "0", 2), scene.admit(0, "0", 2));
    let first = both.0.unwrap();
    assert_eq!(first, both.1.unwrap());
    assert_eq!(scene.admit(0, "0", 2).await.unwrap(), first);
    assert_eq!(refusal(scene.admit(0, "0", 1).await), DoorRefusal::PassUsed);
    assert_eq!(scene.free(), 18);
    scene.settle(&first, Step::Release).await;
    let second = scene.admit(0, "0", 1).await.unwrap();
    assert_ne!(second.purchase(), first.purchase());
    assert_eq!(scene.free(), 19);
    scene.settle(&second, Step::Confirm).await;
    assert_eq!(refusal(scene.admit(0, "0", 1).await), DoorRefusal::PassUsed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_not_there_or_sold_out_is_told_so() {
    let scene = Scene::open(10).await;
    let other = DealId::new(base::moment::Moment(1));
    let shown = Shown { pass: "0", quantity: 1 };
    let refused = scene.door.admit(scene.shoppers[0], other, &shown).await;
    assert_eq!(refusal(refused), DoorRefusal::NotOpen);
    scene.admit(0, "0", 10).await.unwrap();
    assert_eq!(refusal(scene.admit(1, "1", 1).await), DoorRefusal::SoldOut);
}
