//! What an account is.

use std::fmt;

use base::{language::Language, moment::Moment};
use store::fact::Fact;

use crate::{
    email::Email, ids::AccountId, name::Name, password::PasswordHash, phone::Phone, proof::Owner,
};

/// An account was withdrawn: whoever keeps something personal of it removes that.
pub const WITHDRAWN: Fact = Fact("account.withdrawn");

/// An account, as all but its owner may know it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, in every order and everywhere else.
    pub id: AccountId,
    /// The address, as its owner writes it; `None` after withdrawal, and of a person who signs in
    /// elsewhere and gave no address.
    pub email: Option<String>,
    /// What the person is called; empty after withdrawal, and of a person who gave no name.
    pub name: String,
    /// How the person can be called, if they said so.
    pub phone: Option<Phone>,
    /// In which language the person is written to.
    pub language: Language,
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
    pub(super) address: Option<Held>,
    pub(super) has_password: bool,
}

/// The key of the address that an account has.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Held(pub(super) String);

impl fmt::Debug for Held {
    /// An address is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(…)")
    }
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

    /// Whether the person can sign in by a password, or have one sent to a verified address.
    pub const fn can_sign_in_here(&self) -> bool {
        self.account.is_verified || (self.address.is_some() && self.has_password)
    }

    /// What a proof of its address is made for; `None` without an address.
    pub(super) fn as_owner(&self) -> Option<Owner<'_>> {
        let email_key = &self.address.as_ref()?.0;
        Some(Owner { account: self.account.id, email_key })
    }
}

/// An account that is to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct New<'a> {
    pub(crate) email: Option<&'a Email>,
    /// Whether somebody we trust has verified the address.
    pub(crate) is_verified: bool,
    pub(crate) password: Option<&'a PasswordHash>,
    pub(crate) name: Option<&'a Name>,
}

/// What a person says of themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What the person is called.
    pub name: Name,
    /// How the person can be called, if they say so.
    pub phone: Option<Phone>,
}

store::refusals! {
    /// Why an account did not get an address.
    pub EmailRefusal {
        /// Another account has the address.
        Taken = "email_taken": "the address has an account",
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
