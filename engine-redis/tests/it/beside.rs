//! What stands beside the streams: snapshots, who was heard of, and which sales there are.

use engine::{
    clock::Millis,
    id::{Epoch, Number, SaleName},
    limits::SNAPSHOT_CHUNK_BYTES,
    record::Change,
    stream::Point,
};
use engine_redis::{Heard, Snapshot, StoreError};

use super::server::{DEADLINE, Node, Raw, Server, run};
use crate::support;

async fn node(server: &Server) -> Node {
    Node::creating(server.store("own", DEADLINE).await, support::spec(&[5])).await
}

/// Decides so many entries of the stream.
async fn go_on(node: &mut Node, entries: u128) {
    let first = u128::from(node.sale().issued().0);
    for shopper in first + 1..=first + entries {
        node.decide(&[support::enter(shopper, None)]).await;
    }
}

async fn put(node: &Node, bytes: &[u8]) -> Result<(), StoreError> {
    node.store.put_snapshot(node.sale, node.epoch, &node.point, node.at, bytes).await
}

async fn entries(raw: &Raw, node: &Node) -> u64 {
    raw.call(&["XLEN", &node.store.keys(node.sale)[11]]).await.as_u64().expect("a number")
}

/// Contents that differ from chunk to chunk.
fn contents(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 1_000 % 251).to_le_bytes()[0]).collect()
}

#[test]
fn a_snapshot_comes_back_as_it_was_put_whatever_its_length() {
    let server = Server::start();
    run(async {
        let mut node = node(&server).await;
        assert_eq!(node.store.snapshot(node.sale).await, Ok(None));
        let chunk = SNAPSHOT_CHUNK_BYTES;
        for length in [0, 1, chunk, 2 * chunk + 7] {
            go_on(&mut node, 1).await;
            let bytes = contents(length);
            put(&node, &bytes).await.unwrap();
            let (point, at) = (node.point, node.at);
            let whole = Some(Snapshot { point, at, bytes });
            assert_eq!(node.store.snapshot(node.sale).await, Ok(whole));
        }
        let held = node.store.snapshot(node.sale).await;
        node.store
            .put_snapshot(node.sale, node.epoch, &node.point, Millis(1), b"again")
            .await
            .unwrap();
        assert_eq!(node.store.snapshot(node.sale).await, held, "a later or equal one stays");
    });
}

#[test]
fn a_snapshot_is_of_the_stores_own_history() {
    let server = Server::start();
    run(async {
        let mut node = node(&server).await;
        go_on(&mut node, 3).await;
        let seq = node.point.seq;
        let elsewhere = Node { point: Point { seq: 9, ..node.point }, ..node.clone() };
        assert_eq!(put(&elsewhere, b"no").await, Err(StoreError::Diverged { seq }));
        let later = Node { epoch: Epoch(2), ..node.clone() };
        assert_eq!(put(&later, b"no").await, Err(StoreError::OtherEpoch { epoch: Epoch(1) }));
        assert_eq!(node.store.snapshot(node.sale).await, Ok(None));
    });
}

#[test]
fn of_two_writers_at_once_one_snapshot_comes_whole() {
    let server = Server::start();
    run(async {
        let mut node = node(&server).await;
        go_on(&mut node, 1).await;
        let (one, other) = (contents(3 * SNAPSHOT_CHUNK_BYTES), vec![7; 5 * SNAPSHOT_CHUNK_BYTES]);
        let beside = node.beside(server.store("own", DEADLINE).await);
        let reader = server.store("own", DEADLINE).await;
        let (a, b, read) =
            tokio::join!(put(&node, &one), put(&beside, &other), reader.snapshot(node.sale));
        assert_eq!((a, b), (Ok(()), Ok(())));
        for snapshot in [read.unwrap(), node.store.snapshot(node.sale).await.unwrap()] {
            let whole = snapshot.is_none_or(|got| got.bytes == one || got.bytes == other);
            assert!(whole, "half of one");
        }
        assert!(node.store.snapshot(node.sale).await.unwrap().is_some());
        let next = &node.store.keys(node.sale)[15];
        assert_eq!(server.raw().await.call(&["EXISTS", next]).await.as_u64(), Some(0));
    });
}

