//! What the simulation's clients were told, which must hold for ever.
#![expect(clippy::wildcard_enum_match_arm, reason = "names what it is about, passes over the rest")]

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    clock::Millis,
    command::{Ask, Command, Reply},
    hold::{Hold, HoldState},
    id::{HoldId, Number, SaleTag, ShopperKey},
    line::PlaceState,
    record::EntryAnswer,
    sale::TicketRef,
    standing::Standing,
    view::SaleView,
    world::World,
};

/// Everything acknowledged, over all lives of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shadow {
    /// Whose each told number is.
    places: BTreeMap<(SaleTag, Number), ShopperKey>,
    /// Where each place was last seen.
    seen: BTreeMap<(SaleTag, Number), PlaceState>,
    /// Places whose shoppers were told that they have left.
    gone: BTreeSet<(SaleTag, Number)>,
    /// The position each place was last shown.
    ahead: BTreeMap<(SaleTag, Number), u64>,
    /// Each hold as it was last told or seen.
    holds: BTreeMap<(SaleTag, HoldId), Hold>,
    /// What each key was answered.
    entries: BTreeMap<u128, EntryAnswer>,
    purchases: BTreeMap<u128, (HoldId, HoldState)>,
    /// Keys whose request may have been done: it was answered, or its outcome is unknown.
    maybe_done: BTreeSet<u128>,
    /// The watermark as last seen.
    watermarks: BTreeMap<SaleTag, Number>,
    pub(crate) acknowledged: u64,
}

impl Shadow {
    /// The highest number anybody was told.
    pub(crate) fn last_number(&self, sale: SaleTag) -> u64 {
        let of_sale = (sale, Number(0))..=(sale, Number(u64::MAX));
        self.places.range(of_sale).next_back().map_or(0, |((_, number), _)| number.0)
    }

    pub(crate) fn knows(&self, sale: SaleTag, number: Number) -> bool {
        self.places.contains_key(&(sale, number))
    }

    pub(crate) fn holds(&self) -> impl Iterator<Item = (SaleTag, &Hold)> {
        self.holds.iter().map(|((sale, _), hold)| (*sale, hold))
    }

    /// Notes that nobody knows what a command came to.
    pub(crate) fn doubt(&mut self, command: &Command) {
        self.maybe_done.extend(key_of(command));
    }

    /// Notes what a command was answered, against all that was said before.
    pub(crate) fn acknowledge(&mut self, command: &Command, reply: &Reply) {
        self.acknowledged += 1;
        let replayed = match reply {
            Reply::Entry(Ok(entry)) => entry.replayed,
            Reply::Purchase(Ok(told)) | Reply::Settle(Ok(told)) => told.replayed,
            _ => false,
        };
        if let Some(key) = key_of(command) {
            let new = self.maybe_done.insert(key);
            assert!(!(replayed && new), "nothing was done, it was said, but {command:?} was");
        }
        match (command, reply) {
            (Command::Ask(sale, Ask::Enter { shopper, replay }), Reply::Entry(Ok(entry))) => {
                let answer = &entry.answer;
                assert_eq!(answer.shopper, *shopper, "an entry is its asker's");
                let owner = self.places.entry((*sale, answer.number)).or_insert(*shopper);
                assert_eq!(owner, shopper, "{:?} was given twice", answer.number);
                if let Some(replay) = replay {
                    let first = self.entries.entry(replay.key).or_insert_with(|| answer.clone());
                    assert_eq!(first, answer, "one key, one answer");
                }
            }
            (Command::Ask(sale, Ask::Purchase { pass, replay, .. }), Reply::Purchase(Ok(made))) => {
                assert_eq!(made.hold.shopper, pass.shopper, "a hold is its asker's");
                self.answered(replay.key, &made.hold);
                let mut hold = Hold::clone(&made.hold);
                let known = self.holds.get(&(*sale, hold.id));
                hold.state = known.map_or(hold.state, |known| known.state);
                self.told(*sale, &hold);
            }
            (Command::Ask(sale, Ask::Settle { replay, .. }), Reply::Settle(Ok(moved))) => {
                if let Some(replay) = replay {
                    self.answered(replay.key, &moved.hold);
                }
                // A repeat of a step whose first answer was lost brings news; one of a step that
                // is long past does not.
                let known = self.holds.get(&(*sale, moved.hold.id));
                let news = known.is_none_or(|known| leads(known.state, moved.hold.state));
                if !moved.replayed || news {
                    self.told(*sale, &moved.hold);
                }
            }
            (Command::Ask(sale, Ask::Leave { ticket }), Reply::Left(Ok(()))) => {
                self.gone.insert((*sale, ticket.number));
            }
            _ => {}
        }
    }

