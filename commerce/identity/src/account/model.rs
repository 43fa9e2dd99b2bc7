//! What an account is.

use std::fmt;

use base::moment::Moment;
use store::fact::Fact;

use crate::{email::Email, ids::AccountId, name::Name, password::PasswordHash, proof::Owner};

/// An account was withdrawn: whoever keeps something personal of it removes that.
pub const WITHDRAWN: Fact = Fact("account.withdrawn");

/// An account, as all but its owner may know it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, in every order and everywhere else.
    pub id: AccountId,
    /// The address, as its owner writes it; none after withdrawal.
    pub email: Option<String>,
    /// What the person is called; empty after withdrawal.
    pub name: String,
    /// Whether the person reads what is sent to the address.
    pub is_verified: bool,
    /// Whether the person runs the platform.
    pub is_operator: bool,
    /// When it was made.
    pub created_at: Moment,
    /// When its owner withdrew.
    pub withdrawn_at: Option<Moment>,
}

impl fmt::Debug for Account {
    /// Names and addresses do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An account that was not withdrawn, and cannot be while the transaction lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    pub(super) account: Account,
    pub(super) email_key: String,
}

impl Live {
    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Its id.
    pub const fn id(&self) -> AccountId {
        self.account.id
    }

    /// What a proof of its address is made for.
    pub(super) fn as_owner(&self) -> Owner<'_> {
        Owner { account: self.account.id, email_key: &self.email_key }
    }
}

/// How somebody will prove to be the account's owner.
#[derive(Clone, Debug)]
pub enum Credential {
    /// By a password.
    Password(PasswordHash),
    /// By signing in with somebody we trust.
    Elsewhere,
}

/// What somebody who signs up gives.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The address.
    pub email: Email,
    /// How the person signs in.
    pub credential: Credential,
    /// What the person is called.
    pub name: Name,
}

store::refusals! {
    /// Why nobody was signed up.
    pub SignUpRefusal {
        /// Another account has the address.
        EmailTaken = "email_taken": "the address has an account",
    }
}

store::refusals! {
    /// Why an account can do nothing.
    pub Gone {
        /// There is no such account, or it was withdrawn.
        Gone = "account_gone": "there is no such account",
    }
}

store::refusals! {
    /// Why an address was not verified, or a password not replaced.
    pub ProofRefusal {
        /// It is no proof for this, was used, or is too old.
        Invalid = "proof_invalid": "the link was used, is too old, or is no such link",
    }
}
