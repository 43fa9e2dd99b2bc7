//! The deals of the demo: what is missing around the present moment is made, again and again.
//!
//! Each is written and published by its business, by the same verbs as everybody's. One that should have begun
//! was published a day ago: the database is dated by a clock that is so far behind.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base::{
    cursor::{LIMIT_MAX, Wanted},
    moment::{Clock, Moment},
};
use bytes::Bytes;
use commons::{
    ids::{MediaId, Person},
    like,
    media::{self, Asked, Stage, Visibility},
    picture::PictureKind,
};
use identity::{account, business};
use shop::{Selling, Shop};
use store::{Db, worker::Trouble};
use tokio::{sync::watch, time::sleep};
use trade::{
    deal::{self, Deal, Terms, Typed},
    ids::DealId,
};

use super::{
    accounts::{Accounts, Seller, words},
    catalogue::{Catalogue, Planned},
    pictures,
};
use crate::{clock::WallClock, drain::stopped};

/// How often it is looked what is missing.
const EVERY: Duration = Duration::from_mins(10);

/// How far behind the clock is by which a deal is published that should have begun.
const BEHIND: Duration = Duration::from_hours(24);

/// How many deals the shopper of the demo likes at first.
const LIKED: usize = 4;

/// A clock that is behind.
#[derive(Clone, Copy, Debug)]
struct Behind;

impl Clock for Behind {
    fn now(&self) -> Moment {
        WallClock.now().before(BEHIND)
    }
}

