//! A data directory with many sales: decided and journaled as a server does, without its threads.

use std::{path::Path, sync::Arc};

use benches::log;
use clap::Args;
use engine::{
    arbiter::{Arbiter as _, LocalArbiter},
    clock::{ManualClock, Millis},
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Terms},
    disk::{Disk, real::RealDisk},
    hold::Step,
    id::{
        Currency, Epoch, EventId, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey, Sku,
    },
    journal::Journal,
    limits::{SEGMENT_BYTES, WARM_MS},
    record::{Author, Change, ReplayKey},
    recovery,
    sale::{Settler, TicketRef},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
};

type Failure = Box<dyn std::error::Error>;

/// When the first thing is decided.
pub(crate) const START: Millis = Millis(1_800_000_000_000);

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Sales that are made and archived together.
const GROUP: usize = 500;
/// Shoppers of one sale whose commands are decided together.
const CROWD: u64 = 8_000;

/// What the directory holds.
#[derive(Debug, Args)]
pub(crate) struct Sales {
    /// Sales that are on.
    #[arg(long, default_value_t = 1_000)]
    live: usize,
    /// Shoppers of each who have bought.
    #[arg(long, default_value_t = 3)]
    buyers: u64,
    /// Sales that are archived.
    #[arg(long, default_value_t = 100_000)]
    archived: usize,
    /// Orders of each archived one.
    #[arg(long, default_value_t = 1)]
    orders: u64,
}

#[derive(Debug)]
pub(crate) struct Directory {
    disk: Arc<dyn Disk>,
    journal: Journal,
    arbiter: LocalArbiter,
    at: Millis,
}

