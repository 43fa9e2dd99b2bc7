//! Passes as the shop's orders read them.

use std::sync::Arc;

use engine::{Engine, sale::TicketRef};
use trade::door::{PassFault, Passes};

use crate::{
    handlers::authority,
    token::{Keyring, PassError},
};

/// Reads the passes that this program signs.
#[derive(Debug)]
pub(super) struct RoomPasses {
    pub(super) engine: Engine,
    pub(super) keyring: Arc<Keyring>,
}

impl Passes for RoomPasses {
    fn read(&self, pass: &str, sale: &str) -> Result<TicketRef, PassFault> {
        let sale = self.engine.live_sale(sale).ok_or(PassFault::Invalid)?;
        let wall = sale.settings().controls.wall(self.engine.now());
        match self.keyring.verify_pass(pass, sale.name(), wall) {
            Ok(verified) => Ok(authority::place_of_pass(&verified)),
            Err(PassError::Expired) => Err(PassFault::Over),
            Err(
                PassError::Malformed
                | PassError::UnknownHeader
                | PassError::Forged
                | PassError::UnknownClaims
                | PassError::WrongSale
                | PassError::NotYet,
            ) => Err(PassFault::Invalid),
        }
    }
}
