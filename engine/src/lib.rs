//! The Rushgate engine: everyone in one line, every unit sold at most once, nothing
//! acknowledged ever lost.
//!
//! The engine knows no HTTP, no JSON and no wall clock. Time, randomness and disk come in through
//! [`clock::Clock`] and [`disk::Disk`], so that the whole of it runs under a seeded simulation.
//!
//! Modules in reading order, lower floors first; a floor knows nothing of the floors above it.

pub mod sync;

pub mod clock;
pub mod codec;
pub mod id;
pub mod limits;
pub mod shopper;
pub mod spec;
pub mod stream;

mod keyed;
mod segmented;

pub mod commit;
pub mod ring;

pub mod gate;
pub mod hold;
pub mod line;
pub mod session;
pub mod stock;

pub mod record;

pub mod disk;
pub(crate) mod incarnation;
pub mod journal;

pub mod outbox;
pub mod sale;
pub mod world;

pub mod command;

pub mod arbiter;

pub mod purchase_admission;
pub mod standing;
pub mod tally;
pub mod view;

pub mod publisher;

mod presence;

mod idle_sweep;

pub mod registry;

pub mod outlet;

pub mod certificate;
pub mod recovery;
pub mod scribe;
pub mod turn;

mod engine;

pub use self::engine::{Engine, EngineOptions, Failure, Never, Running, Started};
