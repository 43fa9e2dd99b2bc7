//! The JSON calls of the shop, area by area.

pub(crate) mod accounts;
pub(crate) mod addresses;
pub(crate) mod businesses;
pub(crate) mod deals;
pub(crate) mod desk;
pub(crate) mod files;
pub(crate) mod fulfilment;
pub(crate) mod me;
pub(crate) mod media;
pub(crate) mod news;
pub(crate) mod oidc;
pub(crate) mod orders;
pub(crate) mod own_deals;
pub(crate) mod payments;
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
        .with(orders::routes)
        .with(payments::routes)
        .with(media::routes)
        .with(files::routes)
        .with(news::routes)
        .with(fulfilment::routes)
        .with(desk::routes)
}
