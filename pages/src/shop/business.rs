//! The sellers' pages.

mod apply;
mod deals;
mod register;
mod sales;
mod watch;

pub use self::{
    apply::{ApplyPage, BusinessState, Company, CompanyPage, Verdict},
    deals::{OwnDeal, OwnDealsPage},
    register::{DealForm, DealFormPage, Hour, Upload},
    sales::{Invoice, InvoiceState, InvoicesPage, Month, SaleRow, SalesPage, SalesTotals},
    watch::WatchPage,
};
