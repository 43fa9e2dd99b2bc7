//! Orders on a Redis Stream: from a purchase over HTTP to the worker that the document shows, and
//! what shoppers see while nobody takes them. And orders that a webhook refused: what an operator
//! sends again.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;
use testkit::redis::{Redis, Reply};

use crate::{
    beside_others,
    client::{Answer, Call, Client},
    site::{Server, Site, offer, sale},
    stream_support::{GROUP, KEY, call, count, list, read_new, start},
    wait_for,
};

const DOCUMENT: &str = include_str!("../../../docs/order-pipeline.md");

/// One shopper may buy as much as the outbox can take.
fn bulk() -> String {
    sale("bulk", "per_shopper_max = 1000000\n") + &offer("plenty", 1_000_000, 10)
}

/// Where a sale's new holds are refused: the engine's bound of its events that wait for the sink.
const OUTBOX_SALE_EVENTS_MAX: usize = 65_536;

fn site(redis: &Redis, stream_max: usize) -> Site {
    let socket = redis.socket().display();
    Site::new().sections(&format!(
        "[pipeline]\nsink = \"redis_stream\"\nredis_url = \"redis+unix://{socket}\"\n\
         redis_groups = [\"{GROUP}\"]\nredis_stream_max = {stream_max}\nredis_timeout_ms = 1000\n\
         {}",
        bulk()
    ))
}

/// Enters and is let in.
fn pass(client: &mut Client, sale: &str) -> String {
    let entered = client.ask(&Call::post(&format!("/v1/sales/{sale}/enter")));
    let (ticket, mut place) = (entered.text("ticket"), entered);
    let path = format!("/v1/sales/{sale}/position");
    wait_for("the pass", || {
        place = client.ask(&Call { bearer: Some(&ticket), ..Call::get(&path) });
        !place.text("pass").is_empty()
    });
    place.text("pass")
}

fn buy(client: &mut Client, sale: &str, pass: &str, key: &str) -> Answer {
    let body = r#"{"items":[{"sku":"plenty","quantity":1}]}"#;
    let path = format!("/v1/sales/{sale}/purchase");
    client.ask(&Call { bearer: Some(pass), key: Some(key), body, ..Call::post(&path) })
}

fn lag(server: &Server) -> u64 {
    server.stats()["outbox_lag"].as_u64().unwrap()
}

/// The document's worker, running; killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(directory: &Path, name: &str, redis: &Redis) -> Self {
        let from = DOCUMENT.find("#!/bin/sh").unwrap();
        let script = &DOCUMENT[from..][..DOCUMENT[from..].find("```").unwrap()];
        let file = directory.join("worker.sh");
        fs::write(&file, script).unwrap();
        let mut command = Command::new("sh");
        command.arg(file).arg(name).arg(directory.join("orders")).stdin(Stdio::null());
        command.env("REDIS_SOCKET", redis.socket()).env("IDLE_MS", "300");
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        kill_process_group(Pid::from_child(&self.0), Signal::KILL).unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn purchases_over_http_reach_the_documents_workers_though_one_is_killed() {
    let _with_others = beside_others();
    let (redis, directory) = (start(), TempDir::new().unwrap());
    let orders = directory.path().join("orders");
    fs::create_dir(&orders).unwrap();
    let server = site(&redis, 100_000).start();
    let mut link = redis.link().unwrap();
    // Before there is an order.
    wait_for("the group", || {
        let groups = link.call(&[b"XINFO", b"GROUPS", KEY.as_bytes()]);
        groups.is_ok_and(|groups| !list(&groups).is_empty())
    });
    let killed = Worker::start(directory.path(), "killed", &redis);
    let _heir = Worker::start(directory.path(), "heir", &redis);
    let done = || {
        let names = fs::read_dir(&orders).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        names.filter(|name| !name.starts_with('.')).collect::<BTreeSet<_>>()
    };

    let mut client = server.client();
    let (pass, backend) = (pass(&mut client, "bulk"), server.backend.clone());
    let mut purchases = BTreeSet::new();
    for key in 0..20 {
        let purchase = buy(&mut client, "bulk", &pass, &format!("key-{key}")).text("purchase");
        for verb in ["pay", "confirm"] {
            let path = format!("/v1/sales/bulk/purchases/{purchase}/{verb}");
            let settled = client.ask(&Call { bearer: Some(&backend), ..Call::post(&path) });
            assert_eq!(settled.status, 200, "{settled:?}");
        }
        purchases.insert(purchase);
    }
    wait_for("some orders", || done().len() > 10);
    drop(killed);
    let expected: BTreeSet<String> = (1..=60).map(|event| format!("bulk-{event}.json")).collect();
    wait_for("all orders", || done() == expected);
    let mut told = BTreeSet::new();
    for event in 1..=60_u64 {
        let text = fs::read(orders.join(format!("bulk-{event}.json"))).unwrap();
        let order: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(order["event_id"], event);
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        told.insert((text("purchase"), text("state")));
    }
    let states = ["held", "paying", "confirmed"];
    let all = purchases.iter().flat_map(|id| states.map(|state| (id.clone(), state.to_owned())));
    assert_eq!(told, all.collect());
    wait_for("all acknowledged", || {
        list(&call(&mut link, &["XPENDING", KEY, GROUP]))[0] == Reply::Integer(0)
    });
    wait_for("no lag", || lag(&server) == 0);
}

