//! placeholder
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts { pub available: u64, pub held: u64, pub paying: u64, pub sold: u64, pub stranded: u64 }

crate::codec::binary_struct!(Counts { available, held, paying, sold, stranded });
