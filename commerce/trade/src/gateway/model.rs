//! What a gateway is asked, and what it says.

use std::{fmt, time::Duration};

use base::money::Money;
use outbound::CallError;
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// What a payment is to be.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// The shop's id of the payment. The provider keeps it as the order's, and beginning twice under one
    /// id has one effect where the provider can tell.
    pub payment: &'a str,
    /// Who pays, by an id that never changes.
    pub shopper: &'a str,
    /// What is bought, as the provider shows it to the shopper.
    pub title: &'a str,
    /// How many of it.
    pub quantity: u32,
    /// What is paid in all.
    pub amount: Money,
    /// Where the browser comes back to.
    pub back: Back<'a>,
}

/// Where the browser comes back to. Nothing depends on its coming back.
#[derive(Clone, Copy, Debug)]
pub struct Back<'a> {
    /// After paying; and after anything else, at a provider that knows one address only.
    pub paid: &'a str,
    /// After giving up.
    pub given_up: &'a str,
    /// After failing.
    pub failed: &'a str,
}

/// A payment that the provider knows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The provider's id of it.
    pub reference: String,
    /// The provider's page, where the shopper pays.
    pub page: String,
    /// For how long, from when it was asked for, the shopper can pay there.
    pub lasts: Duration,
}

/// A payment that was begun.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The provider's id of it.
    pub reference: &'a str,
    /// As in its [`Intent`].
    pub payment: &'a str,
    /// As in its [`Intent`].
    pub shopper: &'a str,
    /// As in its [`Intent`].
    pub amount: Money,
}

/// What the browser brought back for `approve`.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof(pub(crate) String);

impl Proof {
    /// The text, to be kept until the payment is approved.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// From a text that was kept.
    pub const fn of(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}

/// How a shopper paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Method {
    /// By card.
    #[sea_orm(string_value = "card")]
    Card,
    /// With money kept at the provider.
    #[sea_orm(string_value = "money")]
    Money,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How much.
    pub amount: Money,
    /// From where.
    pub method: Method,
}

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The shopper has not decided.
    Open,
    /// The shopper agreed; `approve` takes the money.
    Agreed,
    /// The money was taken. Some or all of it may have been given back.
    Taken,
    /// No money was taken, and none will be.
    Over,
}

/// How a payment stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it is.
    pub stage: Stage,
    /// What was taken, ever.
    pub taken: Money,
    /// What of it was given back, whoever asked for that.
    pub back: Money,
    /// What of that by the shop's calls, which the provider knows by their refunds.
    pub ours: Money,
    /// How the shopper paid, if the provider says so.
    pub method: Option<Method>,
}

/// Money that is to be given back.
#[derive(Clone, Copy, Debug)]
pub struct GiveBack<'a> {
    /// The shop's id of the refund, which the provider keeps: so a look-up can tell what was given back by
    /// the shop's calls from what was not.
    pub refund: &'a str,
    /// How much.
    pub amount: Money,
    /// How much was given back before, as far as the shop knows. Of two calls with the same, one has an
    /// effect.
    pub before: Money,
}

/// Why a gateway did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// The provider refused: this call moved nothing, and repeated it will be refused again.
    Refused {
        /// The provider's code for it.
        code: String,
    },
    /// It was not done, for a reason that is not the payment's: repeat it later.
    NotDone(String),
    /// It may have been done: look up.
    Unheard(String),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code } => write!(f, "the provider refused with {code}"),
            Self::NotDone(why) | Self::Unheard(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for GatewayError {}

impl From<CallError> for GatewayError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unsent(why) => Self::NotDone(why),
            CallError::Unheard(why) => Self::Unheard(why),
        }
    }
}
