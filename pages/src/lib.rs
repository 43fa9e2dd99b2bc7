//! What people see of Rushgate: one frame, style sheets, scripts, the words of two
//! languages; the room's first, the [shop]'s on top of them.
//!
//! Pure functions from plain values to HTML. No request, no SQL, no engine type and no clock: whoever
//! calls says what is true, and gets a page that says it. Templates escape every value on its way in.
//! A page works without JavaScript; the script only spares the reloads. Nothing is inline, so the
//! content security policy needs neither a nonce nor a hash. [`assets`] are named by their content.
//!
//! ```text
//!   plain values ──▶ HomePage, RoomPage, ProblemPage, ReferencePage ──▶ templates/*.html ──▶ HTML
//!                             words (ko, en), format ──▶──┘
//! ```

pub mod assets;
mod format;
mod frame;
mod home;
mod language;
mod mail;
mod problem;
mod reference;
mod room;
mod sale;
pub mod shop;
mod words;

pub use format::{Moment, Money};
pub use frame::Frame;
pub use home::{HomePage, SaleCard};
pub use language::Language;
pub use mail::{Mail, MailText};
pub use problem::{ProblemPage, words_of};
pub use reference::{Call, ErrorRow, Example, Parameter, Prose, ReferencePage, Section};
pub use room::RoomPage;
pub use sale::{
    Gate, Invitation, Offer, OfferState, Place, PlaceEnd, PlaceState, Purchase, PurchaseState,
    SaleState, Wait,
};
