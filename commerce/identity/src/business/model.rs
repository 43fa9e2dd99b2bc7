//! What a business is.

use std::fmt;

use base::moment::Moment;
use serde::{Deserialize, Serialize};
use store::{fact::Fact, task::Task};

use super::{
    number::{BusinessNumber, NumberRefusal},
    state::{Decision, State, Verdict},
};
use crate::{
    email::Email,
    ids::{AccountId, BusinessId},
    limits::{COMPANY_CHARS_MAX, REASON_CHARS_MAX},
    line::line,
    name::Name,
    phone::Phone,
};

/// A business came to another state, or says something else of itself.
pub const CHANGED: Fact = Fact("business.changed");

/// It was approved, rejected or suspended: its owner is told.
pub const DECIDED: Fact = Fact("business.decided");

/// What a business says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Company {
    pub(super) name: String,
    pub(super) number: BusinessNumber,
    pub(super) representative: String,
    pub(super) email: String,
    pub(super) phone: String,
}

impl fmt::Debug for Company {
    /// The rest is of persons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Company").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A company as somebody typed it.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its business number.
    pub number: &'a str,
    /// Who represents it.
    pub representative: &'a str,
    /// Where it is written to.
    pub email: &'a str,
    /// Where it is called.
    pub phone: &'a str,
}

impl fmt::Debug for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

store::refusals! {
    /// Why a field of a company is not taken.
    pub CompanyRefusal {
        /// Its name.
        Name = "company_name_invalid": "a company has a name of 1 to 100 characters on one line",
        /// Its business number is none.
        NumberNotTenDigits = "business_number_not_ten_digits":
            "a business number has ten digits, such as 123-45-67890",
        /// Its business number was mistyped.
        NumberCheckDigit = "business_number_check_digit":
            "the number was mistyped: its last digit does not fit the others",
        /// Who represents it.
        Representative = "representative_invalid":
            "the representative has a name of 1 to 60 characters on one line",
        /// Where it is written to.
        Email = "email_invalid": "an e-mail address is needed, such as name@shop.example",
        /// Where it is called.
        Phone = "phone_invalid": "a Korean phone number is needed, such as 02-123-4567",
    }
}

impl Company {
    /// Takes a company, or says what is wrong with each of its fields.
    pub fn parse(typed: &Typed<'_>) -> Result<Self, Vec<CompanyRefusal>> {
        let name = line(typed.name, COMPANY_CHARS_MAX).filter(|name| !name.is_empty());
        let name = name.ok_or(CompanyRefusal::Name);
        let number = BusinessNumber::parse(typed.number).map_err(|refusal| match refusal {
            NumberRefusal::NotTenDigits => CompanyRefusal::NumberNotTenDigits,
            NumberRefusal::CheckDigit => CompanyRefusal::NumberCheckDigit,
        });
        let representative = Name::parse(typed.representative);
        let representative = representative.ok_or(CompanyRefusal::Representative);
        let email = Email::parse(typed.email).ok_or(CompanyRefusal::Email);
        let phone = Phone::parse(typed.phone).map_err(|_| CompanyRefusal::Phone);
        match (name, number, representative, email, phone) {
            (Ok(name), Ok(number), Ok(representative), Ok(email), Ok(phone)) => Ok(Self {
                name,
                number,
                representative: representative.as_str().to_owned(),
                email: email.as_str().to_owned(),
                phone: phone.digits().to_owned(),
            }),
            (name, number, representative, email, phone) => {
                let faults =
                    [name.err(), number.err(), representative.err(), email.err(), phone.err()];
                Err(faults.into_iter().flatten().collect())
            }
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its business number.
    pub const fn number(&self) -> &BusinessNumber {
        &self.number
    }

    /// Who represents it; empty after withdrawal.
    pub fn representative(&self) -> &str {
        &self.representative
    }

    /// Where it is written to; empty after withdrawal.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Where it is called, in digits; empty after withdrawal.
    pub fn phone(&self) -> &str {
        &self.phone
    }
}

/// Why an operator decided something: a line of text for the business to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub(super) String);

impl Reason {
    /// Takes a reason of 1 to [`REASON_CHARS_MAX`] characters on one line.
    pub fn parse(text: &str) -> Option<Self> {
        line(text, REASON_CHARS_MAX).filter(|reason| !reason.is_empty()).map(Self)
    }
}

/// What an operator decides about a business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What.
    pub decision: Decision,
    /// The [`Business::applied_at`] of what the operator looked at: who says something else of themselves
    /// meanwhile is looked at again.
    pub seen: Moment,
    /// Why. What forbids selling has a reason.
    pub reason: Option<Reason>,
}

/// What the tax service said of a business's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it said.
    pub verdict: Verdict,
    /// When.
    pub at: Moment,
}

