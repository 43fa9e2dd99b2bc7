//! Rules of the scribe that once were broken: permits, keys on their way, idle sweeps, the outlet.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use std::sync::Arc;

use engine::{
    clock::ManualClock,
    command::{Ask, Command, Note, Reply},
    disk::sim::SimDisk,
    hold::{HoldState, Step},
    id::{EventId, OfferIndex, SaleName, SaleTag, ShopperKey},
    limits::{IDLE_SALES_MAX, SHOPPER_HOLDS_LISTED_MAX},
    record::Change,
    sale::{PurchaseRefusal, Sale},
    scribe::{Answer, Busy},
    spec::{SaleSpec, SpecPatch},
};

use crate::{
    sim::node::{Asked, Heard, Node, hear},
    support::{
        self, SALE, START, change, create, enter, key, name, purchase, settle, spec, ticket,
    },
};

struct Shop {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    node: Node,
}

impl Shop {
    /// A sale of some units, with shoppers 1 to 3 let in at their numbers.
    fn open(units: u64) -> Self {
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(START)));
        let node = Node::start(&disk, &clock).expect("an empty disk");
        let mut shop = Self { disk, clock, node };
        shop.all([create(spec(&[units]))]);
        shop.all([1, 2, 3].map(|shopper| enter(shopper, None)));
        shop
    }

    /// Asks everything in one batch; `None` for what the permits refused.
    fn all<const N: usize>(&mut self, commands: [Command; N]) -> [Option<Answer>; N] {
        let asked = commands.map(|command| self.node.ask(command));
        self.node.step().expect("a disk that syncs");
        asked.map(|asked| match asked {
            Asked::Waiting(mut commit) => match hear(&mut commit) {
                Heard::Told(answer) => Some(answer),
                Heard::Waiting | Heard::Abandoned => panic!("a step answers"),
            },
            Asked::SoldOut | Asked::Overloaded => None,
        })
    }

    fn permits(&self) -> i64 {
        self.node.view(SALE).stock().permits(OfferIndex(0))
    }
}

fn is_held(answer: Option<&Answer>) -> bool {
    matches!(answer, Some(Ok(Reply::Purchase(Ok(_)))))
}

fn buy(shopper: u64, key_number: u128) -> Command {
    purchase(ticket(shopper, shopper.into()), 1, key(key_number, 1))
}

#[test]
fn a_refund_frees_permits_by_the_policy_of_its_moment() {
    let mut shop = Shop::open(1);
    shop.all([buy(1, 1)]);
    shop.all([settle(1, Step::Confirm, None)]);
    let patch = SpecPatch { refund_restocks: Some(false), ..SpecPatch::default() };
    shop.all([settle(1, Step::Refund, None), change(Change::Update { patch })]);
    assert_eq!(shop.permits(), 1, "the refunded unit is for sale");
}

#[test]
fn a_refused_twin_leaves_the_key_of_the_hold_known() {
    let mut shop = Shop::open(1);
    shop.all([buy(1, 1)]);
    assert_eq!(shop.all([purchase(ticket(9, 9), 1, key(7, 1))]), [None], "nothing to take");
    shop.all([settle(1, Step::Release, None)]);
    // Two at once: the first takes the permit and is refused, its twin goes without and is not.
    let stranger = purchase(ticket(9, 9), 1, key(7, 1));
    let [stranger, own] = shop.all([stranger, buy(2, 7)]);
    let no_session = Reply::Purchase(Err(PurchaseRefusal::NoSession));
    assert_eq!(stranger, Some(Ok(no_session)));
    assert!(is_held(own.as_ref()));
    let [again] = shop.all([buy(2, 7)]);
    assert!(is_held(again.as_ref()), "sold out, but this key has its hold");
}

#[test]
fn a_purchase_refused_as_busy_leaves_nothing_behind() {
    let mut shop = Shop::open(1);
    // No room for a batch: the segment is full, and so is the disk.
    shop.disk.set_capacity(Some(1));
    let mut shopper = 100;
    loop {
        shopper += 1;
        if shop.all([enter(shopper, Some(key(shopper, 1)))]) == [Some(Err(Busy::StorageFull))] {
            break;
        }
    }
    assert_eq!(shop.all([buy(1, 1)]), [Some(Err(Busy::StorageFull))]);
    assert_eq!(shop.permits(), 1);
    assert!(shop.node.registry().is_storage_full());
    shop.disk.set_capacity(None);
    let [held] = shop.all([buy(2, 2)]);
    assert!(is_held(held.as_ref()));
    assert!(!shop.node.registry().is_storage_full());
    // The first key was never decided: it is no reason to ask the scribe for what is gone.
    assert_eq!(shop.all([buy(1, 1)]), [None]);
}

