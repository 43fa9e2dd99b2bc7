//! Where mails are kept.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::letter::Mail;
use crate::{Faults, limits};

pub(super) struct Office {
    /// User and password, if it asks for them.
    pub(super) login: Option<(String, String)>,
    pub(super) faults: Faults,
    pub(super) mails: Mutex<Vec<Mail>>,
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office").field("mails", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Office {
    pub(super) fn keep(&self, mail: Mail) {
        let mut mails = self.lock();
        if mails.len() == limits::ASKED_MAX {
            mails.remove(0);
        }
        mails.push(mail);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
