//! What the certificate says to journals that no engine would write.

use std::sync::Arc;

use engine::{
    arbiter::LocalArbiter,
    certificate,
    codec::Binary as _,
    command::{Ask, Command, Note},
    disk::{Disk, sim::SimDisk},
    hold::Step,
    id::{Epoch, EventId, HoldId, Number, OfferIndex, ShopperKey},
    journal::{Journal, JournalOptions},
    record::{Change, Record},
    spec::{IdentityMode, SaleSpec, SpecPatch},
};

use crate::support::{
    START, author, change, create, enter, key, only, purchase, settle, spec, tag, ticket,
};

/// Violations of a journal of these records.
fn violations_of(records: &[Record]) -> Vec<String> {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let opened = Journal::open(Arc::clone(&disk), JournalOptions::default(), &mut |_| Ok(()));
    let (mut journal, _) = opened.expect("an empty disk");
    let mut payload = Vec::new();
    for record in records {
        record.encode(&mut payload);
    }
    let count = u32::try_from(records.len()).expect("few");
    journal.reserve(payload.len()).expect("room");
    journal.append(START, Epoch(1), count, &payload).expect("a sound disk");
    drop(journal);
    certificate::certify(&*disk).expect("a journal that can be read").violations
}

/// Violations of a journal in which hold 1 takes the steps of `honest`, as the engine decides them, and
/// then `forged`.
fn violations(honest: &[Step], forged: Step) -> Vec<String> {
    let mut arbiter = LocalArbiter::default();
    let mut records = arbiter.decide(START, &[create(spec(&[9])), enter(1, None)]).records;
    records.extend(arbiter.decide(START, &[purchase(ticket(1, 1), 2, key(1, 1))]).records);
    let steps: Vec<Command> = honest.iter().map(|step| settle(1, *step, None)).collect();
    records.extend(arbiter.decide(START, &steps).records);
    records.push(Record::Settled { sale: tag(), hold: HoldId(1), step: forged, replay: None });
    violations_of(&records)
}

/// The states of a hold with the steps that lead there, and the steps that may follow.
#[test]
fn a_step_that_does_not_follow_is_a_violation_and_one_that_does_is_none() {
    use Step::{Confirm, Expire, Pay, Refund, Release};
    let states: [(&str, &[Step], &[Step]); 6] = [
        ("Held", &[], &[Pay, Confirm, Release, Expire]),
        ("Paying", &[Pay], &[Confirm, Release]),
        ("Confirmed", &[Confirm], &[Refund]),
        ("Released", &[Release], &[]),
        ("Expired", &[Expire], &[]),
        ("Refunded", &[Confirm, Refund], &[]),
    ];
    for (state, honest, allowed) in states {
        for step in [Pay, Confirm, Release, Expire, Refund] {
            let found = violations(honest, step);
            let named = format!("hold 1: {step:?} from {state}");
            let is_named = found.iter().any(|violation| violation.ends_with(&named));
            assert_eq!(is_named, !allowed.contains(&step), "{named}: {found:?}");
            assert_eq!(found.is_empty(), allowed.contains(&step), "{named}: {found:?}");
        }
    }
}

#[test]
fn a_second_entry_by_one_invitation_is_a_violation() {
    for (identity, expected) in [(IdentityMode::Header, 0), (IdentityMode::Invite, 1)] {
        let mut arbiter = LocalArbiter::default();
        let spec = SaleSpec { identity, ..spec(&[9]) };
        let mut records = arbiter.decide(START, &[create(spec), enter(1, None)]).records;
        let leave = Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) });
        records.extend(arbiter.decide(START, &[leave]).records);
        records.push(Record::Entered { sale: tag(), number: Number(2), shopper: ShopperKey(1) });
        let found = violations_of(&records);
        assert_eq!(found.len(), expected, "{found:?}");
    }
}

#[test]
fn what_moves_or_changes_an_archived_sale_is_a_violation_and_a_refund_is_none() {
    let mut arbiter = LocalArbiter::default();
    let mut records = arbiter.decide(START, &[create(spec(&[9])), enter(1, None)]).records;
    let taken = Note::Delivered { by: only(), events: vec![EventId(1), EventId(2)] };
    let all = [
        purchase(ticket(1, 1), 2, key(1, 1)),
        settle(1, Step::Confirm, None),
        Command::Note(tag(), taken),
        change(Change::Close),
        change(Change::Archive { digest: [0; 32] }),
    ];
    records.extend(arbiter.decide(START, &all).records);
    let after = |record| {
        let mut records = records.clone();
        records.push(record);
        violations_of(&records)
    };
    let changed = |change| {
        let (author, change) = (author(), Box::new(change));
        Record::Changed { sale: tag(), author, change, replay: None }
    };
    let sale = tag();
    let refunded = Record::Settled { sale, hold: HoldId(1), step: Step::Refund, replay: None };
    assert_eq!(after(refunded), [""; 0]);
    assert_eq!(after(Record::ClockSet { sale, offset_ms: 1 }), [""; 0]);
    let offer = OfferIndex(0);
    let patch = SpecPatch { per_shopper_max: Some(9), ..SpecPatch::default() };
    let refused = [Change::Open, Change::Restock { offer, units: 1 }, Change::Update { patch }];
    for change in refused {
        assert_ne!(after(changed(change.clone())), [""; 0], "{change:?}");
    }
    let entered = Record::Entered { sale, number: Number(2), shopper: ShopperKey(2) };
    assert_ne!(after(entered), [""; 0]);
}
