//! Handlers: one function a call, from verified identity and plain values to the engine and back.

pub mod admin;
pub mod authority;
pub mod cookies;
pub mod purchase;
pub mod refuse;
pub mod render;
pub mod room;
pub mod shopper;
pub mod stream;

use engine::hold::Step;

/// What a purchase can be told to do, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Payment begins.
    Pay,
    /// Payment succeeded.
    Confirm,
    /// Given up, or payment failed.
    Release,
    /// Paid back.
    Refund,
}

impl Verb {
    /// The engine's word for it.
    pub const fn step(self) -> Step {
        match self {
            Self::Pay => Step::Pay,
            Self::Confirm => Step::Confirm,
            Self::Release => Step::Release,
            Self::Refund => Step::Refund,
        }
    }

    /// The path's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Confirm => "confirm",
            Self::Release => "release",
            Self::Refund => "refund",
        }
    }
}
