//! Selling: what is sold and when, what an order costs, how it is paid, and what the books say of it.
//!
//! Owns slots, deals and who is told of them, orders, payments, refunds, the gateways to those who move the
//! money, the holds that keep the units, and the ledger. Refuses HTTP and pages. Always true: the engine
//! decides stock, the provider decides money, and an order's state is computed from both, never set.
//!
//! Modules in reading order: what there is, who is asked, and what is done with them.

#![forbid(unsafe_code)]

mod kept;
mod words;

pub mod ids;
pub mod limits;

pub mod deal;
pub mod rental;
pub mod sale;
pub mod slot;

pub mod alert;
pub mod reminder;

pub mod gateway;
pub mod ledger;
pub mod order;
pub mod payment;

pub mod intake;

pub mod calm;
pub mod holds;

pub mod door;

pub mod till;

pub mod fulfilment;
pub mod refund;

pub mod called_off;
pub mod history;

pub mod audit;

pub mod ties;

use store::Step;

/// The schema of this crate.
pub const SCHEMA: &[Step] = &[
    Step { number: 300, name: "slots", text: include_str!("../schema/0300_slots.sql") },
    Step { number: 310, name: "deals", text: include_str!("../schema/0310_deals.sql") },
    Step { number: 320, name: "alerts", text: include_str!("../schema/0320_alerts.sql") },
    Step { number: 400, name: "orders", text: include_str!("../schema/0400_orders.sql") },
    Step { number: 410, name: "payments", text: include_str!("../schema/0410_payments.sql") },
    Step { number: 420, name: "ledger", text: include_str!("../schema/0420_ledger.sql") },
    Step { number: 430, name: "stock", text: include_str!("../schema/0430_stock.sql") },
    Step { number: 440, name: "refunds", text: include_str!("../schema/0440_refunds.sql") },
    Step { number: 445, name: "fulfilment", text: include_str!("../schema/0445_fulfilment.sql") },
];

#[cfg(test)]
mod tests {
    use store::Step;

    /// The schema of this crate and of those below it.
    pub(crate) fn steps() -> Vec<Step> {
        [commons::SCHEMA, identity::SCHEMA, crate::SCHEMA].concat()
    }
}
