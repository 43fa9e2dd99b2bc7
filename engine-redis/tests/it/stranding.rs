//! A store is lost while a node is missing, and the others go on selling all the while: what the missing
//! node may have sold is set aside, counted, and given back by an operator, and no unit is sold twice.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{
    Failure,
    codec::Binary as _,
    command::Terms,
    disk::sim::SimDisk,
    id::{EventId, HoldId, OfferIndex, ShopperKey},
    limits::SKIPPED_NUMBERS,
    record::Change,
    sale::{ChangeRefusal, PurchaseRefusal, Sale, TicketRef},
    spec::SaleSpec,
    stock::Counts,
};
use tokio::time::Instant;

use super::{
    agreement::{agree, certify, journaled, part, returned},
    server::{Server, run},
    serving::{Serving, pause, shared, until},
};
use crate::support::{self, SALE, author, key};

const TOTALS: [u64; 2] = [130, 90];
/// Longer than it takes two nodes to find the store again, one after the other.
const QUORUM_WAIT: Duration = Duration::from_millis(2_500);
/// Purchases that the missing node alone knew of.
const UNHEARD: u128 = 8;

fn spec() -> SaleSpec {
    let (admission_milli_per_second, active_max) = (1_000_000_000, 10_000);
    SaleSpec { admission_milli_per_second, active_max, ..support::spec(&TOTALS) }
}

/// A node whose user in Redis can be kept from it.
fn start(server: &Server, node: &str, user: &str) -> Serving {
    on(&SimDisk::new(), server, node, user)
}

fn on(disk: &SimDisk, server: &Server, node: &str, user: &str) -> Serving {
    let mut options = shared(node, &server.url());
    options.muster_wait_ms = QUORUM_WAIT.as_millis().try_into().expect("a short while");
    // The host is not looked at; without one the URL has no place for a user.
    options.store.url = options.store.url.replace("unix://", &format!("unix://{user}:word@host"));
    Serving::on(disk, options)
}

/// What shoppers were told, by all nodes.
#[derive(Debug, Default)]
struct Told {
    next: Cell<u128>,
    /// Who is in the line, once and not again.
    numbers: RefCell<BTreeSet<u64>>,
    bought: RefCell<BTreeSet<HoldId>>,
    refused: Cell<u32>,
    /// What the shop was told of: of which hold each event is.
    events: RefCell<BTreeMap<EventId, (HoldId, ShopperKey)>>,
}

impl Told {
    fn sold(&self) -> usize {
        self.bought.borrow().len()
    }

    /// Takes a node's order events, as a shop does that knows them by their numbers.
    fn hear(&self, peer: &Serving) {
        for event in peer.events() {
            let of = (event.hold.id, event.hold.shopper);
            let known = *self.events.borrow_mut().entry(event.id).or_insert(of);
            assert_eq!(known, of, "{:?} was another before", event.id);
        }
    }

    /// One shopper more enters and buys a unit, as often as it takes to be told something.
    async fn sell_one(&self, peer: &Serving) {
        let shopper = self.next.get() + 1;
        self.next.set(shopper);
        let ticket = peer.pass(shopper).await;
        assert!(self.numbers.borrow_mut().insert(ticket.number.0), "{ticket:?} was there before");
        match buy(peer, ticket).await {
            Ok(hold) => assert!(self.bought.borrow_mut().insert(hold), "{hold:?} was sold before"),
            Err(PurchaseRefusal::SoldOut) => self.refused.set(self.refused.get() + 1),
            Err(other) => unreachable!("{other:?}"),
        }
        self.hear(peer);
    }

    /// Sells at a node until `is_over`.
    async fn sell(&self, peer: &Serving, is_over: impl Fn() -> bool) {
        while !is_over() {
            self.sell_one(peer).await;
            pause().await;
        }
    }
}

/// Each shopper wants the other offer than the one before.
fn offer(ticket: TicketRef) -> OfferIndex {
    OfferIndex(u16::from(ticket.shopper.0 % 2 == 1))
}

async fn buy(peer: &Serving, ticket: TicketRef) -> Result<HoldId, PurchaseRefusal> {
    loop {
        let (items, replay) = (vec![(offer(ticket), 1)], key(ticket.shopper.0, 1));
        match peer.engine().purchase(&peer.view(), ticket, items, replay).await {
            Ok(made) => return Ok(made.hold.id),
            Err(Failure::Refused(refused)) => return Err(refused),
            Err(Failure::Unavailable) => pause().await,
            Err(other) => unreachable!("{other:?}"),
        }
    }
}

fn counts(peer: &Serving) -> Vec<Counts> {
    peer.view().counts().collect()
}

/// Every unit of each offer is somewhere, once.
fn is_conserved(peer: &Serving) {
    for (counts, total) in counts(peer).into_iter().zip(TOTALS) {
        let Counts { available, held, paying, sold, stranded } = counts;
        assert_eq!(available + held + paying + sold + stranded, total, "{counts:?}");
    }
}

/// Units of each offer that are held, in a node's journal.
fn held_in(disk: &SimDisk) -> Vec<u64> {
    let (_, bytes) = journaled(disk);
    let sale = Sale::decode(&mut bytes.as_slice()).expect("a sale");
    sale.counts().iter().map(|counts| counts.held).collect()
}

async fn unstrand(peer: &Serving, offer: u16, units: u64) -> Result<(), Failure<ChangeRefusal>> {
    let unstrand = Change::Unstrand { offer: OfferIndex(offer), units };
    peer.engine().change(peer.view().tag(), author(), unstrand, Terms::default()).await.map(drop)
}

