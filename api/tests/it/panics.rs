//! What a panic ends: one request, or the process with its reason.

#![expect(clippy::panic, reason = "panics are what is tested here")]

use std::{env, io::Write as _, process, thread, time::Duration};

use crate::support::{PATIENCE, read_until, start};
use tokio::io::AsyncWriteExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_is_an_internal_fault_and_its_connection_goes_on() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    for path in ["/panic", "/panic-later"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, "}").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["code"], "internal");
        let id = problem["request_id"].as_str().unwrap();
        assert!(head.contains(&format!("x-request-id: {id}")), "{head}");
        assert!(!answer.contains("a fault"), "internal text never leaves: {answer}");
    }
    stream.write_all(crate::support::GET.as_bytes()).await.unwrap();
    assert!(read_until(&mut stream, "now").await.starts_with("HTTP/1.1 200 "));
    fixture.assert_serves().await;
}

/// Tells this program, run again, which part of it panics.
const PART: &str = "RUSHGATE_TEST_PANIC";

/// Runs this test again as a process of its own, since the hook is the process'.
#[test]
fn a_panic_that_nothing_contains_is_told_with_its_thread_and_reason_and_a_contained_one_is_not() {
    if let Ok(part) = env::var(PART) {
        return assert!(!tells_panic(&part), "the part {part} ends the process");
    }
    let name = "panics::a_panic_that_nothing_contains_is_told_with_its_thread_and_reason_and_a_contained_one_is_not";
    let run = |part: &str| {
        let mut again = process::Command::new(env::current_exe().unwrap());
        let output = again.args([name, "--exact", "--nocapture"]).env(PART, part).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for part in ["thread", "task"] {
        let (code, told) = run(part);
        assert_ne!(code, Some(0), "{told}");
        assert!(told.contains("panicked at ") && told.contains("out of order"), "{told}");
    }
    let (_, told) = run("thread");
    assert!(told.contains("thread rushgate-test panicked"), "{told}");
    let (code, told) = run("contained");
    assert_eq!(code, Some(0), "{told}");
}

/// Whether a panic of this part is told, which would end the program; its words go to standard error.
fn tells_panic(part: &str) -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut panics = api::panics::watch();
    runtime.block_on(async {
        match part {
            "thread" => {
                let thread = thread::Builder::new().name("rushgate-test".to_owned());
                assert!(thread.spawn(|| panic!("out of order")).unwrap().join().is_err());
            }
            "task" => assert!(tokio::spawn(async { panic!("out of order") }).await.is_err()),
            _ => {
                assert!(
                    api::panics::Contained::new(async { panic!("one request") }).await.is_err()
                );
            }
        }
        let patience = if part == "contained" { Duration::from_millis(100) } else { PATIENCE };
        match tokio::time::timeout(patience, panics.first()).await {
            Ok(words) => std::io::stderr().write_all(words.as_bytes()).is_ok(),
            Err(_) => false,
        }
    })
}
