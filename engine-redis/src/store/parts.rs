//! A sale as the store keeps it: the parts a node loads from its world, and what a change does to them.

use std::{iter, sync::Arc};

use engine::{
    clock::Millis,
    codec::Binary as _,
    hold::Hold,
    id::{Epoch, NodeName, Number},
    line::PlaceState,
    record::Change,
    sale::Sale,
    session::{Session, SessionState},
    spec::{Rejoin, SaleSpec, SpecPatch},
    stream::Point,
};
use fred::types::Value;

use super::{
    answer::Entry,
    call::{bytes, number},
};

/// Places in one field of the places hash, as `state.lua` has it.
const CHUNK_PLACES: usize = 64;

/// Fields, holds or answers in one part: some hundred kilobytes, decided in a few milliseconds, so that
/// loading a large sale does not hold up the others of the shard.
const PART_ITEMS_MAX: usize = 2_048;

/// Chunks of places in one part.
const PART_CHUNKS_MAX: usize = PART_ITEMS_MAX / CHUNK_PLACES;

/// Entries in one part; each may be as large as a batch's facts.
const PART_ENTRIES_MAX: usize = 16;

/// What the store is to note about a node when a sale is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It serves, and the others have yet to hear of it.
    Joining,
    /// It serves, and all members know.
    Known,
    /// It serves no more, and may come back and speak for the sale.
    Silent,
}

/// A sale to be written into the store.
#[derive(Clone, Copy, Debug)]
pub struct Rebuild<'a> {
    /// The sale as this node knows it.
    pub sale: &'a Sale,
    /// The latest time of any fact in it; the store's time goes on from there.
    pub at: Millis,
    /// The new epoch of its stream, higher than any before.
    pub epoch: Epoch,
    /// Where the stream ends for this node.
    pub last: &'a Point,
    /// The place right before `entries`; `last` when there are none.
    pub base: &'a Point,
    /// Entries that other nodes may not have, in their order up to `last`.
    pub entries: &'a [Entry],
    /// Who serves it, and who may come back that does not.
    pub members: &'a [(NodeName, Standing)],
}

/// One part: its name, and what belongs to it.
type Part = Vec<Value>;

/// The parts of a sale, in the order they are to be loaded.
pub(super) fn of<'a>(rebuild: &Rebuild<'a>) -> impl Iterator<Item = Part> + 'a {
    let Rebuild { sale, entries, .. } = *rebuild;
    let begin = iter::once(part("begin", []));
    let open = iter::once(part("open", meta(rebuild)));
    let entries = in_parts(entries.iter(), PART_ENTRIES_MAX)
        .map(|part| part.into_iter().flat_map(Entry::arguments))
        .map(|values| part("entries", values));
    begin
        .chain(places(sale))
        .chain(sessions(sale))
        .chain(iter::once(part("stock", stock(sale))))
        .chain(holds(sale))
        .chain(ended(sale))
        .chain(forgotten(sale))
        .chain(entry_answers(sale))
        .chain(hold_answers(sale))
        .chain(iter::once(part("members", members(rebuild))))
        .chain(entries)
        .chain(open)
}

fn members(rebuild: &Rebuild<'_>) -> Vec<Value> {
    let values = rebuild.members.iter().flat_map(|(node, standing)| {
        let standing = match standing {
            Standing::Joining => 0_u8,
            Standing::Known => 1,
            Standing::Silent => 2,
        };
        [Value::from(node.as_str()), number(standing)]
    });
    [number(rebuild.last.seq), number(rebuild.at.0)].into_iter().chain(values).collect()
}

fn part(name: &str, values: impl IntoIterator<Item = Value>) -> Part {
    iter::once(Value::from(name)).chain(values).collect()
}

/// Groups of at most `count`, made as they are asked for.
fn in_parts<I: Iterator>(mut items: I, count: usize) -> impl Iterator<Item = Vec<I::Item>> {
    iter::from_fn(move || {
        let group: Vec<_> = items.by_ref().take(count).collect();
        (!group.is_empty()).then_some(group)
    })
}

fn places(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    let all = (1..=sale.issued().0).map(Number);
    let chunk = move |numbers: Vec<Number>| {
        let mut out = Vec::with_capacity(numbers.len() * 17);
        for place in numbers {
            sale.shopper(place).expect("an issued number is someone's").encode(&mut out);
            sale.place(place).encode(&mut out);
        }
        bytes(&out)
    };
    let chunks = in_parts(all, CHUNK_PLACES).map(chunk);
    in_parts(chunks, PART_CHUNKS_MAX).zip((0..).step_by(PART_CHUNKS_MAX)).map(
        |(chunks, first): (Vec<Value>, u64)| {
            let keeps_all = number(u64::from(sale.spec().enters_once()));
            part("places", [number(first), keeps_all].into_iter().chain(chunks))
        },
    )
}

