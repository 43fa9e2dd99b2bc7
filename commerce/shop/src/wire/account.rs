//! An account on the wire.

use std::fmt;

use base::moment::Moment;
use identity::{
    account::Account,
    address::Address,
    business::{Business, State},
    device::Device,
    membership::PersonalData,
    session::Session,
    social::Link,
};
use serde::Serialize;
use web::fields::Fields;

use super::{address::AddressObject, business::BusinessObject, read, session::SessionObject, time};
use crate::input::Object;

/// An account, as its owner sees it.
#[derive(Debug, Serialize)]
pub(crate) struct AccountObject {
    account: String,
    email: Option<String>,
    verified: bool,
    roles: Vec<&'static str>,
    name: String,
    phone: Option<String>,
    created_at: String,
}

impl AccountObject {
    pub(crate) fn of(account: &Account, business: Option<&Business>) -> Self {
        Self {
            account: account.id.to_string(),
            email: account.email.clone(),
            verified: account.is_verified,
            roles: roles(account, business),
            name: account.name.clone(),
            phone: account.phone.as_ref().map(identity::phone::Phone::grouped),
            created_at: time(account.created_at),
        }
    }
}

/// As what an account can sign in to some use.
fn roles(account: &Account, business: Option<&Business>) -> Vec<&'static str> {
    let sells = business.is_some_and(|business| business.state != State::Closed);
    let all = [("shopper", true), ("business", sells), ("operator", account.is_operator)];
    all.into_iter().filter(|(_, is_one)| *is_one).map(|(role, _)| role).collect()
}

/// `POST /v1/accounts`.
pub(crate) struct SignUpRequest {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) name: String,
}

impl fmt::Debug for SignUpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignUpRequest(…)")
    }
}

impl Object for SignUpRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let email = read::text(fields, "email");
        let password = read::secret(fields, "password");
        let name = read::text(fields, "name");
        Some(Self { email: email?, password: password?, name: name? })
    }
}

/// A body that has a token from a mail.
pub(crate) struct TokenRequest {
    pub(crate) token: String,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenRequest(…)")
    }
}

impl Object for TokenRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { token: read::secret(fields, "token")? })
    }
}

/// A body that names an address to write to.
#[derive(Debug)]
pub(crate) struct EmailRequest {
    pub(crate) email: String,
}

impl Object for EmailRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self { email: read::text(fields, "email")? })
    }
}

/// `POST /v1/password-resets/complete`.
pub(crate) struct ResetRequest {
    pub(crate) token: String,
    pub(crate) password: String,
}

impl fmt::Debug for ResetRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetRequest(…)")
    }
}

impl Object for ResetRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let token = read::secret(fields, "token");
        let password = read::secret(fields, "password");
        Some(Self { token: token?, password: password? })
    }
}

/// `PUT /v1/me/password`. An account that has no password yet has no old one to show.
pub(crate) struct PasswordRequest {
    pub(crate) password: Option<String>,
    pub(crate) new_password: String,
}

impl fmt::Debug for PasswordRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordRequest(…)")
    }
}

impl Object for PasswordRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let password = fields.secret("password", "a text", |text| Some(text.to_owned()));
        let new_password = read::secret(fields, "new_password");
        Some(Self { password, new_password: new_password? })
    }
}

/// What becomes of a text that may be taken away.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// This takes its place.
    To(String),
}

/// `PATCH /v1/me`: what is left out stays as it is.
#[derive(Debug)]
pub(crate) struct ProfileRequest {
    pub(crate) name: Option<String>,
    pub(crate) phone: Change,
    pub(crate) email: Option<String>,
}

impl Object for ProfileRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let text = |text: &str| Some(text.to_owned());
        let name = fields.text("name", "a text", text);
        let phone = if fields.is_null("phone") {
            fields.take("phone");
            Change::Remove
        } else {
            fields.text("phone", "a text or null", text).map_or(Change::Keep, Change::To)
        };
        let email = fields.text("email", "a text", text);
        Some(Self { name, phone, email })
    }
}

/// `POST /v1/me/devices`.
#[derive(Debug)]
pub(crate) struct DeviceRequest {
    pub(crate) token: String,
    pub(crate) platform: identity::device::Platform,
}

impl Object for DeviceRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        use identity::device::Platform::{Android, Ios, Web};
        let token = read::secret(fields, "token");
        let platforms = [("web", Web), ("android", Android), ("ios", Ios)];
        let platform = fields.word("platform", &platforms).unwrap_or(Web);
        Some(Self { token: token?, platform })
    }
}

/// All that is kept of a person, for the person.
#[derive(Debug, Serialize)]
pub(crate) struct ExportObject {
    account: AccountObject,
    addresses: Vec<AddressObject>,
    devices: Vec<DeviceObject>,
    business: Option<BusinessObject>,
    sessions: Vec<SessionObject>,
    links: Vec<LinkObject>,
}

impl ExportObject {
    pub(crate) fn of(data: &PersonalData) -> Self {
        let PersonalData { account, addresses, devices, business, sessions, links } = data;
        let session = |session: &Session| SessionObject::of(session, None);
        Self {
            account: AccountObject::of(account, business.as_ref()),
            addresses: addresses
                .iter()
                .map(|address: &Address| AddressObject::of(address))
                .collect(),
            devices: devices.iter().map(DeviceObject::of).collect(),
            business: business.as_ref().map(BusinessObject::of),
            sessions: sessions.iter().map(session).collect(),
            links: links.iter().map(LinkObject::of).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct DeviceObject {
    session: String,
    token: String,
    seen_at: String,
}

impl DeviceObject {
    fn of(device: &Device) -> Self {
        Self {
            session: device.session.to_string(),
            token: device.token.as_str().to_owned(),
            seen_at: time(device.seen_at),
        }
    }
}

/// A link with an account elsewhere.
#[derive(Debug, Serialize)]
pub(crate) struct LinkObject {
    link: String,
    provider: &'static str,
    email: Option<String>,
    linked_at: String,
    used_at: String,
}

impl LinkObject {
    pub(crate) fn of(link: &Link) -> Self {
        let at = |at: Moment| time(at);
        Self {
            link: link.id.to_string(),
            provider: link.provider.label(),
            email: link.email.clone(),
            linked_at: at(link.linked_at),
            used_at: at(link.used_at),
        }
    }
}
