//! What a proof is.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use store::{
    sea_orm::{self, DeriveActiveEnum, EnumIter},
    task::Task,
};

use crate::{
    ids::{AccountId, ProofId},
    limits::{PROOF_TTL, RESET_TTL},
};

/// What a proof is good for. One of a purpose proves nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// That the address is the account's.
    #[sea_orm(string_value = "verify_email")]
    VerifyEmail,
    /// That a forgotten password may be replaced.
    #[sea_orm(string_value = "reset_password")]
    ResetPassword,
}

/// Whose a proof is, and of which address. The account is locked.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) account: AccountId,
    pub(crate) email_key: &'a str,
}

impl fmt::Debug for Owner<'_> {
    /// An address is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Purpose {
    /// How long a proof holds.
    pub(super) const fn holds_for(self) -> Duration {
        match self {
            Self::VerifyEmail => PROOF_TTL,
            Self::ResetPassword => RESET_TTL,
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// A proof is to be sent to the address that [`crate::account::recipient`] tells when it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendProof {
    /// The proof.
    pub proof: ProofId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is good for.
    pub purpose: Purpose,
}

impl Task for SendProof {
    const KIND: &'static str = "identity.send_proof";

    fn key(&self) -> String {
        self.proof.to_string()
    }
}

store::refusals! {
    /// Why no proof was made.
    pub IssueRefusal {
        /// There is nowhere to send it.
        NoAddress = "address_missing": "the account has no e-mail address",
        /// The last one was made a moment ago.
        TooSoon = "proof_too_soon": "a mail was sent less than a minute ago",
        /// The address was sent so many within a day.
        TooMany = "proof_too_many": "five mails were sent within a day",
    }
}
