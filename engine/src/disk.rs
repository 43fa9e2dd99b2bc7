//! The disk seam: what the journal asks of storage, and nothing more.
//!
//! Two implementations obey the same suite: [`RealDisk`](real::RealDisk), a directory, and
//! [`SimDisk`](sim::SimDisk), memory that can lose every unsynced byte, run full or refuse to sync.
