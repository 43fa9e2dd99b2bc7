//! The bounds of the engine, each with its reason, tied together at compile time.
//!
//! Here are those that clients, operators or several modules have to do with. What bounds one module's
//! own buffer, or the length of a name, stands with it. Every queue, table, batch and buffer has a
//! bound. At a bound the refusal is explicit; nothing is dropped and nothing waits without end.

/// Commands that the scribe asks again once this node has joined the nodes of a sale that was just made
/// elsewhere. A batch of them: a crowd that comes to a sale in its first tenth of a second gets 503 beyond
/// that.
pub const NOT_YET_MAX: usize = BATCH_COMMANDS_MAX;

/// Commands that may wait between the handlers and the scribe. A power of two, as the ring's index
/// arithmetic needs. At 100,000 commands a second it is 160 ms of work: more would only be waiting.
pub const RING_SLOTS: usize = 16_384;

/// Commands of the backend and of operators that may wait besides, in a ring of their own: a storm of
/// shoppers refuses no payment. A power of two. A backend that has so many on their way gets 503 and
/// tries again.
pub const PRIVILEGED_RING_SLOTS: usize = 1_024;

/// Commands of the backend and of operators that go into a batch before those of shoppers. Some of them
/// are large: more could keep shoppers waiting for many batches.
pub const BATCH_PRIVILEGED_MAX: usize = 256;

/// The most commands decided and synced together. Bounds how long one sync is waited for, and
/// how much a batch encodes to.
pub const BATCH_COMMANDS_MAX: usize = 4_096;

/// So few commands are not worth a sync while others may be on their way: with one processor the
/// scribe lets the handlers run first.
pub const BATCH_COMMANDS_FEW: usize = 64;

/// Bytes one batch may encode to.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes one shopper's command may add to a batch: a purchase with all its lines and its key, the
/// claim and the answer that come with an entry, or the step of a hold.
pub const COMMAND_BYTES_MAX: usize = 512;

/// The longest encoded record: a sale with all its offers and its longest texts.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// A journal segment's length in bytes, preallocated. Large enough that allocating the next one is
/// rare, small enough that a 64 MiB disk still shows the disk-full path.
pub const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Sales one process serves: a thousand that are on, and those that ended and were not deleted. One that no
/// one came to takes [`SALE_BYTES_MAX`], so that all of them take 32 MiB; one that was used keeps what its
/// places, holds and answers take.
pub const SALES_MAX: usize = 4_096;

/// Memory that a sale takes before anyone comes to it, scribe's side and read side together.
pub const SALE_BYTES_MAX: usize = 8 * 1024;

/// Memory that an archived sale takes beside its holds, scribe's side and read side together, with two offers and
/// texts of ordinary length. A hundred thousand take 20 MB.
pub const ARCHIVED_SALE_BYTES_MAX: usize = 200;

/// Bytes that time may add to a batch for each sale: a call of the gate, and a step of the clock.
pub const SALE_TICK_BYTES_MAX: usize = 64;

/// Offers in one sale.
pub const OFFERS_MAX: usize = 64;

/// Lines in one purchase.
pub const PURCHASE_ITEMS_MAX: usize = 16;

/// Units of one offer; also the largest quantity the arithmetic must carry without overflow.
pub const UNITS_MAX: u64 = 1_000_000_000;

/// Price of one unit, in minor units: `PRICE_MAX × UNITS_MAX` still fits an `i64`.
pub const PRICE_MAX: i64 = 1_000_000_000;

/// Numbers one sale's line can issue in one epoch.
pub const PLACES_MAX: u64 = SEGMENTS_MAX as u64 * SEGMENT_PLACES as u64;

/// Places in one line segment. A departure raises the prefixes of the 48-place blocks behind it in its
/// segment, at most 511, and of the segments behind, 407 in a line of ten million: about as many,
/// so that neither dominates.
pub const SEGMENT_PLACES: usize = 24_576;

/// Segments in one line.
pub const SEGMENTS_MAX: usize = 1_366;

/// Sessions admitted at once in one sale.
pub const ACTIVE_SESSIONS_MAX: u32 = 1_000_000;

