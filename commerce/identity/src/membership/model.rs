//! What people give who sign up or in, and what they can have of themselves.

use crate::{
    account::Account,
    address::Address,
    business::Business,
    device::Device,
    email::Email,
    name::Name,
    password::{Password, PasswordHash},
    session::{Session, SignIn},
    social::Link,
};

/// What somebody who signs up gives.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The address.
    pub email: Email,
    /// The hash of the password.
    pub password: PasswordHash,
    /// What the person is called.
    pub name: Name,
}

/// What somebody who signs in by a password gives.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The address.
    pub email: Email,
    /// What is said to be its password.
    pub password: Password,
    /// As what, and on which device.
    pub sign_in: SignIn,
}

/// All that is kept of a person in this crate, but for the hash of the password.
#[derive(Clone, Debug)]
pub struct PersonalData {
    /// The account.
    pub account: Account,
    /// Where things are sent.
    pub addresses: Vec<Address>,
    /// Where pushes are sent.
    pub devices: Vec<Device>,
    /// What sells for the person.
    pub business: Option<Business>,
    /// Where the person is signed in.
    pub sessions: Vec<Session>,
    /// The accounts elsewhere that the person signs in by.
    pub links: Vec<Link>,
}

store::refusals! {
    /// Why an account did not get an address.
    pub SetEmailRefusal {
        /// Another account has the address.
        Taken = "email_taken": "the address has an account",
        /// The account has an address that was verified.
        HasOne = "email_present": "the account has a verified address",
    }
}

store::refusals! {
    /// Why nobody was signed in by a password.
    pub PasswordSignInRefusal {
        /// No account has this address and this password.
        Wrong = "credentials_wrong": "no account has this address and this password",
        /// So many wrong ones were tried for the address that no other is for a while.
        TooManyGuesses = "sign_in_guessed":
            "too many wrong passwords were tried for this address within 15 minutes",
        /// So many passwords are being checked that no other can be.
        Busy = "sign_in_busy": "too many people are signing in; try again in a moment",
        /// The account does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
    }
}

store::refusals! {
    /// Why an account was not withdrawn.
    pub WithdrawRefusal {
        /// Something of it is under way, such as an order.
        InUse = "account_in_use": "the account has orders or deals that are not done yet",
    }
}

store::refusals! {
    /// Why somebody does not run the platform.
    pub AppointRefusal {
        /// Nobody has shown to read the account's address.
        NotVerified = "email_not_verified": "the account's e-mail address was not verified",
    }
}
