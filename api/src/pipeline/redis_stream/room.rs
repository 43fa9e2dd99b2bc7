//! Room in the stream: what may be trimmed, and when there is none left.
//!
//! An entry may go once every consumer group has acknowledged it. For one group that is everything
//! below its oldest pending entry, and below what it has not been given yet. Ids only grow: a group
//! is only ever given entries above those it was given before, so what may go at one moment may go
//! later as well, and reading first and trimming afterwards takes nothing from any group. (Who sets a
//! group back by hand, or makes one from the beginning, gets what is still there.)

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::StreamsInterface as _,
    types::Value,
};

use super::entry::EntryId;

/// A consumer group, as far as it concerns what may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    /// Entries given to it and not acknowledged.
    pending: u64,
    /// The last entry it was given.
    last: EntryId,
}

/// Whose entries hold up the trimming, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    /// The lowest id that must stay.
    pub(super) id: EntryId,
    /// The group that needs it.
    pub(super) group: String,
}

/// The groups of a stream; none if there is no stream.
pub(super) async fn groups(client: Client, key: String) -> Result<Vec<Group>, Error> {
    match client.xinfo_groups::<Value, _>(key).await {
        Ok(told) => read_groups(&told).ok_or_else(strange),
        Err(error) if error.details().contains("no such key") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Below which id every group has acknowledged everything; none without a group, since then nobody
/// has acknowledged anything.
pub(super) async fn floor(
    client: Client,
    key: String,
    groups: Vec<Group>,
) -> Result<Option<Floor>, Error> {
    let mut lowest: Option<Floor> = None;
    for group in groups {
        let mut id = group.last.next();
        if group.pending > 0 {
            let told: Value = client.xpending(key.clone(), group.name.clone(), ()).await?;
            // None: the rest was acknowledged meanwhile.
            if let Some(oldest) = read_oldest_pending(&told).ok_or_else(strange)? {
                id = id.min(oldest);
            }
        }
        if lowest.as_ref().is_none_or(|lowest| id < lowest.id) {
            lowest = Some(Floor { id, group: group.name });
        }
    }
    Ok(lowest)
}

/// Removes entries below `id` until `enough` of what is left, with as little work as Redis can do it
/// with: whole blocks first, 10,000 entries at a time. Answers the entries left.
pub(super) async fn trim(
    client: Client,
    key: String,
    id: EntryId,
    enough: impl Fn(u64) -> bool,
) -> Result<u64, Error> {
    let below = format!("{}-{}", id.0, id.1);
    loop {
        let gone: u64 = client.xtrim(key.clone(), ("MINID", "~", below.as_str())).await?;
        let left: u64 = client.xlen(key.clone()).await?;
        if enough(left) {
            return Ok(left);
        }
        if gone == 0 {
            break;
        }
    }
    // What is left to remove is part of one block.
    client.xtrim::<(), _, _>(key.clone(), ("MINID", "=", below.as_str())).await?;
    client.xlen(key).await
}

fn read_groups(told: &Value) -> Option<Vec<Group>> {
    let Value::Array(groups) = told else { return None };
    groups.iter().map(read_group).collect()
}

fn read_group(told: &Value) -> Option<Group> {
    let Value::Array(pairs) = told else { return None };
    let field = |name: &str| {
        let mut pairs = pairs.chunks_exact(2);
        pairs.find(|pair| pair[0].as_str().is_some_and(|found| found == name)).map(|pair| &pair[1])
    };
    Some(Group {
        name: field("name")?.as_string()?,
        pending: field("pending")?.as_u64()?,
        last: EntryId::parse(&field("last-delivered-id")?.as_str()?)?,
    })
}

/// The oldest entry of a summary of pending ones; none in it if there is none.
#[expect(clippy::option_option, reason = "unreadable, nothing pending, or this")]
fn read_oldest_pending(told: &Value) -> Option<Option<EntryId>> {
    let Value::Array(summary) = told else { return None };
    let oldest = summary.get(1)?;
    if oldest.is_null() { Some(None) } else { EntryId::parse(&oldest.as_str()?).map(Some) }
}

fn strange() -> Error {
    Error::new(ErrorKind::Protocol, "an answer about consumer groups that cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[Value]) -> Value {
        Value::Array(values.to_vec())
    }

    #[test]
    fn groups_are_read_whatever_else_is_told_of_them() {
        let group: Vec<Value> = [
            Value::from("name"),
            Value::from("workers"),
            Value::from("consumers"),
            Value::Integer(2),
            Value::from("pending"),
            Value::Integer(7),
            Value::from("last-delivered-id"),
            Value::from("5-1"),
            Value::from("lag"),
            Value::Null,
        ]
        .to_vec();
        let expected = Group { name: "workers".to_owned(), pending: 7, last: EntryId(5, 1) };
        assert_eq!(read_groups(&list(&[list(&group)])), Some(vec![expected]));
        assert_eq!(read_groups(&list(&[])), Some(Vec::new()));
        assert_eq!(read_groups(&list(&[list(&group[..6])])), None);
        assert_eq!(read_groups(&Value::Null), None);
    }

    #[test]
    fn the_oldest_pending_entry_is_read_from_its_summary() {
        let none = list(&[Value::Integer(0), Value::Null, Value::Null, Value::Null]);
        assert_eq!(read_oldest_pending(&none), Some(None));
        let some = list(&[Value::Integer(2), Value::from("3-1"), Value::from("9-0"), list(&[])]);
        assert_eq!(read_oldest_pending(&some), Some(Some(EntryId(3, 1))));
        assert_eq!(read_oldest_pending(&Value::Integer(1)), None);
    }
}
