//! The journal's promises under crashes, damage, full disks and failed syncs.

mod crash;
mod damage;
mod faults;
mod real;
mod replay;
mod support;
