//! Paying, and what became of an order.

mod checkout;
mod detail;
mod list;
mod parts;
mod result;

pub use self::{
    checkout::{CheckoutPage, GoPage, Going},
    detail::{Allowed, OrderPage},
    list::{OrderCard, OrdersPage},
    parts::{Gateway, Line, OrderState, Parcel, Refund, Step, StepKind, StepState, Sums},
    result::{Outcome, ResultPage},
};
