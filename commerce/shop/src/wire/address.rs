//! Addresses on the wire.

use identity::address::{Address, Postal, PostalRefusal, Typed};
use serde::Serialize;
use web::fields::Fields;

use super::{read, time};
use crate::{
    input::Object,
    refusal::{Fault, Refusal},
};

/// An address of an account.
#[derive(Debug, Serialize)]
pub(crate) struct AddressObject {
    address: String,
    receiver: String,
    phone: String,
    zip: String,
    road: String,
    detail: String,
    default: bool,
    created_at: String,
}

impl AddressObject {
    pub(crate) fn of(address: &Address) -> Self {
        let postal = &address.postal;
        Self {
            address: address.id.to_string(),
            receiver: postal.receiver().to_owned(),
            phone: postal.phone().grouped(),
            zip: postal.zip().to_owned(),
            road: postal.road().to_owned(),
            detail: postal.detail().to_owned(),
            default: address.is_default,
            created_at: time(address.created_at),
        }
    }
}

/// Where the goods of an order go.
#[derive(Debug, Serialize)]
pub(crate) struct PostalObject {
    receiver: String,
    phone: String,
    zip: String,
    road: String,
    detail: String,
}

impl PostalObject {
    pub(crate) fn of(postal: &Postal) -> Self {
        Self {
            receiver: postal.receiver().to_owned(),
            phone: postal.phone().grouped(),
            zip: postal.zip().to_owned(),
            road: postal.road().to_owned(),
            detail: postal.detail().to_owned(),
        }
    }
}

/// What somebody types for an address.
pub(crate) struct AddressRequest {
    receiver: String,
    phone: String,
    zip: String,
    road: String,
    detail: String,
}

impl std::fmt::Debug for AddressRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressRequest(…)")
    }
}

impl Object for AddressRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let receiver = read::text(fields, "receiver");
        let phone = read::text(fields, "phone");
        let zip = read::text(fields, "zip");
        let road = read::text(fields, "road");
        let detail = read::optional(fields, "detail").unwrap_or_default();
        Some(Self { receiver: receiver?, phone: phone?, zip: zip?, road: road?, detail })
    }
}

impl AddressRequest {
    /// The address, or what is wrong with each field.
    pub(crate) fn postal(&self) -> Result<Postal, Refusal> {
        let Self { receiver, phone, zip, road, detail } = self;
        let typed = Typed { receiver, phone, zip, road, detail };
        Postal::parse(&typed)
            .map_err(|faults| Refusal::Invalid(faults.into_iter().map(fault).collect()))
    }
}

/// What is wrong with a field of an address.
#[rustfmt::skip]
pub(crate) fn fault(refusal: PostalRefusal) -> Fault {
    let code = refusal.code();
    match refusal {
        PostalRefusal::Receiver => Fault::new("receiver", code, "받는 분의 이름을 60자 안으로 적어 주세요.", "the receiver needs a name of 1 to 60 characters on one line"),
        PostalRefusal::PhoneNoNumber => Fault::new("phone", code, "전화번호는 숫자와 하이픈으로 적어 주세요.", "a phone number has digits, with spaces or hyphens between them"),
        PostalRefusal::PhonePrefix => Fault::new("phone", code, "010, 02, 031, 070 등으로 시작하는 번호를 적어 주세요.", "the number begins with no Korean prefix, such as 010, 02, 031 or 070"),
        PostalRefusal::PhoneLength => Fault::new("phone", code, "전화번호의 자릿수를 확인해 주세요.", "the number has too few or too many digits"),
        PostalRefusal::ZipOld => Fault::new("zip", code, "여섯 자리 우편번호는 더 이상 쓰지 않습니다. 다섯 자리로 적어 주세요.", "the postal code has six digits; since 2015 it has five"),
        PostalRefusal::Zip => Fault::new("zip", code, "우편번호 다섯 자리를 적어 주세요.", "a postal code has five digits, from 01000 to 63999"),
        PostalRefusal::Road => Fault::new("road", code, "도로명 주소를 200자 안으로 적어 주세요.", "the address needs 1 to 200 characters on one line"),
        PostalRefusal::Detail => Fault::new("detail", code, "상세 주소는 100자 안으로 적어 주세요.", "the detail of the address has at most 100 characters on one line"),
    }
}
