//! Whole servers with a shop's sink in their process and a webhook beside it: this very test binary,
//! started again as processes of their own, killed and restarted.

use std::{
    collections::BTreeSet,
    env, fmt,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use api::{
    config::{self, Overrides},
    mount::{Guest, MountOptions, MountService, Opened},
    serve,
};
use axum::Router;
use bytes::Bytes;
use engine::{
    id::SinkName,
    outbox::OrderEvent,
    sink::{Answer, Answers, Capacity, Sink},
};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tempfile::TempDir;
use testkit::redis::{AppendFsync, Redis};

use crate::{
    receiver::{Act, Ledger, Receiver, Seen},
    shop::{SECRET, until},
};

/// Names the directory of the server that this process is to be.
const DIRECTORY: &str = "RUSHGATE_TEST_PIPELINE";
/// The file of a server's directory during which its shop does not open.
const CLOSED: &str = "closed";
const OPERATOR: &str = "operator-key-of-the-test";
/// A node of many has silent ones parted after some seconds.
const PATIENCE: Duration = Duration::from_mins(1);

const SALE: &str = r#"
[[sale]]
id = "demo"
opens_at = "2026-01-01T00:00:00Z"
identity = "anonymous"
per_shopper_max = 1000
[[sale.offer]]
sku = "sneaker-42"
total = 10000
price = 99000
currency = "KRW"
"#;

/// Takes order events into a file, as a shop takes them into its tables.
#[derive(Debug)]
struct ShopSink {
    file: PathBuf,
}

impl Sink for ShopSink {
    fn capacity(&self) -> Capacity {
        Capacity { batch_events_max: 512, batches_max: 1, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        let mut lines = String::new();
        for event in &events {
            writeln!(lines, "{}-{}", event.sale, event.id.0).unwrap();
        }
        Box::pin(async move {
            let file = fs::OpenOptions::new().create(true).append(true).open(&self.file);
            file.and_then(|mut file| file.write_all(lines.as_bytes())).unwrap();
            vec![Answer::Taken; events.len()]
        })
    }
}

/// A running server.
struct Server {
    child: Child,
    addr: SocketAddr,
    dir: Arc<TempDir>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fs::read_to_string(self.dir.path().join("stderr.txt")).unwrap_or_default())
    }
}

