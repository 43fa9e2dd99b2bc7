//! The house in which the story plays: the program, its doubles, its clock, and whoever runs it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Child,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{ports, wall_clock::WallClock};

use super::{PASSWORD, words::Words};
use crate::{
    chromium::{Chromium, HOST, Setup},
    http,
    shop::{address, spawn},
    shop_looks,
};

const PHONE: (u32, u32) = (390, 844);

const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;
/// How far the shop's hours are ahead of UTC.
const ZONE_MS: i64 = 9 * HOUR_MS;

/// A shop with nothing in it yet, at ten minutes to ten of a morning.
#[derive(Debug)]
pub(super) struct House {
    child: Child,
    public: SocketAddr,
    doubles: SocketAddr,
    clock: WallClock,
    /// When the story's day begins, in milliseconds since 1970.
    day: i64,
    folder: TempDir,
    name: &'static str,
    shots: AtomicU32,
}

impl House {
    /// Opens one on SQLite, or on the database of a URL; `name` is what its pictures have in theirs.
    pub(super) fn open(database: Option<&str>, name: &'static str) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), ports::free());
        let database = database.map_or_else(String::new, |url| format!("database = \"{url}\"\n"));
        let config = format!(
            "[server]\npublic_origin = \"http://{HOST}:{port}\"\n\
             [shop]\nenabled = true\nrent_per_hour = 10000\n{database}\
             [doubles]\nlisten = \"127.0.0.1:0\"\n[limits]\nexempt = [\"127.0.0.1\"]\n"
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        // The next day, so that no clock of this story is behind the true one.
        let day = (now() + ZONE_MS) / DAY_MS * DAY_MS + DAY_MS - ZONE_MS;
        let clock = WallClock::ahead_by(day + 9 * HOUR_MS + 50 * MINUTE_MS - now()).unwrap();
        let listen = format!("127.0.0.1:{port}");
        let (child, line) = spawn(folder.path(), &listen, &clock.environment());
        let (public, doubles) = (address(&line, "public"), address(&line, "doubles"));
        Self { child, public, doubles, clock, day, folder, name, shots: AtomicU32::new(1) }
    }

    /// Sets the program's clock on to a time of the story's day.
    pub(super) fn set_to(&self, hour: i64, minute: i64) {
        let to = self.day + hour * HOUR_MS + minute * MINUTE_MS;
        self.clock.step_to(to - now()).unwrap();
    }

    /// An address for the browser.
    pub(super) fn at(&self, path: &str) -> String {
        format!("http://{HOST}:{}{path}", self.public.port())
    }

    /// A phone of somebody's own.
    pub(super) fn phone(&self, words: &Words, scripts: bool) -> Phone {
        let profile = TempDir::new().unwrap();
        let setup = Setup { profile: profile.path(), language: words.accept, scripts };
        let browser = Chromium::start(setup);
        browser.resize(PHONE);
        Phone { browser, _profile: profile }
    }

    /// Keeps a picture of a step.
    pub(super) fn shot(&self, browser: &Chromium, step: &str) {
        // ORDERING: a number is all that is taken.
        let number = self.shots.fetch_add(1, Ordering::Relaxed);
        let wide = browser.evaluate("return document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= u64::from(PHONE.0), "{step} is {wide} wide");
        shop_looks::picture(browser, &format!("story-{}-{number:02}-{step}", self.name));
    }

    /// What came to a double, once it is as many.
    fn came(&self, list: &str, least: usize) -> Vec<Value> {
        for _ in 0..300 {
            let (status, told) = http::ask(self.doubles, ("GET", list), "", &Value::Null);
            assert_eq!(status, 200, "{list}: {told}");
            let items = told["items"].as_array().unwrap();
            if items.len() >= least {
                return items.clone();
            }
            thread::sleep(Duration::from_millis(100));
        }
        unreachable!("{least} do not come: {list}")
    }

    /// The mails to an address, the last first, once there are as many.
    pub(super) fn mails(&self, to: &str, least: usize) -> Vec<Value> {
        self.came(&format!("/mail?to={to}"), least).into_iter().rev().collect()
    }

    /// The pushes to a device, the last first, once there are as many.
    pub(super) fn pushes(&self, device: &str, least: usize) -> Vec<Value> {
        self.came(&format!("/push?token={device}"), least).into_iter().rev().collect()
    }

    /// A device that the push service knows.
    pub(super) fn device(&self) -> String {
        let call = ("POST", "/push/devices");
        let (status, told) = http::ask(self.doubles, call, "", &Value::Null);
        assert_eq!(status, 201, "{told}");
        told["token"].as_str().unwrap().to_owned()
    }

    /// The picture of the goods.
    pub(super) fn picture(&self) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pages/pictures/lantern.webp");
        let to = self.folder.path().join("lantern.webp");
        fs::copy(from, &to).unwrap();
        to
    }

    /// An operator signs in where the desk sends them, and approves the one business that applied.
    pub(super) fn operator_approves(&self, words: &Words) {
        let file = fs::read(self.folder.path().join("data/demo.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let text = |name: &str| file["operator"][name].as_str().unwrap().to_owned();
        let phone = self.phone(words, true);
        let browser = &phone.browser;
        browser.open(&self.at("/shop/desk/businesses"));
        sign_in(browser, &text("email"), &text("password"));
        let seen = browser.shows("999-00-00073");
        assert!(seen.contains(words.active), "{seen}");
        self.shot(browser, "operator-application");
        browser.click("form[action$='/approve'] button");
        browser.lacks_at_last("form[action$='/approve']");
        self.shot(browser, "operator-approved");
    }
}

/// Somebody's phone.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) browser: Chromium,
    _profile: TempDir,
}

/// Fills in the form of signing in, which is shown.
pub(super) fn sign_in(browser: &Chromium, email: &str, password: &str) {
    browser.fill("#email", email);
    browser.fill("#password", password);
    browser.click("main form[action='/shop/sign-in'] .btn");
}

/// Comes for the first time, makes an account and verifies its address by the letter.
pub(super) fn sign_up(house: &House, browser: &Chromium, words: &Words, email: &str) {
    browser.open(&house.at("/shop"));
    browser.click(".tools a[href='/shop/sign-in']");
    browser.click("main a[href^='/shop/sign-up']");
    browser.fill("#email", email);
    browser.fill("#password", PASSWORD);
    browser.fill("#name", "김하나");
    browser.click("#agrees_terms");
    browser.click("#agrees_privacy");
    house.shot(browser, "sign-up");
    browser.click("main form[action='/shop/sign-up'] .btn");
    browser.shows(words.check_mail);
    house.shot(browser, "check-mail");
    let letter = &house.mails(email, 1)[0];
    let link = letter["link"].as_str().unwrap();
    assert!(link.starts_with(&house.at("/shop/verify?token=")), "{letter}");
    browser.open(link);
    house.shot(browser, "verify");
    browser.click("main form[action='/shop/verify'] .btn");
    browser.shows(words.verified);
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Drop for House {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
