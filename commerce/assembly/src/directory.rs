//! Where people are reached: their accounts know.

use base::language::Language;
use commons::{
    delivery::{Device, Directory, Mailbox},
    ids::{DeviceId, Person},
};
use identity::{
    account,
    device::{self, PushToken},
    ids::{AccountId, SessionId},
    session,
};
use outbound::Secret;
use store::{Db, Tx, sea_orm::DbErr};

/// The accounts. A person is an account, and a device a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfAccounts;

impl Directory for OfAccounts {
    async fn devices(&self, db: &Db, person: Person) -> Result<Vec<DeviceId>, DbErr> {
        let devices = session::devices(&db.read(), AccountId(person.0), db.now()).await?;
        Ok(devices.into_iter().map(|device| DeviceId(device.session.0)).collect())
    }

    async fn device(&self, db: &Db, device: DeviceId) -> Result<Option<Device>, DbErr> {
        let found = session::device(&db.read(), SessionId(device.0), db.now()).await?;
        let Some(found) = found else { return Ok(None) };
        let account = account::find(&db.read(), found.account).await?;
        Ok(Some(Device {
            id: device,
            person: Person(found.account.0),
            token: Secret::new(found.token.as_str().to_owned()),
            language: account.map_or(Language::Korean, |account| account.language),
        }))
    }

    async fn mailbox(&self, db: &Db, person: Person) -> Result<Option<Mailbox>, DbErr> {
        let found = account::find(&db.read(), AccountId(person.0)).await?;
        let verified = found.filter(|found| found.is_verified);
        Ok(verified
            .and_then(|found| Some(Mailbox { address: found.email?, language: found.language })))
    }

    async fn prune(&self, tx: &Tx, device: &Device) -> Result<(), DbErr> {
        match PushToken::parse(device.token.expose()) {
            Some(token) => device::prune(tx, &token).await.map(drop),
            None => Ok(()),
        }
    }
}
