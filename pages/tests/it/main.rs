//! Every page of the shop, in both languages, with full, empty and hostile values.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod pages_of_the_shop;
mod samples;
