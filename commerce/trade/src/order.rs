//! Orders: what somebody bought, and how it stands.
//!
//! Owns what an order's state is. Always true: it is computed from what the engine says of the units and
//! what the provider says of the money, so it cannot contradict either.

pub mod state;
