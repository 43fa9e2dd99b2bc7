//! The Rushgate engine: everyone in one line, every unit sold at most once, nothing
//! acknowledged ever lost.
//!
//! The engine knows no HTTP, no JSON and no wall clock. Time, randomness and disk come in through
//! [`clock::Clock`] and [`disk::Disk`], so that the whole of it runs under a seeded simulation.
//!
//! The folders below are its floors, lowest first. A floor knows those above it in this list and
//! none below it (`cargo xtask tidy` checks that). Inside and outside the crate a module has one
//! path, without its floor: `engine::line`, not `engine::room::line`.

// What everything stands on: time, names, bytes, bounds, tables.
mod base;
// From handlers to the scribe and back: the ring, and one answer to one waiter.
mod handoff;
// What a sale is made of: its settings, line, gate, sessions, stock and holds.
mod room;
// What survives a crash: files, and the journal in them.
mod durable;
// What was decided and what follows from it: records, one sale, all sales.
mod state;
// Who decides.
pub mod arbiter;
// What handlers read without asking: the shown side of each sale, and where to find it.
mod read;
// What turns: recovery, the scribe, the sink's side, the engine around them.
mod run;
// An audit of the journal from outside.
pub mod certificate;

pub(crate) use self::{
    base::{by_sale, keyed, once_box, packed, segmented, shared_bytes},
    durable::incarnation,
    read::{publisher, purchase_admission, tally, unpacked},
    run::{idle_sweep, presence},
};
pub use self::{
    base::{clock, codec, id, limits, shopper, stream, sync, turn},
    durable::{disk, journal},
    handoff::{commit, ring},
    read::{registry, standing, view},
    room::{gate, hold, line, session, spec, stock},
    run::{
        engine::{Engine, EngineOptions, Failure, Never, Running, Started},
        outlet, recovery, scribe,
    },
    state::{command, outbox, record, sale, sink, world},
};
