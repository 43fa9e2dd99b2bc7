//! What the holder of a bearer key may do.

/// What a bearer key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sales, pace, stock, messages: the people who run the sale.
    Operator,
    /// Payment results and sessions: the shop behind the gate.
    Backend,
}

impl Role {
    /// The role's name in configuration, journal and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Backend => "backend",
        }
    }

    /// What every bearer key of the role begins with.
    pub(crate) const fn key_prefix(self) -> &'static str {
        match self {
            Self::Operator => "rgo_",
            Self::Backend => "rgb_",
        }
    }
}
