//! Who decides order and stock: this process alone, or Redis for many nodes.
//!
//! ```text
//!   one node     commands ─▶ LocalArbiter ─▶ records ─▶ journal
//!   many nodes   commands ─▶ RedisArbiter ─▶ entries of the sale's stream ─▶ journal
//! ```
//!
//! Both decide the same: the same commands at the same time on the same state give the same records,
//! byte for byte. `sale` holds the rules; the library in `redis/function` repeats them in Lua.

mod local;
pub mod redis;

pub use self::{
    local::{Decided, LocalArbiter},
    redis::RedisArbiter,
};