#[test]
fn a_writer_whom_another_overtook_adds_nothing_to_its_snapshot() {
    let server = Server::start();
    run(async {
        let (mut node, raw) = (node(&server).await, server.raw().await);
        go_on(&mut node, 1).await;
        let keys = node.store.keys(node.sale);
        let (seq, chain) = (node.point.seq.to_string(), node.point.chain.to_string());
        let count = keys.len().to_string();
        let put = async |writer: &str, index: &str, bytes: &str| {
            let mut call = vec!["FCALL", "rushgate_2_put_snapshot", &count];
            call.extend(keys.iter().map(String::as_str));
            call.extend(["1", "1", &seq, &chain, "5", writer, index, "2", "digest", bytes]);
            raw.call(&call).await.into_array()[1].as_string().expect("a word")
        };
        assert_eq!(put("slow", "0", "first of ").await, "taken");
        assert_eq!(put("fast", "0", "one ").await, "taken");
        assert_eq!(put("slow", "1", "two").await, "dropped");
        assert_eq!(node.store.snapshot(node.sale).await, Ok(None), "nobody sees half of it");
        assert_eq!(put("fast", "1", "whole").await, "whole");
        assert_eq!(put("slow", "0", "first of ").await, "dropped");
        let chunk = async |index: &str| raw.call(&["HGET", &keys[14], index]).await.as_string();
        let whole = [chunk("0").await, chunk("1").await, chunk("writer").await];
        assert_eq!(whole.map(Option::unwrap), ["one ", "whole", "fast"]);
        let head = node.store.snapshot_head(node.sale).await;
        assert_eq!(head.map(|head| head.map(|head| head.point)), Ok(Some(node.point)));
    });
}

#[test]
fn a_reader_never_joins_chunks_of_two_snapshots() {
    let server = Server::start();
    run(async {
        let mut node = node(&server).await;
        go_on(&mut node, 1).await;
        let length = 12 * SNAPSHOT_CHUNK_BYTES;
        put(&node, &vec![1; length]).await.unwrap();
        let reader = server.store("own", DEADLINE).await;
        let sale = node.sale;
        let write = async {
            for fill in 2..6 {
                go_on(&mut node, 1).await;
                put(&node, &vec![fill; length]).await.unwrap();
            }
        };
        let read = async {
            let mut seen = Vec::new();
            for _ in 0..12 {
                let snapshot = reader.snapshot(sale).await.unwrap().expect("there is one always");
                assert_eq!(snapshot.bytes.len(), length);
                assert!(snapshot.bytes.iter().all(|byte| *byte == snapshot.bytes[0]), "mixed");
                seen.push(snapshot.bytes[0]);
            }
            seen
        };
        let ((), seen) = tokio::join!(write, read);
        assert!(seen.is_sorted(), "{seen:?}");
    });
}

#[test]
fn the_stream_is_trimmed_to_the_snapshot_but_never_past_a_serving_node() {
    let server = Server::start();
    run(async {
        let (mut a, raw) = (node(&server).await, server.raw().await);
        let mut b = a.beside(a.store.clone());
        go_on(&mut a, 9).await;
        b.decide(&[]).await;
        call_again(&raw, [&mut a, &mut b]).await;
        let serving = b.point;
        go_on(&mut a, 20).await;
        put(&a, b"first").await.unwrap();
        // From the entry on that b had when it called: by that it shows that its history is this one.
        assert_eq!(entries(&raw, &a).await, a.point.seq - serving.seq + 1);
        let late = b.clone();
        go_on(&mut a, 5).await;
        call_again(&raw, [&mut a, &mut b]).await;
        assert_eq!(b.point, a.point, "it goes on from the stream");
        put(&a, b"second").await.unwrap();
        assert_eq!(entries(&raw, &a).await, 1, "all have it");
        let first = a.point.seq;
        let trimmed = late.store.facts(late.sale, &late.point, 10).await;
        assert_eq!(trimmed.map(drop), Err(StoreError::Trimmed { first }));
        let taken = late.store.snapshot(late.sale).await.unwrap().unwrap();
        let facts = late.store.facts(late.sale, &taken.point, 10).await.unwrap();
        assert_eq!((taken.bytes, facts.entries.len()), (b"second".to_vec(), 0));
        go_on(&mut a, 2).await;
        b.decide(&[]).await;
        assert_eq!(a.world.hash(), b.world.hash());
    });
}

