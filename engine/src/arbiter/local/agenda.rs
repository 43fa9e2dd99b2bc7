//! Which sales have something to do that no command asks for, and when.
//!
//! A batch looks at the sales that facts were decided of, and at those that are due. However many others
//! there are, they cost it nothing. All of it follows from the world: an agenda made from one says the same
//! as an agenda that was kept along with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Millis,
    id::SaleTag,
    limits::{CLAIM_AFTER_OUTAGE_MS, CLOCK_STEP_MS},
    sale::Sale,
    world::World,
};

/// The agenda of all sales.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Sales by when they are due next; none for which only a command can do something.
    due: BTreeSet<(Millis, SaleTag)>,
    /// Sales by how far the wall clock is ahead of engine time, as each has it.
    offsets: BTreeSet<(i64, SaleTag)>,
    /// Where each sale is in the two.
    noted: BTreeMap<SaleTag, Noted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    due: Option<Millis>,
    offset_ms: i64,
}

impl Agenda {
    /// The agenda of a world.
    pub(super) fn of(world: &World) -> Self {
        let mut agenda = Self::default();
        // Seen from the beginning of time a sale is due too early, if at all: then it is looked at once.
        world.sales().for_each(|sale| agenda.note(sale.tag(), Some(sale), Millis(0)));
        agenda
    }

    /// Sales that are due at `at`, by tag.
    pub(super) fn due(&self, at: Millis) -> Vec<SaleTag> {
        let due = self.due.range(..=(at, SaleTag(u64::MAX)));
        sorted(due.map(|(_, tag)| *tag).collect())
    }

    /// Sales with called places whose time to claim may end too early after an outage that ended at
    /// `at`, by tag.
    pub(super) fn due_after_outage(&self, at: Millis) -> Vec<SaleTag> {
        self.due(at.after(CLAIM_AFTER_OUTAGE_MS))
    }

    /// Sales for which the wall clock was stepped, if it is so far ahead of engine time, by tag.
    pub(super) fn stepped(&self, offset_ms: i64) -> Vec<SaleTag> {
        let step = CLOCK_STEP_MS.cast_signed();
        let behind = self.offsets.range(..=(offset_ms.saturating_sub(step), SaleTag(u64::MAX)));
        let ahead = self.offsets.range((offset_ms.saturating_add(step), SaleTag(0))..);
        sorted(behind.chain(ahead).map(|(_, tag)| *tag).collect())
    }

    /// Notes how a sale stands at `at`, or that it is gone.
    pub(super) fn note(&mut self, tag: SaleTag, sale: Option<&Sale>, at: Millis) {
        let noted = sale.map(|sale| Noted {
            due: sale.next_due(at),
            offset_ms: sale.controls().clock_offset_ms,
        });
        let before = self.noted.get(&tag).copied();
        if before == noted {
            return;
        }
        if let Some(Noted { due, offset_ms }) = before {
            due.map(|due| self.due.remove(&(due, tag)));
            self.offsets.remove(&(offset_ms, tag));
            self.noted.remove(&tag);
        }
        if let Some(noted) = noted {
            noted.due.map(|due| self.due.insert((due, tag)));
            self.offsets.insert((noted.offset_ms, tag));
            self.noted.insert(tag, noted);
        }
    }
}

