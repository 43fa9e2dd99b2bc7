//! The wall clock is stepped: before a start, while the program runs, and between starts.
//!
//! Windows and holds must last
//! as long as ever; schedules and tokens must be right within a second once the clock is.

use std::{process::Command, thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use testkit::wall_clock::WallClock;

use crate::{
    beside_others,
    client::Call,
    site::{Server, Site, offer, sale},
    wait_for,
};

const HOUR_MS: i32 = 3_600_000;
const DAY_MS: i32 = 24 * HOUR_MS;

/// Starts the program under this clock from now on.
fn rules(wall: &WallClock, site: &mut Site) {
    let environment = wall.environment().map(|(name, value)| format!("{name}={value}"));
    site.wrap(&["env", &environment[0], &environment[1]]);
}

/// The true time, in seconds since the Unix epoch.
fn true_seconds() -> u64 {
    let date = Command::new("date").arg("+%s").output().expect("`date` is there");
    String::from_utf8(date.stdout).unwrap().trim().parse().unwrap()
}

fn rfc3339(seconds: u64) -> String {
    let date = Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", &format!("@{seconds}")])
        .output()
        .expect("`date` is there");
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// A site with an open sale, one that opens at the given true time and one that closes then.
fn site(turn: u64) -> Site {
    let rules = "admission_per_second = 400.0\nsession_seconds = 600\n";
    let opens = format!("opens_at = \"{}\"\n{rules}", rfc3339(turn));
    let closes = format!("closes_at = \"{}\"\n{rules}", rfc3339(turn));
    let text = sale("now", rules)
        + &offer("unit", 10, 1_000)
        + &sale("opening", &opens)
        + &offer("unit", 10, 1_000)
        + &sale("closing", &closes)
        + &offer("unit", 10, 1_000);
    Site::new().sections(&text)
}

fn state(server: &Server, sale: &str) -> String {
    server.client().ask(&Call::get(&format!("/v1/sales/{sale}"))).text("state")
}

/// How far the wall clock has gone from where it was at the start, in seconds.
fn clock_offset(server: &Server) -> f64 {
    let metrics = server.operations("/metrics");
    let metrics = String::from_utf8_lossy(&metrics.body);
    let mut lines = metrics.lines();
    let figure = lines.find_map(|line| line.strip_prefix("rushgate_clock_offset_seconds "));
    figure.expect("the offset is a metric").parse().unwrap()
}

/// The claims of a pass that is given now.
fn fresh_pass(server: &Server) -> Value {
    let place = server.client().ask(&Call::post("/v1/sales/now/enter"));
    let pass = place.text("pass");
    let claims = pass.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// Tokens are of the present: none begins in the future, and none is over when it is given.
fn check_tokens(server: &Server) {
    let claims = fresh_pass(server);
    let now = true_seconds();
    let at = |name: &str| claims[name].as_u64().unwrap();
    assert!(at("nbf") < at("iat"), "{claims}");
    assert!((now - 2..=now + 1).contains(&at("iat")), "issued at {}, now {now}", at("iat"));
    assert!((now + 597..=now + 602).contains(&at("exp")), "over at {}, now {now}", at("exp"));
}

/// A little over a moment's true time, what is scheduled for it has happened.
fn check_schedule(server: &Server, turn: u64) {
    assert_eq!([state(server, "opening"), state(server, "closing")], ["coming", "open"]);
    while true_seconds() < turn {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_secs(1));
    assert_eq!([state(server, "opening"), state(server, "closing")], ["open", "closed"]);
}

/// So far in the future that everything before it is done by then.
fn turn() -> u64 {
    true_seconds() + 8
}

#[test]
fn a_clock_corrected_while_the_program_runs_is_taken_over_by_schedules_and_tokens() {
    let _running = beside_others();
    for offset_ms in [-HOUR_MS, HOUR_MS, -DAY_MS, DAY_MS] {
        let (wall, turn) = (WallClock::ahead_by(offset_ms.into()).unwrap(), turn());
        let mut site = site(turn);
        rules(&wall, &mut site);
        let server = site.start();
        let ticket = server.client().ask(&Call::post("/v1/sales/now/enter")).text("ticket");
        wall.step_to(0).unwrap();
        wait_for("the step is noticed", || {
            // The two clocks are read one after the other, so the figure is off by a moment.
            (clock_offset(&server) * 1_000.0 + f64::from(offset_ms)).abs() < 100.0
        });
        check_tokens(&server);
        // The session goes on: it lasts by the other clock.
        let call = Call { bearer: Some(&ticket), ..Call::get("/v1/sales/now/position") };
        assert_eq!(server.client().ask(&call).text("state"), "admitted");
        check_schedule(&server, turn);
        server.kill();
    }
}

#[test]
fn a_start_with_a_wrong_clock_spoils_no_later_one() {
    let _running = beside_others();
    for offset_ms in [DAY_MS, -DAY_MS, HOUR_MS] {
        let (wall, turn) = (WallClock::ahead_by(offset_ms.into()).unwrap(), turn());
        let mut site = site(turn);
        rules(&wall, &mut site);
        let server = site.start();
        assert_eq!(server.client().ask(&Call::post("/v1/sales/now/enter")).status, 200);
        server.kill();
        wall.step_to(0).unwrap();
        let server = site.start();
        check_tokens(&server);
        check_schedule(&server, turn);
        server.kill();
    }
}