/// Holds one sale keeps. Released and expired ones are forgotten a day after they ended, or earlier when
/// there are so many; open ones and orders stay. How many a sale makes in its life has no bound.
pub const HOLDS_MAX: usize = 4_194_304;

/// The most ended holds that one new hold makes forgotten. More than one, so that they become fewer.
pub const HOLDS_FORGOTTEN_AT_ONCE: usize = 2;

/// Holds of one shopper that are listed: the latest, and open ones and orders before others.
pub const SHOPPER_HOLDS_LISTED_MAX: usize = 64;

/// Holds that each shopper may make over a sale's life, whatever became of them: a change of mind or
/// a payment that fails several times needs far fewer.
pub const SHOPPER_HOLDS_MIN: u32 = 16;
/// Holds that a shopper may make for each unit of the limit per shopper, where that gives more.
pub const SHOPPER_HOLDS_PER_UNIT: u32 = 8;

/// Replies kept for the idempotency keys of entries in one sale.
pub const ENTRY_REPLAYS_MAX: usize = 4_194_304;

/// Replies kept for the idempotency keys of purchases and of their steps in one sale: as many as make
/// and end all the holds that a sale keeps.
pub const HOLD_REPLAYS_MAX: usize = 2 * HOLDS_MAX;

/// Replies past their time that one new reply makes forgotten at most. More than one, so that they
/// become fewer.
pub const REPLAYS_FORGOTTEN_AT_ONCE: usize = 4;

/// Keys of purchases past their time that one batch takes out of a sale's view at most: as many as a
/// batch can add.
pub const ANSWERED_KEYS_FORGOTTEN_AT_ONCE: usize = BATCH_COMMANDS_MAX;

/// Answers kept for the idempotency keys of one sale's operators. A script that changes a sale more often
/// than this in a day repeats requests within minutes, not hours.
pub const CHANGES_KEPT_MAX: usize = 64;

/// How long a reply is kept for its idempotency key.
pub const REPLAY_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// Deletions that came with a key and are remembered of the sales of one name, and as many creations.
pub const DELETIONS_KEPT_MAX: usize = 16;
/// Numbers of a sale's order events stay below this: a receiver may read them as JSON numbers.
pub const EVENTS_MAX: u64 = 1 << 53;
/// Order events of all sales waiting for the sink before new holds are refused. Each open hold can add
/// three more (paying, confirmed or released, refunded), so there are never more than this plus
/// 3 × open holds.
pub const OUTBOX_EVENTS_MAX: usize = 393_216;
/// Order events of one sale waiting for the sink before that sale makes no new holds. A sale that
/// outruns its sink leaves most of the room to the others.
pub const OUTBOX_SALE_EVENTS_MAX: usize = 65_536;
/// Order events that each sale may have waiting whatever the other sales have: this much of
/// [`OUTBOX_EVENTS_MAX`] is kept free for each.
pub const OUTBOX_SALE_SHARE: usize = 64;
/// Order events that all sales together may have waiting before each is down to its own share.
pub const OUTBOX_COMMON_EVENTS_MAX: usize = OUTBOX_EVENTS_MAX - SALES_MAX * OUTBOX_SALE_SHARE;

/// Dead letters that one command sends to a sink again; the rest waits for the next command.
pub const REQUEUE_EVENTS_MAX: usize = 32_768;

/// How much of its pace a gate may save up. Long enough to bridge a slow sync, short enough that a
/// shop's pages never meet more than a quarter of a second's admissions at once.
pub const GATE_BURST_MS: u64 = 250;

/// Places that one move of the gate looks at: those it calls, and those it passes over because they have
/// left. After a pause in which a million left, it takes some sixty batches to get past them, three
/// seconds, and none of them keeps other sales waiting.
pub const GATE_WALK_PLACES_MAX: u64 = 16_384;

/// How far back the measured pace looks.
pub const PACE_WINDOW_MS: u64 = 60_000;

/// How far back it looks while it has not seen [`PACE_EVENTS_MIN`].
pub const PACE_WINDOW_MS_MAX: u64 = 600_000;

