//! The arbiter of many nodes, against a real Redis that the tests start.

mod agreement;
mod archiving;
mod away;
mod beside;
mod buying;
mod cluster;
mod differential;
mod engines;
mod failover;
mod faults;
mod kept;
mod leap;
mod liveness;
mod loss;
mod members;
mod moves;
mod nodes;
mod operators;
mod poisoned;
mod proxy;
mod quiet;
mod quorum;
mod resharding;
mod rights;
mod rules;
mod sentinel;
mod server;
mod serving;
mod shards;
mod shop;
mod stranding;
#[expect(dead_code, reason = "the engine's own tests need more of it")]
#[path = "../../../engine/tests/it/support.rs"]
mod support;
mod throughput;
mod turns;
