//! A Redis of the test's own, and its stream as a worker sees it.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{
    ports,
    redis::{AppendFsync, Link, Redis, Reply},
};

/// The stream's key.
pub(crate) const KEY: &str = "rushgate:orders";
/// The group that is made.
pub(crate) const GROUP: &str = "workers";

/// A server that has on disk what it acknowledged.
pub(crate) fn start() -> Redis {
    Redis::start(AppendFsync::Always).unwrap()
}

/// As [`start`], on the network too: `option` says which kind of port.
pub(crate) fn start_at(option: &str, more: &[&str]) -> (Redis, u16) {
    let port = ports::free();
    let text = port.to_string();
    let more = [&[option, &text], more].concat();
    let redis = Redis::start_with(&std::env::temp_dir(), AppendFsync::Always, &more).unwrap();
    (redis, port)
}

/// Asks Redis.
pub(crate) fn call(link: &mut Link, words: &[&str]) -> Reply {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    link.call(&words).unwrap()
}

/// A number that Redis answers with.
pub(crate) fn count(link: &mut Link, words: &[&str]) -> i64 {
    let reply = call(link, words);
    if let Reply::Integer(count) = reply { count } else { panic!("{words:?}: {reply:?}") }
}

/// An entry of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Entry {
    pub(crate) fn event_id(&self) -> u64 {
        self.fields["event_id"].parse().unwrap()
    }
}

/// Reads entries as `XRANGE` lists them.
pub(crate) fn entries(reply: &Reply) -> Vec<Entry> {
    list(reply).iter().map(entry).collect()
}

/// All that the stream holds.
pub(crate) fn held(link: &mut Link) -> Vec<Entry> {
    entries(&call(link, &["XRANGE", KEY, "-", "+"]))
}

/// Up to `most` entries that the group was not given yet.
pub(crate) fn read_new(link: &mut Link, group: &str, consumer: &str, most: usize) -> Vec<Entry> {
    let (most, new) = (most.to_string(), ">");
    let words = ["XREADGROUP", "GROUP", group, consumer, "COUNT", &most, "STREAMS", KEY, new];
    let streams = call(link, &words);
    // Nothing new is no list at all.
    if streams == Reply::Nil { Vec::new() } else { entries(&list(&list(&streams)[0])[1]) }
}

pub(crate) fn acknowledge(link: &mut Link, group: &str, entries: &[Entry]) {
    for entry in entries {
        assert_eq!(count(link, &["XACK", KEY, group, &entry.id]), 1, "{entry:?}");
    }
}

pub(crate) fn list(reply: &Reply) -> &[Reply] {
    if let Reply::List(replies) = reply { replies } else { panic!("not a list: {reply:?}") }
}

fn entry(reply: &Reply) -> Entry {
    let fields: Vec<String> = list(&list(reply)[1]).iter().map(text).collect();
    let pairs = fields.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    Entry { id: text(&list(reply)[0]), fields: pairs.collect() }
}

pub(crate) fn text(reply: &Reply) -> String {
    if let Reply::Bulk(bytes) = reply {
        String::from_utf8(bytes.clone()).unwrap()
    } else {
        panic!("not a text: {reply:?}")
    }
}

/// Asserts that events `1..=last` are there, that each purchase's come in their order when they
/// come first, and that those of one event id are equal.
pub(crate) fn assert_whole(entries: &[Entry], last: u64) {
    let mut firsts: BTreeMap<u64, &Entry> = BTreeMap::new();
    let mut stories: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        let id = entry.event_id();
        if let Some(first) = firsts.get(&id) {
            assert_eq!(first.fields, entry.fields, "one id for two events");
            continue;
        }
        firsts.insert(id, entry);
        stories.entry(&entry.fields["purchase"]).or_default().push(id);
    }
    let known: BTreeSet<u64> = firsts.into_keys().collect();
    let missing: Vec<u64> = (1..=last).filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "never appended: {missing:?}");
    assert_eq!(known.len() as u64, last, "an event nobody made");
    for (purchase, story) in stories {
        assert!(story.is_sorted(), "{purchase} out of order: {story:?}");
    }
}