/// As many events as make a pace: the usual error of counting them is under a quarter.
pub const PACE_EVENTS_MIN: u64 = 20;

/// How long people must have waited before a pace is told.
pub const PACE_WARM_UP_MS: u64 = 5_000;

const _: () = assert!(PACE_WARM_UP_MS < PACE_WINDOW_MS && PACE_WINDOW_MS < PACE_WINDOW_MS_MAX);

/// Sales without a fact whose figures are published in one turn of theirs, every 50 ms: an estimate goes by
/// what happened in the last minutes, so it is new enough when all of 4,096 sales had a turn in thirteen seconds.
pub const FIGURES_SALES_MAX: usize = 16;

/// How often the scribe wakes with nothing to do: expiries and the gate move by it.
pub const TICK_MS: u64 = 50;

/// Facts that one batch's sweep of deadlines may add; the rest waits for the next batch.
pub const SWEEP_RECORDS_MAX: usize = 4_096;

/// Idle places that one batch may end, over all sales.
pub const IDLE_PLACES_MAX: usize = 16_384;
/// The same where a store decides for many nodes, which all sweep: some milliseconds of the store.
pub const SHARED_IDLE_PLACES_MAX: usize = 2_048;
/// Sales whose idle places one batch may end.
pub const IDLE_SALES_MAX: usize = 64;
/// Places that the idle sweep looks at in one turn, over all sales: half a megabyte of reads. Ten
/// million people are looked through in four seconds.
pub const IDLE_LOOK_PLACES_MAX: u64 = 131_072;
/// Places of one sale that it looks at before it is another sale's turn.
pub const IDLE_LOOK_SALE_PLACES_MAX: u64 = 16_384;

/// Sinks that take the order events of one process. What each has taken of an event is a bit of a byte.
pub const SINKS_MAX: usize = 8;

/// Order events on their way from the scribe to one sink's thread; the rest waits in the outbox.
pub const OUTLET_EVENTS_MAX: usize = 2_048;

/// Order events of one sale that are handed to a sink's thread before it is another sale's turn:
/// enough that turns cost nothing, few enough that a flood of one sale delays the others little.
pub const OUTLET_TURN_EVENTS_MAX: usize = 64;

/// Order events that are looked at for one sink after one batch, whether they are for it or not, and sales with
/// them: a sink passes over what it has taken and others have not, which may be a whole outbox. A look is a
/// few steps in a map, so that this is about half a millisecond.
pub const OUTLET_LOOK_EVENTS_MAX: usize = 4_096;

/// Sales with order events that another node hands out, of which one batch asks whether this node does now.
pub const OUTLET_LOOK_SALES_MAX: usize = 64;

/// Numbers of places and of holds that are passed over when a node is missing that may have given some
/// out, for each second in which the others may not have heard of it: more than the nodes of a sale can
/// give out in one.
pub const SKIPPED_NUMBERS: u32 = 65_536;
/// Order events of one hold: for each hold so many numbers of events are passed over. A journal does not
/// say how many they were: another value is another format.
pub const SKIPPED_EVENTS_PER_HOLD: u64 = 4;

/// Bytes of a sale's title or message.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// How long a node delivers its sale's events after a call. Longer than a slow call and its retry, short
/// enough that a delivering node that died does not hold events up for long.
pub const DELIVERY_LEASE_MS: u64 = 5_000;

/// How old the store's note of a node's last call may become before a call renews it: one write in ten
/// ticks, and far below the silence after which a node is parted.
pub const NODE_NOTED_MS: u64 = 500;

/// A sale that has stood still for so long is told of when it moves again: nodes may have ceased to ask.
pub const STILL_MS: u64 = 1_000;

/// How long a node counts as present at a quorum after it registered, which it does every 100 ms.
pub const QUORUM_PRESENT_MS: u64 = 3_000;

