//! What operators ask: decided by a node on its own world, whoever decides for shoppers.

use crate::{
    clock::Millis,
    id::SaleTag,
    limits::SALES_MAX,
    record::{Author, Change, Record},
    sale::ChangeRefusal,
    spec::SaleSpec,
    world::World,
};

/// The record of a new sale.
pub(super) fn created(
    world: &World,
    author: &Author,
    spec: &SaleSpec,
) -> Result<Record, ChangeRefusal> {
    let tag = spec.name.tag();
    let problems = spec.check();
    if !problems.is_empty() {
        return Err(ChangeRefusal::Spec(problems));
    }
    if world.sale(tag).is_some() {
        return Err(ChangeRefusal::NameTaken);
    }
    if world.sales().len() >= SALES_MAX {
        return Err(ChangeRefusal::SalesFull);
    }
    let (epoch, told) = (world.next_epoch(tag), world.last_event(tag));
    Ok(Record::Created { author: author.clone(), epoch, told, spec: Box::new(spec.clone()) })
}

/// The record of a change to a sale.
pub(super) fn changed(
    world: &World,
    tag: SaleTag,
    author: &Author,
    change: &Change,
    at: Millis,
) -> Result<Record, ChangeRefusal> {
    let sale = world.sale(tag).ok_or(ChangeRefusal::NoSale)?;
    sale.decide_change(change, at)?;
    let (author, change) = (author.clone(), Box::new(change.clone()));
    Ok(Record::Changed { sale: tag, author, change })
}
