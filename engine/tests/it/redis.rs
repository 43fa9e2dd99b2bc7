//! The arbiter of many nodes, against a real Redis that the tests start.

mod differential;
mod faults;
mod moves;
mod nodes;
mod rights;
mod server;
mod throughput;
