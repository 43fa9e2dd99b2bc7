//! The records of a batch.

use crate::{clock::Millis, codec::Binary as _, journal::Batch, record::Record};

/// Decodes a batch's records in order, each with its time: the batch's, or that of the stream's entry.
pub fn each_record(
    batch: &Batch<'_>,
    mut visit: impl FnMut(&Record, Millis),
) -> Result<(), String> {
    try_each_record(batch, |record, at| {
        visit(record, at);
        Ok(())
    })
}

/// As [`each_record`], up to the first error of `visit`.
pub(super) fn try_each_record(
    batch: &Batch<'_>,
    mut visit: impl FnMut(&Record, Millis) -> Result<(), String>,
) -> Result<(), String> {
    let (mut input, mut at) = (batch.payload, batch.at);
    for _ in 0..batch.count {
        let record = Record::decode(&mut input).map_err(|error| error.to_string())?;
        at = record.decided_at().unwrap_or(at);
        visit(&record, at)?;
    }
    if input.is_empty() { Ok(()) } else { Err("bytes left over behind the last record".to_owned()) }
}