/// Sells at both nodes; the third alone goes on, is killed, and the store is wiped. Both sell on.
async fn lose(server: &Server, peers: [&Serving; 2], missing: Serving, told: &Told) -> SimDisk {
    let all = [peers[0], peers[1], &missing];
    let enough = || told.sold() >= 40;
    tokio::join!(told.sell(all[0], enough), told.sell(all[1], enough), told.sell(all[2], enough));
    let raw = server.raw().await;
    raw.call(&["ACL", "SETUSER", "those", "-fcall", "-fcall_ro"]).await;
    for peer in peers {
        until("it hears nothing", || !peer.troubles().is_empty()).await;
    }
    let heard = told.sold();
    for _ in 0..UNHEARD {
        told.sell_one(&missing).await;
    }
    assert_eq!(told.sold() - heard, usize::try_from(UNHEARD).expect("few"));
    until("the shop hears of them", || {
        told.hear(&missing);
        told.events.borrow().len() == told.sold()
    })
    .await;
    let disk = missing.kill().await;
    raw.call(&["FLUSHALL"]).await;
    raw.call(&["ACL", "SETUSER", "those", "+fcall", "+fcall_ro"]).await;
    disk
}

#[test]
fn units_that_a_missing_node_may_have_sold_are_set_aside_and_none_is_sold_twice() {
    let server = Server::start();
    run(async {
        for user in ["those", "that"] {
            server.raw().await.call(&["ACL", "SETUSER", user, "on", ">word", "~*", "+@all"]).await;
        }
        let (a, b) = (start(&server, "a", "those"), start(&server, "b", "those"));
        let missing = start(&server, "missing", "that");
        // The sale's first node delivers its events.
        missing.create_as(spec()).await;
        a.sale(SALE).await;
        b.sale(SALE).await;
        let told = Told::default();
        let disk = lose(&server, [&a, &b], missing, &told).await;
        let since = Instant::now();

        // Shoppers come all the while: they wait, then get numbers, and nothing is for sale.
        let is_over = || told.refused.get() >= 6;
        tokio::join!(told.sell(&a, is_over), told.sell(&b, is_over));
        assert!(since.elapsed() >= QUORUM_WAIT, "it was waited for: {:?}", since.elapsed());
        let late = *told.numbers.borrow().last().expect("numbers");
        assert!(late > u64::from(SKIPPED_NUMBERS), "{late}");
        agree(&[&a, &b]).await;
        let stranded: Vec<u64> = counts(&a).iter().map(|counts| counts.stranded).collect();
        for peer in [&a, &b] {
            is_conserved(peer);
            assert!(counts(peer).iter().all(|counts| counts.available == 0), "{stranded:?}");
        }

        // The operator looks into the missing node's journal, and gives the others back.
        let (has, had) = (held_in(&a.disk), held_in(&disk));
        let promised: Vec<u64> = had.iter().zip(&has).map(|(had, has)| had - has).collect();
        assert!(u128::from(promised.iter().sum::<u64>()) >= UNHEARD, "{promised:?}");
        for offer in 0..2_u16 {
            let index = usize::from(offer);
            let too_many = unstrand(&b, offer, stranded[index] + 1).await;
            assert!(matches!(too_many, Err(Failure::Refused(ChangeRefusal::Stranded { .. }))));
            unstrand(&b, offer, stranded[index] - promised[index])
                .await
                .expect("as many are there");
        }
        agree(&[&a, &b]).await;
        told.refused.set(0);
        let is_over = || told.refused.get() >= 1 && counts(&a).iter().all(|it| it.available == 0);
        tokio::join!(told.sell(&a, is_over), told.sell(&b, is_over));
        agree(&[&a, &b]).await;
        for (index, counts) in counts(&b).iter().enumerate() {
            // With those that the missing node had promised, all are sold, and none twice.
            assert_eq!(counts.held + promised[index], TOTALS[index]);
            assert_eq!((counts.available, counts.stranded), (0, promised[index]));
        }

        returns(&server, [&a, &b], &disk, &promised, &told).await;
        part([a, b]);
    });
}

/// The missing node comes back with its journal: it says what it had, takes over the sale as the others
/// have it, and serves on. What it had sold is void for the operator to settle.
async fn returns(
    server: &Server,
    peers: [&Serving; 2],
    disk: &SimDisk,
    promised: &[u64],
    told: &Told,
) {
    let back = on(disk, server, "missing", "that");
    until("it says what it had", || {
        let said = returned(peers[0], "missing");
        said.is_some_and(|(units, released)| units == promised && released == [0, 0])
    })
    .await;
    back.is_well().await;
    agree(&[peers[0], peers[1], &back]).await;
    is_conserved(&back);
    for offer in 0..2_u16 {
        unstrand(&back, offer, promised[usize::from(offer)]).await.expect("as many are there");
    }
    let sold = told.sold();
    let is_sold = || counts(&back).iter().all(|counts| counts.available == 0);
    told.sell(&back, is_sold).await;
    assert_eq!((told.sold() - sold) as u64, promised.iter().sum::<u64>());
    agree(&[peers[0], peers[1], &back]).await;
    for (counts, total) in counts(peers[0]).iter().zip(TOTALS) {
        assert_eq!((counts.held, counts.stranded), (total, 0));
    }
    certify(&back.stop());
}
