//! What the keepers of the stock tell by themselves: units that went back, were sold, or were taken back.
//!
//! Owns what was last told of each purchase, and the engine's sink. Refuses to decide anything. Always true: an
//! event counts once, and only after those before it; what is told before the order is there is found when the
//! order is placed. Held and paying change nothing here, and are not written down.

mod rows;
mod sink;
mod told;

pub use self::sink::Intake;
pub(crate) use self::told::{claim, take};
