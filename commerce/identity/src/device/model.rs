//! What a device is.

use std::fmt;

use base::moment::Moment;
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use crate::{
    ids::{AccountId, SessionId},
    limits::PUSH_TOKEN_BYTES_MAX,
};

/// What a device runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Platform {
    /// A browser.
    #[sea_orm(string_value = "web")]
    Web,
    /// An Android app.
    #[sea_orm(string_value = "android")]
    Android,
    /// An iOS app.
    #[sea_orm(string_value = "ios")]
    Ios,
}

/// What the push service knows a device by. Whoever has it can send there, so it is in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct PushToken(String);

impl PushToken {
    /// Takes a token: visible ASCII of some length.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=PUSH_TOKEN_BYTES_MAX).contains(&text.len());
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && is_visible).then(|| Self(text.to_owned()))
    }

    /// What a table kept.
    pub(super) const fn kept(text: String) -> Self {
        Self(text)
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PushToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushToken(…)")
    }
}

/// A device that pushes can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The session that is on it, which names it: tasks carry this and no token.
    pub session: SessionId,
    /// Who is signed in.
    pub account: AccountId,
    /// What it runs.
    pub platform: Platform,
    /// What the push service knows it by.
    pub token: PushToken,
    /// When it was registered last.
    pub seen_at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_token_is_visible_and_not_shown() {
        assert_eq!(format!("{:?}", PushToken::parse("abc:DEF-1_2").unwrap()), "PushToken(…)");
        let long = "x".repeat(PUSH_TOKEN_BYTES_MAX + 1);
        for bad in ["", "a b", "a\n", "토큰", &long] {
            assert!(PushToken::parse(bad).is_none(), "{bad}");
        }
    }
}