/// Both nodes call and hear of each other, and then again when what is noted of them is renewed.
async fn call_again(raw: &Raw, nodes: [&mut Node; 2]) {
    let meta = &nodes[0].store.keys(nodes[0].sale)[0];
    for node in nodes {
        node.decide(&[]).await;
        raw.call(&["HINCRBY", meta, "clock_offset", "1000"]).await;
        node.decide(&[]).await;
    }
}

#[test]
fn a_snapshot_goes_with_its_history_and_with_its_sale() {
    let server = Server::start();
    run(async {
        let (mut node, raw) = (node(&server).await, server.raw().await);
        go_on(&mut node, 2).await;
        put(&node, b"of the first epoch").await.unwrap();
        // As after a restart.
        raw.call(&["HSET", &node.store.keys(node.sale)[0], "run", "another"]).await;
        assert_eq!(put(&node, b"no").await, Err(StoreError::Restarted { seq: node.point.seq }));
        node.reload().await;
        assert_eq!(node.store.snapshot(node.sale).await, Ok(None));
        go_on(&mut node, 2).await;
        put(&node, b"of the second").await.unwrap();
        let change = &Change::Delete;
        node.append(&node.point, change).await.unwrap();
        assert_eq!(node.store.snapshot(node.sale).await, Err(StoreError::UnknownSale));
        let keys = node.store.keys(node.sale);
        let gone = ["EXISTS", &keys[12], &keys[13], &keys[14], &keys[15]];
        assert_eq!(raw.call(&gone).await.as_u64(), Some(0));
    });
}

#[test]
fn who_any_node_heard_of_was_heard_of() {
    let server = Server::start();
    run(async {
        let (node, raw) = (node(&server).await, server.raw().await);
        let (store, sale) = (&node.store, node.sale);
        let hear = async |period, base, bitmap: &[u8]| {
            let heard = Heard { period, period_ms: 2_000, base: Number(base), bitmap };
            store.hear(sale, &heard).await.unwrap();
        };
        let heard = async |period, base| store.heard(sale, period, Number(base)).await.unwrap();
        assert_eq!(heard(7, 1).await, None, "nobody told anything");
        hear(7, 1, &[]).await;
        assert_eq!(heard(7, 1).await, Some(Vec::new()), "of nobody");
        hear(7, 17, &[0b1000_0001, 0b0000_0001]).await;
        hear(7, 1, &[0, 0b0100_0000, 0b0001_0001]).await;
        hear(7, 9, &[]).await;
        let both = vec![0, 0b0100_0000, 0b1001_0001, 0b0000_0001];
        assert_eq!(heard(7, 1).await, Some(both.clone()));
        assert_eq!(heard(7, 17).await, Some(both[2..].to_vec()));
        assert_eq!(heard(7, 81).await, Some(Vec::new()));
        assert_eq!(heard(8, 1).await, None, "another period is another's");
        let key = format!("own:{{{:016x}}}:heard:7", sale.0);
        // The first bit of byte 2 is number 17's.
        assert_eq!(raw.call(&["GETBIT", &key, "16"]).await.as_u64(), Some(1));
        let left = raw.call(&["PTTL", &key]).await.as_u64().unwrap();
        assert!((1..=6_000).contains(&left), "{left}");
        let next = format!("own:{{{:016x}}}:heard:next", sale.0);
        assert_eq!(raw.call(&["EXISTS", &next]).await.as_u64(), Some(0));
    });
}

#[test]
fn sales_are_announced_and_forgotten() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        assert_eq!(store.sales().await, Ok(Vec::new()));
        let (one, two) = (support::name("one"), support::name("two"));
        for sale in [&one, &two, &one] {
            store.announce(sale).await.unwrap();
        }
        server.raw().await.call(&["SADD", "own:sales", "no sale's NAME"]).await;
        let mut sales = store.sales().await.unwrap();
        sales.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        assert_eq!(sales, [one.clone(), two.clone()]);
        store.forget(&one).await.unwrap();
        assert_eq!(store.sales().await, Ok::<Vec<SaleName>, _>(vec![two]));
        let other = server.store("other", DEADLINE).await;
        assert_eq!(other.sales().await, Ok(Vec::new()), "a prefix of its own");
    });
}
