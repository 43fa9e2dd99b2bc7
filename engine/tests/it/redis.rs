//! The arbiter of many nodes, against a real Redis that the tests start.

mod beside;
mod cluster;
mod crew;
mod differential;
mod engines;
mod faults;
mod moves;
mod muster;
mod nodes;
mod sentinel;
mod server;
mod throughput;
