//! Killing and restarting, end to end: a child process that dies by SIGKILL in front of a fake
//! whose state survives, as a server's journal would.
//!
//! The child is this test program again, running [`front`]: it forwards connections. Killing it
//! cuts requests that the fake has acted on, which is exactly what the crowd must survive.

use std::env;
use std::fs;
use std::net::TcpListener as StdListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{Fake, Fault};

const LISTEN: &str = "FAKE_FRONT_LISTEN";
const UPSTREAM: &str = "FAKE_FRONT_UPSTREAM";
const READY: &str = "FAKE_FRONT_READY";

/// The process that [`kills_in_mid_traffic_break_no_promise`] kills: that test again, with the
/// addresses to listen at and to forward to.
async fn front(listen: String, upstream: String, ready: String) {
    let listener = TcpListener::bind(listen).await.unwrap();
    fs::write(ready, "").unwrap();
    while let Ok((mut near, _peer)) = listener.accept().await {
        let upstream = upstream.clone();
        drop(tokio::spawn(async move {
            let mut far = TcpStream::connect(upstream).await.unwrap();
            // Either side may be gone at any time; that is the point.
            drop(copy_bidirectional(&mut near, &mut far).await);
        }));
    }
}

/// A program that starts like the server: announces its address once it listens, in JSON.
fn program(dir: &Path, upstream: &str) -> PathBuf {
    let path = dir.join("rushgate");
    let own = env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n\
         ready=\"$7.ready\"; rm -f \"$ready\"\n\
         (while [ ! -e \"$ready\" ]; do sleep 0.02; done\n\
         echo '{{\"event\":\"listening\",\"public\":\"'$3'\",\"ops\":\"127.0.0.1:1\"}}') &\n\
         {LISTEN}=\"$3\" {UPSTREAM}={upstream} {READY}=\"$ready\" \\\n\
         exec {own} --exact kill::kills_in_mid_traffic_break_no_promise >/dev/null\n",
        own = own.display(),
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_mid_traffic_break_no_promise() {
    let role = (env::var(LISTEN), env::var(UPSTREAM), env::var(READY));
    if let (Ok(listen), Ok(upstream), Ok(ready)) = role {
        return front(listen, upstream, ready).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::start(Fault::None).await;
    let server = program(dir.path(), fake.url().trim_start_matches("http://"));
    let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let data = dir.path().join("data");
    let (server, data) = (server.to_str().unwrap(), data.to_str().unwrap());

    let mut line = vec!["loadtest", "flash-sale", "--url", &url, "--kill", "3"];
    line.extend(["--server", server, "--data", data, "--seed", "3", "--hold-seconds", "2"]);
    line.extend(["--operator-key", "op", "--backend-key", "be", "--deadline", "60s"]);
    line.extend(["--schedule-error-p99-max-ms", "10000"]);
    line.extend(["--shoppers", "600", "--stock", "100", "--connections", "48"]);
    let report = crate::sale(&line).await.unwrap();

    assert!(report.passed, "{report}");
    let text = report.to_string();
    assert!(text.contains("killed in the middle of traffic: 3 kills"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["traffic"]["unanswered"].as_u64().unwrap() > 0, "{text}");
}
