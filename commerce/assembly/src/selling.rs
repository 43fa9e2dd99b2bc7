//! What the shop sells with: the till, the sales of the engine, the place for pictures.
//!
//! Whatever can be checked without the database and the site's address is checked at the start.

use std::{io, path::PathBuf, sync::Arc};

use commons::{
    files::{Files, Folder, S3},
    upload::Uploads,
};
use shop::Selling;
use store::Db;
use trade::{
    door::{Door, Passes},
    gateway::{Card, CardOptions, KakaoPay, KakaoPayOptions, Providers},
    holds::{CalmHolds, Keepers, Room as RoomHolds},
    sale::InProcess,
    slot::Policy,
    till::Till,
};
use web::respond;

use crate::{
    failure::StartError,
    options::{MediaOptions, Site},
};

/// Where the shop's own route serves pictures, below the site.
const MEDIA: &str = "/media";
/// Where browsers come back to from providers of payments, below the site.
const RETURNS: &str = "/v1/payments";

/// Where pictures are kept, checked.
enum Media {
    Folder { root: PathBuf, secret: Vec<u8> },
    S3(Arc<S3>),
}

/// What is sold with, as far as it is known at the start.
pub(crate) struct Counter {
    policy: Policy,
    sales: InProcess,
    room: RoomHolds,
    passes: Arc<dyn Passes>,
    providers: Providers,
    media: Media,
    site: Site,
}

/// What it is made of.
pub(crate) struct CounterOptions {
    pub(crate) policy: Policy,
    pub(crate) sales: InProcess,
    pub(crate) room: RoomHolds,
    pub(crate) passes: Arc<dyn Passes>,
    pub(crate) kakaopay: Option<KakaoPayOptions>,
    pub(crate) card: Option<CardOptions>,
    pub(crate) media: MediaOptions,
    pub(crate) site: Site,
}

impl Counter {
    /// # Errors
    ///
    /// If a provider or the place for pictures can never be used as configured.
    pub(crate) fn new(options: CounterOptions) -> Result<Self, StartError> {
        let CounterOptions { policy, sales, room, passes, kakaopay, card, media, site } = options;
        let kakaopay = kakaopay.map(KakaoPay::new).transpose();
        let kakaopay = kakaopay.map_err(|e| StartError::Target("KakaoPay", e))?;
        let card = card.map(Card::new).transpose();
        let card = card.map_err(|e| StartError::Target("the card gateway", e))?;
        let media = match media {
            MediaOptions::Folder { root, secret } => {
                if let Err(error) = Folder::open(&root, MEDIA, &secret) {
                    return Err(StartError::Folder(root, error));
                }
                Media::Folder { root, secret }
            }
            MediaOptions::S3(options) => {
                Media::S3(Arc::new(S3::new(options).map_err(StartError::S3)?))
            }
        };
        let providers = Providers { kakaopay, card };
        Ok(Self { policy, sales, room, passes, providers, media, site })
    }

    /// What is sold with, once it is known where browsers find the site.
    pub(crate) fn open(&self, db: &Db) -> Option<Selling> {
        let site = self.site.get()?;
        let (files, folder) = match self.media.open(site) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(%error, "the folder for pictures cannot be used");
                return None;
            }
        };
        let keepers = Keepers { room: Some(self.room.clone()), calm: CalmHolds::new(db.clone()) };
        let till = Till {
            providers: self.providers.clone(),
            keepers,
            returns: format!("{site}{RETURNS}"),
        };
        Some(Selling {
            policy: self.policy.clone(),
            stock: Arc::new(self.sales.clone()),
            door: Door::new(self.room.clone(), Arc::clone(&self.passes)),
            till,
            uploads: Uploads::new(files),
            folder,
            page_policy: respond::page_policy(self.media.origin(site)),
        })
    }
}

impl Media {
    /// Where browsers get pictures.
    fn origin<'a>(&'a self, site: &'a str) -> &'a str {
        match self {
            Self::Folder { .. } => site,
            Self::S3(store) => store.public_origin(),
        }
    }

    fn open(&self, site: &str) -> io::Result<(Arc<dyn Files>, Option<Folder>)> {
        match self {
            Self::Folder { root, secret } => {
                let folder = Folder::open(root, &format!("{site}{MEDIA}"), secret)?;
                Ok((Arc::new(folder.clone()), Some(folder)))
            }
            Self::S3(store) => Ok((Arc::<S3>::clone(store), None)),
        }
    }
}
