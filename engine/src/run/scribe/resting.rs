//! A large archived sale that nothing concerns any more, on its way to its packed form.

use std::sync::Arc;

use crate::{publisher::Publisher, registry::Registry, sale::Sale, world::Packed};

/// What the scribe gave away to have it packed.
#[derive(Debug)]
pub struct Resting {
    pub(super) sale: Sale,
    pub(super) publisher: Option<Publisher>,
    pub(super) registry: Arc<Registry>,
}

impl Resting {
    /// Packs it and shows it so. State and view are dropped here too, which takes as long.
    pub fn run(self) -> Packed {
        let Self { sale, publisher, registry } = self;
        let packed = Packed::of(&sale);
        registry.archived().set_packed(packed.tag(), packed.bytes().clone());
        drop((sale, publisher));
        packed
    }
}
