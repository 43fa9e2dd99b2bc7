//! Which events a receiver wants: a set of the states a purchase can come to.

use engine::hold::HoldState;

/// The states whose events are posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFilter(u8);

/// Every state, under the name it has in the event and in the configuration.
const NAMES: [(&str, HoldState); 6] = [
    ("held", HoldState::Held),
    ("paying", HoldState::Paying),
    ("confirmed", HoldState::Confirmed),
    ("released", HoldState::Released),
    ("expired", HoldState::Expired),
    ("refunded", HoldState::Refunded),
];

impl EventFilter {
    /// Every event.
    pub const ALL: Self = Self(0b11_1111);

    /// The events of the state with this name, if there is one.
    pub fn of(name: &str) -> Option<Self> {
        let state = NAMES.iter().find(|(known, _)| *known == name);
        state.map(|(_, state)| Self(bit(*state)))
    }

    /// The names of the states whose events are wanted.
    pub fn names(self) -> Vec<&'static str> {
        let wanted = NAMES.iter().filter(|(_, state)| self.wants(*state));
        wanted.map(|(name, _)| *name).collect()
    }

    /// Whether the receiver wants an event of this state.
    pub fn wants(self, state: HoldState) -> bool {
        self.0 & bit(state) != 0
    }
}

impl FromIterator<Self> for EventFilter {
    fn from_iter<I: IntoIterator<Item = Self>>(filters: I) -> Self {
        Self(filters.into_iter().fold(0, |wanted, filter| wanted | filter.0))
    }
}

const fn bit(state: HoldState) -> u8 {
    match state {
        HoldState::Held => 1,
        HoldState::Paying => 1 << 1,
        HoldState::Confirmed => 1 << 2,
        HoldState::Released => 1 << 3,
        HoldState::Expired => 1 << 4,
        HoldState::Refunded => 1 << 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::payload::event_name;

    #[test]
    fn every_state_can_be_wanted_alone_under_the_name_of_its_event() {
        for (name, state) in NAMES {
            let filter = EventFilter::of(name).unwrap();
            assert!(filter.wants(state));
            assert_eq!(filter.names(), [name]);
            assert_eq!(event_name(state), format!("purchase.{name}"));
        }
        assert_eq!(EventFilter::ALL.names().len(), NAMES.len());
        assert_eq!(EventFilter::of("bought"), None);
    }
}
