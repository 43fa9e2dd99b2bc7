//! Answers of the library: what was decided, and the facts.

use engine::{
    clock::Millis,
    codec::Binary as _,
    command::Ask,
    id::Epoch,
    record::Record,
    stream::{Chain, Point},
};
use fred::types::Value;

use super::{
    StoreError, Verdict,
    call::{bytes, number},
    verdict,
};

/// One entry of the stream: the facts of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided, by the store's clock.
    pub at: Millis,
    /// Where the stream stands with it.
    pub point: Point,
    /// The facts, in their order.
    pub records: Vec<Record>,
}

/// What came of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One verdict to each command, in their order.
    pub verdicts: Vec<Verdict>,
    /// Whether other nodes have yet to hear that the caller joined. Then no command was decided, and
    /// there are no verdicts.
    pub is_joining: bool,
    /// Whether the caller is the node that delivers the sale's events now.
    pub delivers: bool,
    /// Whether as many replicas have it as were asked for. Otherwise it is decided all the same, and
    /// counts as unknown.
    pub replicated: bool,
    /// When it was decided, and the facts since the caller's point. What the batch itself decided is
    /// the last entry, unless it decided nothing.
    pub facts: Facts,
}

/// Part of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The epoch the stream is in.
    pub epoch: Epoch,
    /// The time of the answer, by the store's clock.
    pub at: Millis,
    /// Entries after the caller's point, without a gap.
    pub entries: Vec<Entry>,
    /// The sale is archived, and nobody has put a snapshot of what is left of it yet, or it was lost. Only said
    /// where facts alone were asked for.
    pub lacks_snapshot: bool,
    /// All others know that the node serves which asked. Only said where it asked as a node, for facts alone.
    pub is_known: bool,
}

/// A point as three arguments of a call.
pub(super) fn point_arguments(point: &Point) -> [Value; 3] {
    [number(point.epoch.0), number(point.seq), Value::from(point.chain.to_string())]
}

impl Entry {
    /// The entry as five arguments of a call.
    pub(super) fn arguments(&self) -> [Value; 5] {
        let [epoch, seq, chain] = point_arguments(&self.point);
        let mut records = Vec::new();
        self.records.iter().for_each(|record| record.encode(&mut records));
        [epoch, seq, chain, number(self.at.0), bytes(&records)]
    }
}

/// The items of an answer, behind the word that says how it went.
pub(super) struct Items(std::vec::IntoIter<Value>);

/// Reads the first word of an answer, which is `ok` or a refusal.
pub(super) fn accepted(value: Value) -> Result<Items, StoreError> {
    let mut items = Items(value.into_array().into_iter());
    let word = items.text()?;
    if word == "ok" {
        return Ok(items);
    }
    Err(match word.as_str() {
        "unknown" => StoreError::UnknownSale,
        "loading" => StoreError::Loading { epoch: items.epoch()? },
        "epoch" => StoreError::OtherEpoch { epoch: items.epoch()? },
        "gone" => StoreError::Gone { epoch: items.epoch()?, made: items.bytes()? },
        "diverged" => StoreError::Diverged { seq: items.integers::<2>()?[1] },
        "trimmed" => StoreError::Trimmed { first: items.integer()? },
        "behind" => StoreError::Behind { seq: items.integer()? },
        "restarted" => StoreError::Restarted { seq: items.integer()? },
        "moved" => StoreError::Moved { seq: items.integer()? },
        "past" => StoreError::PastHolds,
        "joining" => StoreError::Joining,
        _ => StoreError::Reply("a word that is not known"),
    })
}

/// The answer to a batch.
pub(super) fn decision(value: Value, asks: &[Ask]) -> Result<Decision, StoreError> {
    let mut items = accepted(value)?;
    let standing = items.integer()?;
    let (delivers, is_joining) = (standing == 1, standing == 2);
    let (facts, replies) = read_facts(items)?;
    let verdicts = verdict::decode(&replies, if is_joining { &[] } else { asks })
        .map_err(|_| StoreError::Reply("replies that do not fit the commands"))?;
    Ok(Decision { verdicts, is_joining, delivers, replicated: true, facts })
}

