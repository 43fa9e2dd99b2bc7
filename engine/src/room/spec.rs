//! What a sale is told to be: schedule, room policy, purchase policy and offers.
//!
//! Plain data without behaviour beyond [`SaleSpec::check`], which is the engine's own word on what
//! it can run. Rates and ratios are integers in thousandths, so that every decision is exact and
//! replays the same.

mod patch;

use std::collections::BTreeSet;

pub use self::patch::SpecPatch;

use crate::{
    clock::Millis,
    codec::{binary_enum, binary_struct},
    id::{Currency, SaleName, Sku},
    limits,
};

/// One sale, as its operator wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleSpec {
    /// The public name, unique in a data directory.
    pub name: SaleName,
    /// What people read above the room.
    pub title: String,
    /// When entering and buying begin; `None`: at once.
    pub opens_at: Option<Millis>,
    /// When both end; `None`: never.
    pub closes_at: Option<Millis>,
    /// How a shopper is told from another.
    pub identity: IdentityMode,
    /// What entering again does to a place already held.
    pub rejoin: Rejoin,
    /// Admissions per 1,000 seconds.
    pub admission_milli_per_second: u64,
    /// Sessions admitted at once.
    pub active_max: u32,
    /// How long a called shopper has to claim the admission.
    pub claim_window_ms: u64,
    /// How long an admitted session lasts from its claim.
    pub session_ms: u64,
    /// A waiting ticket not heard of for so long departs.
    pub idle_ms: u64,
    /// How long a hold waits for payment to begin.
    pub hold_ms: u64,
    /// Units one shopper may take over the whole sale.
    pub per_shopper_max: u32,
    /// Admitted sessions per 1,000 sellable units; `None`: admission ignores stock.
    pub overbook_milli: Option<u32>,
    /// Whether refunded units are sold again.
    pub refund_restocks: bool,
    /// What is sold; the index is the offer's identity and never changes.
    pub offers: Vec<OfferSpec>,
}

/// One SKU in a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferSpec {
    /// The stock-keeping unit, unique in the sale.
    pub sku: Sku,
    /// Units the sale starts with.
    pub total: u64,
    /// Price of one unit in minor units of the currency.
    pub price: i64,
    /// The currency the price is in; one for all offers of a sale.
    pub currency: Currency,
}

/// How the sale tells one shopper from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityMode {
    /// Every entry is a new shopper, but for repeats of one idempotency key.
    Anonymous,
    /// A listed proxy names the shopper.
    Header,
    /// A token of the shop names the shopper's account.
    Jwt,
    /// Each invitation is a shopper, who enters once.
    Invite,
}

/// What a new entry does to the place a shopper already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejoin {
    /// The place is kept: entering again answers with the same number.
    Keep,
    /// The place is given up for a new one at the tail.
    Tail,
}

impl SaleSpec {
    /// Holds one shopper may make over the whole sale, whatever becomes of them. Each hold takes a
    /// number and tells the order pipeline: without a bound, one shopper who buys and releases in turn
    /// would use up what belongs to everyone.
    pub fn shopper_holds_max(&self) -> u32 {
        let by_units = self.per_shopper_max.saturating_mul(limits::SHOPPER_HOLDS_PER_UNIT);
        by_units.max(limits::SHOPPER_HOLDS_MIN)
    }

    /// Whether a shopper gets one place in the sale's whole life: an invitation is used up by the entry
    /// that it was for, whatever becomes of the place.
    pub fn enters_once(&self) -> bool {
        self.identity == IdentityMode::Invite
    }

