//! The task that gives a hold back.

use serde::{Deserialize, Serialize};
use store::task::Task;

use crate::ids::CalmHoldId;

/// The time of a hold is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expire {
    /// Which hold.
    pub hold: CalmHoldId,
}

impl Task for Expire {
    const KIND: &'static str = "trade.expire_hold";

    fn key(&self) -> String {
        self.hold.to_string()
    }
}
