//! Pages about oneself: how one comes in, and what one has here.

mod addresses;
mod alerts;
mod entry;
mod profile;
mod recovery;

pub use self::{
    addresses::{Address, AddressPage, AddressesPage},
    alerts::{AlertsPage, WithdrawPage},
    entry::{Audience, Provider, SignInPage, SignUpPage},
    profile::{Link, MePage, ProfilePage, SessionRow},
    recovery::{ResetPage, ResetSetPage, VerifyPage, VerifyState},
};
