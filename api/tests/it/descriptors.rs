//! Out of file descriptors: nobody new is let in, nobody spins, and it passes.
//!
//! The limit is the process's, so the test runs itself again in a child that has few.

use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{GET, read_until, start};

/// Set in the child that has few descriptors.
const CHILD: &str = "RUSHGATE_TEST_FEW_DESCRIPTORS";

#[tokio::test]
async fn running_out_of_descriptors_passes() {
    if std::env::var_os(CHILD).is_some() {
        return with_few().await;
    }
    let itself = std::env::current_exe().unwrap();
    let name = "descriptors::running_out_of_descriptors_passes";
    let script = format!("ulimit -n 40; exec \"$0\" --exact {name} --nocapture");
    let mut child = Command::new("sh");
    child.arg("-c").arg(script).arg(itself).env(CHILD, "1");
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn with_few() {
    let fixture = start(|_| {});
    let mut early = fixture.connect().await;
    early.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut early, "\"now\"").await;

    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect(fixture.addr).await {
        held.push(stream);
        assert!(held.len() < 100, "the limit is not in force");
    }
    // Both ends draw on the one limit; what is freed here goes to a client again, so that the
    // accepting side is the one that goes without.
    for _ in 0..5 {
        drop(held.pop());
        held.extend(TcpStream::connect(fixture.addr).await);
        sleep(Duration::from_millis(50)).await;
    }
    assert!(TcpStream::connect(fixture.addr).await.is_err());
    early.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut early, "\"now\"").await;

    drop(held);
    sleep(Duration::from_millis(1500)).await;
    fixture.assert_serves().await;
}
