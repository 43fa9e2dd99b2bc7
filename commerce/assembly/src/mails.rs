//! The words of mails about accounts, and the links in them.

use base::language::Language;
use identity::{
    business::{Business, State},
    limits::{PROOF_TTL, RESET_TTL},
    mails::{Mail, MailWriter, Written},
    social::Provider,
};
use pages::{Mail as Words, MailText};

use crate::options::Site;

/// What mails call the shop.
const SHOP: &str = "Rushgate";

/// Writes them.
#[derive(Clone, Debug)]
pub(crate) struct Writer(pub(crate) Site);

impl Writer {
    /// A path of ours as a link. Mails are sent once it is known where the site is.
    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0.get().unwrap_or_default())
    }
}

impl MailWriter for Writer {
    fn write(&self, mail: &Mail<'_>, language: Language) -> Written {
        let language = match language {
            Language::Korean => pages::Language::Korean,
            Language::English => pages::Language::English,
        };
        let link = match mail {
            Mail::VerifyEmail { token } => self.link(&format!("/shop/verify?token={token}")),
            Mail::ResetPassword { token } => self.link(&format!("/shop/reset/set?token={token}")),
            Mail::Linked { .. } => self.link("/shop/me"),
            Mail::Decided { .. } => self.link("/shop/business"),
        };
        let MailText { subject, text, html } = words(mail, &link).text(language, SHOP);
        Written { subject, text, html }
    }
}

fn words<'a>(mail: &Mail<'a>, link: &'a str) -> Words<'a> {
    match mail {
        Mail::VerifyEmail { .. } => Words::VerifyEmail { link, hours: PROOF_TTL.as_secs() / 3_600 },
        Mail::ResetPassword { .. } => {
            Words::ResetPassword { link, minutes: RESET_TTL.as_secs() / 60 }
        }
        Mail::Linked { provider } => {
            let provider = match provider {
                Provider::Kakao => "Kakao",
                Provider::Google => "Google",
            };
            Words::Linked { provider, link }
        }
        Mail::Decided { business } => decided(business, link),
    }
}

fn decided<'a>(business: &'a Business, link: &'a str) -> Words<'a> {
    let (company, reason) = (business.company.name(), business.reason.as_deref());
    match business.state {
        State::Approved => Words::BusinessApproved { company, link },
        State::Suspended => Words::BusinessSuspended { company, reason, link },
        State::Rejected | State::Pending | State::Closed => {
            Words::BusinessRejected { company, reason, link }
        }
    }
}
