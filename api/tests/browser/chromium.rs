//! Chromium by its driver: the dozen calls of `WebDriver` that these tests need.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Child,
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{
    peer::{Program, wait_until_up},
    ports,
};

use crate::http;

/// The name under which the browser finds the shop: no secure context, unlike an address of this
/// host, so it sends what a phone on the same network sends.
pub(crate) const HOST: &str = "shop.test";

const DRIVER: Program =
    Program { command: "chromedriver", package: "chromium-driver", end: "TERM" };

/// How often a page is looked at: for longer than it takes to come to what it shows at last.
const TRIES: u32 = 300;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// A browser with one window.
#[derive(Debug)]
pub(crate) struct Chromium {
    driver: Child,
    addr: SocketAddr,
    /// The session's path.
    session: String,
}

/// How a browser is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    /// Where it keeps its cookies.
    pub(crate) profile: &'a Path,
    /// What it asks for by `Accept-Language`.
    pub(crate) language: &'a str,
    /// Whether pages may run scripts.
    pub(crate) scripts: bool,
}

impl Chromium {
    pub(crate) fn start(setup: Setup<'_>) -> Self {
        let addr = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let log = setup.profile.join("driver.log");
        let mut command = DRIVER.dying_with_us().unwrap();
        command.arg(format!("--port={}", addr.port()));
        command.stdout(File::create(&log).unwrap());
        command.stderr(File::options().append(true).open(&log).unwrap());
        let mut driver = command.spawn().unwrap();
        wait_until_up(&mut driver, &log, || TcpStream::connect(addr).is_ok()).unwrap();
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-extensions", "--disable-background-networking",
                format!("--host-resolver-rules=MAP {HOST} 127.0.0.1"),
                format!("--accept-lang={}", setup.language),
                format!("--user-data-dir={}", setup.profile.join("profile").display()),
            ],
            "prefs": { "intl.accept_languages": setup.language },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
        }}});
        let mut browser = Self { driver, addr, session: String::new() };
        let begun = browser.call("POST", "/session", &wanted);
        browser.session = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        if !setup.scripts {
            browser.allow_scripts(false);
        }
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = http::ask(self.addr, (method, path), "", body);
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        answer["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    pub(crate) fn back(&self) {
        self.post("/back", &json!({}));
    }

    /// What a script of ours returns; it runs even where those of pages do not.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// What a script of ours calls its last argument with.
    pub(crate) fn evaluate_later(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// What stands in the address bar.
    pub(crate) fn address(&self) -> String {
        self.evaluate("return location.href").as_str().unwrap().to_owned()
    }

    pub(crate) fn title(&self) -> String {
        let title = self.call("GET", &format!("{}/title", self.session), &Value::Null);
        title.as_str().unwrap().to_owned()
    }

    /// The text that a person reads.
    pub(crate) fn text(&self) -> String {
        self.evaluate("return document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Waits until the page shows `words`.
    pub(crate) fn shows(&self, words: &str) -> String {
        for _ in 0..TRIES {
            let text = self.text();
            if text.contains(words) {
                return text;
            }
            thread::sleep(BETWEEN_TRIES);
        }
        unreachable!("{words:?} is not shown: {}", self.text())
    }

    /// Waits until the tab is called `words`.
    pub(crate) fn is_called(&self, words: &str) {
        for _ in 0..TRIES {
            if self.title().contains(words) {
                return;
            }
            thread::sleep(BETWEEN_TRIES);
        }
        unreachable!("the tab is not called {words:?}: {}", self.title())
    }

    fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &wanted);
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Presses the mouse twice, as quickly as it goes.
    pub(crate) fn click_twice(&self, selector: &str) {
        let element = self.find(selector);
        let origin = json!({ "element-6066-11e4-a52e-4f735466cecf": element });
        let (down, up) = (
            json!({ "type": "pointerDown", "button": 0 }),
            json!({ "type": "pointerUp", "button": 0 }),
        );
        let to = json!({ "type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0 });
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" },
                            "actions": [to, down, up, down, up] });
        self.post("/actions", &json!({ "actions": [mouse] }));
    }

    /// Looks at pages as a device with this window does.
    pub(crate) fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
                           "mobile": width < 800 });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Looks at pages as somebody does who prefers a dark screen, or a light one.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Whether pages may run scripts, from the next one on.
    pub(crate) fn allow_scripts(&self, allowed: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": !allowed }));
    }

    /// Lets no request through to addresses like `pattern`.
    pub(crate) fn block(&self, pattern: &str) {
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.setBlockedURLs", &json!({ "urls": [pattern] }));
    }

    /// A picture of the whole page.
    pub(crate) fn picture(&self) -> Vec<u8> {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.devtools("Page.captureScreenshot", &whole);
        STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if !self.session.is_empty() && !thread::panicking() {
            self.call("DELETE", &self.session, &Value::Null);
        }
        // The driver ends its browser with itself. An error says that it has ended already.
        if kill_process(Pid::from_child(&self.driver), Signal::TERM).is_ok() {
            drop(self.driver.wait());
        }
    }
}