/// Buys until the first refusal; answers the purchases made.
fn buy_until_refused(server: &Server, pass: &str, worker: usize) -> (Vec<String>, Answer) {
    let (mut client, mut made) = (server.client(), Vec::new());
    loop {
        let answer = buy(&mut client, "bulk", pass, &format!("{worker}-{}", made.len()));
        if answer.status != 201 {
            return (made, answer);
        }
        made.push(answer.text("purchase"));
    }
}

#[test]
fn while_workers_stall_new_holds_are_refused_polls_answered_and_nothing_is_lost() {
    const STREAM_MAX: usize = 10_000;
    let _with_others = beside_others();
    let redis = start();
    let server = site(&redis, STREAM_MAX).start();
    let mut client = server.client();
    let pass = pass(&mut client, "bulk");
    let (server_ref, pass_ref) = (&server, pass.as_str());
    let outcomes: Vec<_> = thread::scope(|scope| {
        let buying = |worker| scope.spawn(move || buy_until_refused(server_ref, pass_ref, worker));
        let mut threads = Vec::new();
        threads.extend((0..24).map(buying));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut made = BTreeSet::new();
    for (purchases, refusal) in outcomes {
        assert_eq!((refusal.status, refusal.code().as_str()), (503, "backend_stalled"));
        assert!(refusal.header("retry-after").is_some(), "{refusal:?}");
        made.extend(purchases);
    }
    let mut link = redis.link().unwrap();
    assert_eq!(count(&mut link, &["XLEN", KEY]), i64::try_from(STREAM_MAX).unwrap());
    assert!(made.len() >= STREAM_MAX + OUTBOX_SALE_EVENTS_MAX, "{}", made.len());
    let outbox = Call { bearer: Some(&server.operator), ..Call::get("/v1/admin/outbox") };
    let stalled = client.ask(&outbox).text("stalled");
    assert!(stalled.contains("group workers has not acknowledged"), "{stalled}");
    // Whoever waits sees nothing of it.
    let entered = client.ask(&Call::post("/v1/sales/bulk/enter"));
    assert!(matches!(entered.status, 200 | 202), "{entered:?}");
    let ticket = entered.text("ticket");
    let position = Call { bearer: Some(&ticket), ..Call::get("/v1/sales/bulk/position") };
    assert_eq!(client.ask(&position).status, 200);

    let (read, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let taken = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let (mut link, mut taken) = (redis.link().unwrap(), BTreeSet::new());
            while !stop.load(Ordering::Relaxed) {
                let entries = read_new(&mut link, GROUP, "steady", 1_000);
                let ids = entries.iter().map(|entry| entry.id.as_str());
                let words: Vec<&str> = ["XACK", KEY, GROUP].into_iter().chain(ids).collect();
                if entries.is_empty() {
                    thread::sleep(Duration::from_millis(10));
                } else {
                    call(&mut link, &words);
                }
                taken.extend(entries.into_iter().map(|entry| entry.fields["purchase"].clone()));
                read.store(taken.len(), Ordering::Relaxed);
            }
            taken
        });
        for part in 1..=8 {
            wait_for("more orders", || read.load(Ordering::Relaxed) * 8 >= made.len() * part);
        }
        wait_for("no lag", || lag(&server) == 0);
        stop.store(true, Ordering::Relaxed);
        worker.join().unwrap()
    });
    assert!(taken == made, "orders were lost or made up");
    assert_eq!(buy(&mut client, "bulk", &pass, "afterwards").status, 201);
}

