//! Rules of a sale that random sequences are too short for, as the library decides them.

use engine::{
    command::{Ask, Command},
    hold::Step,
    id::{Number, OfferIndex},
    limits::GATE_WALK_PLACES_MAX,
    line::PlaceState,
    record::{Change, ReplayKey},
    sale::{EntryRefusal, PurchaseRefusal},
    spec::{IdentityMode, SaleSpec},
};
use engine_redis::Verdict;

use super::server::{DEADLINE, Node, Server, run};
use crate::support;

#[test]
fn a_sale_goes_from_entry_to_refund() {
    let server = Server::start();
    run(async {
        let spec = SaleSpec { active_max: 1, ..support::spec(&[3, 1]) };
        let store = server.store("own", DEADLINE).await;
        let mut node = Node::creating(store, spec).await;
        let key = |key: u128| ReplayKey { key, body: 1 };
        let enter = |who: u128| support::enter(who, Some(key(who)));
        node.decide(&[enter(1), enter(2), enter(1)]).await;
        let of = |number| node.sale().place(Number(number));
        assert_eq!([of(1), of(2)], [PlaceState::Admitted, PlaceState::Waiting]);
        let items = [(OfferIndex(0), 2), (OfferIndex(1), 1)].into_iter().collect();
        let pass = support::ticket(1, 1);
        let (sale, replay) = (node.sale, key(50));
        let buy = Command::Ask(sale, Ask::Purchase { pass, items, replay });
        let step = |step| support::settle(1, step, None);
        node.decide(&[buy, step(Step::Pay), step(Step::Confirm), step(Step::Refund)]).await;
        let sale = node.sale();
        assert_eq!(sale.counts()[0].available, 3);
        assert_eq!(sale.place(Number(1)), PlaceState::Completed);
        assert!(sale.place(Number(2)) == PlaceState::Called, "the slot went to the next");
    });
}

async fn change(node: &mut Node, change: &Change) {
    let appended = node.append(&node.point, change).await;
    node.follow(&appended.expect("appended where the stream ends"));
}

/// Random lines are too short for it.
#[test]
fn a_gate_behind_which_a_crowd_has_left_gets_past_it_in_bounded_steps_here_too() {
    let server = Server::start();
    run(async {
        let (first, last) = (GATE_WALK_PLACES_MAX, GATE_WALK_PLACES_MAX + 3);
        let spec = support::spec(&[9]);
        let mut node = Node::creating(server.store("own", DEADLINE).await, spec).await;
        node.decide(&[]).await;
        change(&mut node, &Change::Pause).await;
        for from in (1..=last).step_by(4_096) {
            let who = from..=last.min(from + 4_095);
            let crowd: Vec<_> = who.map(|who| support::enter(who.into(), None)).collect();
            node.decide(&crowd).await;
        }
        let gone: Vec<Number> = (1..last).map(Number).collect();
        for numbers in gone.chunks(4_096).map(<[Number]>::to_vec) {
            node.decide(&[Command::Ask(node.sale, Ask::Idle { numbers })]).await;
        }
        change(&mut node, &Change::Resume).await;
        let gate = |node: &Node| (node.sale().gate().watermark(), node.sale().gate().called());
        node.decide(&[]).await;
        assert_eq!(gate(&node), (Number(first), 0));
        node.decide(&[]).await;
        assert_eq!(gate(&node), (Number(last), 1));
    });
}

/// Random sequences are too short for it. Half of the holds are known from what a node loaded.
#[test]
fn one_shopper_makes_holds_up_to_a_bound_here_too() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let spec = SaleSpec { per_shopper_max: 1, ..support::spec(&[9]) };
        let mut node = Node::creating(store, spec).await;
        let raw = server.raw().await;
        node.decide(&[support::enter(1, None)]).await;
        let buy = |key| support::purchase(support::ticket(1, 1), 1, ReplayKey { key, body: 0 });
        for round in 1..=16 {
            if round == 8 {
                raw.call(&["FLUSHALL"]).await;
                node.reload().await;
            }
            let release = support::settle(round, Step::Release, None);
            let decision = node.decide(&[buy(round.into()), release]).await;
            assert!(matches!(decision.verdicts[0], Verdict::Purchase(Ok(_))), "{round}");
        }
        let refused = Verdict::Purchase(Err(PurchaseRefusal::TooManyHolds));
        assert_eq!(node.decide(&[buy(17)]).await.verdicts, [refused]);
    });
}

#[test]
fn an_invitation_is_used_up_by_its_entry_here_too_and_after_a_loss() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let spec = SaleSpec { identity: IdentityMode::Invite, ..support::spec(&[9]) };
        let mut node = Node::creating(store, spec).await;
        let leave = Command::Ask(node.sale, Ask::Leave { ticket: support::ticket(1, 1) });
        node.decide(&[support::enter(1, None), support::enter(2, None), leave]).await;
        let refused = || Verdict::Entry(Err(EntryRefusal::EnteredBefore));
        assert_eq!(node.decide(&[support::enter(1, None)]).await.verdicts, [refused()]);
        server.raw().await.call(&["FLUSHALL"]).await;
        node.reload().await;
        let again = [support::enter(1, None), support::enter(2, None), support::enter(3, None)];
        let verdicts = node.decide(&again).await.verdicts;
        assert_eq!(verdicts[0], refused());
        assert_eq!(node.sale().issued(), Number(3), "only the third is new");
    });
}

/// Random sequences seldom refund one of several holds and then confirm the last.
#[test]
fn a_refund_does_not_count_as_an_open_hold_that_ended() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let mut node = Node::creating(store, support::spec(&[9])).await;
        let buy = |key| support::purchase(support::ticket(1, 1), 1, ReplayKey { key, body: 0 });
        let step = |hold, step| support::settle(hold, step, None);
        node.decide(&[support::enter(1, None)]).await;
        node.decide(&[buy(1), buy(2), step(1, Step::Confirm), step(1, Step::Refund)]).await;
        assert_eq!(node.sale().place(Number(1)), PlaceState::Admitted);
        node.decide(&[step(2, Step::Confirm)]).await;
        assert_eq!(node.sale().place(Number(1)), PlaceState::Completed);
    });
}