fn sessions(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    in_parts(sale.sessions(), PART_ITEMS_MAX).map(|sessions| {
        let mut out = Vec::new();
        for Session { number, state, since, deadline } in sessions {
            number.encode(&mut out);
            let state = match state {
                SessionState::Called => PlaceState::Called,
                SessionState::Admitted => PlaceState::Admitted,
                SessionState::Completed => PlaceState::Completed,
            };
            state.encode(&mut out);
            since.encode(&mut out);
            deadline.encode(&mut out);
        }
        part("sessions", [bytes(&out)])
    })
}

fn stock(sale: &Sale) -> impl Iterator<Item = Value> + '_ {
    sale.counts().iter().zip(&sale.spec().offers).map(|(counts, offer)| {
        let mut out = Vec::new();
        counts.encode(&mut out);
        offer.price.encode(&mut out);
        bytes(&out)
    })
}

fn holds(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    in_parts(sale.holds(), PART_ITEMS_MAX).map(|holds| {
        let encoded = |hold: &Arc<Hold>| {
            let mut out = Vec::new();
            Hold::encode(hold, &mut out);
            bytes(&out)
        };
        part("holds", holds.into_iter().map(encoded))
    })
}

fn ended(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    in_parts(sale.ended_holds(), PART_ITEMS_MAX).map(|ended| {
        let encoded = ended.into_iter().map(|(at, id)| {
            let mut out = Vec::new();
            at.encode(&mut out);
            id.encode(&mut out);
            bytes(&out)
        });
        part("ended", encoded)
    })
}

fn forgotten(sale: &Sale) -> impl Iterator<Item = Part> {
    in_parts(sale.forgotten_holds().into_iter(), PART_ITEMS_MAX).map(|shoppers| {
        let encoded = shoppers.into_iter().map(|(shopper, count)| {
            let mut out = Vec::new();
            shopper.encode(&mut out);
            count.encode(&mut out);
            bytes(&out)
        });
        part("forgotten", encoded)
    })
}

fn entry_answers(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    in_parts(sale.entry_answers(), PART_ITEMS_MAX).map(|answers| {
        let encoded = answers.into_iter().map(|(replay, at, answer)| {
            let mut out = Vec::new();
            replay.encode(&mut out);
            at.encode(&mut out);
            answer.number.encode(&mut out);
            bytes(&out)
        });
        part("entry_answers", encoded)
    })
}

fn hold_answers(sale: &Sale) -> impl Iterator<Item = Part> + '_ {
    in_parts(sale.hold_answers(), PART_ITEMS_MAX).map(|answers| {
        let encoded = answers.into_iter().map(|(replay, at, (hold, state))| {
            let mut out = Vec::new();
            replay.encode(&mut out);
            at.encode(&mut out);
            hold.encode(&mut out);
            state.encode(&mut out);
            bytes(&out)
        });
        part("hold_answers", encoded)
    })
}

/// The scalars of a sale, by field.
fn meta(rebuild: &Rebuild<'_>) -> Vec<Value> {
    let Rebuild { sale, last, base, .. } = *rebuild;
    let (gate, controls) = (sale.gate(), sale.controls());
    let (level, filled_at) = gate.level();
    let mut tag = Vec::new();
    sale.tag().encode(&mut tag);
    let mut values = vec![
        Value::from("tag"),
        bytes(&tag),
        Value::from("chain"),
        Value::from(last.chain.to_string()),
        Value::from("base_chain"),
        Value::from(base.chain.to_string()),
        Value::from("wall_offset"),
        Value::from(controls.clock_offset_ms.to_string()),
    ];
    let fields = [
        ("last_epoch", u64::from(last.epoch.0)),
        ("seq", last.seq),
        ("at", rebuild.at.0),
        ("base_epoch", u64::from(base.epoch.0)),
        ("base_seq", base.seq),
        ("places_epoch", u64::from(sale.epoch().0)),
        ("offers", sale.counts().len() as u64),
        ("rate", gate.rate_milli()),
        ("opened", u64::from(controls.opened)),
        ("closed", u64::from(controls.closed)),
        ("draining", u64::from(controls.draining)),
        ("archived", u64::from(sale.archive().is_some())),
        ("paused", u64::from(controls.paused)),
        ("issued", sale.issued().0),
        ("departed", sale.departed()),
        ("called", gate.called()),
        ("watermark", gate.watermark().0),
        ("level", level),
        ("filled_at", filled_at.0),
        ("active", sale.active_sessions()),
        ("holds", sale.last_hold().0),
    ];
    for (field, value) in fields {
        values.extend([Value::from(field), number(value)]);
    }
    let set_aside = sale.members().set_aside_to().map(|hold| hold.0);
    values.extend([Value::from("set_aside"), optional(set_aside)]);
    for (field, value) in spec_fields(sale.spec()) {
        values.extend([Value::from(field), optional(value)]);
    }
    values
}

