//! The arbiter of many nodes, against a real Redis that the tests start.

mod agreement;
mod beside;
mod cluster;
mod crew;
mod differential;
mod engines;
mod faults;
mod liveness;
mod loss;
mod moves;
mod muster;
mod nodes;
mod rights;
mod sentinel;
mod server;
mod serving;
mod throughput;
