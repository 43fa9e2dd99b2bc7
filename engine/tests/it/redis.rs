//! The arbiter of many nodes, against a real Redis that the tests start.

mod beside;
mod crew;
mod differential;
mod faults;
mod moves;
mod muster;
mod nodes;
mod rights;
mod server;
mod throughput;
