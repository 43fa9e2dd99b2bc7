//! Money: integer minor units of one currency.
//!
//! Arithmetic is checked: a sum that overflows, or that mixes currencies, is `None` and never a wrong
//! amount. A discount is given in basis points and rounds down for each unit, so that a price
//! is the same however many units an order has.

use std::fmt;

use crate::currency::minor_digits;

/// The largest amount of one order, payment or entry. Sums of ten million of them still fit.
pub const MINOR_MAX: i64 = 900_000_000_000;

/// An ISO 4217 currency that goods are priced in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The South Korean won, whose minor unit is the won itself.
    pub const KRW: Self = Self(*b"KRW");

    /// Reads a code such as `KRW`; codes that no goods are priced in are `None`.
    pub fn parse(code: &str) -> Option<Self> {
        minor_digits(code)?;
        code.as_bytes().try_into().ok().map(Self)
    }

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits its minor unit has.
    pub fn digits(self) -> u32 {
        minor_digits(self.code()).unwrap_or(0)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money, which may be negative in a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units: won, or cents.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// An amount.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// An amount that somebody may pay: not negative, and at most [`MINOR_MAX`].
    pub fn payable(minor: i64, currency: Currency) -> Option<Self> {
        (0..=MINOR_MAX).contains(&minor).then_some(Self::new(minor, currency))
    }

    /// Nothing of a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_add)
    }

    /// What is left when `other` is taken away; it may be negative.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_sub)
    }

    /// So many times the amount.
    #[must_use]
    pub fn times(self, count: u32) -> Option<Self> {
        Some(Self::new(self.minor.checked_mul(i64::from(count))?, self.currency))
    }

    /// The amount less a discount, rounded down to a whole minor unit. The amount is not negative.
    #[must_use]
    pub fn discounted(self, discount: Discount) -> Self {
        debug_assert!(self.minor >= 0, "a price is not negative");
        let kept = i128::from(self.minor) * i128::from(Discount::WHOLE - discount.0);
        let minor = kept / i128::from(Discount::WHOLE);
        // A part of an i64 that is not negative fits one.
        Self::new(i64::try_from(minor).unwrap_or(i64::MAX), self.currency)
    }

    fn with(self, other: Self, sum: impl FnOnce(i64, i64) -> Option<i64>) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self::new(sum(self.minor, other.minor)?, self.currency))
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.minor, self.currency)
    }
}

/// A discount in basis points, hundredths of a percent: from nothing to the whole price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discount(u16);

impl Discount {
    const WHOLE: u16 = 10_000;

    /// From basis points; more than the whole is `None`.
    pub fn of_basis_points(points: u16) -> Option<Self> {
        (points <= Self::WHOLE).then_some(Self(points))
    }

    /// In basis points.
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn won(minor: i64) -> Money {
        Money::new(minor, Currency::KRW)
    }

    #[test]
    fn a_discount_rounds_down_for_each_unit() {
        let percent = |percent: u16| Discount::of_basis_points(percent * 100).unwrap();
        assert_eq!(won(17_900).discounted(percent(19)), won(14_499));
        assert_eq!(won(62_000).discounted(percent(50)), won(31_000));
        assert_eq!(won(133_000).discounted(percent(30)), won(93_100));
        assert_eq!(won(1).discounted(percent(100)), won(0));
        assert_eq!(won(999).discounted(percent(0)), won(999));
        assert_eq!(Discount::of_basis_points(10_001), None);
    }

    #[test]
    fn currencies_do_not_mix() {
        let dollars = Money::new(5, Currency::parse("USD").unwrap());
        assert_eq!(won(5).plus(dollars), None);
        assert_eq!(won(5).minus(dollars), None);
        assert_eq!(won(5).minus(won(7)), Some(won(-2)));
        assert_eq!(won(i64::MAX).plus(won(1)), None);
        assert_eq!(won(i64::MAX).times(2), None);
        assert_eq!(Money::payable(MINOR_MAX, Currency::KRW), Some(won(MINOR_MAX)));
        assert_eq!(Money::payable(MINOR_MAX + 1, Currency::KRW), None);
        assert_eq!(Money::payable(-1, Currency::KRW), None);
        assert_eq!(Currency::parse("krw"), None);
        assert_eq!(Currency::KRW.digits(), 0);
    }

    proptest! {
        #[test]
        fn a_discount_never_adds_and_never_takes_a_unit_too_much(
            minor in 0..=MINOR_MAX, points in 0..=10_000_u16,
        ) {
            let less = won(minor).discounted(Discount::of_basis_points(points).unwrap()).minor;
            prop_assert!((0..=minor).contains(&less));
            let exact = i128::from(minor) * (10_000 - i128::from(points));
            prop_assert!(exact - i128::from(less) * 10_000 < 10_000);
        }
    }
}
