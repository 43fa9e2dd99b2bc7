//! Every bound of this crate.

use std::time::Duration;

/// How long a provider of payments may take for one call. Shoppers wait for it.
pub const GATEWAY_DEADLINE: Duration = Duration::from_secs(10);

/// The longest answer of one, in bytes; theirs are of two kilobytes.
pub const GATEWAY_ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Calls of one provider under way at once.
pub const GATEWAY_IN_FLIGHT_MAX: usize = 64;

/// How old the note that a call is made may be when the call leaves. A driver that was held up for longer asks
/// nothing: somebody may have looked the payment up since.
pub const SEND_WITHIN: Duration = Duration::from_secs(5);

/// How long the preparation of a payment is left to the request that began it, before the driver asks again.
pub const READY_AGAIN: Duration = Duration::from_secs(15);

/// Payments of one provider that are gone on with at once in one process: no provider waits for another's.
pub const DRIVERS: u32 = 24;

/// How long a driver may be at one payment: every call of it may take as long as it may.
pub const DRIVE_WITHIN: Duration = Duration::from_mins(3);

/// Calls that a driver makes for a payment before others have their turn.
pub const CALLS_MAX: usize = 16;

/// For how long after it was opened a payment is looked up every night.
pub const RECONCILED_FOR: Duration = Duration::from_hours(14 * 24);

/// How far apart those look-ups are.
pub const LOOK_UPS_APART: Duration = Duration::from_millis(50);

/// Order events of the engine that are taken in one write.
pub const EVENTS_AT_ONCE: usize = 256;

/// Kinds of goods in an order: as many as a sale has offers.
pub const LINES_MAX: usize = 64;

/// The longest name of goods that an order keeps, in characters.
pub const GOODS_NAME_CHARS_MAX: usize = 200;

/// How many refunds of an order can be wanted; after that, only all that is left.
pub const WISHES_MAX: usize = 100;

/// The longest reason for a refund or a return, in characters.
pub const WISH_REASON_CHARS_MAX: usize = 500;

/// The longest name of a carrier, and the longest tracking number, in characters.
pub const PARCEL_CHARS_MAX: usize = 40;

/// The longest title of a payment, in characters.
pub const TITLE_CHARS_MAX: usize = 100;

/// How far ahead hours are booked.
pub const SLOT_AHEAD_MAX: Duration = Duration::from_hours(366 * 24);

/// The longest title of a deal, in characters: as long as a payment's can be.
pub const DEAL_TITLE_CHARS_MAX: usize = TITLE_CHARS_MAX;

/// The longest description of a deal, in characters.
pub const DEAL_DESCRIPTION_CHARS_MAX: usize = 5_000;

/// The highest price of a unit, in minor units: the engine's own bound.
pub const DEAL_PRICE_MAX: i64 = 1_000_000_000;

/// How many units a deal has at most.
pub const DEAL_STOCK_MAX: u32 = 1_000_000;

/// How many units of a deal one shopper gets at most.
pub const DEAL_PER_SHOPPER_MAX: u32 = 100;

/// How many pictures a deal has at most.
pub const DEAL_MEDIA_MAX: usize = 20;

/// How many drafts a business has at most.
pub const DRAFTS_MAX: u64 = 100;

/// The longest reason of a decision about a deal, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// How long before it opens a deal's price and the like are fixed, so that the engine has them in time.
pub const DEAL_FIXED_BEFORE: Duration = Duration::from_mins(10);

/// How many deals of one day a list shows.
pub const DEALS_OF_A_DAY_MAX: u64 = 240;

/// How many deals one write of a longer piece of work changes.
pub const DEALS_AT_ONCE: u64 = 100;

// What one shopper can buy is payable.
const _: () = assert!(DEAL_PRICE_MAX * DEAL_PER_SHOPPER_MAX as i64 <= base::money::MINOR_MAX);

/// The shortest keyword that somebody follows, in characters.
pub const KEYWORD_CHARS_MIN: usize = 2;

/// The longest keyword that somebody follows, in characters.
pub const KEYWORD_CHARS_MAX: usize = 20;

/// How many keywords an account follows at most.
pub const KEYWORDS_MAX: usize = 20;

/// How many accounts one write tells of a deal. They are locked meanwhile, the lowest id first.
pub const TOLD_AT_ONCE: u16 = 20;
