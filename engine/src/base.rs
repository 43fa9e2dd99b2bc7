//! What everything stands on: time, names, bytes, bounds, tables. Knows nothing of a sale.

pub(crate) mod by_sale;
pub mod clock;
pub mod codec;
pub mod id;
pub(crate) mod keyed;
pub mod limits;
pub(crate) mod once_box;
pub(crate) mod packed;
pub(crate) mod segmented;
pub(crate) mod shared_bytes;
pub mod shopper;
pub mod stream;
pub mod sync;
pub mod turn;
