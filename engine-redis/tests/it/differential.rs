//! The same commands at the same time give the same facts and replies, from Redis as from one process.
//!
//! Random batches, with time moving between them, go to the function; then, at the time the answer
//! bears, to a `LocalArbiter`. Records must be equal byte for byte, but for the one that differs by
//! design: what a keyed entry was answered. At the end the store's keys must be what a node would load.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use engine::{
    arbiter::LocalArbiter,
    clock::Millis,
    command::{Ask, Command, Reply},
    hold::{Hold, HoldState, Step},
    id::{Epoch, HoldId, Number, OfferIndex, SaleName, ShopperKey},
    record::{Change, EntryStanding, Record, ReplayKey},
    sale::{Settler, TicketRef},
    spec::{SaleSpec, SpecPatch},
    world::World,
};
use engine_redis::Store;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::{
    moves::{Action, Move, Operator, Place, Which, moves, spec},
    server::{DEADLINE, Node, Raw, Server, asks, changed, encoded, run},
};

/// No node having called for so long is an outage to the library.
const OUTAGE_MS: u64 = 4_000;

/// Both arbiters, one behind the other.
struct Pair {
    node: Node,
    local: LocalArbiter,
    /// The world of the local records, with entries noted as the store notes them.
    mirror: World,
    raw: Raw,
    offset_ms: u64,
    /// Kinds of facts and of refusals that were seen.
    seen: BTreeSet<String>,
}

impl Pair {
    fn ticket(&self, place: &Place) -> TicketRef {
        match *place {
            Place::Own(who) => {
                let sale = self.node.sale();
                let mine = |number: &u64| sale.shopper(Number(*number)) == Some(shopper(who));
                let number = (1..=sale.issued().0).rev().find(mine).unwrap_or(1);
                TicketRef { epoch: Epoch(1), number: Number(number), shopper: shopper(who) }
            }
            Place::Session(which) => {
                let sale = self.node.sale();
                let live = sale.sessions().nth(usize::from(which) % sale.sessions().len().max(1));
                let number = live.map_or(Number(1), |session| session.number);
                let shopper = sale.shopper(number).unwrap_or_else(|| shopper(which));
                TicketRef { epoch: Epoch(1), number, shopper }
            }
            Place::Any { who, number, epoch } => {
                TicketRef { epoch: Epoch(epoch), number: Number(number), shopper: shopper(who) }
            }
        }
    }

    fn hold(&self, which: &Which) -> HoldId {
        HoldId(match *which {
            Which::Latest(back) => self.node.sale().last_hold().0.saturating_sub(back),
            Which::Any(number) => number,
        })
    }

    fn command(&self, action: &Action) -> Command {
        let sale = self.node.sale;
        match action {
            Action::Enter { who, key } => {
                Command::Ask(sale, Ask::Enter { shopper: shopper(*who), replay: key.map(replay) })
            }
            Action::Leave { place } => {
                Command::Ask(sale, Ask::Leave { ticket: self.ticket(place) })
            }
            Action::Claim { place } => {
                Command::Ask(sale, Ask::Claim { ticket: self.ticket(place) })
            }
            Action::Purchase { place, items, key } => {
                let items = items.iter().map(|(offer, units)| (OfferIndex(*offer), *units));
                let (pass, items) = (self.ticket(place), items.collect());
                Command::Ask(sale, Ask::Purchase { pass, items, replay: replay(*key) })
            }
            Action::Settle { hold, step, by, key } => {
                let by = by.map_or(Settler::Backend, |who| Settler::Shopper(shopper(who)));
                let (hold, step, replay) = (self.hold(hold), *step, key.map(replay));
                Command::Ask(sale, Ask::Settle { epoch: Epoch(1), hold, step, by, replay })
            }
            Action::End { number, epoch } => Command::Ask(
                sale,
                Ask::EndSession { epoch: Epoch(*epoch), number: Number(*number) },
            ),
            Action::Idle { numbers } => {
                let numbers = numbers.iter().copied().map(Number).collect();
                Command::Ask(sale, Ask::Idle { numbers })
            }
        }
    }

