//! Who decides order and stock: this process alone, or a store for many nodes.
//!
//! ```text
//!   one node     commands ─▶ LocalArbiter ─▶ records ─────────────────────────▶ journal
//!   many nodes   commands ─▶ SharedArbiter ─▶ Redis ─▶ entries of the stream ─▶ journal
//! ```
//!
//! Both decide the same: the same commands at the same time on the same state give the same records,
//! byte for byte. `sale` holds the rules; the crate `engine-redis` has the second arbiter, and repeats
//! them in Lua.

pub mod archive_file;
mod local;
pub mod settings;

use std::{collections::BTreeSet, fmt, io};

use self::archive_file::ArchiveFiles;
pub use self::local::LocalArbiter;
use crate::{
    clock::Millis,
    command::{Command, Note, Reply},
    id::{Number, SaleTag},
    record::Record,
    sale::Sale,
    world::{Packed, World},
};

/// What decides a batch. Everything above it is the same with one node and with many.
pub trait Arbiter: Send + fmt::Debug {
    /// The state after all that was decided.
    fn world(&self) -> &World;

    /// Decides a batch into what may have memory from another. `now` is never earlier than the batch
    /// before. What it gives is applied to the world, but not acknowledged yet.
    fn decide_into(
        &mut self,
        decided: &mut Decided,
        now: Moment,
        commands: &mut dyn Iterator<Item = &Command>,
    );

    /// Puts an archived sale, unpacked elsewhere, in the place of its packed form, of which the world
    /// [said](World::may_warm_up) that it may.
    fn warm_up(&mut self, _sale: Sale, _at: Millis) {}

    /// A large packed archived sale in which others decided something. Unpacked elsewhere it takes the place of its
    /// packed form as above; until then it is named here.
    fn wants_unpacked(&self) -> Option<SaleTag> {
        None
    }

    /// Packs archived sales that nothing concerns any more, and answers them. Everything that was decided is
    /// durable.
    fn freeze(&mut self, _at: Millis) -> Vec<Packed> {
        Vec::new()
    }

    /// Gives a large archived sale away that nothing concerns any more, to be packed elsewhere. Everything that
    /// was decided is durable. Until it is back, what concerns it is not decided yet.
    fn rest(&mut self, _at: Millis) -> Option<Sale> {
        None
    }

    /// Takes it back, packed.
    fn set_packed(&mut self, _packed: Packed) {}

    /// The other nodes that serve the same sales; `None` when this process is all there is.
    fn peers(&self) -> Option<&dyn Peers> {
        None
    }

    /// The same, to talk to them.
    fn peers_mut(&mut self) -> Option<&mut dyn Peers> {
        None
    }
}

/// What a node has to do with others that serve the same sales, beside deciding with them.
pub trait Peers {
    /// Tells the others which numbers this node has heard of in a period (its number, and how long it
    /// is): a bit for each from `base` on. Answers whether they will know.
    fn tell_heard(
        &mut self,
        sale: SaleTag,
        period: (u64, u64),
        base: Number,
        bitmap: &[u8],
    ) -> bool;

    /// The numbers that any node has told of; `None` when that is not known.
    fn heard_by_all(&mut self, sale: SaleTag, period: u64, base: Number) -> Option<Vec<u8>>;

    /// Whether this node hands a sale's order events to the backend.
    fn delivers(&self, sale: SaleTag) -> bool;

    /// What an operator should know; empty when all is well.
    fn troubles(&self) -> Vec<String>;

    /// The last call: this process serves no more. What it still hears is decided like a batch's, and to
    /// be journaled.
    fn part(&mut self, decided: &mut Decided, at: Millis);
}

/// Makes the arbiter of a node that serves with others, from what its journal remembers.
pub trait Join: Send + fmt::Debug {
    /// `incarnation` tells this journal from every other that had the node's name. Files of sales that are
    /// archived go to `archives`.
    fn join(
        self: Box<Self>,
        world: World,
        incarnation: u32,
        archives: ArchiveFiles,
    ) -> io::Result<Box<dyn Arbiter>>;
}

/// When a batch is decided, and what time did since the last. A store that decides goes by its own clock
/// and by what it noted of its nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// The engine's time.
    pub at: Millis,
    /// How far the wall clock is ahead of it.
    pub wall_offset_ms: i64,
    /// Whether nothing was decided for so long that called places could not be claimed.
    pub after_outage: bool,
}

impl Moment {
    /// Milliseconds since an earlier one, by the clock that says more: the other may not count while the
    /// machine stands still.
    pub fn since(self, earlier: Self) -> u64 {
        let by_engine = self.at.since(earlier.at);
        let stepped = self.wall_offset_ms.saturating_sub(earlier.wall_offset_ms);
        by_engine.max(by_engine.saturating_add_signed(stepped))
    }
}

/// A decided batch: the facts, and a reply to each command in the order they came.
#[derive(Debug, Default)]
pub struct Decided {
    /// When it was decided: what the journal's batch carries.
    pub at: Millis,
    /// Facts, already applied to the arbiter's world.
    pub records: Vec<Record>,
    /// One reply to each command.
    pub replies: Vec<Reply>,
    /// Which of `records` are holds that answer no command of this batch: another node's, or one whose
    /// answer had been lost. No permit was taken for their units.
    pub others_holds: Vec<usize>,
    /// Sales that were taken over whole from other nodes: shown as the batch leaves them.
    pub adopted: BTreeSet<SaleTag>,
    /// Whether time has brought more than one batch takes, so that the next should follow at once.
    pub is_more_due: bool,
}

impl Decided {
    /// Empties it, for its memory.
    pub fn clear(&mut self, at: Millis) {
        self.at = at;
        self.records.clear();
        self.replies.clear();
        self.others_holds.clear();
        self.adopted.clear();
        self.is_more_due = false;
    }
}

/// What the pipeline or an operator says of a sale's order events: the record that should be and how
/// many events it concerns, or nothing. A sale is not deleted while any is undelivered, so of one that
/// is gone nothing can be said.
pub fn noted(world: &World, sale: SaleTag, note: &Note) -> Option<(usize, Record)> {
    let sale = world.sale(sale)?;
    match note {
        Note::Delivered { by, events } => sale.delivered(by, events),
        Note::DeadLetter { by, event, why } => sale.dead_lettered(by, *event, why),
        Note::Requeue { author, sink, events } => sale.requeued(author, *sink, events.as_deref()),
        Note::Refresh => None,
    }
}