/// Nodes that parted and are remembered, per sale.
pub const PARTED_NODES_MAX: usize = 256;
/// How long a node may have been out of touch with the store and still speak for a sale that the store
/// lost: nobody that it has not heard of acknowledges anything in that time. Longer than it takes to bring a
/// server back, and a node that joins while another is out of touch waits as long.
pub const IN_TOUCH_MS: u64 = 300_000;
/// How long when a node is missing: numbers are passed over for each second of it.
pub const IN_TOUCH_MISSING_MS: u64 = 60_000;
/// How long the store keeps what it noted of a node that was parted for being silent: it may come back
/// and speak for the sale, and calls of which it knows took some time.
pub const SILENT_KEPT_MS: u64 = IN_TOUCH_MS + 5_000;
/// How long nothing may come from a node that writes a sale into the store before another begins again.
pub const LOAD_SILENT_MS: u64 = 10_000;

/// Bytes of a snapshot that one call moves: some hundred microseconds of the store.
pub const SNAPSHOT_CHUNK_BYTES: usize = 512 * 1024;

/// How often a snapshot is read from its beginning again because another took its place meanwhile.
/// They follow each other so slowly that a second time is rare.
pub const SNAPSHOT_READS_MAX: usize = 8;

/// Bytes of sales' files that a snapshot replaces for each byte of journal behind the last one. Until the
/// journal is long enough, the snapshot waits: a very large sale is not written again for a few facts,
/// and the journal that a start replays stays shorter than half of what it reads anyway.
pub const SNAPSHOT_BYTES_PER_JOURNAL_BYTE: u64 = 4;

/// A file that a snapshot keeps archived sales in together is closed when it is this long: large enough that a
/// hundred thousand sales are a few reads, small enough that checking one file for one of its sales takes
/// milliseconds.
pub const PACK_BYTES: u64 = 8 << 20;
/// An archived sale that takes more, packed, has a file of its own.
pub const PACK_SALE_BYTES_MAX: u64 = 256 << 10;

/// How long an archived sale stays unpacked after something concerned it: the refunds of one sale come
/// together.
pub const WARM_MS: u64 = 10_000;
/// Archived sales that stay unpacked so long. When there are more, those that nothing waits for are packed
/// in the next turn.
pub const WARM_SALES_FEW: usize = 64;
/// Holds and kept answers of an archived sale that is packed between two batches; one with more is packed on
/// another thread. So many took 8 ms in an unoptimized build.
pub const PACKED_AT_ONCE_MAX: usize = 4_096;
/// An archived sale that is not longer unpacked is unpacked in a turn where a node of many reads what others decided.
pub const UNPACKED_AT_ONCE_BYTES: usize = 128 * 1024;
/// Archived sales that are unpacked at once. They are as many only while the sink takes no events of so many:
/// then refunds in others wait. One takes [`SALE_BYTES_MAX`] and what its holds take.
pub const WARM_SALES_MAX: usize = 1_024;
/// Bytes of their packed forms together, beyond which no other is unpacked: some ten times as much in memory.
pub const WARM_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What a hold or a kept answer of a sale that was never packed counts for.
pub const WARM_BYTES_PER_HOLD: usize = 64;
/// Sales that are archived together: the journal behind the last snapshot is read once for them.
pub const ARCHIVED_TOGETHER_MAX: usize = 256;
/// Bytes of their files in the snapshot, beyond which the next reading begins: in memory some five times as much.
pub const ARCHIVED_TOGETHER_BYTES: u64 = 64 << 20;
/// How long the view of a packed sale is kept after it was last asked for.
pub const ARCHIVED_VIEW_MS: u64 = 60_000;
/// Such views at once.
pub const ARCHIVED_VIEWS_MAX: usize = 4_096;
/// What they take together, about; one that takes more is kept alone.
pub const ARCHIVED_VIEWS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What an unpacked sale takes with its view for each byte of its form: a hold has some 70 bytes, and takes 350
/// with the tables that it is found by.
pub const ARCHIVED_VIEW_BYTES_PER_BYTE: usize = 5;
/// What it takes besides, however few its holds: three tables of some 16 KiB each.
pub const ARCHIVED_VIEW_BYTES: usize = 48 * 1024;
/// Callers with keys that wait for archived sales to be unpacked, and as many shoppers. One sale is unpacked at a
/// time, so the last of them waits for the others.
pub const UNPACKINGS_WAITING_MAX: usize = 256;

