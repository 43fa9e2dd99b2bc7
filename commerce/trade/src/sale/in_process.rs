//! The engine in this process.

use base::{
    moment::Moment,
    money::{Currency, Money},
};
use engine::{
    Engine, Failure,
    clock::Millis,
    command::Terms,
    id::{self, Epoch, OfferIndex, SaleName, Sku},
    record::{Author, Change},
    sale::{self, ChangeRefusal, Phase},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec, SpecPatch},
    view::SaleView,
};

use super::{
    model::{Act, Live, SalesError, Standing, Version, Wanted},
    sales::Sales,
};
use crate::{deal::Counts, ids::DealId};

/// How the room of every deal lets people in.
#[derive(Clone, Debug)]
pub struct Room {
    /// Admissions per 1,000 seconds.
    pub admission_milli_per_second: u64,
    /// Sessions admitted at once.
    pub active_max: u32,
    /// How long a called shopper has to claim the admission.
    pub claim_window_ms: u64,
    /// How long an admission lasts.
    pub session_ms: u64,
    /// A waiting place that is silent for so long is lost.
    pub idle_ms: u64,
    /// How long units wait for payment to begin.
    pub hold_ms: u64,
    /// Admitted sessions per 1,000 sellable units.
    pub overbook_milli: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            admission_milli_per_second: 30_000,
            active_max: 1_000,
            claim_window_ms: 60_000,
            session_ms: 600_000,
            idle_ms: 120_000,
            hold_ms: 900_000,
            overbook_milli: 2_000,
        }
    }
}

/// Sales of the engine in this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    engine: Engine,
    room: Room,
}

impl InProcess {
    /// The sales of an engine.
    pub const fn new(engine: Engine, room: Room) -> Self {
        Self { engine, room }
    }

    fn spec(&self, deal: DealId, wanted: &Wanted) -> Result<SaleSpec, SalesError> {
        let unfit = || SalesError::Refused("the deal has no name or currency of a sale".to_owned());
        let currency = id::Currency::parse(wanted.price.currency.code()).ok_or_else(unfit)?;
        let sku = Sku::parse(&deal.to_string()).ok_or_else(unfit)?;
        let offer =
            OfferSpec { sku, total: wanted.stock.into(), price: wanted.price.minor, currency };
        Ok(SaleSpec {
            name: name(deal).ok_or_else(unfit)?,
            title: wanted.title.clone(),
            opens_at: Some(millis(wanted.opens_at)),
            closes_at: Some(millis(wanted.closes_at)),
            identity: IdentityMode::Jwt,
            rejoin: Rejoin::Keep,
            admission_milli_per_second: self.room.admission_milli_per_second,
            active_max: self.room.active_max,
            claim_window_ms: self.room.claim_window_ms,
            session_ms: self.room.session_ms,
            idle_ms: self.room.idle_ms,
            hold_ms: self.room.hold_ms,
            per_shopper_max: wanted.per_shopper_max,
            overbook_milli: Some(self.room.overbook_milli),
            refund_restocks: true,
            offers: vec![offer],
        })
    }

    async fn create(&self, deal: DealId, wanted: &Wanted) -> Result<(), SalesError> {
        let spec = self.spec(deal, wanted)?;
        self.engine.create(author(), spec, None).await.map(drop).map_err(error)
    }

    async fn change(
        &self,
        deal: DealId,
        version: Version,
        change: Change,
    ) -> Result<(), SalesError> {
        let sale = name(deal).ok_or(SalesError::MovedOn)?.tag();
        let changed = self.engine.change(sale, author(), change, terms(version)).await;
        changed.map(drop).map_err(error)
    }
}

impl Sales for InProcess {
    async fn look(&self, deal: DealId) -> Result<Standing, SalesError> {
        let name = deal.to_string();
        let Some(view) = self.engine.live_sale(&name) else {
            return Ok(if self.engine.is_archived(&name) {
                Standing::Archived
            } else if self.engine.is_shared() {
                Standing::Unheard
            } else {
                Standing::Absent
            });
        };
        if self.engine.is_shared() {
            let heard = self.engine.refresh(&view).await;
            heard.map_err(|failure| error(failure.unrefused()))?;
        }
        Ok(Standing::Live(live(&view, self.engine.now())))
    }

