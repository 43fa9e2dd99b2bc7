//! The pages shoppers see without any other software: the list of sales and the room.
//!
//! Pure functions from plain values to HTML; no request, no engine, no clock. Every value is
//! escaped on its way in. A page works without JavaScript (forms, and a refresh inside
//! `noscript`); the one inline script only spares the reloads and needs the nonce of
//! [`content_security_policy`]. Korean and English, by `Accept-Language`.

mod frame;
mod home;
mod problem;
mod refusals;
mod room;
mod script;
mod style;
mod words;

pub use frame::{content_security_policy, escape};
pub use home::{HomePage, SaleCard, home};
pub use problem::{ProblemPage, problem};
pub use room::{OfferCard, PlaceEnd, PlaceView, PurchaseView, RoomPage, room};
pub use words::Language;