/// Answers every post on a connection: 400 until it relents.
fn answer_posts(connection: TcpStream, relents: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let status = if relents.load(Ordering::SeqCst) { "204 No Content" } else { "400 Not ours" };
        let body = if status.starts_with("400") { "content-length: 0\r\n" } else { "" };
        write!(writer, "HTTP/1.1 {status}\r\n{body}\r\n")?;
    }
}

/// A receiver on an address of its own.
fn receiver(relents: &Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let relents = Arc::clone(relents);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let relents = Arc::clone(&relents);
            // A connection that the server gives up is no failure of the receiver's.
            thread::spawn(move || answer_posts(connection.unwrap(), &relents).ok());
        }
    });
    url
}

#[test]
fn an_operator_sends_dead_letters_again_by_sale_and_number_or_all_of_them() {
    let _with_others = beside_others();
    let relents = Arc::new(AtomicBool::new(false));
    let server = Site::new().sections(&format!(
        "[pipeline]\nsink = \"webhook\"\nwebhook_url = \"{}\"\n\
         webhook_secret = \"0123456789abcdef\"\nwebhook_attempts_max = 1\n{}",
        receiver(&relents),
        bulk()
    ));
    let server = server.start();
    let mut client = server.client();
    for sale in ["bulk", "demo"] {
        let pass = pass(&mut client, sale);
        for key in ["one", "two"] {
            assert_eq!(buy(&mut client, sale, &pass, key).status, 201);
        }
    }
    let outbox = Call { bearer: Some(&server.operator), ..Call::get("/v1/admin/outbox") };
    let mut letters = |most: usize| {
        let mut found = Vec::new();
        wait_for("the dead letters", || {
            let told = client.ask(&outbox).json();
            let letter = |told: &Value| format!("{} {}", told["sale"], told["event"]);
            found = told["items"].as_array().unwrap().iter().map(letter).collect();
            found.len() == most && told["lag"] == most
        });
        found
    };
    let all = [r#""bulk" 1"#, r#""bulk" 2"#, r#""demo" 1"#, r#""demo" 2"#];
    assert_eq!(letters(4), all, "each sale counts from 1");

    relents.store(true, Ordering::SeqCst);
    let mut own = server.client();
    let mut replay = |body: &str| {
        let call = Call::post("/v1/admin/outbox/replay");
        let replayed = own.ask(&Call { bearer: Some(&server.operator), body, ..call });
        assert_eq!(replayed.status, 200, "{replayed:?}");
    };
    replay(r#"{"sale":"demo","events":[2]}"#);
    assert_eq!(letters(3), all[..3]);
    replay(r#"{"sale":"demo"}"#);
    assert_eq!(letters(2), all[..2]);
    relents.store(false, Ordering::SeqCst);
    replay("");
    assert_eq!(letters(2), all[..2], "refused again");
    relents.store(true, Ordering::SeqCst);
    replay("{}");
    assert_eq!(letters(0), [""; 0]);
}
