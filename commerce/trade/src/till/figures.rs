//! How calls to providers and keepers came out, counted for operators.

use metrics::counter;

use super::turn::Job;
use crate::{
    gateway::Provider,
    payment::{Ask, Heard},
};

/// Calls, by whom they were made to, what was asked, and how they came out.
pub const CALLS_TOTAL: &str = "rushgate_shop_payment_calls_total";

/// Counts a call.
pub(super) fn count(job: &Job, heard: &Heard) {
    let (call, is_of_provider) = match job.ask {
        Ask::Ready => ("ready", true),
        Ask::Approve => ("approve", true),
        Ask::LookUp => ("look_up", true),
        Ask::Void => ("void", true),
        Ask::GiveBack { .. } => ("give_back", true),
        Ask::Pay => ("pay", false),
        Ask::Confirm => ("confirm", false),
        Ask::Release => ("release", false),
        Ask::TakeBack => ("take_back", false),
    };
    let whom = match job.kept.provider.filter(|_| is_of_provider) {
        Some(Provider::KakaoPay) => "kakaopay",
        Some(Provider::Card) => "card",
        None => "stock",
    };
    let outcome = match heard {
        Heard::Refused { .. } => "refused",
        Heard::Unsent => "unsent",
        Heard::Silence => "silence",
        Heard::Ready { .. }
        | Heard::Paying
        | Heard::Taken { .. }
        | Heard::Found(_)
        | Heard::Confirmed
        | Heard::Released
        | Heard::GivenBack { .. }
        | Heard::Voided
        | Heard::TakenBack => "done",
    };
    counter!(CALLS_TOTAL, "to" => whom, "call" => call, "outcome" => outcome).increment(1);
}
