//! What the certificate says to journals that no engine would write.

use std::sync::Arc;

use engine::{
    arbiter::LocalArbiter,
    certificate,
    codec::Binary as _,
    command::{Ask, Command},
    disk::{Disk, sim::SimDisk},
    hold::Step,
    id::{Epoch, HoldId, Number, ShopperKey},
    journal::{Journal, JournalOptions},
    record::Record,
    spec::{IdentityMode, SaleSpec},
};

use crate::support::{START, create, enter, key, purchase, settle, spec, tag, ticket};

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
