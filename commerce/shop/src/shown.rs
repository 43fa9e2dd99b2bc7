//! Deals as they are shown: beside each its pictures, who likes it, and what is left of it.
//!
//! Owns what is read for a list of deals: the same few statements, however many deals it has. The units
//! come from the engine's snapshot.

use std::collections::BTreeSet;

use base::moment::Moment;
use commons::{
    ids::{MediaId, Person, SubjectId},
    like, media,
};
use identity::ids::AccountId;
use store::{
    Db,
    sea_orm::{ConnectionTrait, DbErr},
};
use trade::deal::{Counts, Deal, SUBJECT, State};

use crate::selling::Selling;

/// How wide a picture is that stands for a deal in a list, and one on its own page.
const WIDTHS: [u32; 2] = [600, 800];

/// A picture of a deal.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) media: MediaId,
    /// Where it is had for a list.
    pub(crate) small: String,
    /// Where it is had for a page of its own, and how large it is there.
    pub(crate) large: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A deal as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) deal: Deal,
    /// Its id as a text.
    pub(crate) id: String,
    pub(crate) state: State,
    /// What the engine says of its units.
    pub(crate) counts: Option<Counts>,
    pub(crate) likes: u64,
    /// Whether whoever looks likes it.
    pub(crate) is_liked: bool,
    pub(crate) pictures: Vec<Picture>,
}

impl Shown {
    /// Units that can be bought, now or once it opens.
    pub(crate) fn available(&self) -> u64 {
        match (self.state, self.counts) {
            (State::Ended | State::Cancelled, _) => 0,
            (_, Some(counts)) => counts.available,
            (_, None) => u64::from(self.deal.terms.stock),
        }
    }
}

/// What deals are shown with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Showing<'a> {
    pub(crate) db: &'a Db,
    pub(crate) selling: &'a Selling,
    /// Who looks.
    pub(crate) viewer: Option<AccountId>,
}

impl Showing<'_> {
    /// The moment at which they are shown.
    pub(crate) fn now(&self) -> Moment {
        self.db.now()
    }

    /// Shows deals, in their order.
    pub(crate) async fn all(
        &self,
        on: &impl ConnectionTrait,
        deals: Vec<Deal>,
    ) -> Result<Vec<Shown>, DbErr> {
        if deals.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<SubjectId> = deals.iter().map(|deal| SubjectId(deal.id.0)).collect();
        let likes = like::counts(on, &SUBJECT, &ids).await?;
        let own_likes = match self.viewer {
            Some(account) => like::liked_among(on, Person(account.0), &SUBJECT, &ids).await?,
            None => BTreeSet::new(),
        };
        let mut pictures = media::of_subjects(on, &SUBJECT, &ids).await?;
        let now = self.now();
        let shown = deals.into_iter().map(|deal| {
            let id = SubjectId(deal.id.0);
            let counts = self.selling.stock.counts(deal.id);
            Shown {
                id: deal.id.to_string(),
                state: deal.state(counts.as_ref(), now),
                counts,
                likes: likes.get(&id).copied().unwrap_or(0),
                is_liked: own_likes.contains(&id),
                pictures: self.pictures(&pictures.remove(&id).unwrap_or_default()),
                deal,
            }
        });
        Ok(shown.collect())
    }

    /// Shows a deal.
    pub(crate) async fn one(&self, on: &impl ConnectionTrait, deal: Deal) -> Result<Shown, DbErr> {
        let shown = self.all(on, vec![deal]).await?.pop();
        Ok(shown.unwrap_or_else(|| unreachable!("one deal was shown")))
    }

    fn pictures(&self, media: &[media::Media]) -> Vec<Picture> {
        let shown = media.iter().filter_map(|media| {
            let shape = media.shape.as_ref()?;
            let [small, large] = WIDTHS.map(|width| shape.at_least(width));
            let (small, large) = small.zip(large)?;
            Some(Picture {
                media: media.id,
                small: self.selling.uploads.link(media, small, self.db),
                large: self.selling.uploads.link(media, large, self.db),
                width: large.width,
                height: large.height,
            })
        });
        shown.collect()
    }
}
