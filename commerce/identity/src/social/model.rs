//! What a provider says of a person, and what is kept of the way there.

use std::fmt;

use base::moment::Moment;
use store::{
    fact::Fact,
    sea_orm::{self, DeriveActiveEnum, EnumIter},
};

use crate::{
    email::Email,
    ids::{LinkId, SessionId},
    limits::{RETURN_TO_BYTES_MAX, SUBJECT_BYTES_MAX},
    name::Name,
    session::Role,
};

/// An account was linked with one elsewhere: its owner is told, as somebody else may have done it. The
/// subject is the account.
pub const LINKED: Fact = Fact("account.linked");

/// Who people sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Provider {
    /// Kakao Login.
    #[sea_orm(string_value = "kakao")]
    Kakao,
    /// Google.
    #[sea_orm(string_value = "google")]
    Google,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Kakao, Self::Google];

    /// What programs know it by.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kakao => "kakao",
            Self::Google => "google",
        }
    }

    /// The one that programs know by this.
    pub fn of(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.label() == label)
    }
}

/// What a provider says of a person. Whoever makes it has verified that the provider says it, to us, now.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// The provider.
    pub provider: Provider,
    /// Its own name for the person, which never changes.
    pub subject: String,
    /// The person's address there, if the person lets us know.
    pub email: Option<String>,
    /// Whether the provider has verified that the person reads it.
    pub email_verified: bool,
    /// What the person is called there.
    pub name: Option<String>,
}

impl fmt::Debug for Claims {
    /// The rest is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// A person as a provider knows them, as far as we understand it.
#[derive(Clone, Debug)]
pub struct Person {
    pub(super) provider: Provider,
    pub(super) subject: Subject,
    email: Option<Email>,
    is_verified: bool,
    name: Option<Name>,
}

/// A provider's own name for a person.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Subject(pub(super) String);

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}

impl Person {
    /// Reads claims. Without a subject of visible ASCII they name nobody; an address or a name that is
    /// none is left out.
    pub fn of(claims: &Claims) -> Option<Self> {
        let subject = &claims.subject;
        let is_subject = (1..=SUBJECT_BYTES_MAX).contains(&subject.len())
            && subject.bytes().all(|byte| byte.is_ascii_graphic());
        is_subject.then(|| Self {
            provider: claims.provider,
            subject: Subject(subject.clone()),
            email: claims.email.as_deref().and_then(Email::parse),
            is_verified: claims.email_verified,
            name: claims.name.as_deref().and_then(Name::parse),
        })
    }

    /// The person's address, if the provider has verified it. What it has not verified anybody could have
    /// typed there.
    pub fn verified_email(&self) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.is_verified)
    }

    /// The address that the provider tells, to show and nothing else.
    pub(super) fn shown_email(&self) -> Option<&str> {
        self.email.as_ref().map(Email::as_str)
    }

    /// What the person is called.
    pub const fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }
}

/// An account elsewhere that an account here is signed in by.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// With whom.
    pub provider: Provider,
    /// The address that the provider told.
    pub email: Option<String>,
    /// When it was linked.
    pub linked_at: Moment,
    /// When somebody signed in by it last.
    pub used_at: Moment,
}

impl fmt::Debug for Link {
    /// An address is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut link = f.debug_struct("Link");
        link.field("id", &self.id).field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// A page of the shop that somebody returns to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Takes a path on this host. Anything else, such as the address of another one, is the first page.
    pub fn of(path: &str) -> Self {
        let is_here = path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= RETURN_TO_BYTES_MAX
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        Self(if is_here { path.to_owned() } else { "/".to_owned() })
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody goes to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be signed in.
    SignIn(Role),
    /// To link the account that is signed in by this session.
    Link(SessionId),
}

/// Somebody who is sent to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// To whom.
    pub provider: Provider,
    /// What for.
    pub purpose: Purpose,
    /// Where the person goes afterwards.
    pub return_to: ReturnTo,
}

store::refusals! {
    /// Why a return from a provider is of no use.
    pub FlowRefusal {
        /// It was used, is too old, or there never was one.
        Invalid = "sign_in_flow_invalid": "the sign-in was begun too long ago, or came back twice",
    }
}

store::refusals! {
    /// Why two accounts were not linked.
    pub LinkRefusal {
        /// Another account has it.
        LinkedElsewhere = "link_taken": "that account is linked with another account here",
        /// There are as many as an account can have.
        TooMany = "links_too_many": "an account is linked with at most 8 others",
    }
}

store::refusals! {
    /// Why two accounts stay linked.
    pub UnlinkRefusal {
        /// The account has no such link.
        Unknown = "link_unknown": "there is no such link",
        /// Nobody could sign in any more.
        LastWay = "link_last_way":
            "nobody could sign in to the account any more: verify an e-mail address first",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for path in ["/", "/deals/7?from=mail#top", "/a//b"] {
            assert_eq!(ReturnTo::of(path).as_str(), path);
        }
        let long = format!("/{}", "x".repeat(RETURN_TO_BYTES_MAX));
        for path in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/\t/evil",
            "x",
            &long,
        ] {
            assert_eq!(ReturnTo::of(path).as_str(), "/", "{path}");
        }
    }

    #[test]
    fn claims_name_somebody_by_their_subject_alone() {
        let claims = |subject: &str, email: &str, email_verified| Claims {
            provider: Provider::Kakao,
            subject: subject.to_owned(),
            email: Some(email.to_owned()),
            email_verified,
            name: Some(" ".to_owned()),
        };
        let person = Person::of(&claims("12345", "kim@shop.example", true)).unwrap();
        assert!(person.verified_email().is_some() && person.name().is_none());
        for (email, verified) in [("kim@shop.example", false), ("nowhere", true)] {
            let person = Person::of(&claims("12345", email, verified)).unwrap();
            assert!(person.verified_email().is_none(), "{email}");
        }
        let long = "x".repeat(SUBJECT_BYTES_MAX + 1);
        for subject in ["", "a b", "김", "\0", &long] {
            assert!(Person::of(&claims(subject, "kim@shop.example", true)).is_none(), "{subject}");
        }
    }
}
