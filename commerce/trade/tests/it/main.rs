//! The gateways, against the doubles of their providers; slots, deals, orders, payments and the books, on both
//! databases.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod alert;
mod audit;
mod called_off;
mod chaos;
mod deal;
mod door;
mod fulfilment;
mod gateway;
mod history;
mod holds;
mod intake;
mod order;
mod pay;
mod provider;
mod refund;
mod reminder;
mod room;
mod rush;
mod sale;
mod sellers;
mod slot;
mod support;
mod ties;
