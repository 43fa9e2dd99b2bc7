//! What an address is.

use std::fmt;

use base::moment::Moment;

use crate::{
    ids::AddressId,
    limits::{ADDRESS_DETAIL_CHARS_MAX, ADDRESS_ROAD_CHARS_MAX},
    line::line,
    name::Name,
    phone::{Phone, PhoneRefusal},
};

/// Where something is sent. An order has a copy of it, so a later change reaches no order.
#[derive(Clone, PartialEq, Eq)]
pub struct Postal {
    receiver: String,
    phone: Phone,
    zip: String,
    road: String,
    detail: String,
}

impl fmt::Debug for Postal {
    /// An address is personal, and debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postal(…)")
    }
}

/// An address as somebody typed it.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// Who is to get it.
    pub receiver: &'a str,
    /// How the carrier reaches them.
    pub phone: &'a str,
    /// The postal code.
    pub zip: &'a str,
    /// Province, town, road and number.
    pub road: &'a str,
    /// Flat, floor or company; may be empty.
    pub detail: &'a str,
}

impl fmt::Debug for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

store::refusals! {
    /// Why a field of an address is not taken.
    pub PostalRefusal {
        /// The name of the receiver.
        Receiver = "receiver_invalid": "the receiver needs a name of 1 to 60 characters on one line",
        /// The phone number is none.
        PhoneNoNumber = "phone_no_number":
            "a phone number has digits, with spaces or hyphens between them",
        /// The phone number begins as no number does here.
        PhonePrefix = "phone_prefix_unknown":
            "the number begins with no Korean prefix, such as 010, 02, 031 or 070",
        /// The phone number has too few or too many digits.
        PhoneLength = "phone_length_wrong": "the number has too few or too many digits",
        /// The postal code is one of the time before August 2015.
        ZipOld = "zip_old": "the postal code has six digits; since 2015 it has five",
        /// The postal code is none.
        Zip = "zip_invalid": "a postal code has five digits, from 01000 to 63999",
        /// Province, town, road and number.
        Road = "road_invalid": "the address needs 1 to 200 characters on one line",
        /// Flat, floor or company.
        Detail = "detail_invalid": "the detail of the address has at most 100 characters on one line",
    }
}

impl Postal {
    /// Takes an address, or says what is wrong with each of its fields.
    pub fn parse(typed: &Typed<'_>) -> Result<Self, Vec<PostalRefusal>> {
        let mut faults = Vec::new();
        let mut noted = |fault| faults.push(fault);
        let receiver = Name::parse(typed.receiver);
        if receiver.is_none() {
            noted(PostalRefusal::Receiver);
        }
        let phone = Phone::parse(typed.phone);
        if let Err(refusal) = phone {
            noted(match refusal {
                PhoneRefusal::NoNumber => PostalRefusal::PhoneNoNumber,
                PhoneRefusal::UnknownPrefix => PostalRefusal::PhonePrefix,
                PhoneRefusal::WrongLength => PostalRefusal::PhoneLength,
            });
        }
        let zip = zip(typed.zip);
        if let Err(refusal) = zip {
            noted(refusal);
        }
        let road = line(typed.road, ADDRESS_ROAD_CHARS_MAX).filter(|road| !road.is_empty());
        if road.is_none() {
            noted(PostalRefusal::Road);
        }
        let detail = line(typed.detail, ADDRESS_DETAIL_CHARS_MAX);
        if detail.is_none() {
            noted(PostalRefusal::Detail);
        }
        match (receiver, phone, zip, road, detail) {
            (Some(receiver), Ok(phone), Ok(zip), Some(road), Some(detail)) => {
                Ok(Self { receiver: receiver.as_str().to_owned(), phone, zip, road, detail })
            }
            _ => Err(faults),
        }
    }

    /// What a table kept.
    pub const fn kept(
        receiver: String,
        phone: String,
        zip: String,
        road: String,
        detail: String,
    ) -> Self {
        Self { receiver, phone: Phone::kept(phone), zip, road, detail }
    }

    /// Who is to get it.
    pub fn receiver(&self) -> &str {
        &self.receiver
    }

    /// How the carrier reaches them.
    pub const fn phone(&self) -> &Phone {
        &self.phone
    }

    /// The postal code.
    pub fn zip(&self) -> &str {
        &self.zip
    }

    /// Province, town, road and number.
    pub fn road(&self) -> &str {
        &self.road
    }

    /// Flat, floor or company; may be empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The first two digits of a postal code say the province: 01 is in Seoul, 63 is Jeju.
fn zip(text: &str) -> Result<String, PostalRefusal> {
    let text = text.trim();
    let old = text.replacen('-', "", 1);
    if old.len() == 6 && old.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PostalRefusal::ZipOld);
    }
    let is_zip = text.len() == 5
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && ("01".."64").contains(&&text[..2]);
    if is_zip { Ok(text.to_owned()) } else { Err(PostalRefusal::Zip) }
}

/// An address of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its id.
    pub id: AddressId,
    /// What it says.
    pub postal: Postal,
    /// Whether things are sent there unless the person says otherwise.
    pub is_default: bool,
    /// When it was added.
    pub created_at: Moment,
}

store::refusals! {
    /// Why an address was not added.
    pub AddRefusal {
        /// There are as many as an account can have.
        TooMany = "addresses_too_many": "an account has at most 20 addresses",
    }
}

store::refusals! {
    /// Why an address was not changed.
    pub AddressRefusal {
        /// The account has no such address.
        Unknown = "address_unknown": "there is no such address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Typed<'static> = Typed {
        receiver: "김하나",
        phone: "010-1234-5678",
        zip: "06236",
        road: "서울특별시 강남구 테헤란로 152",
        detail: "",
    };

    #[test]
    fn each_field_that_is_wrong_is_told() {
        use PostalRefusal::{Detail, PhonePrefix, Receiver, Road, Zip};
        assert!(Postal::parse(&GOOD).is_ok());
        let bad = Typed { receiver: " ", phone: "1", zip: "6236", road: "\n", detail: "\u{200b}" };
        let faults = Postal::parse(&bad).unwrap_err();
        assert_eq!(faults, [Receiver, PhonePrefix, Zip, Road, Detail]);
        let long = "가".repeat(ADDRESS_ROAD_CHARS_MAX + 1);
        assert_eq!(Postal::parse(&Typed { road: &long, ..GOOD }), Err(vec![Road]));
    }

    #[test]
    fn a_postal_code_is_one_of_those_in_use() {
        let parse = |zip| Postal::parse(&Typed { zip, ..GOOD }).map(drop);
        for good in ["01000", "06236", " 63644 ", "30103"] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for old in ["135-080", "135080"] {
            assert_eq!(parse(old), Err(vec![PostalRefusal::ZipOld]), "{old}");
        }
        for bad in ["", "00999", "64000", "6236", "0623a", "０６２３６", "abcdef", "12 45"] {
            assert_eq!(parse(bad), Err(vec![PostalRefusal::Zip]), "{bad}");
        }
    }
}
