//! The programs of `benches/peers`: each starts, says where, answers as it was told, and leaves
//! nothing behind; the classic design keeps its two promises.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use benches::at_once;
use serde_json::Value;

/// A running peer. Dropping it kills it as a bench does.
struct Peer {
    child: Child,
    line: Value,
}

impl Peer {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let call = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
        let mut child = call.unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["event"], "listening", "{line}");
        Self { child, line }
    }

    fn classic(arguments: &[&str]) -> Self {
        let always = ["--listen", "127.0.0.1:0", "--appendfsync", "always"];
        Self::start(env!("CARGO_BIN_EXE_classic"), &[&always, arguments].concat())
    }

    fn open(&self) -> Client {
        let stream = TcpStream::connect(self.line["public"].as_str().unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(BufReader::new(stream))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// One connection that is kept.
struct Client(BufReader<TcpStream>);

#[derive(Debug)]
struct Answer {
    status: u16,
    /// In small letters, sorted, without those that every server adds by itself.
    headers: Vec<String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Client {
    fn ask(&mut self, method: &str, path: &str, headers: &str) -> Answer {
        let body = if method == "POST" { r#"{"items":[{"sku":"unit","quantity":1}]}"# } else { "" };
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n{headers}");
        let request = format!("{head}content-length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        self.read()
    }

    fn read(&mut self) -> Answer {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "hung up after {head:?}");
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_ascii_lowercase());
        }
        let status = head.remove(0).split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        let own = ["content-length", "date", "server", "connection"];
        head.retain(|line| !own.contains(&line.split(':').next().unwrap()));
        head.sort();
        Answer { status, headers: head, body: String::from_utf8(body).unwrap() }
    }

    fn enter(&mut self, sale: &str, headers: &str) -> Answer {
        self.ask("POST", &format!("/v1/sales/{sale}/enter"), headers)
    }

    fn position(&mut self, sale: &str, ticket: &str) -> Answer {
        let bearer = format!("authorization: Bearer {ticket}\r\n");
        self.ask("GET", &format!("/v1/sales/{sale}/position"), &bearer)
    }

    fn purchase(&mut self, sale: &str, pass: &str) -> Answer {
        let bearer = format!("authorization: Bearer {pass}\r\n");
        self.ask("POST", &format!("/v1/sales/{sale}/purchase"), &bearer)
    }
}

/// Whether the process is gone, or will be in a moment: the kernel's kill takes no longer.
fn is_gone(pid: &Value) -> bool {
    let process = format!("/proc/{pid}/exe");
    (0..500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        // A process that has ended but was not waited for has no program any more.
        Path::new(&process).read_link().is_err()
    })
}

#[test]
fn both_ceilings_say_what_they_were_told() {
    let body = tempfile::NamedTempFile::new().unwrap();
    let text = r#"{"price":"$5","quote":"it's \"so\"","path":"C:\\new"}"#;
    std::fs::write(body.path(), text).unwrap();
    let path = body.path().to_str().unwrap();
    let told = ["--status", "409", "--header", "content-type: application/problem+json"];
    let more = ["--header", "x-note: it's 5 $ \"a\" piece", "--body", path];
    for program in [env!("CARGO_BIN_EXE_ceiling"), env!("CARGO_BIN_EXE_nginx_peer")] {
        let peer = Peer::start(program, &[told, more].concat());
        let mut client = peer.open();
        for _ in 0..3 {
            for method in ["GET", "POST"] {
                let answer = client.ask(method, "/v1/sales/queue/anything", "");
                assert_eq!((answer.status, answer.body.as_str()), (409, text), "{program}");
                let expected =
                    ["content-type: application/problem+json", "x-note: it's 5 $ \"a\" piece"];
                assert_eq!(answer.headers, expected, "{program}");
            }
        }
    }
}

#[test]
fn a_killed_launcher_takes_its_servers_with_it() {
    let body = tempfile::NamedTempFile::new().unwrap();
    let path = body.path().to_str().unwrap();
    let nginx = Peer::start(env!("CARGO_BIN_EXE_nginx_peer"), &["--body", path]);
    let mut pids = nginx.line["worker_pids"].as_array().unwrap().clone();
    pids.push(nginx.line["nginx_pid"].clone());
    let classic = Peer::classic(&[]);
    pids.push(classic.line["redis_pid"].clone());
    let within = tempfile::tempdir().unwrap();
    let directory = within.path().to_str().unwrap();
    let redis = ["--appendfsync", "everysec", "--within", directory];
    let redis = Peer::start(env!("CARGO_BIN_EXE_private_redis"), &redis);
    pids.push(redis.line["redis_pid"].clone());
    assert_eq!(pids.len(), 5);
    drop((nginx, classic, redis));
    assert!(pids.iter().all(is_gone), "{pids:?}");
}

#[test]
fn the_classic_line_keeps_everyones_place() {
    let directory = tempfile::tempdir().unwrap();
    let tickets = directory.path().join("tickets");
    let peer = Peer::classic(&["--fill", "1000", "--tickets", tickets.to_str().unwrap()]);
    let mut client = peer.open();
    let tickets = std::fs::read_to_string(&tickets).unwrap();
    let tickets: Vec<&str> = tickets.lines().collect();
    assert_eq!(tickets.len(), 1_000);
    for at in [0, 1, 499, 999] {
        let place = client.position("queue", tickets[at]).json();
        assert_eq!(
            (place["ahead"].as_u64(), &place["state"]),
            (Some(at as u64), &"waiting".into())
        );
        assert_eq!(place["number"].as_u64(), Some(at as u64 + 1));
        assert_eq!(place["line_length"], 1_000);
    }
    for ahead in 1_000..1_010_u64 {
        let entered = client.enter("queue", "");
        assert_eq!(entered.status, 202, "{entered:?}");
        let place = entered.json();
        assert_eq!(place["ahead"].as_u64(), Some(ahead));
        let again = client.position("queue", place["ticket"].as_str().unwrap()).json();
        assert_eq!(again["position"].as_u64(), Some(ahead + 1));
    }
    let keyed = || "idempotency-key: one and the same\r\n";
    let (first, second) = (client.enter("door", keyed()), client.enter("door", keyed()));
    assert_eq!(first.body, second.body, "a key has one place");
    assert_eq!(client.enter("door", "").json()["ahead"], 1);
}

#[test]
fn the_classic_line_refuses_whom_it_does_not_know() {
    let peer = Peer::classic(&[]);
    let mut client = peer.open();
    let stranger = client.enter("door", "").json()["ticket"].clone();
    for ticket in [stranger.as_str().unwrap(), "nonsense"] {
        assert_eq!(client.position("queue", ticket).status, 401, "{ticket}");
    }
    assert_eq!(client.purchase("hot", "nonsense").status, 401);
    assert_eq!(client.enter("nowhere", "").status, 404);
    assert_eq!(client.ask("GET", "/v1/sales/queue/enter", "").status, 404);
    assert_eq!(client.ask("GET", "/", "").status, 404);
}

#[test]
fn the_classic_stock_never_oversells() {
    const BUYERS: usize = 64;
    const UNITS: u64 = 100;
    let peer = Peer::classic(&["--sale", &format!("hot={UNITS},open")]);
    let entered = peer.open().enter("hot", "");
    assert_eq!((entered.status, &entered.json()["state"]), (200, &"admitted".into()));
    let pass = entered.json()["pass"].as_str().unwrap().to_owned();
    let (sold, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    at_once(BUYERS, |_| {
        let mut client = peer.open();
        for _ in 0..4 {
            let answer = client.purchase("hot", &pass);
            let count = match (answer.status, answer.json()) {
                (201, purchase) if purchase["state"] == "held" => &sold,
                (409, problem) if problem["code"] == "sold_out" => &refused,
                other => panic!("{other:?}"),
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let counts = (sold.into_inner(), refused.into_inner());
    assert_eq!(counts, (UNITS, BUYERS as u64 * 4 - UNITS));
}
