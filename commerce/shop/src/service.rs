//! All routes together.

use axum::Router;

use crate::{
    api,
    routes::{Routes, Row},
    shop::Shop,
    site,
};

/// Every route of the shop.
fn all() -> Routes {
    Routes::new(site::lost).with(api::routes).with(site::routes)
}

/// The rows of the table.
pub fn table() -> Vec<Row> {
    all().rows()
}

/// The service that answers everything of the shop's, and 404 to what is not.
pub fn service(shop: &Shop) -> Router {
    all().router(shop)
}
