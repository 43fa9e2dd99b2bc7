//! What delivery has to be told of people and words.

use base::language::Language;
use outbound::Secret;
use store::{Db, Tx, sea_orm::DbErr};

use crate::{
    ids::{DeviceId, Person},
    notice::Notice,
};

/// A device of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Who is signed in on it.
    pub person: Person,
    /// What the push service knows it by.
    pub token: Secret,
    /// In which language it is told.
    pub language: Language,
}

/// Where a person gets mails.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The address, which is verified.
    pub address: String,
    /// In which language they are told.
    pub language: Language,
}

impl std::fmt::Debug for Mailbox {
    /// An address is personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

/// Where people are reached. Whoever knows accounts has one.
pub trait Directory: Send + Sync + 'static {
    /// The devices that a person is signed in on.
    fn devices(
        &self,
        db: &Db,
        person: Person,
    ) -> impl Future<Output = Result<Vec<DeviceId>, DbErr>> + Send;

    /// A device, if somebody is still signed in on it.
    fn device(
        &self,
        db: &Db,
        device: DeviceId,
    ) -> impl Future<Output = Result<Option<Device>, DbErr>> + Send;

    /// Where a person gets mails; nothing if they have no verified address.
    fn mailbox(
        &self,
        db: &Db,
        person: Person,
    ) -> impl Future<Output = Result<Option<Mailbox>, DbErr>> + Send;

    /// Removes the token of a device that the push service does not know any more, and no other that the
    /// device got since.
    fn prune(&self, tx: &Tx, device: &Device) -> impl Future<Output = Result<(), DbErr>> + Send;
}

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The first line, or the subject of a mail.
    pub title: String,
    /// The rest.
    pub body: String,
    /// The page it leads to, as an absolute URL.
    pub link: Option<String>,
    /// A picture beside it, as an absolute URL.
    pub image: Option<String>,
}

/// What says a notice in a language: the words stand with the pages that show the inbox.
pub trait Say: Send + Sync + 'static {
    /// A notice in words; nothing if its kind is not known here.
    fn say(&self, notice: &Notice, language: Language) -> Option<Said>;
}
