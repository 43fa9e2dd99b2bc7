//! Snapshots beside the stream: a sale's byte form, for nodes whose next entry is gone.
//!
//! Owns how one is moved in chunks, and that the chunks which come back are those that were put, at the point
//! that they were put for: a digest tells. What the bytes are is the caller's; the store never reads them.

use engine::{
    clock::Millis,
    codec::Binary as _,
    id::{Epoch, SaleTag},
    limits::{SNAPSHOT_CHUNK_BYTES, SNAPSHOT_READS_MAX},
    stream::Point,
};
use fred::types::Value;

use super::{
    Store, StoreError,
    answer::{self, Items},
    call::{Keys, Writes, bytes, number, random},
};

/// A sale as some node had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream's last entry in it.
    pub point: Point,
    /// The time of its last fact.
    pub at: Millis,
    /// The sale's byte form.
    pub bytes: Vec<u8>,
}

/// What a snapshot is, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The stream's last entry in it.
    pub point: Point,
    /// It is no longer than that, and at most a chunk shorter.
    pub bytes_max: u64,
}

/// One chunk of a snapshot as it was read.
struct Chunk {
    /// What tells the snapshot from any other.
    writer: Vec<u8>,
    /// How many chunks it has.
    count: u64,
    point: Point,
    at: Millis,
    /// Of the whole snapshot.
    digest: Vec<u8>,
    bytes: Vec<u8>,
}

/// Begins the digest of a snapshot, which is BLAKE3 over what it is of and then its bytes.
fn digest_of(sale: SaleTag, point: &Point, at: Millis) -> blake3::Hasher {
    let mut about = Vec::new();
    sale.encode(&mut about);
    point.encode(&mut about);
    at.encode(&mut about);
    let mut digest = blake3::Hasher::new();
    digest.update(&about);
    digest
}

impl Store {
    /// Puts a snapshot in place of an earlier one, and drops the entries that neither it nor a serving
    /// node needs. When another node puts one meanwhile, or has put a later one, this one is dropped.
    pub async fn put_snapshot(
        &self,
        sale: SaleTag,
        epoch: Epoch,
        point: &Point,
        at: Millis,
        contents: &[u8],
    ) -> Result<(), StoreError> {
        let writer = bytes(&random()?);
        // Contents of no bytes are one chunk as well.
        let chunks = contents
            .chunks(SNAPSHOT_CHUNK_BYTES)
            .chain(contents.is_empty().then_some([].as_slice()));
        let count = contents.len().div_ceil(SNAPSHOT_CHUNK_BYTES).max(1) as u64;
        let mut digest = digest_of(sale, point, at);
        for (index, chunk) in (0_u64..).zip(chunks) {
            digest.update(chunk);
            let mut arguments = vec![number(epoch.0)];
            arguments.extend(answer::point_arguments(point));
            arguments.extend([number(at.0), writer.clone(), number(index), number(count)]);
            arguments.extend([bytes(digest.finalize().as_bytes()), bytes(chunk)]);
            let value = self.call("put_snapshot", Keys::Of(sale), arguments, Writes::Yes).await?;
            if answer::accepted(value)?.text()? == "dropped" {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The last snapshot, if there is one.
    pub async fn snapshot(&self, sale: SaleTag) -> Result<Option<Snapshot>, StoreError> {
        let mut before = None;
        for _ in 0..SNAPSHOT_READS_MAX {
            let Some(first) = self.chunk(sale, 0).await? else { return Ok(None) };
            let writer = Some(first.writer.clone());
            if let Some(whole) = self.rest(sale, first).await? {
                return Ok(Some(whole));
            }
            if writer == before {
                return Err(StoreError::BadSnapshot("a chunk of it is missing"));
            }
            before = writer;
        }
        Err(StoreError::Reply("another snapshot with every reading"))
    }

    /// What the last snapshot is, without its bytes; `None` when there is none.
    pub async fn snapshot_head(&self, sale: SaleTag) -> Result<Option<SnapshotHead>, StoreError> {
        let first = self.read_snapshot(sale, Value::from("")).await?;
        Ok(first.map(|Chunk { point, count, .. }| SnapshotHead {
            point,
            bytes_max: count.saturating_mul(SNAPSHOT_CHUNK_BYTES as u64),
        }))
    }

    /// A snapshot from its first chunk on; `None` when another took its place meanwhile, or a chunk is not
    /// there.
    async fn rest(&self, sale: SaleTag, first: Chunk) -> Result<Option<Snapshot>, StoreError> {
        let (point, at, mut bytes) = (first.point, first.at, first.bytes);
        for index in 1..first.count {
            match self.chunk(sale, index).await? {
                Some(chunk) if chunk.writer == first.writer => bytes.extend(chunk.bytes),
                _ => return Ok(None),
            }
        }
        if first.digest != digest_of(sale, &point, at).update(&bytes).finalize().as_bytes() {
            return Err(StoreError::BadSnapshot("it is not what was put there"));
        }
        Ok(Some(Snapshot { point, at, bytes }))
    }

    async fn chunk(&self, sale: SaleTag, index: u64) -> Result<Option<Chunk>, StoreError> {
        self.read_snapshot(sale, number(index)).await
    }

    async fn read_snapshot(
        &self,
        sale: SaleTag,
        which: Value,
    ) -> Result<Option<Chunk>, StoreError> {
        let value = self.call("snapshot", Keys::Of(sale), vec![which], Writes::No).await?;
        let items = answer::accepted(value)?;
        if items.is_empty() {
            return Ok(None);
        }
        let unreadable = |_| StoreError::BadSnapshot("its fields cannot be read");
        read_chunk(items).map(Some).map_err(unreadable)
    }
}

fn read_chunk(mut items: Items) -> Result<Chunk, StoreError> {
    let (writer, count, point) = (items.bytes()?, items.integer()?, items.point()?);
    let (at, digest) = (Millis(items.integer()?), items.bytes()?);
    Ok(Chunk { writer, count, point, at, digest, bytes: items.bytes()? })
}