#[test]
fn a_busy_sale_does_not_keep_another_from_letting_its_quiet_places_go() {
    let mut shop = Shop::open(1);
    let sales = ["one", "two"].map(name);
    for name in sales.clone() {
        let full = SaleSpec { name, active_max: 1, idle_ms: 5_000, ..spec(&[1]) };
        shop.all([create(full)]);
    }
    let into = |sale: SaleTag, shopper| {
        let shopper = ShopperKey(shopper);
        Command::Ask(sale, Ask::Enter { shopper, replay: None })
    };
    let [one, two] = sales.map(|name| name.tag());
    shop.all([into(one, 1), into(one, 2), into(two, 1), into(two, 2)]);
    // Each second somebody new has gone quiet in both.
    for shopper in 3..40 {
        shop.clock.advance(1_000);
        shop.all([into(one, shopper), into(two, shopper)]);
    }
    for tag in [one, two] {
        let sale = shop.node.world().sale(tag).expect("made");
        assert!(sale.line_length() < 12, "{} people stand in line", sale.line_length());
    }
}

#[test]
fn of_a_shoppers_many_holds_those_that_came_to_nothing_leave_the_list_first() {
    let mut shop = Shop::open(500);
    let patch = SpecPatch { per_shopper_max: Some(400), ..SpecPatch::default() };
    shop.all([change(Change::Update { patch })]);
    let most = SHOPPER_HOLDS_LISTED_MAX as u64;
    let listed = |shop: &Shop| {
        let holds = shop.node.view(SALE).holds_of(ShopperKey(1));
        holds.iter().map(|hold| (hold.id.0, hold.state)).collect::<Vec<_>>()
    };
    (1..=2 * most).for_each(|hold| drop(shop.all([buy(1, hold.into())])));
    let latest: Vec<_> = (most + 1..=2 * most).map(|id| (id, HoldState::Held)).collect();
    assert_eq!(listed(&shop), latest);
    // Twenty of the latest come to nothing; then one more makes the list too long again.
    let last = 3 * most - 1;
    (2 * most + 1..=last).for_each(|hold| drop(shop.all([buy(1, hold.into())])));
    let released = last - 19..=last;
    released.for_each(|hold| drop(shop.all([settle(hold, Step::Release, None)])));
    shop.all([buy(1, (last + 1).into())]);
    let listed = listed(&shop);
    assert_eq!(listed.len() as u64, most);
    assert!(listed.iter().all(|(_, state)| *state == HoldState::Held), "{listed:?}");
    assert_eq!(listed[0].0, 2 * most - 19, "the latest of those that are open");
}

/// One sale a second was too slow for many sales.
#[test]
fn of_many_sales_whose_people_all_leave_each_is_swept_at_once() {
    let mut shop = Shop::open(1);
    let names: Vec<_> = (0..120).map(|sale| name(&format!("sale-{sale}"))).collect();
    for name in &names {
        let full = SaleSpec { name: name.clone(), active_max: 1, idle_ms: 5_000, ..spec(&[1]) };
        shop.all([create(full)]);
        let into =
            |who| Command::Ask(name.tag(), Ask::Enter { shopper: ShopperKey(who), replay: None });
        shop.all([1, 2, 3].map(into));
    }
    let waiting = |shop: &Shop| {
        let length = |name: &SaleName| shop.node.world().sale(name.tag()).map(Sale::line_length);
        names.iter().filter_map(length).sum::<u64>()
    };
    assert_eq!(waiting(&shop), 240);
    shop.clock.advance(7_000);
    let turns = names.len().div_ceil(IDLE_SALES_MAX) + 1;
    for _ in 0..turns {
        shop.all([]);
        shop.clock.advance(50);
    }
    assert_eq!(waiting(&shop), 0);
}

#[test]
fn what_stayed_back_behind_a_dead_letter_goes_on_once_that_was_taken_after_all() {
    let mut shop = Shop::open(1);
    shop.all([buy(1, 1)]);
    let queue = shop.node.offers[0].queue.clone();
    let held = queue.try_iter().find_map(support::shown).expect("the hold's first event");
    // Two copies were on their way: the sink refused one and took the other.
    shop.all([Command::Note(
        held.sale.tag(),
        Note::DeadLetter { by: support::only(), event: held.id, why: String::new() },
    )]);
    shop.all([settle(1, Step::Pay, None)]);
    assert!(queue.is_empty(), "it stays back");
    shop.all([Command::Note(
        held.sale.tag(),
        Note::Delivered { by: support::only(), events: vec![held.id] },
    )]);
    assert!(shop.node.registry().dead_letters().is_empty());
    shop.all([settle(1, Step::Confirm, None)]);
    let told: Vec<_> =
        queue.try_iter().filter_map(support::shown).map(|e| (e.id, e.hold.state)).collect();
    let rest = [(EventId(2), HoldState::Paying), (EventId(3), HoldState::Confirmed)];
    assert_eq!(told, rest);
}
