//! What the routes sell with.
//!
//! Owns nothing. The assembly makes it once the database is open and it is known where browsers find the
//! site: providers and pictures are told URLs of the site. Until then whoever needs it is refused as passing.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use axum::http::HeaderValue;
use commons::{files::Folder, upload::Uploads};
use store::Db;
use trade::{deal::Counts, door::Door, ids::DealId, sale::Sales, slot::Policy, till::Till};

use crate::refusal::Refusal;

/// The units of deals, as this process knows them.
pub trait Stock: fmt::Debug + Send + Sync {
    /// What the engine's snapshot says of a deal's units. It is cheap, and nothing is awaited. `None` before
    /// there is a sale, and long after it is over.
    fn counts(&self, deal: DealId) -> Option<Counts>;
}

impl<S: Sales> Stock for S {
    fn counts(&self, deal: DealId) -> Option<Counts> {
        Sales::counts(self, deal)
    }
}

/// What the routes sell with.
#[derive(Debug)]
pub struct Selling {
    /// How the platform gives its hours away.
    pub policy: Policy,
    /// How many units deals have left.
    pub stock: Arc<dyn Stock>,
    /// From the waiting room to orders.
    pub door: Door,
    /// Orders and payments.
    pub till: Till,
    /// Pictures that people upload.
    pub uploads: Uploads,
    /// The folder that keeps them, if they lie on this machine: then a route serves it.
    pub folder: Option<Folder>,
    /// The content security policy of pages: pictures come from where they are kept, or from this site.
    pub page_policy: HeaderValue,
}

/// It cannot be made yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet;

impl From<NotYet> for Refusal {
    fn from(NotYet: NotYet) -> Self {
        Self::Unavailable
    }
}

/// Makes it; `None` while it is not known where browsers find the site.
pub type MakeSelling = Box<dyn Fn(&Db) -> Option<Selling> + Send + Sync>;

/// It, made once somebody needs it and it can be.
pub(crate) struct OnceKnown {
    make: MakeSelling,
    made: OnceLock<Selling>,
}

impl OnceKnown {
    pub(crate) const fn new(make: MakeSelling) -> Self {
        Self { make, made: OnceLock::new() }
    }

    pub(crate) fn get(&self, db: &Db) -> Option<&Selling> {
        if let Some(made) = self.made.get() {
            return Some(made);
        }
        let made = (self.make)(db)?;
        // Another request may have been faster.
        Some(self.made.get_or_init(|| made))
    }
}

impl fmt::Debug for OnceKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceKnown").field(&self.made.get()).finish()
    }
}
