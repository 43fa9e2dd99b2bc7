//! Handlers: one function a call, from verified identity and plain values to the engine and back.

pub mod admin;
pub mod authority;
pub mod purchase;
pub mod refuse;
pub mod render;
pub mod revoked;
pub mod room;
pub mod shopper;
pub mod stream;

use engine::hold::Step;
use hyper::{Method, Request, header::HeaderName};

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");

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

/// Whether the answer may never be seen: HEAD has no body, and a browser that prefetches shows it
/// only to a user who goes there. Such a request claims no admission.
pub fn only_looks<B>(request: &Request<B>) -> bool {
    let ahead = |name: &HeaderName| {
        let purpose = request.headers().get(name).and_then(|purpose| purpose.to_str().ok());
        purpose.is_some_and(|purpose| purpose.contains("prefetch"))
    };
    request.method() == Method::HEAD || ahead(&SEC_PURPOSE) || ahead(&PURPOSE)
}
