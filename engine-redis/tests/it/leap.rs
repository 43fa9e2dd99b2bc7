//! The store's own clock is stepped, while nodes serve.

use std::time::Duration;

use engine::{
    hold::HoldState, limits::CLOCK_STEP_MS, sale::Phase, session::SessionState, spec::SaleSpec,
};
use testkit::wall_clock::WallClock;
use tokio::time::{Instant, sleep};

use super::{
    agreement::{agree, part, together},
    server::{Server, run},
    serving::{Serving, until},
};
use crate::support::{name, pass_of, wide};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How far a leap ahead moves a sale's time at most, and the time that two calls may take.
const LEAP_MS: u64 = 2_000;
const SLACK_MS: u64 = 3_000;

#[test]
fn a_step_of_the_stores_clock_is_followed_by_schedules_and_ends_nothing_early() {
    let wall = WallClock::ahead_by(0).expect("a C compiler");
    let server = Server::start_under(&wall);
    run(async {
        let [a, b]: [Serving; 2] = together(&server.url(), 9).await;
        let (hold_ms, session_ms, claim_window_ms) = (120_000, 120_000, 120_000);
        let closes_at = Some(a.engine().now().after(HOUR_MS.unsigned_abs() / 2));
        let windows = SaleSpec { hold_ms, session_ms, claim_window_ms, ..wide(9) };
        let spec = SaleSpec { name: name("closing"), closes_at, ..windows };
        let at_a = a.create_as(spec).await;
        let at_b = b.serves("closing").await;
        let entry = a.enters(&at_a, 1).await;
        let hold = a.buys(&at_a, &entry).await;
        let mut shopper = 2;
        for (offset_ms, phase) in [
            (HOUR_MS, Phase::Closed),
            (0, Phase::Open),
            (-DAY_MS, Phase::Open),
            (DAY_MS, Phase::Closed),
            (0, Phase::Open),
        ] {
            let (before, began) = (b.engine().now(), Instant::now());
            wall.step_to(offset_ms).expect("a file");
            // Each leap ahead puts a sale's time ahead of its nodes'.
            let most = 5 * LEAP_MS + CLOCK_STEP_MS;
            let is_so = |node: &Serving| {
                let sale = node.engine().sale("closing").expect("it is known");
                let known = sale.settings().controls.clock_offset_ms;
                known.abs_diff(offset_ms) <= most && sale.phase(node.engine().now()) == phase
            };
            until("both nodes go by the clock", || is_so(&a) && is_so(&b)).await;
            let passed = b.engine().now().since(before);
            let took = began.elapsed() + Duration::from_millis(LEAP_MS + SLACK_MS);
            assert!(u128::from(passed) <= took.as_millis(), "{passed} ms passed for the sale");

            for (node, sale) in [(&a, &at_a), (&b, &at_b)] {
                let state = sale.hold(hold).map(|hold| hold.state);
                assert_eq!(state, Some(HoldState::Held), "the time to pay goes on");
                let session = node.engine().claim(sale, pass_of(&entry)).await;
                assert_eq!(session.expect("so does the session").state, SessionState::Admitted);
                if phase == Phase::Open {
                    node.enter(sale, shopper).await.expect("nothing stands still");
                    shopper += 1;
                }
            }
        }
        agree(&[&a, &b]).await;
        part([a, b]);
    });
}

#[test]
fn a_leap_of_the_stores_clock_moves_a_node_once_however_many_sales_it_serves() {
    const SALES: u32 = 60;
    const SLACK: Duration = Duration::from_millis(700);
    let wall = WallClock::ahead_by(0).expect("a C compiler");
    let server = Server::start_under(&wall);
    run(async {
        let node = Serving::start("a", &server.url());
        for serial in 0..SALES {
            let sale = node.create(&format!("sale-{serial}"), 9).await;
            // Someone is in it, so it is called every second: each at another moment.
            node.enters(&sale, 1).await;
            sleep(Duration::from_millis(17)).await;
        }
        sleep(Duration::from_secs(3)).await;
        let (before, began) = (node.engine().now(), Instant::now());
        wall.step_to(HOUR_MS).expect("a file");
        let goes_by_it = |serial: u32| {
            let sale = node.engine().sale(&format!("sale-{serial}")).expect("it is known");
            sale.settings().controls.clock_offset_ms > HOUR_MS / 2
        };
        until("all go by the clock", || (0..SALES).all(goes_by_it)).await;
        assert!(began.elapsed() < Duration::from_millis(LEAP_MS), "soon, for schedules go by it");
        for serial in 0..5 {
            let late = node.create(&format!("late-{serial}"), 9).await;
            node.enters(&late, 1).await;
        }
        let passed = Duration::from_millis(node.engine().now().since(before));
        let most = began.elapsed() + Duration::from_millis(LEAP_MS) + SLACK;
        assert!(passed < most, "{passed:?} passed for the sales in {:?}", began.elapsed());
        part([node]);
    });
}