    fn answered(&mut self, key: u128, hold: &Hold) {
        let first = *self.purchases.entry(key).or_insert((hold.id, hold.state));
        assert_eq!(first, (hold.id, hold.state), "one key, one answer");
    }

    /// A hold as it was told or read: it keeps what it is and moves only as it may.
    fn told(&mut self, sale: SaleTag, hold: &Hold) {
        let known = self.holds.entry((sale, hold.id)).or_insert_with(|| hold.clone());
        assert!(leads(known.state, hold.state), "{:?} became {:?}", known.state, hold.state);
        known.state = hold.state;
        assert_eq!(known, hold, "a hold is what it was");
    }

    /// A shopper asks "where am I?".
    pub(crate) fn standing(&mut self, view: &SaleView, ticket: TicketRef, at: Millis) -> Standing {
        let standing = view.standing(ticket, at);
        let place = (view.tag(), ticket.number);
        assert_ne!(standing, Standing::Unknown, "{ticket:?} was forgotten");
        if let Standing::Waiting { ahead, .. }
        | Standing::SoldOut { ahead }
        | Standing::Closed { ahead } = standing
        {
            let before = self.ahead.insert(place, ahead).unwrap_or(u64::MAX);
            assert!(ahead <= before, "{ticket:?} was shown {before}, then {ahead}");
        }
        standing
    }

    /// Everything that was ever told or seen is still so in the views, and in the world.
    pub(crate) fn check(&mut self, view: &SaleView, world: &World) {
        let (tag, line) = (view.tag(), view.line());
        let sale = world.sale(tag).expect("a sale once acknowledged is there");
        let of_sale = (tag, Number(0))..=(tag, Number(u64::MAX));
        for ((_, number), owner) in self.places.range(of_sale.clone()) {
            assert_eq!(sale.shopper(*number), Some(*owner), "{number:?} kept its owner");
        }
        let watermark = self.watermarks.entry(tag).or_insert(Number(0));
        assert!(line.watermark() >= *watermark, "the watermark only rises");
        *watermark = line.watermark();
        for number in (1..=line.issued().0).map(Number) {
            let state = line.place(number).0;
            let seen = self.seen.entry((tag, number)).or_insert(state);
            assert!(follows(*seen, state), "{number:?}: {seen:?} became {state:?}");
            *seen = state;
            let gone = self.gone.contains(&(tag, number));
            assert!(!gone || !lives(state), "{number:?} has left and is {state:?}");
            let passed = number <= *watermark;
            assert!(!passed || state != PlaceState::Waiting, "{number:?} was let past");
            let called = matches!(state, PlaceState::Called | PlaceState::Admitted);
            assert!(passed || !called, "{number:?} was let in before its turn");
        }
        let issued = line.issued();
        let last = self.seen.range(of_sale).next_back().map_or(0, |((_, number), _)| number.0);
        assert!(last <= issued.0, "number {last} was seen and is gone");
        for id in (1..=sale.last_hold().0).map(HoldId) {
            if let Some(hold) = view.hold(id) {
                self.told(tag, &hold);
                continue;
            }
            let told = self.holds.get(&(tag, id)).map(|hold| hold.state);
            let may_go = matches!(told, None | Some(HoldState::Released | HoldState::Expired));
            assert!(may_go, "{id:?} was forgotten: {told:?}");
        }
    }
}

fn key_of(command: &Command) -> Option<u128> {
    match command {
        Command::Ask(_, Ask::Enter { replay, .. } | Ask::Settle { replay, .. }) => {
            replay.map(|r| r.key)
        }
        Command::Ask(_, Ask::Purchase { replay, .. }) => Some(replay.key),
        _ => None,
    }
}

fn lives(state: PlaceState) -> bool {
    use PlaceState::{Admitted, Called, Completed, Waiting};
    matches!(state, Waiting | Called | Admitted | Completed)
}

/// Whether a place seen in one state may be found in the other, however much happened between.
fn follows(from: PlaceState, to: PlaceState) -> bool {
    let rank = |state| match state {
        PlaceState::Unissued => 0,
        PlaceState::Waiting => 1,
        PlaceState::Called => 2,
        PlaceState::Admitted => 3,
        PlaceState::Completed => 4,
        PlaceState::Over
        | PlaceState::Left
        | PlaceState::Idle
        | PlaceState::Unclaimed
        | PlaceState::Revoked => 5,
    };
    from == to || (lives(from) && rank(from) < rank(to))
}

/// Whether a hold in one state may be found in the other.
pub(crate) fn leads(from: HoldState, to: HoldState) -> bool {
    use HoldState::{Confirmed, Held, Paying, Refunded};
    match from {
        _ if from == to => true,
        Held => true,
        Paying => !matches!(to, Held | HoldState::Expired),
        Confirmed => to == Refunded,
        HoldState::Released | HoldState::Expired | Refunded => false,
    }
}
