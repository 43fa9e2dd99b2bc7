//! What a session is.

use base::moment::Moment;
use store::{
    fact::Fact,
    sea_orm::{self, DeriveActiveEnum, EnumIter},
};

use crate::{
    ids::{AccountId, SessionId},
    limits::{DEVICE_CHARS_MAX, OPERATOR_SESSION_MAX, SESSION_FRESH_FOR, SESSION_TTL},
    line::seen,
};

/// A session was ended before its time: its access tokens are no longer good.
pub const ENDED: Fact = Fact("session.ended");

/// As what somebody is signed in. A session of one role is of no use for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    /// Buys, and writes to others.
    #[sea_orm(string_value = "shopper")]
    Shopper,
    /// Sells, once its business was approved.
    #[sea_orm(string_value = "business")]
    Business,
    /// Runs the platform.
    #[sea_orm(string_value = "operator")]
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shopper, Self::Business, Self::Operator];

    /// What programs know it by.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Business => "business",
            Self::Operator => "operator",
        }
    }

    /// The one that programs know by this.
    pub fn of(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.label() == label)
    }

    /// Until when a session that was opened at one time lasts if it is prolonged at another.
    pub(super) fn lasts_until(self, opened_at: Moment, now: Moment) -> Moment {
        let prolonged = now.after(SESSION_TTL);
        match self {
            Self::Operator => prolonged.min(opened_at.after(OPERATOR_SESSION_MAX)),
            Self::Shopper | Self::Business => prolonged,
        }
    }
}

/// What a person is shown of the device that a session is on, such as "Firefox on Linux".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// What can be seen of a text, as far as it is kept. Nothing at all is a name too.
    pub fn of(text: &str) -> Self {
        Self(seen(text).take(DEVICE_CHARS_MAX).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// As what.
    pub role: Role,
    /// On which device.
    pub device: DeviceName,
}

/// Where an account is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, the `sid` of its access tokens.
    pub id: SessionId,
    /// Who is signed in.
    pub account: AccountId,
    /// As what.
    pub role: Role,
    /// What the person is shown of the device.
    pub device: String,
    /// Which refresh token is good now.
    pub generation: i64,
    /// When the person signed in.
    pub opened_at: Moment,
    /// When it was prolonged last.
    pub refreshed_at: Moment,
    /// When it ends unless it is prolonged.
    pub expires_at: Moment,
    /// When it was ended, if it was.
    pub ended_at: Option<Moment>,
}

impl Session {
    /// Whether somebody is signed in by it.
    pub fn is_on(&self, now: Moment) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }

    /// Whether the person has signed in lately. What gives somebody a lasting way in, such as a link or a
    /// first password, takes a fresh session, so that one that was stolen does not become one for good.
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.is_on(now) && now.since(self.opened_at) < SESSION_FRESH_FOR
    }

    /// What its refresh token says.
    pub const fn refresh(&self) -> Refresh {
        Refresh { session: self.id, generation: self.generation }
    }
}

/// What a refresh token says, once its MAC was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Of which session.
    pub session: SessionId,
    /// Which of its tokens, counted from one.
    pub generation: i64,
}

/// What came of a refresh. Either way it is to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The session as it is now on.
    Done(Session),
    /// Nobody is signed in by it.
    Refused(RefreshRefusal),
}

store::refusals! {
    /// Why nobody was signed in.
    pub SignInRefusal {
        /// The account does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
    }
}

store::refusals! {
    /// Why a session was not prolonged.
    pub RefreshRefusal {
        /// There is no such session.
        Unknown = "session_unknown": "there is no such session",
        /// It was ended, or was not prolonged in time.
        Over = "session_over": "the session is over",
        /// The token was used before, so the session was ended.
        Reused = "refresh_reused": "the refresh token was used before; the session was ended",
    }
}

store::refusals! {
    /// Why nothing was done with a session.
    pub OwnRefusal {
        /// The account is signed in by no such session.
        Unknown = "session_unknown": "there is no such session",
    }
}
