//! A moment as a column has it: milliseconds since 1970.

use base::moment::Moment;
use sea_orm::DeriveValueType;

/// When something was, is or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
pub struct At(pub i64);

impl From<Moment> for At {
    fn from(moment: Moment) -> Self {
        Self(moment.0)
    }
}

impl From<At> for Moment {
    fn from(at: At) -> Self {
        Self(at.0)
    }
}
