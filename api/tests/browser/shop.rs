//! The shop that the browser visits: the program with one sale, and nginx in front if wanted.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    peer::{Program, dying_with_us, wait_until_up},
    ports,
};

use crate::{chromium::HOST, http};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rushgate");
/// Killed, it would leave its workers behind.
const NGINX: Program = Program { command: "nginx", package: "nginx", end: "TERM" };

/// A running shop.
#[derive(Debug)]
pub(crate) struct Shop {
    child: Child,
    public: SocketAddr,
    operator: String,
    backend: String,
    proxy: Option<(Child, u16)>,
    directory: TempDir,
}

impl Shop {
    /// Starts the program and makes the sale `drop`, of which `changes` are.
    pub(crate) fn start(changes: &Value) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("config.toml"), "[pages]\ndemo_payment = true\n").unwrap();
        let (child, public) = spawn(directory.path(), "127.0.0.1:0");
        let keys = fs::read_to_string(directory.path().join("data/keys.json")).unwrap();
        let keys: Value = serde_json::from_str(&keys).unwrap();
        let key = |role: &str| keys[role].as_str().unwrap().to_owned();
        let (operator, backend) = (key("operator"), key("backend"));
        let shop = Self { child, public, operator, backend, proxy: None, directory };
        shop.sell("drop", changes);
        shop
    }

    /// Makes a sale, of which `changes` are.
    pub(crate) fn sell(&self, name: &str, changes: &Value) {
        let mut sale = json!({
            "id": name, "title": "Autumn sneaker", "admission_per_second": 1_000,
            "active_max": 1_000, "per_shopper_max": 4,
            "offers": [{ "sku": "shoe-42", "total": 10, "price": 99_000, "currency": "KRW" }],
        });
        sale.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let (status, told) = self.operator("", &sale);
        assert_eq!(status, 201, "{told}");
    }

    /// The same behind nginx as a beginner sets it up: it sends its upstream's name as `Host`.
    pub(crate) fn behind_nginx(changes: &Value) -> Self {
        let mut shop = Self::start(changes);
        let (port, folder) = (ports::free(), shop.directory.path().to_owned());
        let config = format!(
            "pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}} http {{ \
             access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; \
             fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; \
             upstream rushgate {{ server {}; }} \
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://rushgate; }} }} }}",
            shop.public,
            folder = folder.display(),
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = NGINX.dying_with_us().unwrap();
        command.args(["-g", "daemon off;", "-c"]).arg(&file);
        let log = folder.join("nginx.out");
        command.stdout(File::create(&log).unwrap());
        command.stderr(File::options().append(true).open(&log).unwrap());
        let mut proxy = command.spawn().unwrap();
        let up = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until_up(&mut proxy, &log, up).unwrap();
        shop.proxy = Some((proxy, port));
        shop
    }

    /// An address for the browser.
    pub(crate) fn at(&self, path: &str) -> String {
        let port = self.proxy.as_ref().map_or_else(|| self.public.port(), |(_, port)| *port);
        format!("http://{HOST}:{port}{path}")
    }

    /// Ends the program as a power cut would. A proxy in front answers with pages of its own.
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self) {
        let (child, public) = spawn(self.directory.path(), &self.public.to_string());
        assert_eq!(public, self.public);
        self.child = child;
    }

    /// The room's address for the browser.
    pub(crate) fn room(&self) -> String {
        self.at("/s/drop")
    }

    fn operator(&self, call: &str, body: &Value) -> (u16, Value) {
        let path = format!("/v1/admin/sales{call}");
        http::ask(self.public, ("POST", &path), &self.operator, body)
    }

    /// An operator's call that succeeds.
    pub(crate) fn act(&self, call: &str, body: &Value) {
        let (status, told) = self.operator(&format!("/drop/{call}"), body);
        assert_eq!(status, 200, "{call}: {told}");
    }

    /// The same of another sale.
    pub(crate) fn act_on(&self, sale: &str, call: &str) {
        let (status, told) = self.operator(&format!("/{sale}/{call}"), &Value::Null);
        assert_eq!(status, 200, "{sale} {call}: {told}");
    }

    /// The address of a room by an invitation to it that holds until `expires_at`.
    pub(crate) fn invites(&self, sale: &str, expires_at: &str) -> String {
        let wanted = json!({ "count": 1, "expires_at": expires_at });
        let (status, made) = self.operator(&format!("/{sale}/invites"), &wanted);
        assert_eq!(status, 201, "{made}");
        self.at(&format!("/s/{sale}?invite={}", made["invites"][0].as_str().unwrap()))
    }

    /// Another shopper gets in line; answers with the place.
    pub(crate) fn enter(&self, sale: &str) -> Value {
        let call = ("POST", &*format!("/v1/sales/{sale}/enter"));
        http::ask(self.public, call, "", &Value::Null).1
    }

    /// Another shopper, who was let in, buys the last unit of a sale.
    pub(crate) fn sell_out(&self, sale: &str, pass: &str) {
        let wanted = json!({ "items": [{ "sku": "shoe-42", "quantity": 1 }] });
        let call = ("POST", &*format!("/v1/sales/{sale}/purchase"));
        let (status, held) = http::ask_once(self.public, call, pass, &wanted);
        assert_eq!(status, 201, "{held}");
        let id = held["purchase"].as_str().unwrap();
        self.settle(sale, id, "pay");
        self.settle(sale, id, "confirm");
    }

    /// What the shop's backend says of a purchase.
    pub(crate) fn settle(&self, sale: &str, id: &str, verb: &str) {
        let call = ("POST", &*format!("/v1/sales/{sale}/purchases/{id}/{verb}"));
        let (status, told) = http::ask(self.public, call, &self.backend, &Value::Null);
        assert_eq!(status, 200, "{told}");
    }

    pub(crate) fn stats(&self) -> Value {
        let path = "/v1/admin/sales/drop/stats";
        http::ask(self.public, ("GET", path), &self.operator, &Value::Null).1
    }

    /// Waits until an offer has so many units available.
    pub(crate) fn has_available(&self, units: u64) {
        for _ in 0..200 {
            if self.stats()["offers"][0]["available"] == units {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        unreachable!("{units} are not available: {}", self.stats())
    }
}

/// Starts the program on what is in a folder, and answers where it listens.
fn spawn(folder: &Path, listen: &str) -> (Child, SocketAddr) {
    let mut command: Command = dying_with_us(Path::new(PROGRAM), "KILL").unwrap();
    command.args(["serve", "--listen", listen, "--ops-listen", "127.0.0.1:0"]);
    command.arg("--config").arg(folder.join("config.toml"));
    command.arg("--data").arg(folder.join("data"));
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    (child, line["public"].as_str().unwrap().parse().unwrap())
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Asked rather than killed, so that nginx takes its workers along.
        if let Some((proxy, _)) = &mut self.proxy
            && kill_process(Pid::from_child(proxy), Signal::TERM).is_ok()
        {
            drop(proxy.wait());
        }
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