    /// Names everything about the spec that the engine cannot run; empty when it can.
    pub fn check(&self) -> Vec<SpecProblem> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, field: &'static str, allowed: &'static str| {
            if !holds {
                problems.push(SpecProblem { field, allowed });
            }
        };
        let day_ms = 24 * 60 * 60 * 1_000;
        require(self.title.len() <= limits::TEXT_BYTES_MAX, "title", "at most 1024 bytes");
        let in_order = |opens: Millis| self.closes_at.is_none_or(|closes| opens < closes);
        require(self.opens_at.is_none_or(in_order), "closes_at", "a time after opens_at");
        let rate = self.admission_milli_per_second;
        require((1..=1_000_000_000).contains(&rate), "admission_per_second", "0.001 to 1000000");
        let active = self.active_max;
        let active_fits = (1..=limits::ACTIVE_SESSIONS_MAX).contains(&active);
        require(active_fits, "active_max", "1 to 1000000");
        let claim_fits = (1_000..=day_ms).contains(&self.claim_window_ms);
        require(claim_fits, "claim_window_seconds", "1 to 86400");
        let session_fits = (1_000..=day_ms).contains(&self.session_ms);
        require(session_fits, "session_seconds", "1 to 86400");
        require((1_000..=day_ms).contains(&self.idle_ms), "idle_seconds", "1 to 86400");
        require((1_000..=day_ms).contains(&self.hold_ms), "hold_seconds", "1 to 86400");
        let limit_fits = (1..=1_000_000).contains(&self.per_shopper_max);
        require(limit_fits, "per_shopper_max", "1 to 1000000");
        let overbook_fits = self.overbook_milli.is_none_or(|o| (1..=1_000_000).contains(&o));
        require(overbook_fits, "overbook", "0.001 to 1000");
        let offers_fit = (1..=limits::OFFERS_MAX).contains(&self.offers.len());
        require(offers_fit, "offer", "1 to 64 offers");
        let skus: BTreeSet<&Sku> = self.offers.iter().map(|offer| &offer.sku).collect();
        require(skus.len() == self.offers.len(), "offer.sku", "no SKU twice in one sale");
        let units_fit = self.offers.iter().all(|offer| offer.total <= limits::UNITS_MAX);
        require(units_fit, "offer.total", "0 to 1000000000");
        let prices_fit = self.offers.iter().all(|o| (0..=limits::PRICE_MAX).contains(&o.price));
        require(prices_fit, "offer.price", "0 to 1000000000 minor units");
        let one_currency = self.offers.windows(2).all(|two| two[0].currency == two[1].currency);
        require(one_currency, "offer.currency", "one currency for all offers of a sale");
        problems
    }
}

/// One thing about a spec that cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecProblem {
    /// The field, as the API and the config file name it.
    pub field: &'static str,
    /// What would be allowed.
    pub allowed: &'static str,
}

binary_struct!(SaleSpec {
    name,
    title,
    opens_at,
    closes_at,
    identity,
    rejoin,
    admission_milli_per_second,
    active_max,
    claim_window_ms,
    session_ms,
    idle_ms,
    hold_ms,
    per_shopper_max,
    overbook_milli,
    refund_restocks,
    offers,
});
binary_struct!(OfferSpec { sku, total, price, currency });
binary_enum!(IdentityMode { 0 => Anonymous, 1 => Header, 2 => Jwt, 3 => Invite });
binary_enum!(Rejoin { 0 => Keep, 1 => Tail });

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An open sale of one offer that lets ten people in at once and whose windows are a day long.
    pub(crate) fn spec(name: &str) -> SaleSpec {
        let day_ms = 86_400_000;
        let (sku, currency) = (Sku::parse("a").unwrap(), Currency::parse("EUR").unwrap());
        SaleSpec {
            name: SaleName::parse(name).unwrap(),
            title: String::new(),
            opens_at: None,
            closes_at: None,
            identity: IdentityMode::Anonymous,
            rejoin: Rejoin::Keep,
            admission_milli_per_second: 1_000_000,
            active_max: 10,
            claim_window_ms: day_ms,
            session_ms: day_ms,
            idle_ms: day_ms,
            hold_ms: day_ms,
            per_shopper_max: 1_000_000,
            overbook_milli: None,
            refund_restocks: false,
            offers: vec![OfferSpec { sku, total: 1_000_000, price: 1, currency }],
        }
    }
}