    async fn batch(&mut self, actions: &[Action], stalled: bool) -> Result<(), TestCaseError> {
        let commands: Vec<_> = actions.iter().map(|action| self.command(action)).collect();
        // A stall is the node's own word, which a local arbiter has from its outbox: what it refuses
        // is left out there.
        let stalls =
            |command: &Command| stalled && matches!(command, Command::Ask(_, Ask::Purchase { .. }));
        if commands.iter().any(stalls) {
            return self.stalled(&commands).await;
        }
        let (before, earlier) = (self.node.point, self.node.sale().clone());
        let called_at = self.called_at().await;
        let decision = self.node.decide(&commands).await;
        let at = decision.facts.at;
        let joining = self.join(at);
        self.local.set_time(0, called_at.is_some_and(|called| at.since(called) >= OUTAGE_MS));
        let decided = self.local.decide(at, &commands);
        let expected: Vec<Record> =
            joining.into_iter().chain(decided.records.iter().map(noted)).collect();
        let entries = &decision.facts.entries;
        prop_assert!(
            entries.len() <= 1 && entries.len() as u64 == self.node.point.seq - before.seq
        );
        let got: Vec<&Record> = entries.iter().flat_map(|entry| &entry.records).collect();
        prop_assert_eq!(&got, &expected.iter().collect::<Vec<_>>());
        prop_assert_eq!(encoded(got), encoded(&expected));
        let is_archived = earlier.archive().is_some();
        for record in &expected {
            self.seen.insert(kind(record));
            if is_archived && matches!(record, Record::Settled { .. }) {
                self.seen.insert("a refund in an archived sale".to_owned());
            }
            self.mirror.apply(record, at);
        }
        prop_assert_eq!(decision.verdicts.len(), commands.len());
        let asks = asks(&commands);
        let told = decision.verdicts.into_iter().zip(&asks).zip(decided.replies);
        for ((verdict, ask), reply) in told {
            let recalled = verdict.recalled(ask, &earlier, at);
            let got = verdict.reply(ask, self.node.sale(), at, recalled).expect("it follows");
            self.seen.insert(kind(&got));
            prop_assert_eq!(without_eta(got), without_eta(reply), "{:?}", ask);
        }
        prop_assert_eq!(self.mirror.hash(), self.node.world.hash());
        let sale = self.node.sale();
        if (sale.holds().count() as u64) < sale.last_hold().0 {
            self.seen.insert("a hold forgotten".to_owned());
        }
        Ok(())
    }

    /// When a node's call was noted last.
    async fn called_at(&self) -> Option<Millis> {
        let keys = self.node.store.keys(self.node.sale);
        let noted = self.raw.call(&["HGET", &keys[0], "called_at"]).await;
        noted.as_string()?.parse().ok().map(Millis)
    }

    fn has_joined(&self) -> bool {
        let sale = self.local.world().sale(self.node.sale).expect("the sale is there");
        sale.members().has(&self.node.name)
    }

    /// What the local arbiter is told, for it knows of no other nodes, when the node joins.
    fn join(&mut self, at: Millis) -> Option<Record> {
        if self.has_joined() {
            return None;
        }
        let joined = Record::Joined { sale: self.node.sale, node: self.node.name.clone() };
        let mut world = self.local.world().clone();
        world.apply(&joined, at);
        self.local = LocalArbiter::new(world);
        Some(joined)
    }

    /// A batch from a node whose backend does not keep up makes no holds; all else goes on.
    async fn stalled(&mut self, commands: &[Command]) -> Result<(), TestCaseError> {
        let decision = self.node.try_decide(commands, true).await.expect("decided");
        for entry in &decision.facts.entries {
            let holds = entry.records.iter().any(|record| matches!(record, Record::Held { .. }));
            prop_assert!(!holds, "a stalled node makes no holds");
            for record in &entry.records {
                self.mirror.apply(record, entry.at);
            }
        }
        self.local = LocalArbiter::new(self.node.world.clone());
        Ok(())
    }

    async fn wait(&mut self, ms: u64) {
        self.offset_ms += ms;
        self.set_offset().await;
    }

    async fn set_offset(&self) {
        let keys = self.node.store.keys(self.node.sale);
        let offset = self.offset_ms.to_string();
        self.raw.call(&["HSET", &keys[0], "clock_offset", &offset]).await;
    }

