//! What happens to a payment.

use base::moment::Moment;
use serde::{Deserialize, Serialize};
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use crate::ids::RefundId;

/// One thing that happened, in the order in which it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A call is about to leave.
    Asked(Ask),
    /// What a call came to.
    Heard {
        /// Which step asked: their count when it was written, itself included. An answer to another one is
        /// of a driver that lost its lease.
        asked: u32,
        /// What it came to.
        heard: Heard,
    },
    /// The shopper came back from the provider.
    Returned(Return),
    /// The engine told of the units by itself: their time ran out, or an operator acted.
    Seen(Seen),
    /// The provider is to be asked how the payment stands, as in every reconciliation.
    LookUpWanted,
    /// A person has looked at what contradicted itself: it is asked for again.
    Resolved,
    /// A person has decided how it goes on with what asking again does not clear.
    Decided(Decision),
    /// Somebody who may wants money given back.
    RefundWanted {
        /// Which refund this is.
        refund: RefundId,
        /// How much, in minor units; at least 1.
        minor: i64,
        /// Whether the units go back too, once all of the money has. The last refund decides.
        restocks: bool,
        /// Whether goods that have not been sent stay where they are: the buyer did not say which of them the
        /// money was for.
        #[serde(default)]
        withholds: bool,
    },
}

/// What a person decides about a payment in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It stands as it is: what was taken is enough; or units that nobody paid stay where they are, and the order
    /// comes to nothing.
    Accept,
    /// The units go back on sale, and with them all money that was taken.
    Undo,
    /// The keeper has no such units any more, and all money goes back.
    UnitsGone,
}

impl Step {
    /// What it is, in a word for operators: nothing of what a provider or a browser said.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Asked(ask) => ask.name(),
            Self::Heard { heard, .. } => heard.name(),
            Self::Returned(Return::Agreed { .. }) => "returned: agreed",
            Self::Returned(Return::Cancelled) => "returned: cancelled",
            Self::Returned(Return::Failed) => "returned: failed",
            Self::Seen(Seen::Released) => "seen: released",
            Self::Seen(Seen::Expired) => "seen: expired",
            Self::Seen(Seen::Confirmed) => "seen: confirmed",
            Self::Seen(Seen::TakenBack) => "seen: taken back",
            Self::LookUpWanted => "look-up wanted",
            Self::Resolved => "resolved",
            Self::Decided(Decision::Accept) => "decided: accept",
            Self::Decided(Decision::Undo) => "decided: undo",
            Self::Decided(Decision::UnitsGone) => "decided: units gone",
            Self::RefundWanted { .. } => "refund wanted",
        }
    }
}

impl Ask {
    const fn name(&self) -> &'static str {
        match self {
            Self::Ready => "asked: ready",
            Self::Pay => "asked: pay",
            Self::Approve => "asked: approve",
            Self::LookUp => "asked: look up",
            Self::Confirm => "asked: confirm",
            Self::Release => "asked: release",
            Self::Void => "asked: void",
            Self::GiveBack { .. } => "asked: give back",
            Self::TakeBack => "asked: take back",
        }
    }
}

impl Heard {
    const fn name(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "heard: ready",
            Self::Paying => "heard: paying",
            Self::Taken { .. } => "heard: taken",
            Self::Refused { .. } => "heard: refused",
            Self::Found(Found::Open) => "heard: open",
            Self::Found(Found::Over) => "heard: over",
            Self::Found(Found::Taken { .. }) => "heard: was taken",
            Self::Confirmed => "heard: confirmed",
            Self::Released => "heard: released",
            Self::GivenBack { .. } => "heard: given back",
            Self::Voided => "heard: voided",
            Self::TakenBack => "heard: taken back",
            Self::Unsent => "heard: not sent",
            Self::Silence => "heard: nothing",
        }
    }
}

/// A call to the provider or to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The provider: prepare a payment.
    Ready,
    /// The engine: keep the units until the payment has come to an end.
    Pay,
    /// The provider: take the money.
    Approve,
    /// The provider: say how the payment stands.
    LookUp,
    /// The engine: the units are sold.
    Confirm,
    /// The engine: the units go back.
    Release,
    /// The provider: what is reserved and was not taken is free again.
    Void,
    /// The provider: give so much back, in minor units.
    GiveBack {
        /// For which refund; without one, because the units are gone.
        refund: Option<RefundId>,
        /// How much.
        minor: i64,
        /// How much was given back before, so that a repetition can be told.
        before: i64,
    },
    /// The engine: units that were sold go back.
    TakeBack,
}

/// What a call came to. Silence is no answer: the call may have had its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// The provider prepared a payment, which the shopper can make until then.
    Ready {
        /// What the provider knows it by.
        tid: String,
        /// The provider's page, where the shopper pays.
        page: String,
        /// When the provider gives it up.
        until: Moment,
    },
    /// The units wait for the payment.
    Paying,
    /// The provider took so much, in minor units.
    Taken {
        /// How much.
        minor: i64,
    },
    /// The provider refuses what it was asked, for good.
    Refused {
        /// The provider's word for why.
        code: String,
    },
    /// How the provider says the payment stands.
    Found(Found),
    /// The units are sold.
    Confirmed,
    /// The units are back on the shelf; they were so before, perhaps.
    Released,
    /// It was given back; so much was by now, all in all.
    GivenBack {
        /// How much.
        minor: i64,
    },
    /// Nothing is reserved at the provider any more.
    Voided,
    /// The units that were sold are back.
    TakenBack,
    /// The call never left.
    Unsent,
    /// Nobody answered, or not in time, or nothing that could be understood.
    Silence,
}

/// How the provider says a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// No money was taken, but it may still be.
    Open,
    /// No money was taken, and none will be.
    Over,
    /// Money was taken.
    Taken {
        /// How much, in minor units.
        minor: i64,
        /// How much of it was given back.
        back: i64,
        /// How much of that by calls of ours, which the provider knows by their refunds.
        ours: i64,
    },
}

/// How the shopper came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// With the provider's word that the shopper agreed.
    Agreed {
        /// What the provider wants to see again.
        proof: String,
    },
    /// The shopper changed their mind.
    Cancelled,
    /// The provider refused.
    Failed,
}

/// What the engine told by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The units are back on the shelf, because they were given up.
    #[sea_orm(string_value = "released")]
    Released,
    /// They are because their time ran out.
    #[sea_orm(string_value = "expired")]
    Expired,
    /// The units are sold.
    #[sea_orm(string_value = "confirmed")]
    Confirmed,
    /// Units that were sold are back.
    #[sea_orm(string_value = "taken_back")]
    TakenBack,
}
