//! What is said of a refusal: facts for programs, a sentence for people.

use axum::http::StatusCode as S;
use pages::Language;
use web::problem::{Facts, Retry};

/// A sentence in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) ko: &'static str,
    pub(crate) en: &'static str,
}

impl Words {
    pub(crate) const fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::Korean => self.ko,
            Language::English => self.en,
        }
    }
}

/// What is said of a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) facts: Facts,
    pub(crate) words: Words,
}

pub(super) const fn lasting(
    status: S,
    code: &'static str,
    ko: &'static str,
    en: &'static str,
) -> Row {
    Row { facts: Facts::lasting(status, code, en), words: Words { ko, en } }
}

pub(super) const fn passing(
    retry: Retry,
    status: S,
    code: &'static str,
    ko: &'static str,
    en: &'static str,
) -> Row {
    Row { facts: Facts::passing(status, code, en, retry), words: Words { ko, en } }
}