impl Server {
    /// A server that posts to a receiver, with more sections.
    fn start(receiver: &Receiver, more: &str) -> Self {
        let dir = TempDir::with_prefix("rushgate-pipeline-").unwrap();
        let (url, data) = (receiver.url(), dir.path().join("data"));
        let secret = String::from_utf8(SECRET.to_vec()).unwrap();
        let node = dir.path().file_name().unwrap().to_string_lossy().into_owned();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\nnode = \"{node}\"\n\
             [data]\ndir = \"{}\"\n[keys]\noperator = \"{OPERATOR}\"\n\
             secret = \"0123456789abcdef0123456789abcdef\"\n\
             [pipeline]\nsink = \"webhook\"\nwebhook_url = \"{url}\"\nwebhook_secret = \"{secret}\"\n\
             {more}{SALE}",
            data.display(),
        );
        fs::write(dir.path().join("config.toml"), config).unwrap();
        Self::start_in(Arc::new(dir))
    }

    fn start_in(dir: Arc<TempDir>) -> Self {
        let errors = dir.path().join("stderr.txt");
        let errors = fs::OpenOptions::new().create(true).append(true).open(errors).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["process::a_server_of_several_sinks", "--exact", "--nocapture"]);
        command.env(DIRECTORY, dir.path()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let listening: Value = loop {
            line.clear();
            let count = output.read_line(&mut line).unwrap();
            let said = || fs::read_to_string(dir.path().join("stderr.txt")).unwrap();
            assert!(count > 0, "the server ended: {}", said());
            // The test harness says something before.
            if let Some(at) = line.find('{') {
                break serde_json::from_str(&line[at..]).unwrap();
            }
        };
        let addr = listening["public"].as_str().unwrap().parse().unwrap();
        Self { child, addr, dir }
    }

    /// `kill -9`.
    fn killed(mut self) -> Arc<TempDir> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Arc::clone(&self.dir)
    }

    async fn ask(&self, call: &str, bearer: &str, key: &str, body: &'static str) -> (u16, Value) {
        let (method, path) = call.split_once(' ').unwrap();
        let url = format!("http://{}/v1/{path}", self.addr);
        let mut request = Request::builder().method(method).uri(url);
        if !bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        let request = request.body(body).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Enters and is let in.
    async fn pass(&self) -> String {
        let (_, mut place) = self.ask("POST sales/demo/enter", "", "", "").await;
        let ticket = place["ticket"].as_str().unwrap_or_else(|| panic!("{place}")).to_owned();
        while place["pass"].is_null() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            place = self.ask("GET sales/demo/position", &ticket, "", "").await.1;
        }
        place["pass"].as_str().unwrap().to_owned()
    }

    async fn buy(&self, pass: &str, keys: std::ops::Range<u32>) {
        const BODY: &str = r#"{"items":[{"sku":"sneaker-42","quantity":1}]}"#;
        for key in keys {
            let key = format!("purchase-{key}");
            let (status, told) = self.ask("POST sales/demo/purchase", pass, &key, BODY).await;
            assert!(matches!(status, 200 | 201), "{status} {told}");
        }
    }

    async fn outbox(&self) -> Value {
        self.ask("GET admin/outbox", OPERATOR, "", "").await.1
    }

    /// Waits until the sinks have these lags: the webhook's, then the shop's.
    async fn lags(&self, expected: [u64; 2]) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let told = self.outbox().await;
            let lags = [&told["sinks"][0], &told["sinks"][1]].map(|sink| sink["lag"].as_u64());
            if lags == expected.map(Some) {
                return told;
            }
            assert!(begun.elapsed() < PATIENCE, "{expected:?} of {told}\n{self:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The events its shop has, each as often as it was told.
    fn shop(&self) -> Vec<String> {
        let file = fs::read_to_string(self.dir.path().join("shop.txt")).unwrap_or_default();
        file.lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Manners that answer 503 while a flag is set.
fn fails_while(failing: &Arc<AtomicBool>) -> impl Fn(&Seen) -> Act + Send + Sync + 'static {
    let failing = Arc::clone(failing);
    move |_| if failing.load(Ordering::SeqCst) { Act::Answer(503, "later") } else { Act::Take }
}

#[test]
fn a_server_of_several_sinks() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        // Started by the tests below, which are what is tested.
        return;
    };
    let directory = PathBuf::from(directory);
    let config = Some(directory.join("config.toml"));
    let config = config::load(config.as_deref(), Overrides::default()).unwrap();
    let guest = Guest {
        options: MountOptions::default(),
        sink: SinkName::parse("shop"),
        open: Box::new(move |_| {
            Box::pin(async move {
                let begun = tokio::time::Instant::now();
                while directory.join(CLOSED).exists() && begun.elapsed() < PATIENCE {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let service = MountService::new(Router::new());
                let sink = ShopSink { file: directory.join("shop.txt") };
                Ok(Opened { service, sink: Some(Arc::new(sink)), finishing: None })
            })
        }),
    };
    let code = serve::run(config, Some(guest));
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_holds_up_no_shop_in_the_process_and_both_go_on_after_a_kill() {
    let (failing, ledger) = (Arc::new(AtomicBool::new(true)), Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, fails_while(&failing)).await;
    let server = Server::start(&receiver, "");
    let pass = server.pass().await;
    server.buy(&pass, 0..20).await;
    let told = server.lags([20, 0]).await;
    assert_eq!((&told["lag"], &told["sinks"][1]["sink"]), (&20.into(), &"shop".into()));
    assert_eq!(told["sinks"][1]["stalled"], Value::Null);
    assert_eq!(told["stalled"], told["sinks"][0]["stalled"]);
    assert_eq!(server.shop().len(), 20);

    let server = Server::start_in(server.killed());
    server.buy(&pass, 20..30).await;
    server.lags([30, 0]).await;
    let shop = server.shop();
    assert_eq!(shop.len(), 30, "the shop is told nothing again: {shop:?}");
    failing.store(false, Ordering::SeqCst);
    server.lags([0, 0]).await;
    ledger.assert_whole(30);
    assert_eq!(server.shop().iter().collect::<BTreeSet<_>>().len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_takes_long_to_open_does_not_keep_the_webhook_waiting() {
    let (failing, ledger) = (Arc::new(AtomicBool::new(true)), Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, fails_while(&failing)).await;
    let server = Server::start(&receiver, "");
    let pass = server.pass().await;
    server.buy(&pass, 0..10).await;
    server.lags([10, 0]).await;

    let dir = server.killed();
    fs::write(dir.path().join(CLOSED), "").unwrap();
    failing.store(false, Ordering::SeqCst);
    let starting = Arc::clone(&dir);
    let starting = tokio::task::spawn_blocking(move || Server::start_in(starting));
    until("the webhook has all", || ledger.count() == 10).await;
    assert!(!starting.is_finished(), "the shop is closed");
    fs::remove_file(dir.path().join(CLOSED)).unwrap();
    starting.await.unwrap().lags([0, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_redis_another_node_goes_on_for_each_sink_where_the_killed_one_was() {
    let redis = Redis::start(AppendFsync::Always).unwrap();
    let (failing, ledger) = (Arc::new(AtomicBool::new(true)), Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, fails_while(&failing)).await;
    let more = format!(
        "[arbiter]\nkind = \"redis\"\n[redis]\nurl = \"redis+unix://{}\"\n",
        redis.socket().display()
    );
    let (one, two) = (Server::start(&receiver, &more), Server::start(&receiver, &more));
    let pass = one.pass().await;
    one.buy(&pass, 0..10).await;
    two.buy(&pass, 10..20).await;
    one.lags([20, 0]).await;
    two.lags([20, 0]).await;
    let shops = [one.shop().len(), two.shop().len()];
    assert!(shops.contains(&20) && shops.contains(&0), "one node delivers a sale: {shops:?}");

    let (delivering, other) = if shops[0] == 20 { (one, two) } else { (two, one) };
    let dir = delivering.killed();
    other.buy(&pass, 20..30).await;
    other.lags([30, 0]).await;
    assert_eq!(other.shop().len(), 10, "only what the other shop had not: {:?}", other.shop());
    failing.store(false, Ordering::SeqCst);
    other.lags([0, 0]).await;
    ledger.assert_whole(30);

    let again = Server::start_in(dir);
    again.lags([0, 0]).await;
    assert_eq!(again.shop().len(), 20, "nothing is told again");
    until("no event is left with anyone", || ledger.count() == 30).await;
}