/// Entries kept in memory of who changed what, per sale; all of them stay in the journal.
pub const AUDIT_ENTRIES_MAX: usize = 1_024;

const _: () = {
    assert!(RING_SLOTS.is_power_of_two());
    assert!(BATCH_COMMANDS_MAX <= RING_SLOTS);
    assert!(PRIVILEGED_RING_SLOTS.is_power_of_two());
    assert!(BATCH_PRIVILEGED_MAX <= PRIVILEGED_RING_SLOTS);
    assert!(BATCH_PRIVILEGED_MAX * 2 <= BATCH_COMMANDS_MAX);
    assert!(RECORD_BYTES_MAX < BATCH_BYTES_MAX);
    assert!(PACK_BYTES + 2 * PACK_SALE_BYTES_MAX < u32::MAX as u64);
    // A full batch of shoppers' commands beside a full sweep, with room for an operator's record.
    assert!(
        BATCH_COMMANDS_MAX * COMMAND_BYTES_MAX
            + SWEEP_RECORDS_MAX * 64
            + IDLE_PLACES_MAX * 16
            + (SALES_MAX + WARM_SALES_MAX) * SALE_TICK_BYTES_MAX
            + RECORD_BYTES_MAX
            < BATCH_BYTES_MAX
    );
    // The largest single command beside a full sweep: all dead letters of one asking, or an operator's.
    assert!(
        REQUEUE_EVENTS_MAX * 8
            + RECORD_BYTES_MAX
            + SWEEP_RECORDS_MAX * 64
            + IDLE_PLACES_MAX * 16
            + (SALES_MAX + WARM_SALES_MAX) * SALE_TICK_BYTES_MAX
            < BATCH_BYTES_MAX
    );
    assert!((BATCH_BYTES_MAX as u64) * 2 < SEGMENT_BYTES);
    // A departure's number has 8 bytes, and each sale's record some 20 besides.
    assert!(IDLE_PLACES_MAX * 8 + IDLE_SALES_MAX * 32 < IDLE_PLACES_MAX * 16);
    assert!(SHARED_IDLE_PLACES_MAX <= IDLE_PLACES_MAX);
    assert!(IDLE_LOOK_SALE_PLACES_MAX <= IDLE_LOOK_PLACES_MAX);
    assert!(OUTLET_TURN_EVENTS_MAX <= OUTLET_EVENTS_MAX);
    assert!(OUTLET_EVENTS_MAX < OUTLET_LOOK_EVENTS_MAX);
    assert!(WARM_SALES_FEW < WARM_SALES_MAX);
    assert!(OUTBOX_SALE_SHARE >= OUTLET_TURN_EVENTS_MAX);
    assert!(SALES_MAX * OUTBOX_SALE_SHARE < OUTBOX_EVENTS_MAX);
    // One sale at its bound leaves the others more than their shares.
    assert!(OUTBOX_SALE_EVENTS_MAX < OUTBOX_COMMON_EVENTS_MAX);
    assert!(SHOPPER_HOLDS_MIN >= SHOPPER_HOLDS_PER_UNIT);
    assert!(UNITS_MAX as i128 * PRICE_MAX as i128 <= i64::MAX as i128);
    assert!(OFFERS_MAX <= u16::MAX as usize);
    assert!(NODE_NOTED_MS * 4 <= DELIVERY_LEASE_MS);
};

/// A called place has so long to claim once the engine serves again after an outage, or its whole
/// window if that is shorter: a page that polls every few seconds makes it.
pub const CLAIM_AFTER_OUTAGE_MS: u64 = 10_000;
/// Nothing having been decided for so long is an outage. An idle scribe takes a turn every 50 ms.
pub const OUTAGE_MS: u64 = 1_000;
/// The wall clock counts as stepped when it is so far from where it was against engine time. It takes
/// a step: adjustments by slewing move both clocks alike.
pub const CLOCK_STEP_MS: u64 = 100;
/// How far a store's clock that leaps ahead moves the time of a sale beyond its nodes': as long as a call may be on
/// its way.
pub const CLOCK_LEAP_MS: u64 = 2_000;
