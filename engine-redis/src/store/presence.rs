//! Who still waits: the numbers that nodes have heard of in a period, as bits.
//!
//! A period's bits are put together by the store; its key goes by itself.

use engine::id::{Number, SaleTag};

use super::{
    Store, StoreError, answer,
    call::{Keys, Writes, bytes, number},
};

/// What one node heard in a period.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Which period: the same number for the same time on all nodes.
    pub period: u64,
    /// How long a period is. The bits are kept for three.
    pub period_ms: u64,
    /// The number of the bitmap's first bit: 1 or any multiple of 8 more.
    pub base: Number,
    /// A bit for each number from `base` on, the most significant of a byte first.
    pub bitmap: &'a [u8],
}

impl Store {
    /// Adds what this node heard to what the others did. An empty bitmap says that it heard no one.
    ///
    /// # Panics
    /// When the base is none.
    pub async fn hear(&self, sale: SaleTag, heard: &Heard<'_>) -> Result<(), StoreError> {
        let offset = byte_of(heard.base);
        let arguments = vec![number(offset), number(heard.period_ms * 3), bytes(heard.bitmap)];
        let keys = Keys::Heard(sale, heard.period);
        answer::nothing(self.call("hear", keys, arguments, Writes::Yes).await?)
    }

    /// The bits of all nodes in a period from `base` on, as long as the last that is set needs; `None`
    /// when no node has told anything, which says nothing about who waits.
    ///
    /// # Panics
    /// When the base is none.
    pub async fn heard(
        &self,
        sale: SaleTag,
        period: u64,
        base: Number,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (keys, arguments) = (Keys::Heard(sale, period), vec![number(byte_of(base))]);
        let mut items = answer::accepted(self.call("heard", keys, arguments, Writes::No).await?)?;
        if items.is_empty() { Ok(None) } else { items.bytes().map(Some) }
    }
}

/// The byte that begins with a number's bit.
fn byte_of(base: Number) -> u64 {
    assert!(base.0 % 8 == 1, "a bitmap begins with a byte's first bit");
    base.0 / 8
}
