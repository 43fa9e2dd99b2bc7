//! The JSON calls of the shop, area by area.

pub(crate) mod accounts;
pub(crate) mod addresses;
pub(crate) mod businesses;
pub(crate) mod deals;
pub(crate) mod me;
pub(crate) mod oidc;
pub(crate) mod own_deals;
pub(crate) mod sales;
pub(crate) mod sessions;

use crate::routes::Routes;

/// All of them.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .with(accounts::routes)
        .with(sessions::routes)
        .with(me::routes)
        .with(addresses::routes)
        .with(oidc::routes)
        .with(businesses::routes)
        .with(deals::routes)
        .with(own_deals::routes)
        .with(sales::routes)
}