impl Directory {
    pub(crate) fn disk(data: &Path) -> Result<Arc<dyn Disk>, Failure> {
        Ok(Arc::new(RealDisk::open(data)?))
    }

    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let disk = Self::disk(data)?;
        let (world, journal, _) = recovery::recover(&disk, SEGMENT_BYTES, &ManualClock::at(START))?;
        let at = START.after(journal.point().at.since(START));
        Ok(Self { disk, journal, arbiter: LocalArbiter::new(world), at })
    }

    pub(crate) fn fill(&mut self, sales: &Sales) -> Result<(), Failure> {
        for from in (0..sales.archived).step_by(GROUP) {
            let to = sales.archived.min(from + GROUP);
            let names: Vec<_> = (from..to).map(|serial| name("past", serial)).collect();
            self.sell(&names, sales.orders)?;
            self.archive(&names)?;
        }
        let names: Vec<_> = (0..sales.live).map(|serial| name("on", serial)).collect();
        for names in names.chunks(GROUP) {
            self.sell(names, sales.buyers)?;
        }
        // What is in the last segment is in no snapshot.
        self.seal()
    }

    /// Journals so many bytes more in one sale.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), Failure> {
        let until = self.journal.point().segment + bytes.div_ceil(SEGMENT_BYTES);
        while self.journal.point().segment < until {
            self.enter(name("on", 0).tag(), CROWD)?;
        }
        self.seal()
    }

    fn seal(&mut self) -> Result<(), Failure> {
        let sealed = self.journal.point().segment;
        while self.journal.point().segment == sealed {
            self.enter(name("on", 0).tag(), CROWD)?;
        }
        Ok(())
    }

    fn enter(&mut self, tag: SaleTag, count: u64) -> Result<(), Failure> {
        let issued = self.arbiter.world().sale(tag).map_or(0, |sale| sale.issued().0);
        let enter = |number: u64| {
            let shopper = ShopperKey(u128::from(issued + number) << 64);
            let replay = Some(ReplayKey { key: shopper.0, body: 1 });
            Command::Ask(tag, Ask::Enter { shopper, replay })
        };
        self.decide((1..=count).map(enter))
    }

    /// Makes sales, in each of which so many shoppers buy.
    fn sell(&mut self, names: &[SaleName], buyers: u64) -> Result<(), Failure> {
        self.decide(names.iter().map(create))?;
        let group = (CROWD / names.len() as u64).max(1);
        for from in (1..=buyers).step_by(usize::try_from(group)?) {
            let crowd = from..=buyers.min(from + group - 1);
            let each = |ask: fn(u64) -> Ask| {
                let crowd = crowd.clone();
                let all = names.iter().flat_map(move |name| {
                    let tag = name.tag();
                    crowd.clone().map(move |number| (tag, number))
                });
                all.map(move |(tag, number)| Command::Ask(tag, ask(number)))
            };
            self.decide(each(|number| Ask::Enter {
                shopper: shopper(number),
                replay: Some(ReplayKey { key: shopper(number).0, body: 1 }),
            }))?;
            self.decide(each(|number| {
                let (epoch, shopper) = (Epoch(1), shopper(number));
                let pass = TicketRef { epoch, number: Number(number), shopper };
                let replay = ReplayKey { key: shopper.0 + 1, body: 1 };
                Ask::Purchase { pass, items: [(OfferIndex(0), 1)].into_iter().collect(), replay }
            }))?;
            self.decide(each(|number| {
                let (hold, step, by, replay) =
                    (HoldId(number), Step::Confirm, Settler::Backend, None);
                Ask::Settle { epoch: Epoch(1), hold, step, by, replay }
            }))?;
            let events = || (crowd.start() * 2 - 1..=crowd.end() * 2).map(EventId).collect();
            self.decide(names.iter().map(|name| {
                Command::Note(name.tag(), Note::Delivered { by: log(), events: events() })
            }))?;
        }
        Ok(())
    }

    fn archive(&mut self, names: &[SaleName]) -> Result<(), Failure> {
        // Nothing reads its file at a start, but it is in the directory.
        let digest = *blake3::hash(b"whole").as_bytes();
        for change in [Change::Close, Change::Archive { digest }] {
            self.decide(names.iter().map(|name| {
                let (sale, author, change) = (name.tag(), author(), Box::new(change.clone()));
                let terms = Terms::default();
                Command::Operate(Operation::Change { sale, author, change, terms })
            }))?;
        }
        for name in names {
            drop(self.disk.create(&format!("archive-{:016x}-0000000001.sale", name.tag().0), 0)?);
        }
        self.at = self.at.after(WARM_MS);
        drop(self.arbiter.freeze(self.at));
        Ok(())
    }

    fn decide(&mut self, commands: impl Iterator<Item = Command>) -> Result<(), Failure> {
        self.at = self.at.after(50);
        let commands: Vec<Command> = commands.collect();
        let records = self.arbiter.decide(self.at, &commands).records;
        if records.is_empty() {
            return if commands.is_empty() {
                Ok(())
            } else {
                Err("nothing of it was decided".into())
            };
        }
        let mut payload = Vec::new();
        for record in &records {
            record.encode(&mut payload);
        }
        self.journal.reserve(payload.len())?;
        let count = u32::try_from(records.len())?;
        self.journal.append(self.at, Epoch(1), count, &payload)?;
        Ok(())
    }
}

fn shopper(number: u64) -> ShopperKey {
    ShopperKey(u128::from(number) << 64)
}

fn author() -> Author {
    Author { name: "bench".to_owned() }
}

fn name(kind: &str, serial: usize) -> SaleName {
    SaleName::parse(&format!("{kind}-{serial}")).expect("a name that fits")
}

fn create(name: &SaleName) -> Command {
    let known = "a name that fits";
    let offer = |sku| OfferSpec {
        sku: Sku::parse(sku).expect(known),
        total: 1_000_000_000,
        price: 59_000,
        currency: Currency::parse("KRW").expect(known),
    };
    let spec = SaleSpec {
        name: name.clone(),
        title: "A sale with a title as long as titles are".to_owned(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Anonymous,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 1_000_000_000,
        active_max: 1_000_000,
        claim_window_ms: DAY_MS,
        session_ms: DAY_MS,
        idle_ms: DAY_MS,
        hold_ms: DAY_MS,
        per_shopper_max: 10,
        overbook_milli: None,
        refund_restocks: true,
        offers: vec![offer("SKU-RED"), offer("SKU-BLUE")],
    };
    Command::Operate(Operation::Create { author: author(), spec: Box::new(spec), replay: None })
}