/// A business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    /// Its id, in every deal.
    pub id: BusinessId,
    /// Whose it is.
    pub account: AccountId,
    /// How it stands.
    pub state: State,
    /// What it says of itself.
    pub company: Company,
    /// What the tax service said last; nothing yet if `None`.
    pub checked: Option<Checked>,
    /// Why it was rejected or suspended, if an operator did.
    pub reason: Option<String>,
    /// When it applied, or said last who it is.
    pub applied_at: Moment,
    /// When its state was decided.
    pub decided_at: Option<Moment>,
    /// By which operator; `None` if the tax service's verdict did.
    pub decided_by: Option<AccountId>,
}

/// A business that may sell, and may while the transaction lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved(pub(super) Business);

impl Approved {
    /// The business.
    pub const fn business(&self) -> &Business {
        &self.0
    }
}

/// A business's number is to be looked up at the tax service, now or again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckBusiness {
    /// Which business.
    pub business: BusinessId,
}

impl Task for CheckBusiness {
    const KIND: &'static str = "identity.check_business";

    fn key(&self) -> String {
        self.business.to_string()
    }
}

store::refusals! {
    /// Why nobody applied.
    pub ApplyRefusal {
        /// Nobody has shown to read the account's address.
        NotVerified = "email_not_verified": "the account's e-mail address was not verified",
        /// Another account's business has the number.
        NumberTaken = "business_number_taken": "another account has applied with this number",
        /// It was approved or suspended: [`super::change`] changes what it says.
        Decided = "business_decided": "the business was approved or suspended already",
    }
}

store::refusals! {
    /// Why nothing of a business was changed.
    pub ChangeRefusal {
        /// The account has none.
        Unknown = "business_unknown": "the account has no business",
        /// Nobody has approved it, so it applies.
        NotDecided = "business_not_decided": "nobody has approved the business: apply again instead",
        /// Another number is another business.
        Number = "business_number_fixed": "the number of a business that was approved does not change",
        /// It may not sell, and gets around that by no new name.
        Suspended = "business_suspended":
            "a suspended business changes neither its name nor its representative",
    }
}

store::refusals! {
    /// Why a decision was not made.
    pub DecideRefusal {
        /// Who decides does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
        /// It is the business of who decides.
        Own = "business_own": "an operator does not decide about their own business",
        /// It may not sell, and is not told why.
        ReasonMissing = "reason_missing": "who may not sell is told the reason",
        /// There is no such business.
        Unknown = "business_unknown": "there is no such business",
        /// Its owner said something else of it since the operator looked.
        Changed = "business_changed": "the business says something else of itself by now",
        /// In its state nothing like that can be decided.
        WrongState = "business_state_wrong": "the business is in a state in which this cannot be decided",
        /// The tax service has not said lately that the number is an active business's.
        NotVerified = "business_not_verified":
            "the tax service has not confirmed within a day that the business is active",
    }
}

store::refusals! {
    /// Why an account may not sell.
    pub SellRefusal {
        /// It has no business, or one that was not approved.
        NotApproved = "business_not_approved": "the business was not approved",
    }
}
