//! What operators ask: decided by a node on its own world, whoever decides for shoppers.

use std::sync::Arc;

use crate::{
    clock::Millis,
    command::{Changed, Terms},
    id::SaleTag,
    limits::SALES_MAX,
    record::{Author, Change, Record, ReplayKey},
    sale::{ChangeRefusal, KnownChange},
    spec::SaleSpec,
    world::World,
};

/// What an operator's request comes to.
#[derive(Debug)]
pub enum Decision {
    /// This record should be.
    Decided(Record),
    /// It was answered before.
    Answered(Changed),
}

/// The record of a new sale.
pub fn created(
    world: &World,
    author: &Author,
    spec: &SaleSpec,
    replay: Option<ReplayKey>,
    at: Millis,
) -> Result<Decision, ChangeRefusal> {
    let tag = spec.name.tag();
    if let Some(changed) = answered(world, tag, replay, at)? {
        return Ok(Decision::Answered(changed));
    }
    if replay.is_some_and(|replay| world.knows_key(replay, at)) {
        // It made a sale of another name.
        return Err(ChangeRefusal::OtherBody);
    }
    let problems = spec.check();
    if !problems.is_empty() {
        return Err(ChangeRefusal::Spec(problems));
    }
    if world.sale(tag).is_some() || world.is_archived(tag) {
        return Err(ChangeRefusal::NameTaken);
    }
    if world.live_sales() >= SALES_MAX {
        return Err(ChangeRefusal::SalesFull);
    }
    let (epoch, told) = (world.next_epoch(tag), world.last_event(tag));
    let (author, spec) = (author.clone(), Box::new(spec.clone()));
    Ok(Decision::Decided(Record::Created { author, epoch, told, spec, replay }))
}

/// The record of a change to a sale.
pub fn changed(
    world: &World,
    tag: SaleTag,
    (author, change): (&Author, &Change),
    terms: &Terms,
    at: Millis,
) -> Result<Decision, ChangeRefusal> {
    let replay = terms.replay;
    if let Some(changed) = answered(world, tag, replay, at)? {
        return Ok(Decision::Answered(changed));
    }
    let sale = world.sale(tag).ok_or(ChangeRefusal::NoSale)?;
    sale.decide_change(change, terms.versions.as_deref(), at)?;
    if matches!(change, Change::Archive { .. }) && world.is_warm_full() {
        return Err(ChangeRefusal::SalesFull);
    }
    if terms.facts.is_some_and(|facts| facts != sale.facts()) {
        return Err(ChangeRefusal::MovedOn);
    }
    let (author, change) = (author.clone(), Box::new(change.clone()));
    Ok(Decision::Decided(Record::Changed { sale: tag, author, change, replay }))
}

/// What a request with this key was answered before, if it was: by the sale, or by an earlier one of
/// its name that was made or deleted with it.
pub fn answered(
    world: &World,
    tag: SaleTag,
    replay: Option<ReplayKey>,
    at: Millis,
) -> Result<Option<Changed>, ChangeRefusal> {
    let Some(replay) = replay else { return Ok(None) };
    match world.deleted_with(tag, replay, at) {
        Some(true) => return Ok(Some(Changed { answer: None, replayed: true })),
        Some(false) => return Err(ChangeRefusal::OtherBody),
        None => {}
    }
    let known = world.sale(tag).map_or(KnownChange::New, |sale| sale.known_change(replay, at));
    told(if known == KnownChange::New { world.made_with(tag, replay, at) } else { known })
}

/// The answer that is known, if it is.
pub fn told(known: KnownChange) -> Result<Option<Changed>, ChangeRefusal> {
    match known {
        KnownChange::New => Ok(None),
        KnownChange::Answered(answer) => Ok(Some(Changed { answer: Some(answer), replayed: true })),
        KnownChange::OtherBody => Err(ChangeRefusal::OtherBody),
    }
}

/// The answer to a change that was just made; word for word the one that is kept for its key.
pub fn made(world: &World, tag: SaleTag, replay: Option<ReplayKey>, at: Millis) -> Changed {
    if let Ok(Some(kept)) = answered(world, tag, replay, at) {
        return Changed { replayed: false, ..kept };
    }
    let answer = world.sale(tag).map(|sale| Arc::new(sale.change_answer(at)));
    Changed { answer, replayed: false }
}