/// The answer to a call that brings facts alone.
pub(super) fn facts(value: Value) -> Result<Facts, StoreError> {
    let (facts, about) = read_facts(accepted(value)?)?;
    Ok(Facts { lacks_snapshot: about.contains(&b's'), is_known: about.contains(&b'k'), ..facts })
}

/// The answer to a call that brings nothing.
pub(super) fn nothing(value: Value) -> Result<(), StoreError> {
    accepted(value).map(drop)
}

/// Epoch, time, replies; then five items for each entry.
fn read_facts(mut items: Items) -> Result<(Facts, Vec<u8>), StoreError> {
    let (epoch, at, replies) = (items.epoch()?, Millis(items.integer()?), items.bytes()?);
    let mut entries = Vec::with_capacity(items.0.len() / 5);
    while !items.is_empty() {
        entries.push(items.entry()?);
    }
    Ok((Facts { epoch, at, entries, lacks_snapshot: false, is_known: false }, replies))
}

impl Items {
    fn next(&mut self) -> Result<Value, StoreError> {
        self.0.next().ok_or(StoreError::Reply("fewer items than there should be"))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.next()?.into_string().ok_or(StoreError::Reply("an item that is no text"))
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        let item = self.next()?;
        item.as_bytes().map(<[u8]>::to_vec).ok_or(StoreError::Reply("an item that is no bytes"))
    }

    pub(super) fn integer(&mut self) -> Result<u64, StoreError> {
        self.next()?.as_u64().ok_or(StoreError::Reply("an item that is no number"))
    }

    fn integers<const COUNT: usize>(&mut self) -> Result<[u64; COUNT], StoreError> {
        let mut integers = [0; COUNT];
        for integer in &mut integers {
            *integer = self.integer()?;
        }
        Ok(integers)
    }

    pub(super) fn epoch(&mut self) -> Result<Epoch, StoreError> {
        let epoch = u32::try_from(self.integer()?);
        epoch.map(Epoch).map_err(|_| StoreError::Reply("an epoch that is too large"))
    }

    /// Whether all were read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn point(&mut self) -> Result<Point, StoreError> {
        let (epoch, seq) = (self.epoch()?, self.integer()?);
        let chain = Chain::parse(&self.text()?).ok_or(StoreError::Reply("a chain that is none"))?;
        Ok(Point { epoch, seq, chain })
    }

    fn entry(&mut self) -> Result<Entry, StoreError> {
        let at = Millis(self.integer()?);
        let (point, bytes) = (self.point()?, self.bytes()?);
        let (mut input, mut records) = (bytes.as_slice(), Vec::new());
        while !input.is_empty() {
            let record = Record::decode(&mut input);
            records.push(record.map_err(|_| StoreError::Reply("a record that is none"))?);
        }
        Ok(Entry { at, point, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_forty_digits_and_nothing_else() {
        let text = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(Chain::parse(text).unwrap().to_string(), text);
        for wrong in ["", &text[1..], &format!("{text}8"), &text.replace('a', "g")] {
            assert_eq!(Chain::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn answers_that_no_library_gives_are_refused_and_not_read() {
        let word = |word: &str| Value::from(word);
        let five = |records: &[u8]| {
            let chain = Chain::default().to_string();
            [word("1"), word("1"), word("1"), word(&chain), bytes(records)]
        };
        let ok = |more: &[Value]| {
            let start = [word("ok"), word("1"), word("1"), bytes(&[])];
            Value::Array([&start, more].concat())
        };
        assert!(facts(ok(&[])).is_ok());
        assert!(facts(ok(&five(&[]))).is_ok());
        for wrong in [
            Value::Null,
            word("ok"),
            Value::Array(vec![word("ok"), word("1")]),
            Value::Array(vec![word("perhaps")]),
            ok(&five(&[])[..4]),
            ok(&five(&[200, 1, 2])),
            ok(&[word("1"), word("1"), word("1"), word("not a chain"), bytes(&[])]),
        ] {
            let answer = facts(wrong);
            assert!(matches!(answer, Err(StoreError::Reply(_))), "{answer:?}");
        }
    }
}