/// Keeps the demo's deals around the present moment, until the server drains.
pub(crate) async fn keep(
    accounts: Accounts,
    db: Db,
    shop: Shop,
    mut draining: watch::Receiver<bool>,
) {
    let catalogue = Catalogue::built_in();
    let mut is_told = false;
    loop {
        match stock(&accounts, &catalogue, &db, &shop).await {
            Ok(()) => is_told = false,
            Err(trouble) if !is_told => {
                tracing::warn!(
                    ?trouble,
                    "the demo's deals are not complete; they are looked at again"
                );
                is_told = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = stopped(&mut draining) => return,
        }
    }
}

/// Makes what is missing.
async fn stock(
    accounts: &Accounts,
    catalogue: &Catalogue,
    db: &Db,
    shop: &Shop,
) -> Result<(), Trouble> {
    let Ok(selling) = shop.selling() else { return Ok(()) };
    let sellers = accounts.sellers(db, shop, &catalogue.businesses).await?;
    let mut known: Vec<Known> = Vec::new();
    for seller in &sellers {
        known.push(Known::of(db, *seller).await?);
    }
    let behind = db.dated_by(Arc::new(Behind));
    for planned in catalogue.around(db.now()) {
        let known = &mut known[planned.item.business];
        if known.has(&planned) {
            continue;
        }
        let picture = known.picture(db, selling, &planned).await?;
        let dated = if planned.opens_at <= db.now() { &behind } else { db };
        known.publish(dated, selling, &planned, picture, db.now()).await?;
    }
    let coming: Vec<DealId> = known.iter().flat_map(|one| one.coming(db.now())).collect();
    like_some(db, accounts, &coming).await
}

/// What a business of the demo has.
struct Known {
    seller: Seller,
    /// Its latest deals.
    deals: Vec<Deal>,
    /// Its pictures, by the titles of their deals.
    pictures: BTreeMap<String, MediaId>,
}

impl Known {
    async fn of(db: &Db, seller: Seller) -> Result<Self, Trouble> {
        let wanted = Wanted::new(LIMIT_MAX, None).unwrap_or_default();
        let deals = deal::of_business(&db.read(), seller.business, wanted).await?.items;
        let mut pictures = BTreeMap::new();
        for deal in &deals {
            let first = deal.terms.media.first().copied().map(MediaId);
            let Some(first) = first.filter(|_| !pictures.contains_key(&deal.terms.title)) else {
                continue;
            };
            let found = media::find(&db.read(), first).await?;
            if found.is_some_and(|found| found.stage == Stage::Ready) {
                pictures.insert(deal.terms.title.clone(), first);
            }
        }
        Ok(Self { seller, deals, pictures })
    }

    fn has(&self, planned: &Planned<'_>) -> bool {
        self.deals.iter().any(|deal| {
            deal.terms.title == planned.item.title
                && deal.terms.hours.starts_at() == planned.opens_at
        })
    }

    /// Those that open in some hours.
    fn coming(&self, now: Moment) -> impl Iterator<Item = DealId> {
        let soon = now.after(Duration::from_hours(1));
        let those = self.deals.iter().filter(move |deal| deal.terms.hours.starts_at() > soon);
        those.map(|deal| deal.id)
    }

    /// The picture of a deal, uploaded as its business would.
    async fn picture(
        &mut self,
        db: &Db,
        selling: &Selling,
        planned: &Planned<'_>,
    ) -> Result<MediaId, Trouble> {
        if let Some(known) = self.pictures.get(&planned.item.title) {
            return Ok(*known);
        }
        let file = pictures::of(&planned.item.picture);
        let file = file.ok_or_else(|| Trouble::new("a picture of the demo is not there"))?;
        let asked = Asked {
            person: Person(self.seller.account.0),
            kind: PictureKind::Webp,
            bytes: u64::try_from(file.len()).unwrap_or(u64::MAX),
            visibility: Visibility::Public,
        };
        let granted = db.write(async |tx| media::grant(tx, &asked).await.map_err(words));
        let granted = granted.await?;
        let taken = selling.uploads.take(db, &granted, Bytes::from_static(file)).await?;
        self.pictures.insert(planned.item.title.clone(), taken.id);
        Ok(taken.id)
    }

    /// Writes a deal and publishes it.
    async fn publish(
        &mut self,
        dated: &Db,
        selling: &Selling,
        planned: &Planned<'_>,
        picture: MediaId,
        now: Moment,
    ) -> Result<(), Trouble> {
        let Planned { item, opens_at, closes_at } = *planned;
        let picture = picture.to_string();
        let typed = Typed {
            title: &item.title,
            description: &item.description,
            category: &item.category,
            price: item.price,
            discount_percent: item.discount_percent,
            stock: planned.stock(now),
            per_shopper_max: item.per_shopper_max,
            opens_at,
            closes_at,
            media: &[&picture],
        };
        let terms = Terms::parse(&selling.policy, &typed);
        let terms = terms.map_err(|refusals| {
            Trouble::new(format_args!("{} is no deal here: {refusals:?}", item.title))
        })?;
        let account = self.seller.account;
        let published = dated.write(async |tx| {
            let live = account::live(tx, account).await.map_err(words)?;
            let approved = business::approved(tx, &live).await.map_err(words)?;
            let deal = deal::draft(tx, &approved, &terms).await.map_err(words)?;
            deal::publish(tx, &selling.policy, &approved, deal).await.map_err(words)
        });
        self.deals.push(published.await?);
        Ok(())
    }
}

/// Has the shopper of the demo like some deals that are to come, unless they like any already.
async fn like_some(db: &Db, accounts: &Accounts, coming: &[DealId]) -> Result<(), Trouble> {
    let Some(shopper) = accounts.shopper(db).await? else { return Ok(()) };
    let person = Person(shopper.0);
    let one = Wanted::new(1, None).unwrap_or_default();
    if !like::of_person(&db.read(), person, &deal::SUBJECT, one).await?.items.is_empty() {
        return Ok(());
    }
    let liked = db.write(async |tx| {
        account::live(tx, shopper).await.map_err(words)?;
        for deal in coming.iter().take(LIKED) {
            like::add(tx, person, &deal::subject(*deal)).await.map_err(words)?;
        }
        Ok::<_, store::Failure<super::accounts::Words>>(())
    });
    Ok(liked.await?)
}
