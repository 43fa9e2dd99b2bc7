//! Payments: money for one order, taken once or not at all.
//!
//! Owns what happens to a payment, step by step, and what is done next. Refuses what a provider's protocol
//! looks like. Always true: a step is written before its call leaves; what was asked and not answered is
//! looked up, never asked blindly again; money that was taken has its units, or is given back. What is reserved
//! at a provider and not taken is freed.
//!
//! ```text
//!  ask ready ─▶ heard ready ─▶ the shopper pays at the provider ─▶ returned
//!     ask pay (the units wait) ─▶ ask approve ─▶ taken ─▶ ask confirm ─▶ sold
//!                                    │   └── refused ─▶ ask release
//!                                    └────── silence ─▶ ask look-up until told
//! ```
//!
//! [`Payment`] is what its steps come to, and changes by [`Payment::apply`] alone. [`next`] says what is
//! to be done, from that and the time.

mod next;
mod state;
mod step;

pub use self::{
    next::{Next, next},
    state::{Doubt, Payment, Refund},
    step::{Ask, Found, Heard, Return, Seen, Step},
};