/// What the store needs of a spec, but for the rate, whose change moves the gate.
fn spec_fields(spec: &SaleSpec) -> [(&'static str, Option<u64>); 11] {
    let time = |at: Option<Millis>| at.map(|at| at.0);
    [
        ("opens_at", time(spec.opens_at)),
        ("closes_at", time(spec.closes_at)),
        ("rejoin_tail", Some(u64::from(spec.rejoin == Rejoin::Tail))),
        ("enters_once", Some(u64::from(spec.enters_once()))),
        ("active_max", Some(u64::from(spec.active_max))),
        ("claim_window_ms", Some(spec.claim_window_ms)),
        ("session_ms", Some(spec.session_ms)),
        ("hold_ms", Some(spec.hold_ms)),
        ("per_shopper_max", Some(u64::from(spec.per_shopper_max))),
        ("overbook", spec.overbook_milli.map(u64::from)),
        ("refund_restocks", Some(u64::from(spec.refund_restocks))),
    ]
}

/// Those of them that a patch changes.
fn patch_fields(patch: &SpecPatch) -> impl Iterator<Item = (&'static str, Option<u64>)> {
    let time = |at: Option<Millis>| at.map(|at| at.0);
    let number = |value: u32| Some(u64::from(value));
    let flag = |value: bool| Some(u64::from(value));
    let fields = [
        patch.opens_at.map(|at| ("opens_at", time(at))),
        patch.closes_at.map(|at| ("closes_at", time(at))),
        patch.rejoin.map(|rejoin| ("rejoin_tail", flag(rejoin == Rejoin::Tail))),
        patch.active_max.map(|max| ("active_max", number(max))),
        patch.claim_window_ms.map(|ms| ("claim_window_ms", Some(ms))),
        patch.session_ms.map(|ms| ("session_ms", Some(ms))),
        patch.hold_ms.map(|ms| ("hold_ms", Some(ms))),
        patch.per_shopper_max.map(|max| ("per_shopper_max", number(max))),
        patch.overbook_milli.map(|milli| ("overbook", milli.map(u64::from))),
        patch.refund_restocks.map(|restocks| ("refund_restocks", flag(restocks))),
    ];
    fields.into_iter().flatten()
}

fn optional(value: Option<u64>) -> Value {
    value.map_or_else(|| Value::from(""), number)
}

/// What a change does to the store's keys: three arguments for each step.
pub(super) fn effects(change: &Change, sale: &Sale) -> Vec<Value> {
    let set =
        |field: &str, value: Option<u64>| [Value::from("set"), Value::from(field), optional(value)];
    let with = |name: &str, argument: String, more: String| {
        [Value::from(name), Value::from(argument), Value::from(more)]
    };
    let none = String::new;
    let steps = match change {
        Change::Update { patch } => {
            let rate = patch.admission_milli_per_second;
            let rate = rate.map(|rate| with("rate", rate.to_string(), none()));
            let fields = patch_fields(patch).map(|(field, value)| set(field, value));
            rate.into_iter().chain(fields).collect()
        }
        Change::Pause => vec![set("paused", Some(1))],
        Change::Resume => {
            let restart = with("restart", none(), none());
            vec![set("paused", Some(0)), set("draining", Some(0)), restart]
        }
        Change::Drain => vec![set("draining", Some(1))],
        Change::Open => {
            vec![set("opened", Some(1)), set("closed", Some(0)), set("draining", Some(0))]
        }
        Change::Close => vec![set("closed", Some(1))],
        Change::Message { .. } => Vec::new(),
        Change::Rate { admission_milli_per_second: rate } => {
            vec![with("rate", rate.to_string(), none())]
        }
        Change::Restock { offer, units } => {
            vec![with("restock", offer.0.to_string(), units.to_string())]
        }
        Change::Unstrand { offer, units } => {
            vec![with("unstrand", offer.0.to_string(), units.to_string())]
        }
        Change::Returned { released, .. } => {
            let units = |(offer, units): (usize, &u64)| {
                with("unstrand", offer.to_string(), units.to_string())
            };
            released.iter().enumerate().map(units).collect()
        }
        Change::Delete => {
            let mut made = Vec::new();
            sale.made().into_iter().for_each(|kept| kept.encode(&mut made));
            vec![[Value::from("delete"), bytes(&made), Value::from("")]]
        }
        Change::Archive { .. } => vec![with("archive", none(), none())],
    };
    let absence = sale.ends_absence(change).then(|| set("set_aside", None));
    steps.into_iter().chain(absence).flatten().collect()
}
