//! Where one's parcels go.

use askama::Template;

use crate::{
    format::Phrase,
    shop::{
        form::{Faults, Field, Tick},
        frame::ShopFrame,
        pages, to,
        words::AccountWords,
    },
};

/// An address.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Its id.
    pub address: &'a str,
    /// Who receives.
    pub receiver: &'a str,
    /// How they can be called, written for people.
    pub phone: &'a str,
    /// The postal code.
    pub zip: &'a str,
    /// Province, town, road and number.
    pub road: &'a str,
    /// Flat, floor or company; may be empty.
    pub detail: &'a str,
    /// Whether it is the one that is taken if no other is chosen.
    pub is_default: bool,
}

/// One's addresses. Posts nothing to `{address}/default` and `{address}/remove`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/addresses.html", whitespace = "minimize")]
pub struct AddressesPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The default first.
    pub addresses: Vec<Address<'a>>,
    /// Whether there may be more.
    pub can_add: bool,
}

/// A new address, or another text of one. Posts `receiver`, `phone`, `zip`, `road`, `detail`,
/// `is_default` and `return_to` to itself.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/account/address.html", whitespace = "minimize")]
pub struct AddressPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Its id; a new one if `None`.
    pub address: Option<&'a str>,
    /// Who receives.
    pub receiver: Field<'a>,
    /// How they can be called.
    pub phone: Field<'a>,
    /// The postal code.
    pub zip: Field<'a>,
    /// Province, town, road and number.
    pub road: Field<'a>,
    /// Flat, floor or company.
    pub detail: Field<'a>,
    /// Whether it becomes the default.
    pub is_default: Tick<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// The path to go to afterwards; empty for the list.
    pub return_to: &'a str,
}

pages! {
    AddressesPage: Me;
    AddressPage: Me;
}

impl AddressesPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }
}

impl AddressPage<'_> {
    const fn w(&self) -> &'static AccountWords {
        AccountWords::of(self.frame.page.language)
    }

    const fn heading(&self) -> Phrase {
        match self.address {
            Some(_) => self.w().edit_address,
            None => self.w().new_address,
        }
    }

    const fn back(&self) -> &str {
        if self.return_to.is_empty() { to::ADDRESSES } else { self.return_to }
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("receiver", self.receiver.error)
            .and("phone", self.phone.error)
            .and("zip", self.zip.error)
            .and("road", self.road.error)
            .and("detail", self.detail.error)
    }
}
