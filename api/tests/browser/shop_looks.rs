//! How the shop's pages look: each fits a phone and a desk, light and dark, in both languages, and
//! axe-core finds nothing wrong with it.
//!
//! They are made from samples and come from a server of this test's own: what stands behind them is
//! tested elsewhere. With `RUSHGATE_SHOTS_DIR` set, a picture of each is written there.

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use pages::{
    Language,
    assets::{self, Found},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    axe,
    chromium::{Chromium, HOST, Setup},
    looks::TOO_SMALL,
    samples::{self, Sample, Values},
    story::one_at_a_time,
};

/// The pictures that the samples show.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pages/pictures");

/// Serves samples at `/`, each below its name, until the test's process ends; answers with the port.
fn serve(samples: Vec<Sample>) -> u16 {
    let pages: HashMap<_, _> =
        samples.into_iter().map(|page| (page.name, page.html.into_bytes())).collect();
    let pages = Arc::new(pages);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let pages = Arc::clone(&pages);
            thread::spawn(move || answer(&stream.unwrap(), &pages));
        }
    });
    port
}

/// One request, one answer. A browser that hangs up has what it wanted.
fn answer(stream: &TcpStream, pages: &HashMap<String, Vec<u8>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    drop(lines.take_while(|line| !line.is_empty()).last());
    let path = first.split(' ').nth(1).unwrap_or("/");
    let found = match path.trim_start_matches('/').split_once('/') {
        Some(("assets", name)) => match assets::find(name) {
            Some(Found::Exact(asset)) => Some((asset.content_type, asset.plain.to_vec())),
            Some(Found::OtherBuild(_)) | None => None,
        },
        Some(("pictures", name)) => {
            fs::read(Path::new(PICTURES).join(name)).ok().map(|picture| ("image/webp", picture))
        }
        _ => pages
            .get(path.trim_start_matches('/'))
            .map(|page| ("text/html; charset=utf-8", page.clone())),
    };
    let (status, (kind, body)) = match found {
        Some(found) => (200, found),
        None => (404, ("text/plain", Vec::new())),
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
}

fn picture(browser: &Chromium, name: &str) {
    if let Some(directory) = env::var_os("RUSHGATE_SHOTS_DIR") {
        fs::write(Path::new(&directory).join(format!("{name}.png")), browser.picture()).unwrap();
    }
}

fn fits(browser: &Chromium, name: &str, size: (u32, u32)) {
    browser.resize(size);
    let wide = browser.evaluate("return document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= u64::from(size.0), "{name} is {wide} wide at {size:?}");
}

fn accessible(browser: &Chromium, name: &str) {
    let found = axe::findings(browser);
    assert!(found.is_empty(), "{name}: {found:#?}");
}

/// Browsers that look at once: as many as a small machine has processors.
const BROWSERS: usize = 2;

/// Looks at every page: in Korean on a phone, light and dark, in English on a desk. Whether it fits
/// depends on the words, so that is looked at in both.
fn every_page(language: Language, accept: &'static str) {
    let _one = one_at_a_time();
    let full = samples::all(language, Values::Full);
    let hostile = samples::all(language, Values::Hostile);
    let of_kind = |kind: &str, pages: Vec<Sample>| -> Vec<Sample> {
        let name = |page: Sample| Sample { name: format!("{kind}-{}", page.name), ..page };
        pages.into_iter().map(name).collect()
    };
    let pages = [of_kind("full", full), of_kind("hostile", hostile)].concat();
    let names: Vec<_> = pages.iter().map(|page| page.name.clone()).collect();
    let (port, next) = (serve(pages), AtomicUsize::new(0));
    let look = || {
        let profile = TempDir::new().unwrap();
        let setup = Setup { profile: profile.path(), language: accept, scripts: true };
        let browser = Chromium::start(setup);
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            browser.prefer("light");
            browser.resize((360, 740));
            browser.open(&format!("http://{HOST}:{port}/{name}"));
            look_at(&browser, name, language);
        }
    };
    thread::scope(|scope| {
        for _ in 0..BROWSERS {
            scope.spawn(look);
        }
    });
}

/// Looks at the page that is shown.
fn look_at(browser: &Chromium, name: &str, language: Language) {
    fits(browser, name, (320, 640));
    fits(browser, name, (1_280, 900));
    if !name.starts_with("full") {
        return;
    }
    let tag = language.tag();
    picture(browser, &format!("{name}-{tag}-desk-light"));
    if language == Language::English {
        accessible(browser, name);
    }
    fits(browser, name, (360, 740));
    picture(browser, &format!("{name}-{tag}-phone-light"));
    assert_eq!(browser.evaluate(TOO_SMALL), json!([]), "{name}: too small to be hit");
    if language == Language::Korean {
        accessible(browser, name);
        browser.prefer("dark");
        picture(browser, &format!("{name}-{tag}-phone-dark"));
        accessible(browser, name);
    }
}

#[test]
fn every_page_of_the_shop_is_fit_for_all_in_korean() {
    every_page(Language::Korean, "ko");
}

#[test]
fn every_page_of_the_shop_is_fit_for_all_in_english() {
    every_page(Language::English, "en");
}
