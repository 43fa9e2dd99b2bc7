//! What turns: from a directory to a world, the one writer's turn, and the threads around it.

pub(crate) mod engine;
pub(crate) mod idle_sweep;
pub mod outlet;
pub(crate) mod presence;
pub mod recovery;
pub mod scribe;
