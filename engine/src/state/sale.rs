//! One sale as the scribe knows it: the state every decided fact is applied to.
//!
//! [`Sale::apply`] is the only way the state changes, while deciding and while replaying alike, and
//! it depends on the record and its batch's time alone. `decide` and `sweep` look at the state and
//! say which records should be; they change nothing themselves. That is what makes equal journals
//! give equal states.

mod apply;
mod archive;
mod changes;
mod controls;
mod decide;
mod deliver;
mod follows;
mod holds;
mod members;
mod operate;
mod places;
mod rebuild;
mod refused;
mod replays;
mod sound;
mod state;
mod sweep;

pub use self::{
    changes::{ChangeAnswer, Kept, KnownChange, Version},
    controls::{Archive, AuditEntry, Controls, Phase},
    decide::{
        EndRefusal, EntryRefusal, PlaceRefusal, PurchaseRefusal, SettleRefusal, Settler, TicketRef,
    },
    members::Members,
    operate::{ChangeRefusal, InUse},
    state::Sale,
};
pub(crate) use self::{
    decide::{EntryDecision, HoldDecision},
    holds::is_ended,
    places::departed_state,
};
