//! Rooms of the shop's deals: they lead to its pages for signing in and for paying.

use engine::{
    hold::HoldState,
    id::HoldId,
    spec::IdentityMode,
    view::{SaleView, Settings},
};
use hyper::HeaderMap;
use pages::shop::to;
use web::caller::Scheme;

use crate::{app::App, error::ApiError, wire::format_purchase_id};

/// Whether a sale tells shoppers by the accounts of this program's own shop.
fn is_of_shop(app: &App, settings: &Settings) -> bool {
    let accounts = app.accounts.as_ref();
    settings.spec.identity == IdentityMode::Jwt
        && accounts.is_some_and(|accounts| accounts.are_of_own_shop())
}

/// Whether a sale is a deal of the shop: those have one offer, of the sale's own name.
pub(super) fn is_deal(app: &App, sale: &SaleView, settings: &Settings) -> bool {
    let [offer] = settings.spec.offers.as_slice() else { return false };
    offer.sku.as_str() == sale.name().as_str() && is_of_shop(app, settings)
}

/// Where a visitor signs in who has not.
pub(super) fn sign_in(
    app: &App,
    sale: &SaleView,
    settings: &Settings,
    (headers, scheme): (&HeaderMap, Scheme),
) -> Option<String> {
    let accounts = app.accounts.as_ref().filter(|_| is_of_shop(app, settings))?;
    let is_known = accounts.in_cookies(headers, scheme).next().is_some();
    (!is_known).then(|| sign_in_page(sale))
}

/// Where a visitor signs in whose entry was refused, if that helps.
pub(super) fn sign_in_again(app: &App, sale: &SaleView, refusal: &ApiError) -> Option<String> {
    let is_about_sign_in = matches!(
        refusal,
        ApiError::IdentityInvalid(_) | ApiError::IdentityExpired | ApiError::IdentityRevoked
    );
    (is_about_sign_in && is_of_shop(app, &sale.settings())).then(|| sign_in_page(sale))
}

fn sign_in_page(sale: &SaleView) -> String {
    format!("{}?return_to=/s/{}", to::SIGN_IN, sale.name())
}

/// Where a purchase of a deal is ordered and paid.
pub(super) fn checkout(sale: &SaleView, hold: HoldId) -> String {
    to::checkout(sale.name().as_str(), &format_purchase_id(sale.epoch(), hold))
}

/// Whether there is something to pay.
pub(super) const fn is_payable(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying)
}
