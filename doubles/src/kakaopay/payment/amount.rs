//! An amount of money, with its tax.

use serde_json::{Value, json};

/// An amount with its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::kakaopay) struct Amount {
    pub(in crate::kakaopay) total: i64,
    pub(super) tax_free: i64,
    pub(super) vat: i64,
}

impl Amount {
    /// A tax that is not told is an eleventh of what is taxed, rounded half up.
    pub(super) fn of(total: i64, tax_free: i64, vat: Option<i64>) -> Option<Self> {
        if total <= 0 || tax_free < 0 || tax_free > total {
            return None;
        }
        let taxed = total - tax_free;
        let vat = vat.unwrap_or((taxed * 2 + 11) / 22);
        (0..=taxed).contains(&vat).then_some(Self { total, tax_free, vat })
    }

    pub(super) const fn less(self, other: Self) -> Self {
        Self {
            total: self.total - other.total,
            tax_free: self.tax_free - other.tax_free,
            vat: self.vat - other.vat,
        }
    }

    pub(super) fn json(self) -> Value {
        let Self { total, tax_free, vat } = self;
        json!({
            "total": total, "tax_free": tax_free, "vat": vat, "point": 0, "discount": 0,
            "green_deposit": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_that_is_not_told_is_an_eleventh_rounded_half_up() {
        let vat = |total, free| Amount::of(total, free, None).map(|amount| amount.vat);
        assert_eq!(vat(31_000, 0), Some(2_818));
        assert_eq!(vat(31_000, 31_000), Some(0));
        assert_eq!(vat(6, 0), Some(1));
        assert_eq!(vat(5, 0), Some(0));
        assert_eq!(vat(5, 6), None);
        assert_eq!(Amount::of(100, 0, Some(101)), None);
    }
}
