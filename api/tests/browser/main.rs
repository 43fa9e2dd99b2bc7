//! The room page in a real browser: Chromium at a host name over plain HTTP, directly and behind
//! nginx, with JavaScript and without, in English and Korean.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod axe;
mod chromium;
mod http;
mod looks;
mod shop;
mod story;
