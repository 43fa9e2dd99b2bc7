//! What people type, judged by the rules of the modules below: each fault has its field, its code and a
//! sentence in both languages.

use identity::{
    email::Email,
    name::Name,
    password::{Password, PasswordRefusal},
    phone::{Phone, PhoneRefusal},
};

use crate::refusal::{Fault, Refusal};

/// What is wrong with several fields of one body.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// The value, or nothing and a note of what is wrong.
    pub(crate) fn note<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.0.push(fault)).ok()
    }

    /// Whether nothing was noted.
    pub(crate) const fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes what is wrong elsewhere.
    pub(crate) fn add(&mut self, faults: Vec<Fault>) {
        self.0.extend(faults);
    }

    /// Refuses everything that was noted.
    pub(crate) fn refusal(self) -> Refusal {
        Refusal::Invalid(self.0)
    }
}

/// An e-mail address.
pub(crate) fn email(text: &str) -> Result<Email, Fault> {
    Email::parse(text).ok_or_else(|| {
        Fault::new(
            "email",
            "email_invalid",
            "이메일 주소를 확인해 주세요.",
            "an e-mail address is needed, such as name@shop.example",
        )
    })
}

/// What somebody is called.
pub(crate) fn name(text: &str) -> Result<Name, Fault> {
    Name::parse(text).ok_or_else(|| {
        Fault::new(
            "name",
            "name_invalid",
            "이름을 60자 안으로 적어 주세요.",
            "a name of 1 to 60 characters on one line",
        )
    })
}

/// A new password, which is at this field.
pub(crate) fn password(field: &str, text: &str) -> Result<Password, Fault> {
    Password::new(text).map_err(|refusal| match refusal {
        PasswordRefusal::TooShort => Fault::new(
            field,
            refusal.code(),
            "비밀번호는 8자 이상이어야 합니다.",
            "the password has fewer than 8 characters",
        ),
        PasswordRefusal::TooLong => Fault::new(
            field,
            refusal.code(),
            "비밀번호는 256바이트를 넘을 수 없습니다.",
            "the password has more than 256 bytes",
        ),
    })
}

/// A phone number.
pub(crate) fn phone(text: &str) -> Result<Phone, Fault> {
    Phone::parse(text).map_err(|refusal| match refusal {
        PhoneRefusal::NoNumber => Fault::new(
            "phone",
            refusal.code(),
            "전화번호는 숫자와 하이픈으로 적어 주세요.",
            "a phone number has digits, with spaces or hyphens between them",
        ),
        PhoneRefusal::UnknownPrefix => Fault::new(
            "phone",
            refusal.code(),
            "010, 02, 031, 070 등으로 시작하는 번호를 적어 주세요.",
            "the number begins with no Korean prefix, such as 010, 02, 031 or 070",
        ),
        PhoneRefusal::WrongLength => Fault::new(
            "phone",
            refusal.code(),
            "전화번호의 자릿수를 확인해 주세요.",
            "the number has too few or too many digits",
        ),
    })
}