    async fn operator(&mut self, operator: &Operator) -> Result<(), TestCaseError> {
        if self.node.sale().archive().is_some() {
            // Refused before anything is asked of the store.
            return Ok(());
        }
        if !self.has_joined() {
            self.batch(&[], false).await?;
        }
        let change = match operator {
            Operator::Pause => Change::Pause,
            Operator::Resume => Change::Resume,
            Operator::Drain => Change::Drain,
            Operator::Open => Change::Open,
            Operator::Close => Change::Close,
            Operator::Rate(rate) => Change::Rate { admission_milli_per_second: *rate },
            Operator::Restock(offer, units) => {
                let offer = usize::from(*offer).min(self.node.sale().counts().len() - 1);
                let available = self.node.sale().counts()[offer].available;
                let units = (*units).max(-available.cast_signed());
                Change::Restock {
                    offer: OfferIndex(u16::try_from(offer).expect("few offers")),
                    units,
                }
            }
            Operator::Update { session_ms, limit, overbook, rejoin } => {
                let patch = SpecPatch {
                    session_ms: Some(*session_ms),
                    rejoin: Some(*rejoin),
                    per_shopper_max: Some(*limit),
                    overbook_milli: Some(*overbook),
                    ..SpecPatch::default()
                };
                Change::Update { patch }
            }
        };
        self.change(&change).await
    }

    /// Archives the sale, once nothing is under way in it, and refunds the one hold that was confirmed for that.
    /// What the order pipeline takes is no matter of the store's.
    async fn archive(&mut self) -> Result<(), TestCaseError> {
        self.operator(&Operator::Close).await?;
        let open = |hold: &&Arc<Hold>| matches!(hold.state, HoldState::Held | HoldState::Paying);
        let open: Vec<HoldId> = self.node.sale().holds().filter(open).map(|hold| hold.id).collect();
        let settle = |HoldId(id): HoldId, step| {
            let (hold, by, key) = (Which::Any(id), None, None);
            [Action::Settle { hold, step, by, key }]
        };
        for (index, hold) in open.iter().enumerate() {
            let step = if index == 0 { Step::Confirm } else { Step::Release };
            self.batch(&settle(*hold, step), false).await?;
        }
        if self.node.sale().archive().is_none() {
            self.change(&Change::Archive { digest: [7; 32] }).await?;
        }
        if let Some(confirmed) = open.first() {
            self.batch(&settle(*confirmed, Step::Refund), false).await?;
        }
        Ok(())
    }

    async fn change(&mut self, change: &Change) -> Result<(), TestCaseError> {
        let node = &mut self.node;
        let expected = changed(node.sale, change);
        let appended = node.append(&node.point, change).await;
        let facts = appended.expect("appended where the stream ends");
        node.follow(&facts);
        prop_assert_eq!(facts.entries.len(), 1);
        prop_assert_eq!(&facts.entries[0].records, std::slice::from_ref(&expected));
        // As the scribe would: the change alone, at the time the stream gave it.
        let mut world = self.local.world().clone();
        world.apply(&expected, facts.at);
        self.local = LocalArbiter::new(world);
        self.mirror.apply(&expected, facts.at);
        prop_assert_eq!(self.mirror.hash(), self.node.world.hash());
        Ok(())
    }

    async fn rebuild(&mut self) {
        self.clear(&self.node.store).await;
        self.node.reload().await;
        self.set_offset().await;
    }

    async fn clear(&self, store: &Store) {
        let keys = store.keys(self.node.sale);
        let call: Vec<&str> =
            std::iter::once("DEL").chain(keys.iter().map(String::as_str)).collect();
        self.raw.call(&call).await;
    }

    /// The store's keys are what a node that knows the facts would have written.
    async fn check_keys(&self, fresh: &Store) -> Result<(), TestCaseError> {
        self.clear(fresh).await;
        self.node.load_with(fresh).await.expect("loaded beside");
        let mut own = self.raw.dump(&self.node.store.keys(self.node.sale)).await;
        let mut loaded = self.raw.dump(&fresh.keys(self.node.sale)).await;
        // Answers past their time leave the store a few at a time; until then nobody finds them.
        own.retain(|field, value| {
            let is_answer = field.starts_with("replays ") || field.starts_with("hold_replays ");
            !is_answer || loaded.get(field) == Some(value)
        });
        // A time passed since the last fact is no fact.
        for meta in [&mut own, &mut loaded] {
            meta.remove("meta at");
        }
        prop_assert_eq!(own, loaded);
        Ok(())
    }
}

fn shopper(who: u8) -> ShopperKey {
    ShopperKey(u128::from(who) << 100 | 0xa0d_0a00 | u128::from(who))
}

