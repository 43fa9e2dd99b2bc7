//! What a mail says, before it has words.

use std::fmt;

use base::language::Language;

use crate::{business::Business, social::Provider};

/// A mail that is to be written.
#[derive(Clone, Copy)]
pub enum Mail<'a> {
    /// Whoever is signed in verifies the address by this token, for [`crate::limits::PROOF_TTL`].
    VerifyEmail {
        /// The token of the link.
        token: &'a str,
    },
    /// Whoever reads this replaces the password by this token, for [`crate::limits::RESET_TTL`].
    ResetPassword {
        /// The token of the link.
        token: &'a str,
    },
    /// The account was linked with one elsewhere, perhaps by somebody else.
    Linked {
        /// Where that is.
        provider: Provider,
    },
    /// The business was approved, rejected or suspended.
    Decided {
        /// As it stands now.
        business: &'a Business,
    },
}

impl fmt::Debug for Mail<'_> {
    /// Tokens and names do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VerifyEmail { .. } => "VerifyEmail(…)",
            Self::ResetPassword { .. } => "ResetPassword(…)",
            Self::Linked { .. } => "Linked(…)",
            Self::Decided { .. } => "Decided(…)",
        })
    }
}

/// A mail in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// The text, for everybody.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(…)")
    }
}

/// Who has the words, and knows where the shop's pages are.
pub trait MailWriter: Send + Sync + 'static {
    /// Writes a mail.
    fn write(&self, mail: &Mail<'_>, language: Language) -> Written;
}
