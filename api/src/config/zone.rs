//! The zone of the platform's days and hours.

use base::calendar::{Calendar, ZONE_DEFAULT};

use super::kinds::FromText;

/// The zone that the platform's days and hours are of.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    calendar: Calendar,
}

impl Zone {
    /// Its days and hours.
    pub fn calendar(&self) -> Calendar {
        self.calendar.clone()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: ZONE_DEFAULT.to_owned(), calendar: Calendar::default() }
    }
}

impl FromText for Zone {
    const ALLOWED: &'static str = "a zone of the IANA database, as Asia/Seoul";

    fn from_text(text: &str) -> Option<Self> {
        let default = Self::default();
        if text == default.name {
            return Some(default);
        }
        Some(Self { calendar: Calendar::parse(text)?, name: text.to_owned() })
    }

    fn to_text(&self) -> String {
        self.name.clone()
    }
}