fn replay((key, body): (u8, u8)) -> ReplayKey {
    ReplayKey { key: u128::from(key) << 120 | 0xff, body: u128::from(body) }
}

/// A record as the store would have it.
fn noted(record: &Record) -> Record {
    if let Record::EntryAnswered { sale, replay, answer } = record {
        return Record::EntryNoted { sale: *sale, replay: *replay, number: answer.number };
    }
    record.clone()
}

/// A reply without the estimate, in which a node may have its own measured pace.
fn without_eta(mut reply: Reply) -> Reply {
    if let Reply::Entry(Ok(entry)) = &mut reply
        && let EntryStanding::Waiting { eta, .. } = &mut entry.answer.standing
    {
        *eta = None;
    }
    reply
}

/// The kind of a fact, or of a reply with its refusal.
fn kind(what: &impl std::fmt::Debug) -> String {
    let text = format!("{what:?}");
    let is_name = |c: char| c.is_alphanumeric() || c == '(';
    let name: String = text.chars().take_while(|c| is_name(*c)).collect();
    let replayed = text.ends_with("replayed: true }))");
    if replayed { name + " replayed" } else { name }
}

/// All that the rules can come to. A generator that no longer reaches one of them fails.
const KINDS: [&str; 33] = [
    "Resumed",
    "Entered",
    "Departed",
    "Called",
    "Claimed",
    "SessionEnded",
    "EntryNoted",
    "Held",
    "Settled",
    "StepAnswered",
    "Entry(Ok(Entry",
    "Entry(Ok(Entry replayed",
    "Entry(Err(NotOpen(Closed",
    "Entry(Err(NotOpen(Draining",
    "Entry(Err(OtherBody",
    "Left(Ok((",
    "Left(Err(NoPlace",
    "Claim(Ok(Session",
    "Claim(Err(NoPlace",
    "Claim(Err(NotCalled(Waiting",
    "Purchase(Ok(HoldReply",
    "Purchase(Ok(HoldReply replayed",
    "Purchase(Err(NotOpen(Closed",
    "Purchase(Err(NoSession",
    "Purchase(Err(OtherBody",
    "Purchase(Err(Limit",
    "Purchase(Err(SoldOut",
    "Settle(Ok(HoldReply replayed",
    "Settle(Err(NoHold",
    "Settle(Err(WrongState(Held",
    "Ended(Err(NoSession",
    "a hold forgotten",
    "a refund in an archived sale",
];

#[test]
fn both_arbiters_decide_the_same() {
    static SALES: AtomicU64 = AtomicU64::new(0);
    let (server, seen) = (Server::start(), Mutex::new(BTreeSet::new()));
    let mut runner = TestRunner::new(Config { cases: 256, ..Config::default() });
    let result = runner.run(&(spec(), moves()), |(spec, moves)| {
        let sale = SALES.fetch_add(1, Ordering::Relaxed);
        let name = SaleName::parse(&format!("sale-{sale}")).unwrap();
        let now = run(play(&server, SaleSpec { name, ..spec }, moves))?;
        seen.lock().unwrap().extend(now);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner().unwrap();
    let missed: Vec<_> = KINDS.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missed.is_empty(), "never came to {missed:?}, only to {seen:?}");
}

async fn play(
    server: &Server,
    spec: SaleSpec,
    moves: Vec<Move>,
) -> Result<BTreeSet<String>, TestCaseError> {
    let node = Node::creating(server.store("own", DEADLINE).await, spec).await;
    let fresh = server.store("fresh", DEADLINE).await;
    let (local, mirror) = (LocalArbiter::new(node.world.clone()), node.world.clone());
    let (raw, seen) = (server.raw().await, BTreeSet::new());
    let mut pair = Pair { node, local, mirror, raw, offset_ms: 0, seen };
    for next in &moves {
        match next {
            Move::Batch { actions, stalled } => pair.batch(actions, *stalled).await?,
            Move::Wait { ms } => pair.wait(*ms).await,
            Move::Operator(operator) => pair.operator(operator).await?,
            Move::Archive => pair.archive().await?,
            Move::Rebuild => {
                pair.check_keys(&fresh).await?;
                pair.rebuild().await;
            }
        }
    }
    pair.check_keys(&fresh).await?;
    pair.node.store.close().await;
    fresh.close().await;
    Ok(pair.seen)
}
