//! Holds: units that a keeper of stock reserves for an order until it is paid.
//!
//! Owns how each keeper is asked. Refuses to decide when: that is the payment's business. Both keepers behave
//! alike, and one suite (`tests/it/holds.rs`) says how:
//!
//! ```text
//!           pay             confirm            refund
//!   held ─────────▶ paying ─────────▶ confirmed ─────▶ refunded
//!     └─ its time runs out ─┐  └ release ─▶ released
//! ```
//!
//! Always true: every call says where the units are afterwards, whether it moved them or not, so asking again is
//! safe. Units never come back from released or refunded.

mod calm;
mod keepers;
mod model;
mod room;

pub use self::{
    calm::CalmHolds,
    keepers::Keepers,
    model::{Holds, HoldsError},
    room::Room,
};
