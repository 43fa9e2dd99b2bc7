//! The shop's story from beginning to end, in a browser on a phone: a business that applies and sells,
//! an operator, and two shoppers, one of them without scripts.
//!
//! The program is a process with its doubles and a wall clock of its own, which is set on to the hours that
//! matter. With `RUSHGATE_SHOTS_DIR` set, a picture of each step is written there.

mod house;
mod seller;
mod shopper;
mod words;

use testkit::postgres::Postgres;

use self::{
    house::House,
    seller::Seller,
    shopper::Shopper,
    words::{ENGLISH, KOREAN, Words},
};
use crate::story::one_at_a_time;

/// What everybody signs in with.
const PASSWORD: &str = "a good long password";

/// What is sold: two for half of ₩62,000 each to one shopper, who gives one back, and one to another, who
/// gives it back.
const TITLE: &str = "새벽 등불";

fn lived_through(house: &House, words: &'static Words) {
    let _one = one_at_a_time();
    let seller = Seller::applies(house, words);
    house.operator_approves(words);
    seller.may_sell();
    let with = Shopper::joins(house, words, "with", true);
    let without = Shopper::joins(house, words, "without", false);
    let deal = seller.registers();
    for shopper in [&with, &without] {
        shopper.hears_of(&deal);
        shopper.saves(&deal);
    }
    house.set_to(11, 0);
    for shopper in [&with, &without] {
        shopper.is_reminded();
    }
    house.set_to(12, 0);
    with.buys(&deal, 2);
    without.buys(&deal, 1);
    with.gives_back_one(words.part_refunded);
    without.gives_back_one(words.refunded);
    seller.sees(&deal, 3, 2);
}

#[test]
fn a_deal_is_sold_from_the_application_to_the_refund_in_korean_on_sqlite() {
    lived_through(&House::open(None, KOREAN.tag), &KOREAN);
}

#[test]
fn a_deal_is_sold_from_the_application_to_the_refund_in_english_on_postgres() {
    let database = Postgres::shared().database().unwrap();
    lived_through(&House::open(Some(&database), ENGLISH.tag), &ENGLISH);
}
