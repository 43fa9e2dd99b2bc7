//! axe-core: what a machine can tell of how accessible a page is.
//!
//! It is under the MPL, so it is not part of this repository: npm fetches it from its registry, once
//! for a target directory, and it must be the one whose checksum stands here. What cannot be fetched
//! fails the test, so that nobody takes silence for success.

use std::{fs, path::Path, process::Command, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha512};

use crate::chromium::Chromium;

const VERSION: &str = "4.14.1";

/// As the registry has it: of the whole package, in base64.
const SHA512: &str =
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// What is wrong with the page that is shown now, one line a finding.
pub(crate) fn findings(browser: &Chromium) -> Vec<String> {
    // It is half a megabyte, and stays in the page until another one is loaded.
    if browser.evaluate("return typeof axe") == "undefined" {
        browser.evaluate(source());
    }
    let found = browser.evaluate_later(
        "const told = arguments[0]; \
         axe.run(document, { resultTypes: ['violations'] }).then( \
           (results) => told(results.violations.flatMap((violation) => violation.nodes.map( \
             (node) => violation.id + ': ' + violation.help + ': ' + node.html))), \
           (error) => told(['axe failed: ' + error]));",
    );
    let found = found.as_array().unwrap();
    found.iter().map(|finding| Value::as_str(finding).unwrap().to_owned()).collect()
}

/// The script.
fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe-core");
        fs::create_dir_all(&directory).unwrap();
        let package = directory.join(format!("axe-core-{VERSION}.tgz"));
        if !package.is_file() {
            fetch(&directory);
        }
        let sum = STANDARD.encode(Sha512::digest(fs::read(&package).unwrap()));
        assert_eq!(sum, SHA512, "{} is not the package that this test expects", package.display());
        let mut unpack = Command::new("tar");
        unpack.args(["-xzOf"]).arg(&package).arg("package/axe.min.js");
        let unpacked = unpack.output().expect("tar unpacks axe-core");
        assert!(unpacked.status.success(), "tar: {}", String::from_utf8_lossy(&unpacked.stderr));
        String::from_utf8(unpacked.stdout).unwrap()
    })
}

fn fetch(directory: &Path) {
    let wanted = format!("axe-core@{VERSION}");
    let told =
        Command::new("npm").args(["pack", &wanted, "--silent"]).current_dir(directory).output();
    let told = told.expect("npm fetches axe-core: on Debian, run as root: apt-get install npm");
    let error = String::from_utf8_lossy(&told.stderr);
    assert!(
        told.status.success(),
        "npm could not fetch {wanted}, without which pages are not tested: {error}"
    );
}