    async fn act(&self, deal: DealId, wanted: &Wanted, act: &Act) -> Result<(), SalesError> {
        match *act {
            Act::Create => self.create(deal, wanted).await,
            Act::Update(version) => {
                let patch = SpecPatch {
                    title: Some(wanted.title.clone()),
                    opens_at: Some(Some(millis(wanted.opens_at))),
                    closes_at: Some(Some(millis(wanted.closes_at))),
                    per_shopper_max: Some(wanted.per_shopper_max),
                    ..SpecPatch::default()
                };
                self.change(deal, version, Change::Update { patch }).await
            }
            Act::Restock(version, units) => {
                let offer = OfferIndex(0);
                self.change(deal, version, Change::Restock { offer, units }).await
            }
            Act::Pause(version) => self.change(deal, version, Change::Pause).await,
            Act::Resume(version) => self.change(deal, version, Change::Resume).await,
            Act::Close(version) => self.change(deal, version, Change::Close).await,
            Act::Delete(version) => self.change(deal, version, Change::Delete).await,
            Act::Archive(version) => {
                let sale = self.engine.live_sale(&deal.to_string());
                let sale = sale.ok_or(SalesError::MovedOn)?;
                let archived = self.engine.archive(&sale, author(), terms(version)).await;
                archived.map(drop).map_err(error)
            }
        }
    }

    fn counts(&self, deal: DealId) -> Option<Counts> {
        let view = self.engine.live_sale(&deal.to_string())?;
        let counts = view.counts().next()?;
        let is_paused = view.settings().controls.paused;
        Some(Counts {
            available: counts.available,
            reserved: counts.held + counts.paying,
            sold: counts.sold,
            is_paused,
            is_closed: view.phase(self.engine.now()) == Phase::Closed,
        })
    }
}

fn live(view: &SaleView, now: Millis) -> Live {
    let settings = view.settings();
    let counts = view.counts().next().unwrap_or_default();
    let phase = view.phase(now);
    // A sale that somebody made under the deal's name with more offers is none of ours.
    let price = match settings.spec.offers.as_slice() {
        [offer] => Currency::parse(offer.currency.as_str())
            .map(|currency| Money::new(offer.price, currency)),
        _ => None,
    };
    Live {
        version: Version { epoch: settings.version.epoch.0, changes: settings.version.changes },
        title: settings.spec.title.clone(),
        opens_at: settings.spec.opens_at.map(moment),
        closes_at: settings.spec.closes_at.map(moment),
        price,
        stock: counts.total(),
        available: counts.available,
        per_shopper_max: settings.spec.per_shopper_max,
        is_paused: settings.controls.paused,
        has_opened: phase != Phase::Scheduled,
        is_closed: phase == Phase::Closed,
    }
}

fn name(deal: DealId) -> Option<SaleName> {
    SaleName::parse(&deal.to_string())
}

fn author() -> Author {
    Author { name: "shop".to_owned() }
}

/// A change of a sale as it was looked at.
fn terms(version: Version) -> Terms {
    let version = sale::Version { epoch: Epoch(version.epoch), changes: version.changes };
    Terms { versions: Some(Box::new([version])), ..Terms::default() }
}

fn millis(moment: Moment) -> Millis {
    Millis(u64::try_from(moment.0).unwrap_or(0))
}

fn moment(millis: Millis) -> Moment {
    Moment(i64::try_from(millis.0).unwrap_or(i64::MAX))
}

fn error(failure: Failure<ChangeRefusal>) -> SalesError {
    match failure {
        Failure::Refused(
            // Another attempt made it, or another node.
            ChangeRefusal::NameTaken
            | ChangeRefusal::MovedOn
            | ChangeRefusal::OtherVersion(_)
            | ChangeRefusal::NoSale
            | ChangeRefusal::Archived
            | ChangeRefusal::Units { .. },
        ) => SalesError::MovedOn,
        Failure::Refused(ChangeRefusal::InUse(_)) => SalesError::NotYet,
        Failure::Refused(refusal) => SalesError::Refused(format!("{refusal:?}")),
        Failure::Busy(busy) => SalesError::Away(format!("{busy:?}")),
        Failure::Unavailable => SalesError::Away("it could not decide in time".to_owned()),
        Failure::Stopped => SalesError::Away("it has stopped".to_owned()),
    }
}
