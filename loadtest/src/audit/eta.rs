//! How long shoppers were told to wait, and how long they did.
//!
//! The error of one wait is its distance from the range that was first shown, zero inside it. The
//! truth is when the shopper was *seen* to be let in, which is late by up to a poll: a server that
//! asks people to come back late is not excused.

use std::time::Duration;

use serde::Serialize;

use super::verdict::{Broken, Verdict};
use crate::ledger::{Ledger, Record};

/// How far estimated waits were off.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Foresight {
    /// Waits that were estimated and ended by being let in.
    pub(crate) count: u64,
    pub(crate) p50_seconds: f64,
    pub(crate) p90_seconds: f64,
    /// The share whose wait was within the range shown; 1 when there are none.
    pub(crate) within_range_share: f64,
}

/// Computes it.
pub(crate) fn foresight(ledger: &Ledger) -> Foresight {
    let mut errors: Vec<f64> = ledger.records.iter().filter_map(error_seconds).collect();
    errors.sort_unstable_by(f64::total_cmp);
    let within = errors.iter().filter(|error| **error == 0.0).count();
    let at = |percent: usize| {
        let rank = (errors.len() * percent).div_ceil(100).saturating_sub(1);
        errors.get(rank).copied().unwrap_or(0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "a share of at most two million")]
    let share = if errors.is_empty() { 1.0 } else { within as f64 / errors.len() as f64 };
    Foresight {
        count: errors.len() as u64,
        p50_seconds: at(50),
        p90_seconds: at(90),
        within_range_share: share,
    }
}

fn error_seconds(record: &Record) -> Option<f64> {
    let estimated = record.estimated?;
    let waited = record.admitted?.since(estimated.at).as_secs_f64();
    Some((estimated.eta.min - waited).max(waited - estimated.eta.max).max(0.0))
}

/// Nine waits in ten are within `limit` of what was shown.
pub(crate) fn waits_were_as_estimated(found: &Foresight, limit: Duration) -> Verdict {
    let mut broken = Broken::default();
    let (count, p90, limit) = (found.count, found.p90_seconds, limit.as_secs_f64());
    broken.check(count > 0, || "no wait was estimated and seen to its end".to_owned());
    broken.check(p90 <= limit, || format!("one in ten was off by {p90:.1} s or more"));
    let seen = format!("{count} waits, p90 off by {p90:.1} s, limit {limit} s");
    Verdict::new("waits are estimated within the limit", seen, broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::honest;
    use crate::clock::Stamp;
    use crate::ledger::EstimatedWait;
    use crate::wire::Eta;

    /// A hundred shoppers told 4 to 6 seconds, the i-th let in after `wait(i)`.
    fn told(wait: fn(u64) -> f64) -> Foresight {
        let mut ledger = honest(50, 50);
        for (i, record) in (0..).zip(&mut ledger.records) {
            let at = Stamp(1_000);
            record.estimated = Some(EstimatedWait { at, eta: Eta { min: 4.0, max: 6.0 } });
            record.admitted = Some(at.after(Duration::from_secs_f64(wait(i))));
        }
        foresight(&ledger)
    }

    #[test]
    fn waits_within_the_range_have_no_error() {
        let found = told(|i| if i % 2 == 0 { 4.0 } else { 6.0 });
        assert_eq!((found.count, found.p90_seconds, found.within_range_share), (100, 0.0, 1.0));
        assert!(waits_were_as_estimated(&found, Duration::from_secs(1)).ok);
    }

    #[test]
    fn waits_outside_it_are_off_by_their_distance() {
        let early = told(|i| if i < 40 { 1.0 } else { 5.0 });
        assert!((early.within_range_share - 0.6).abs() < 1e-9);
        assert!(early.p50_seconds < 1e-9 && (early.p90_seconds - 3.0).abs() < 1e-6);
        let late = told(|_| 16.0);
        assert!((late.p50_seconds - 10.0).abs() < 1e-6);
        assert!(!waits_were_as_estimated(&late, Duration::from_secs(9)).ok);
    }

    #[test]
    fn a_limit_on_waits_that_nobody_was_told_of_fails() {
        let none = foresight(&honest(3, 3));
        assert_eq!(none.count, 0);
        assert!(!waits_were_as_estimated(&none, Duration::from_secs(9)).ok);
    }
}