fn sorted(mut tags: Vec<SaleTag>) -> Vec<SaleTag> {
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbiter::LocalArbiter,
        command::{Ask, Command, Operation},
        id::{SaleName, ShopperKey},
        record::Author,
        spec::{SaleSpec, tests::spec},
    };

    const START: Millis = Millis(1_000_000);

    fn tag(name: &str) -> SaleTag {
        SaleName::parse(name).unwrap().tag()
    }

    fn create(spec: SaleSpec) -> Command {
        let author = Author { name: "test".to_owned() };
        Command::Operate(Operation::Create { author, spec: Box::new(spec), replay: None })
    }

    fn enter(name: &str, shopper: u128) -> Command {
        Command::Ask(tag(name), Ask::Enter { shopper: ShopperKey(shopper), replay: None })
    }

    /// An arbiter of `count` sales with room for one shopper each, called `sale-0` and on.
    fn shop(count: usize) -> LocalArbiter {
        let mut arbiter = LocalArbiter::default();
        let spec = |at| SaleSpec { active_max: 1, ..spec(&format!("sale-{at}")) };
        arbiter.decide(START, &(0..count).map(|at| create(spec(at))).collect::<Vec<_>>());
        arbiter
    }

    fn same(one: &Agenda, other: &Agenda) -> bool {
        (&one.due, &one.offsets, &one.noted) == (&other.due, &other.offsets, &other.noted)
    }

    #[test]
    fn however_many_sales_there_are_a_batch_looks_at_those_in_which_something_happens() {
        let mut arbiter = shop(300);
        assert_eq!(
            arbiter.agenda.due(START.after(u64::MAX)),
            [],
            "nothing is due in an empty sale"
        );
        arbiter.decide(START, &[enter("sale-7", 1), enter("sale-7", 2), enter("sale-9", 3)]);
        let (called, waits) = (tag("sale-7"), tag("sale-9"));
        let late = START.after(2 * 86_400_000);
        let mut due = arbiter.agenda.due(late);
        due.sort_by_key(|tag| *tag != called);
        assert_eq!(due, [called, waits], "two sessions end some time");
        assert_eq!(arbiter.agenda.due(START), [], "and nothing before");
        let ended = arbiter.decide(late, &[]).records;
        assert!(ended.iter().all(|record| [called, waits].contains(&record.sale())), "{ended:?}");
        assert!(ended.iter().any(|record| record.sale() == waits));
    }

    #[test]
    fn a_sale_with_a_line_is_due_when_it_opens_and_never_once_it_is_over() {
        let mut arbiter = LocalArbiter::default();
        let (opens, closes) = (START.after(5_000), START.after(9_000));
        let scheduled = SaleSpec { active_max: 1, ..spec("later") };
        arbiter.decide(START, &[create(scheduled), enter("later", 1), enter("later", 2)]);
        let schedule = crate::spec::SpecPatch {
            opens_at: Some(Some(opens)),
            closes_at: Some(Some(closes)),
            active_max: Some(2),
            ..crate::spec::SpecPatch::default()
        };
        let change = crate::record::Change::Update { patch: schedule };
        let author = Author { name: "test".to_owned() };
        let (sale, terms) = (tag("later"), crate::command::Terms::default());
        let change =
            Command::Operate(Operation::Change { sale, author, change: Box::new(change), terms });
        arbiter.decide(START.after(1_000), &[change]);
        let next = |arbiter: &LocalArbiter, at| {
            arbiter.world().sale(sale).and_then(|sale| sale.next_call_due(at))
        };
        assert_eq!(next(&arbiter, START), Some(opens));
        assert_eq!(next(&arbiter, closes), None);
        // The wall clock is stepped a second ahead: it opens so much earlier.
        arbiter.set_time(1_000, false);
        arbiter.decide(START.after(1_100), &[]);
        assert_eq!(next(&arbiter, START), Some(Millis(opens.0 - 1_000)));
        assert_eq!(arbiter.decide(Millis(opens.0 - 1_001), &[]).records, []);
        let called = arbiter.decide(Millis(opens.0 - 1_000), &[]).records;
        assert!(matches!(called.as_slice(), [crate::record::Record::Called { .. }]), "{called:?}");
    }

    #[test]
    fn an_agenda_made_from_a_world_says_what_the_one_kept_along_says() {
        let mut arbiter = shop(20);
        for round in 0..40_u64 {
            let at = START.after(round * 1_500);
            let name = format!("sale-{}", round % 20);
            let entries = [1, 2].map(|who| enter(&name, u128::from(round * 2 + who)));
            arbiter.decide(at, &entries);
            assert!(same(&arbiter.agenda, &Agenda::of(arbiter.world())), "round {round}");
        }
    }
}
