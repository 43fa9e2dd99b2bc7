//! The room page in a real browser: Chromium at a host name over plain HTTP, directly and behind
//! nginx, with JavaScript and without, in English and Korean. And the shop's pages, from samples.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod axe;
mod chromium;
mod http;
mod looks;
#[path = "../../../pages/tests/it/samples.rs"]
mod samples;
mod shop;
mod shop_looks;
mod story;
